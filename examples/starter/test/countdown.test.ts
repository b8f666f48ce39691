import { crashEverywhere, runMethod } from "edge-operations/testing";
import { expect, test } from "vitest";
import { runCountdown } from "../src/countdown.js";

const request = { parent: "projects/p", seconds: 3 };

test("countdown counts down to lift-off", async () => {
  const { response, metadata } = await runMethod(runCountdown, request);

  expect(response).toEqual({ liftOff: true });
  expect(metadata).toMatchObject({ secondsLeft: 1 });
});

test("countdown has the same result wherever its machine dies", async () => {
  const { points } = await crashEverywhere(runCountdown, request);

  expect(points.length).toBeGreaterThanOrEqual(3);
});
