// What the platform's rules, played by their real numbers, come to for a deployment as it is configured by default.
import { expect, test } from "vitest";
import { playScenario } from "./simulate";

test("an operation runs in one invocation", async () => {
  expect(await playScenario("longWork")).toMatchObject({ state: "SUCCEEDED", runners: 1 });
});
