// The counters: what is written to Analytics Engine where it is bound, and that nothing is missed where it is not.
import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { DEFAULT_LEASE_MS } from "../../src/limits";
import { describe, expect, test } from "vitest";
import { type Env, RpcError } from "../../src/index";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  type Started,
  call,
  deliverNext,
  fireAlarm,
  outboxIsEmpty,
  runNext,
  startScript,
  stateOf,
  storedRecord,
  useFreshWorld,
} from "./harness";
import worker from "./worker";

useFreshWorld();

/** The blobs and the doubles of what was counted. */
const counted = (): unknown[] => controls.dataPoints.map(({ blobs, doubles }) => [blobs, doubles]);

async function backOffPasses(operation: Started): Promise<void> {
  clock.advanceTo((await storedRecord(operation))?.wakeTime ?? 0);
  await fireAlarm(operation);
}

describe("the counters of an operation", () => {
  test("count its start, each further attempt, and its end with the duration", async () => {
    let attempts = 0;
    const operation = await startScript(async () => {
      attempts += 1;
      if (attempts === 1) throw new RpcError("UNAVAILABLE", "canary");
      return { text: "canary" };
    });
    await runNext();
    await backOffPasses(operation);
    await runNext();
    const { createTime, endTime = 0 } = (await storedRecord(operation))!;

    expect(counted()).toEqual([
      [
        ["started", "scripts:run", "", "", "start"],
        [1, 0, 0],
      ],
      [
        ["retried", "scripts:run", "UNAVAILABLE", "FAILED", "attemptFailed"],
        [1, 0, 1],
      ],
      [
        ["finished", "scripts:run", "OK", "", "succeed"],
        [1, endTime - createTime, 2],
      ],
    ]);
    expect(endTime - createTime).toBeGreaterThan(0);
    expect(controls.dataPoints.every(({ indexes }) => indexes?.[0] === "scripts:run")).toBe(true);
    // Neither what it is called nor what it says.
    expect(JSON.stringify(controls.dataPoints)).not.toMatch(new RegExp(`canary|${operation.id}`));
  });

  test("count a lost lease", async () => {
    const operation = await startScript(() => new Promise(() => {}));
    await deliverNext();
    await eventually(async () => (await stateOf(operation)) === "RUNNING");
    clock.advance(DEFAULT_LEASE_MS + 1_000);
    await call("GET", `/v1/${operation.name}`);

    expect(controls.dataPoints.slice(1).map(({ blobs }) => blobs)).toEqual([
      ["leaseLost", "scripts:run", "", "LOST", "loseLease"],
      ["retried", "scripts:run", "", "LOST", "loseLease"],
    ]);
  });

  test("count its end once, under its code, whatever else happens", async () => {
    const operation = await startScript(async () => ({}));
    await call("POST", `/v1/${operation.name}:cancel`);
    await call("POST", `/v1/${operation.name}:cancel`);
    await outboxIsEmpty(operation);
    await call("DELETE", `/v1/${operation.name}`);

    const finished = controls.dataPoints.filter(({ blobs }) => blobs?.[0] === "finished");
    expect(finished.map(({ blobs }) => blobs?.[2])).toEqual(["CANCELLED"]);
  });
});

describe("the counters of a sweep", () => {
  const points: AnalyticsEngineDataPoint[] = [];
  const METRICS: AnalyticsEngineDataset = { writeDataPoint: (point = {}) => void points.push(point) };

  async function sweep(environment: Env): Promise<void> {
    points.length = 0;
    await worker.scheduled(createScheduledController({ cron: "*/5 * * * *" }), environment);
  }

  test("have the age of the oldest running operation", async () => {
    const old = await startScript(async () => ({}));
    clock.advance(120_000);
    await startScript(async () => ({}));
    await sweep({ ...env, METRICS });

    expect(points).toHaveLength(1);
    expect(points[0]).toMatchObject({ indexes: ["sweep"], blobs: ["swept"] });
    expect(points[0]?.doubles?.slice(0, 3)).toEqual([1, 120_000, 0]);

    await call("POST", `/v1/${old.name}:cancel`);
    await outboxIsEmpty(old);
    await sweep({ ...env, METRICS });
    expect(points[0]?.doubles?.[1]).toBe(0);
  });

  test("have the number of repaired rows", async () => {
    const operation = await startScript(async () => ({}));
    controls.indexWrite.fail("the index is down");
    const { passed } = controls.indexWrite;
    await call("POST", `/v1/${operation.name}:cancel`);
    await eventually(() => controls.indexWrite.passed > passed);
    controls.indexWrite.open();
    clock.advanceTo((await storedRecord(operation))!.deadline + 60_000);

    await sweep({ ...env, METRICS });

    expect(points[0]?.doubles?.[2]).toBe(1);
    expect(points[0]?.doubles?.[1]).toBe(0);
  });

  test("are not written if Analytics Engine is not bound", async () => {
    await startScript(async () => ({}));
    await sweep(env);

    expect(points).toEqual([]);
  });
});
