// The effects of the platform's rules, with their real numbers, on a deployment as it is configured by default.
import { expect, test } from "vitest";
import { playScenario } from "./simulate";

test("a handler works for eight minutes in one invocation", async () => {
  expect(await playScenario("longWork")).toMatchObject({ state: "SUCCEEDED", runners: 1 });
});

test("an operation of five minutes delays none of a hundred behind it by more than a minute", async () => {
  const { done, longSeconds, slowestSeconds } = await playScenario("longBeforeShort");

  expect(done).toBe(100);
  expect(longSeconds).toBeGreaterThan(300);
  expect(slowestSeconds).toBeLessThan(60);
});

test("a deploy in the middle of a thousand waits leaves each answered with the end", async () => {
  const { outcomes, mostAtOnce } = await playScenario("deployAmidWaits");

  expect(outcomes).toEqual({ done: 1_000 });
  // Within a tenth of a second, of the calls that follow the cut.
  expect(mostAtOnce).toBeLessThan(300);
});

test("work continues within 11 seconds of the death of its runner", async () => {
  const { state, secondsUntilNext } = await playScenario("runnerDies");

  expect(state).toBe("SUCCEEDED");
  expect(secondsUntilNext).toBeLessThan(11);
});

test("forty operations start although the only shard of the index is nearly full, and no shard reaches 10 GB", async () => {
  const { done, fullest, shards } = await playScenario("fullShard");

  expect(done).toBe(41);
  expect(shards).toBeGreaterThan(1);
  expect(fullest).toBeLessThan(1);
});

test("a requestId costs a start one call, no object under a new name and no alarm, in one shard and in four", async () => {
  const { oneShard, fourShards, callsOfAMonth } = await playScenario("requestIds");

  // Alarms serve whatever is due in the same 15 seconds, so that a few come more or less.
  const cost = { calls: expect.closeTo(1, 1) as number, names: 0, alarmsSet: expect.closeTo(0, 1) as number };
  expect(oneShard).toEqual(cost);
  expect(fourShards).toEqual(cost);
  // The walk asks the operations of other shards a few times in a month whether they still exist, and not every day.
  expect(callsOfAMonth).toBeLessThan(3);
});

test("a requestId starts one operation while its scope is resharded, and its shard 0 fills up and is reset", async () => {
  expect(await playScenario("requestIdsAmidChanges")).toEqual({
    requestIds: 40,
    mostOfOne: 1,
    operations: 40,
    operationsInTheEnd: 40,
    done: 40,
    shards: 4,
    deleted: 20,
    startedAfterDeletion: 20,
    objectsOfRequestIds: 0,
  });
});
