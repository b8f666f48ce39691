// The invariants of the architecture, over random lives of operations: any events, in any order.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_MAX_ATTEMPTS } from "../../../src/limits";
import { dueTransition, nextDueTime } from "../../../src/lifecycle/due";
import { OUTBOX_EFFECTS, type Effect, type OperationEvent } from "../../../src/lifecycle/event";
import { indexRowFromRecord } from "../../../src/list/index-row";
import type { OperationRecord } from "../../../src/lifecycle/record";
import { etag, isVisible, operationJsonParts } from "../../../src/contract/resource";
import { type State, isFinal, lifecycle, nextState } from "../../../src/lifecycle/state";
import { recordFromStored, storedFromRecord } from "../../../src/lifecycle/stored-record";
import { advance } from "../../../src/lifecycle/advance";
import { beginnings } from "../../support/a-record-in";
import { aRecord } from "../../support/a-record";
import { World } from "../../support/a-world";
import { deepFreeze } from "../../support/deep-freeze";
import { everyEvent, everyEventIn } from "../../support/every-event";

/** One thing that happens: which of all events, how long after the one before, and under whose token. */
interface Happening {
  pick: number;
  elapsedMs: number;
  isStale: boolean;
  random: number;
}

const variants = everyEventIn({ fence: "", newFence: "", now: 0, random: 0, revision: 0 });

const happening: fc.Arbitrary<Happening> = fc.record({
  // Half of what happens is what a life is made of.
  pick: fc.oneof(
    fc.nat({ max: variants.length - 1 }),
    fc.constantFrom(...indexesOf("claim", "timePasses", "sleep", "yield", "attemptFailed", "effectDone")),
  ),
  // Mostly forward; a machine's clock may also be set back.
  elapsedMs: fc.oneof(
    { weight: 6, arbitrary: fc.nat({ max: 40_000 }) },
    { weight: 1, arbitrary: fc.nat({ max: 3_600_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: -100_000, max: 0 }) },
  ),
  isStale: fc.nat({ max: 7 }).map((number) => number === 0),
  random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
});

function indexesOf(...types: OperationEvent["type"][]): number[] {
  return variants.flatMap((event, index) => (types.includes(event.type) ? [index] : []));
}

interface Life {
  record: OperationRecord;
  now: number;
  world: World;
  erased: boolean;
  claims: number;
}

function begin(beginning: string): Life {
  const record = beginnings[beginning]!();
  const world = new World();
  world.take(
    record,
    Object.keys(record.outbox).map((type) => ({ type }) as Effect),
  );
  return { record, now: record.createTime, world, erased: false, claims: 0 };
}

/** The event that a happening stands for; the index and KV report through the model of the world. */
function eventOf(life: Life, { pick, isStale, random }: Happening): OperationEvent | undefined {
  const { record, now, world } = life;
  const { type } = variants[pick]!;
  const fence = isStale ? "stale" : (record.lease?.fence ?? "none");
  const event = everyEventIn({ fence, newFence: `claim ${life.claims}`, now, random, revision: record.revision })[
    pick
  ]!;
  if (type === "effectDone" && "effect" in event) return world.perform(event.effect);
  if (type === "effectFailed" && "effect" in event) return world.fail(event.effect);
  return event;
}

function live(life: Life, event: OperationEvent | undefined): void {
  if (!event) return;
  const before = deepFreeze(life.record);
  const beforeJson = JSON.stringify(before);
  const result = advance(before, event, life.now);
  life.claims += 1;

  expect(JSON.stringify(before)).toBe(beforeJson);
  if (!result.ok) return;
  life.record = result.record;
  life.erased = result.effects.some(({ type }) => type === "erase");
  life.world.take(result.record, result.effects);
  checkChange(before, event, result.record, result.effects);
  checkRecord(life, event);
}

/** The invariants between a record and the next. */
function checkChange(before: OperationRecord, event: OperationEvent, after: OperationRecord, effects: Effect[]): void {
  const reachable: readonly string[] = [before.state, ...reachableFrom(before.state)];
  expect(reachable).toContain(after.state);
  expect(after.revision).toBeGreaterThanOrEqual(before.revision);
  // "Unchanged metadata serialises to the same bytes", and another state of the operation has another ETag.
  if (after.deleteTime === undefined && json(before) !== json(after)) expect(etag(after)).not.toBe(etag(before));
  // "The first terminal write wins; `done`, `error`, `response`, `metadata` never change after it."
  if (isFinal(before.state)) {
    expect(after.state).toBe(before.state);
    expect(json(after)).toBe(json(before));
    expect(after).toMatchObject({ endTime: before.endTime, expireTime: before.expireTime });
  }
  // "Deleted stays deleted."
  if (before.deleteTime !== undefined) {
    expect(after.deleteTime).toBe(before.deleteTime);
    expect(after.outcome).toEqual(before.outcome);
  }
  // The runner that loses the token is told so.
  if (before.lease?.fence !== undefined && after.lease?.fence !== before.lease?.fence) {
    expect(effects).toContainEqual({ type: "tellRunner", message: "stop" });
  }
  if (before.state !== after.state && isFinal(after.state)) {
    expect(effects).toContainEqual({ type: "eraseWork" });
    if (after.deleteTime === undefined) expect(effects).toContainEqual({ type: "notifyWaiters" });
  }
  // "Nothing is retried after a cancel request."
  if (before.cancellation) expect(effects).not.toContainEqual({ type: "send" });
  if (event.type === "delete") expect(effects).toContainEqual({ type: "notifyWaiters" });
}

/** The invariants of every record. */
function checkRecord({ record, now, world, erased }: Life, event: OperationEvent): void {
  const isDone = isFinal(record.state);
  // "`done: false`: neither `error` nor `response`. `done: true`: exactly one of them."
  if (record.deleteTime === undefined) expect(record.outcome !== undefined).toBe(isDone);
  expect(record.endTime !== undefined).toBe(isDone);
  expect(record.expireTime !== undefined).toBe(isDone);
  if (record.deleteTime !== undefined) expect(isVisible(record, now)).toBe(false);
  // A token and its lease are there exactly while work can report.
  expect(record.lease !== undefined).toBe(nextState(record.state, "report") !== undefined);
  expect(record.queueMessage !== undefined).toBe(record.state === "QUEUED");
  expect(recordFromStored(storedFromRecord(record))).toEqual(record);
  expect(record.attempt.failures).toBeLessThanOrEqual(MAX_MAX_ATTEMPTS);
  if (erased) {
    // "Forget everything" only what has expired, or is deleted, has ended, and is known to be by index and KV.
    expect(isDone).toBe(true);
    if (now < record.expireTime!) {
      expect(record.deleteTime).toBeDefined();
      expect(world.row).toBe("tombstone");
      expect(world.snapshot).toBeUndefined();
    }
    return;
  }
  // "Never stuck": there is always a next time, until the world knows all of the end.
  const due = nextDueTime(record);
  if (!isDone) expect(due).toBeLessThanOrEqual(record.deadline);
  if (Object.keys(record.outbox).length > 0) expect(due).toBeDefined();
  if (event.type === "timePasses") {
    expect(dueTransition(record, now)).toBeUndefined();
    if (due !== undefined) expect(due).toBeGreaterThan(now);
  }
  // An entry leaves the outbox only when the index has the latest.
  if (record.outbox.index === undefined && record.revision > 1) {
    const expected = record.deleteTime === undefined ? indexRowFromRecord(record) : "tombstone";
    expect(world.row).toEqual(expected);
  }
  if (isDone && record.outbox.snapshot === undefined && record.policy.snapshot) {
    expect(world.snapshot !== undefined).toBe(record.deleteTime === undefined);
  }
}

function reachableFrom(state: State): string[] {
  const seen = new Set<string>();
  const waiting: string[] = Object.values(lifecycle[state]);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    waiting.push(...Object.values(lifecycle[next as State]));
  }
  return [...seen];
}

function json(record: OperationRecord): string {
  return JSON.stringify(operationJsonParts(record));
}

const lives = fc.record({
  beginning: fc.constantFrom(...Object.keys(beginnings)),
  happenings: fc.array(happening, { minLength: 1, maxLength: 60 }),
});

function liveThrough({ beginning, happenings }: { beginning: string; happenings: Happening[] }): Life {
  const life = begin(beginning);
  for (const next of happenings) {
    if (life.erased) break;
    life.now += next.elapsedMs;
    live(life, eventOf(life, next));
  }
  return life;
}

describe("over any life of an operation", () => {
  test("the invariants hold", () => {
    fc.assert(
      fc.property(lives, (life) => {
        expect(liveThrough(life).record.id).toBe(aRecord().id);
      }),
      { numRuns: 300 },
    );
  });

  // "Every accepted operation becomes done, whatever the Queue loses" and whatever index and KV refuse.
  test("alarms alone end the operation by its deadline, and empty the outbox once its targets are reachable", () => {
    fc.assert(
      fc.property(lives, (begun) => {
        const life = liveThrough(begun);
        const latestEnd = Math.max(life.record.endTime ?? life.now, life.record.deadline);
        let alarms = 0;
        while (!life.erased && !isFinal(life.record.state)) {
          life.now = Math.max(life.now, nextDueTime(life.record)!);
          live(life, { type: "timePasses", random: 0.9 });
          live(life, life.world.fail("index"));
          alarms += 1;
          expect(alarms).toBeLessThan(500);
        }
        expect(life.record.endTime).toBeLessThanOrEqual(latestEnd);
        for (let due = nextDueTime(life.record); due !== undefined && !life.erased; due = nextDueTime(life.record)) {
          life.now = Math.max(life.now, due);
          live(life, { type: "timePasses", random: 0.9 });
          for (const effect of OUTBOX_EFFECTS) if (!life.erased) live(life, life.world.perform(effect));
        }
        expect(life.erased || Object.keys(life.record.outbox).length === 0).toBe(true);
      }),
      { numRuns: 80 },
    );
  });

  test("the deadline ends an operation that no runner ever claims", () => {
    const life = begin("queued");
    while (!isFinal(life.record.state)) {
      life.now = nextDueTime(life.record)!;
      live(life, { type: "timePasses", random: 0 });
    }

    expect(life.record).toMatchObject({ state: "FAILED", endTime: life.record.deadline });
  });
});

test("every kind of event takes part", () => {
  expect(new Set(variants.map(({ type }) => type)).size).toBe(Object.keys(everyEvent).length);
});
