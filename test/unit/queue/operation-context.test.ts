import { describe, expect, test } from "vitest";
import { MAX_CHECKPOINT_CHARACTERS, MAX_SLEEPS, MAX_STEPS, MAX_STEP_NAME_CHARACTERS } from "../../../src/limits";
import type { Claimed, ProgressMessage } from "../../../src/operation/run-channel";
import { RunContext, type RunPorts } from "../../../src/queue/operation-context";
import { Unwinding } from "../../../src/queue/unwinding";
import { CREATE_TIME, HOUR_MS } from "../../support/an-operation";

const NOW = CREATE_TIME + 1_000;

function aClaim(overrides: Partial<Claimed> = {}): Claimed {
  return {
    type: "claimed",
    fence: "one",
    leaseMs: 60_000,
    name: "operations/1",
    method: "tables:profile",
    methodVersion: "1",
    createTime: CREATE_TIME,
    deadline: CREATE_TIME + HOUR_MS,
    attempt: 1,
    maxAttempts: 5,
    request: "{}",
    sleeps: [],
    cancelRequested: false,
    steps: [],
    ...overrides,
  };
}

/** A context, and what it had stored. */
function aContext(claimed: Partial<Claimed> = {}, ports: Partial<RunPorts> = {}) {
  const saved: [string, string][] = [];
  const sent: ProgressMessage[] = [];
  const op = new RunContext(aClaim(claimed), {
    now: () => NOW,
    sendProgress: (progress) => void sent.push(progress),
    saveStep: async (name, result) => void saved.push([name, result]),
    saveCheckpoint: async (cursor) => void saved.push(["checkpoint", cursor]),
    stepResult: async (place) => `"of place ${place}"`,
    checkLease: async () => {},
    stepSpan: (_, work) => work(),
    log: () => undefined,
    signal: new AbortController().signal,
    input: new ReadableStream(),
    hasDefaultMetadata: true,
    yieldTime: Infinity,
    ...ports,
  });
  return { op, saved, sent };
}

async function unwindingOf(act: () => Promise<unknown>): Promise<Unwinding> {
  const thrown = await act().then(
    () => expect.fail("it was not unwound"),
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(Unwinding);
  return thrown as Unwinding;
}

test("an operation that was started without an input has one empty one, however often it is asked for", async () => {
  const { op } = aContext({}, { input: undefined });

  expect(op.input).toBe(op.input);
  expect(await new Response(op.input).bytes()).toHaveLength(0);
});

test("a handler sees its operation's facts", () => {
  const { op } = aContext({ attempt: 3, inputBytes: 7, checkpoint: '{"row":5}' });

  expect(op).toMatchObject({ name: "operations/1", attempt: 3, inputBytes: 7, resumeFrom: { row: 5 } });
  expect(op.createTime).toEqual(new Date(CREATE_TIME));
  expect(op.deadline).toEqual(new Date(CREATE_TIME + HOUR_MS));
});

describe("a durable sleep", () => {
  test("unwinds the handler, and says which sleep it is and until when", async () => {
    const { op } = aContext();
    const { reason } = await unwindingOf(() => op.sleep("90s"));

    expect(reason).toEqual({ type: "sleep", ordinal: 0, wakeTime: NOW + 90_000 });
    expect(op.unwinding?.reason).toBe(reason);
  });

  test("that is over is passed by in a replay, whatever it would be set to now", async () => {
    const { op } = aContext({ sleeps: [{ ordinal: 0, wakeTime: NOW - 1 }] });
    await op.sleep("30d");

    expect(op.unwinding).toBeUndefined();
    expect((await unwindingOf(() => op.sleep("1s"))).reason).toMatchObject({ ordinal: 1 });
  });

  test("into the past takes no time, and counts as a call", async () => {
    const { op } = aContext();
    await op.sleepUntil(new Date(NOW - 1));
    await op.sleep("0s");

    expect((await unwindingOf(() => op.sleep("1s"))).reason).toMatchObject({ ordinal: 2 });
  });

  test.each(["", "1", "soon", "-1s", "1e9s", "400d", "100000000d"])("is not set to %j", async (duration) => {
    const { op } = aContext();

    await expect(op.sleep(duration as "1s")).rejects.toThrow(/^op\.sleep/);
    expect(op.unwinding).toBeUndefined();
  });

  test("is not set to a Date that is none", async () => {
    await expect(aContext().op.sleepUntil(new Date(Number.NaN))).rejects.toThrow(TypeError);
  });

  test("comes no more often than there is room for", async () => {
    const sleeps = Array.from({ length: MAX_SLEEPS }, (_, ordinal) => ({ ordinal, wakeTime: NOW }));
    const { op } = aContext({ sleeps });
    for (let count = 0; count < MAX_SLEEPS; count += 1) await op.sleep("1s");

    await expect(op.sleep("1s")).rejects.toThrow(RangeError);
  });
});

// "No consumer believes it owns the work longer than a lease after its last confirmed keep-alive."
test("a step does not begin after the lease has expired unnoticed", async () => {
  const abort = new AbortController();
  const checkLease = async (): Promise<void> => abort.abort(new Error("the lease is over"));
  const { op, saved } = aContext({}, { signal: abort.signal, checkLease });
  let runs = 0;

  await expect(op.step("late", () => (runs += 1))).rejects.toThrow("the lease is over");
  expect({ runs, saved }).toEqual({ runs: 0, saved: [] });
});

// "a handler that swallows the unwinding has its result discarded".
describe("a handler that catches its unwinding", () => {
  test("is known to have been unwound, and is so again by whatever it does next", async () => {
    const { op, saved } = aContext();
    const first = await unwindingOf(() => op.sleep("1h"));

    expect(await unwindingOf(() => op.sleep("2h"))).toBe(first);
    expect(await unwindingOf(() => op.step("late", () => "work"))).toBe(first);
    expect(await unwindingOf(() => op.checkpoint({ row: 9 }))).toBe(first);
    expect(saved).toEqual([]);
  });
});

// "A step whose result was stored is never run again."
describe("a step", () => {
  test("is run and its result stored before it is given", async () => {
    const { op, saved } = aContext();

    expect(await op.step("parse", () => ({ rows: 3 }))).toEqual({ rows: 3 });
    expect(saved).toEqual([["parse", '{"rows":3}']]);
  });

  test("that is stored is not run again", async () => {
    const { op, saved } = aContext({ steps: [{ name: "parse", place: 0, result: '{"rows":3}' }] });

    expect(await op.step("parse", () => expect.fail("it was run again"))).toEqual({ rows: 3 });
    expect(saved).toEqual([]);
  });

  test("whose stored result is large is fetched", async () => {
    const { op } = aContext({ steps: [{ name: "parse", place: 4 }] });

    expect(await op.step("parse", () => "again")).toBe("of place 4");
  });

  test("gives the first time what a replay will be given", async () => {
    const { op } = aContext();

    expect(await op.step("date", () => new Date(0) as unknown)).toBe("1970-01-01T00:00:00.000Z");
    expect(await op.step("nothing", () => undefined)).toBeNull();
  });

  test("that fails stores nothing", async () => {
    const { op, saved } = aContext();
    const work = op.step("parse", () => {
      throw new Error("broken");
    });

    await expect(work).rejects.toThrow("broken");
    expect(saved).toEqual([]);
  });

  test("gives way, unrun, once the invocation has had its time", async () => {
    const { op } = aContext({}, { yieldTime: NOW });
    const { reason } = await unwindingOf(() => op.step("parse", () => expect.fail("it was run")));

    expect(reason).toEqual({ type: "yield" });
  });

  test("is passed by in a replay even then", async () => {
    const { op } = aContext({ steps: [{ name: "parse", place: 0, result: "1" }] }, { yieldTime: NOW });

    expect(await op.step("parse", () => 2)).toBe(1);
  });

  test("is not begun once the signal is aborted", async () => {
    const { op } = aContext({}, { signal: AbortSignal.abort(new Error("cancelled")) });

    await expect(op.step("parse", () => expect.fail("it was run"))).rejects.toThrow("cancelled");
  });

  test.each<[string, string]>([
    ["no name", ""],
    ["a name that is too long", "x".repeat(MAX_STEP_NAME_CHARACTERS + 1)],
  ])("needs a name: %s is refused", async (_, name) => {
    await expect(aContext().op.step(name, () => 1)).rejects.toThrow(TypeError);
  });

  test("has a name of its own", async () => {
    const { op } = aContext();
    await op.step("parse", () => 1);

    await expect(op.step("parse", () => 2)).rejects.toThrow('two steps of one operation have the name "parse"');
  });

  test.each([
    ["a function", () => () => 1],
    ["a symbol", () => Symbol("x")],
  ])("cannot result in %s", async (_, run: () => unknown) => {
    await expect(aContext().op.step("parse", run)).rejects.toThrow(
      /^the result of the step "parse": it is a \w+\. Return JSON/,
    );
  });

  test("comes no more often than there is room for", async () => {
    const { op } = aContext();
    for (let count = 0; count < MAX_STEPS; count += 1) await op.step(`step ${count}`, () => 1);

    await expect(op.step("one more", () => 1)).rejects.toThrow(RangeError);
  });
});

describe("a checkpoint", () => {
  test("is stored, and gives way once the invocation has had its time", async () => {
    const { op, saved } = aContext({}, { yieldTime: NOW });
    const { reason } = await unwindingOf(() => op.checkpoint({ row: 5 }));

    expect(reason).toEqual({ type: "yield" });
    expect(saved).toEqual([["checkpoint", '{"row":5}']]);
  });

  test("that is too large is refused", async () => {
    const { op, saved } = aContext();

    await expect(op.checkpoint("x".repeat(MAX_CHECKPOINT_CHARACTERS))).rejects.toThrow(RangeError);
    expect(saved).toEqual([]);
  });
});

test("the last word carries all progress: what was sent before may have been lost with its channel", () => {
  const { op, sent } = aContext();
  op.progress({ rows: 1 });
  op.progress({ rows: 2 });

  expect(sent).toEqual([{ metadata: { rows: 1 } }]);
  expect(op.takeProgress()).toEqual({ metadata: { rows: 2 } });
  expect(op.takeProgress()).toEqual({ metadata: { rows: 2 } });
});

test("the last word carries none where none was reported", () => {
  expect(aContext().op.takeProgress()).toBeUndefined();
});
