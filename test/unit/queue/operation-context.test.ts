import { describe, expect, test } from "vitest";
import { MAX_CHECKPOINT_CHARACTERS, MAX_SLEEPS, MAX_STEPS, MAX_STEP_NAME_CHARACTERS } from "../../../src/limits";
import type { Claimed } from "../../../src/contract/run-channel";
import type { AttemptMemory } from "../../../src/lifecycle/record";
import type { RunContext } from "../../../src/queue/operation-context";
import type { RunPorts } from "../../../src/queue/run-ports";
import { RpcError, invalidArgument } from "../../../src/rpc/own-error";
import { CREATE_TIME, HOUR_MS } from "../../support/an-operation";
import { NOW, aContext, isPending, turn } from "./a-context";
import { RunSignal } from "../../../src/queue/run-signal";

function aborted(reason: Error): RunSignal {
  const signal = new RunSignal();
  signal.abort(reason);
  return signal;
}

test("op.input is one empty stream if the operation was started without an input", async () => {
  const { op } = aContext({}, { input: undefined });

  expect(op.input).toBe(op.input);
  expect(await new Response(op.input).bytes()).toHaveLength(0);
});

test("op has the facts of the operation", () => {
  const { op } = aContext({ attempt: 3, inputBytes: 7, checkpoint: '{"row":5}' });

  expect(op).toMatchObject({ name: "operations/1", attempt: 3, inputBytes: 7, resumeFrom: { row: 5 } });
  expect(op.createTime).toEqual(new Date(CREATE_TIME));
  expect(op.deadline).toEqual(new Date(CREATE_TIME + HOUR_MS));
});

test("a handler that goes on after the end of its invocation begins nothing, also if it used nothing before", async () => {
  const { op } = aContext();
  let hasRun = false;
  op.close();
  const step = op.step("late", () => (hasRun = true));
  const slept = op.sleep("90s");

  expect(await isPending(step)).toBe(true);
  expect(await isPending(slept)).toBe(true);
  expect(hasRun).toBe(false);
});

describe("a durable sleep", () => {
  test("stays pending and ends the invocation, which stores the sleep", async () => {
    const { op, ending } = aContext();
    const slept = op.sleep("90s");
    void slept.then(() => expect.fail("it did not sleep"));
    const ended = await ending();

    expect(ended).toEqual({
      type: "sleep",
      ordinal: 0,
      wakeTime: NOW + 90_000,
      sleeps: [{ ordinal: 0, wakeTime: NOW + 90_000, ms: 90_000, attempt: 1 }],
    });
    expect(await isPending(slept)).toBe(true);
  });

  test("of a few seconds is awaited by the runner, and stores its wake time only", async () => {
    const { op, inPlace, untilAwake } = aContext({ sleepInPlaceMs: 3_000 });
    await untilAwake(op.sleep("2s"));
    await untilAwake(op.sleep("3s"));

    expect(inPlace).toEqual([
      { sleeps: [{ ordinal: 0, wakeTime: NOW + 2_000, ms: 2_000, attempt: 1 }], restsUntil: NOW + 2_000 },
      { sleeps: [{ ordinal: 1, wakeTime: NOW + 5_000, ms: 3_000, attempt: 1 }], restsUntil: NOW + 5_000 },
    ]);
  });

  test.each<[string, "50ms" | "2s", Partial<Claimed>]>([
    ["of a moment is not stored", "50ms", { sleepInPlaceMs: 3_000 }],
    [
      "that is stored is not stored again",
      "2s",
      { sleepInPlaceMs: 3_000, sleeps: [{ ordinal: 0, wakeTime: NOW + 900 }] },
    ],
  ])("%s", async (_, length, claimed) => {
    const { op, inPlace, untilAwake } = aContext(claimed);
    await untilAwake(op.sleep(length));

    expect(inPlace).toEqual([]);
  });

  test.each<[string, Partial<Claimed>, Partial<RunPorts>]>([
    ["in the object of an earlier version", {}, {}],
    ["longer than the object allows", { sleepInPlaceMs: 1_999 }, {}],
    ["past the time at which the invocation gives way", { sleepInPlaceMs: 3_000 }, { yieldTime: NOW + 1_999 }],
    ["after a cancel request", { sleepInPlaceMs: 3_000 }, { signal: aborted(new Error("cancelled")) }],
  ])("of a few seconds ends the invocation %s", async (_, claimed, ports) => {
    const { op, inPlace, ending } = aContext(claimed, ports);
    void op.sleep("2s").then(() => expect.fail("it did not sleep"));

    expect(await ending()).toMatchObject({ type: "sleep", wakeTime: NOW + 2_000 });
    expect(inPlace).toEqual([]);
  });

  test("ends the invocation when a client cancels, although the runner awaits it", async () => {
    const signal = new RunSignal();
    const { op, inPlace, passTime, ending } = aContext({ sleepInPlaceMs: 3_000 }, { signal });
    void op.sleep("2s").then(() => expect.fail("it sleeps on"));
    await turn();
    await turn();
    passTime();
    expect(inPlace).toHaveLength(1);
    signal.abort(new RpcError("CANCELLED", "The operation was cancelled."));

    expect(await ending()).toMatchObject({ type: "sleep", wakeTime: NOW + 2_000 });
  });

  test("is skipped in a replay once it is over, whatever its time would be now", async () => {
    const { op, ending } = aContext({ sleeps: [{ ordinal: 0, wakeTime: NOW - 1 }] });
    await op.sleep("30d");
    void op.sleep("1s").then(() => undefined);

    expect(await ending()).toMatchObject({ type: "sleep", ordinal: 1 });
  });

  test("takes no time and counts as a call if its time has passed", async () => {
    const { op, ending } = aContext();
    await op.sleepUntil(new Date(NOW - 1));
    await op.sleep("0s");
    void op.sleep("1s").then(() => undefined);

    expect(await ending()).toMatchObject({ ordinal: 2, sleeps: [{ ordinal: 2 }] });
  });

  test("is awaited by the runner if it takes no longer than a new invocation", async () => {
    const { op, ending } = aContext();
    const act = async (): Promise<void> => {
      await op.sleep("100ms");
      await op.sleep("101ms");
    };
    void act();

    expect(await ending()).toMatchObject({ ordinal: 1, wakeTime: NOW + 201, sleeps: [{ ordinal: 0 }, { ordinal: 1 }] });
  });

  test("has the given name, and is found by it", async () => {
    const wakeTime = NOW + 20_000;
    const { op, ending } = aContext({
      attempt: 7,
      sleeps: [{ ordinal: -1, name: "old", wakeTime: NOW - 1, attempt: 1 }],
    });
    await op.sleep("old", "20s");
    void op.sleep("new", "20s").then(() => undefined);

    expect(await ending()).toMatchObject({ ordinal: -1, sleeps: [{ ordinal: -1, name: "new", wakeTime }] });
  });

  test.each(["", "1", "soon", "-1s", "1e9s", "400d", "100000000d", undefined, 5])(
    "rejects the time %j",
    async (duration) => {
      const { op, ending } = aContext();

      await expect(op.sleep(duration as "1s")).rejects.toThrow(/^op\.sleep/);
      expect(await ending()).toMatchObject({ type: "failed", error: { code: "INTERNAL" } });
    },
  );

  test.each(["", "x".repeat(MAX_STEP_NAME_CHARACTERS + 1), 5, null])("rejects the name %j", async (name) => {
    await expect(aContext().op.sleep(name as string, "1s")).rejects.toThrow("a sleep's name has 1 to");
  });

  test("rejects an invalid Date", async () => {
    await expect(aContext().op.sleepUntil(new Date(Number.NaN))).rejects.toThrow("op.sleepUntil takes a valid Date");
  });

  test("is rejected beyond the number that can be stored", async () => {
    const sleeps = Array.from({ length: MAX_SLEEPS }, (_, ordinal) => ({ ordinal, wakeTime: NOW }));
    const { op } = aContext({ sleeps });
    for (let count = 0; count < MAX_SLEEPS; count += 1) await op.sleep("1s");

    await expect(op.sleep("1s")).rejects.toThrow(`an operation sleeps at most ${MAX_SLEEPS} times`);
  });
});

describe("a sleep of an earlier attempt", () => {
  const earlier = (fields: object) => ({ ordinal: 0, wakeTime: NOW - 1, ms: 1_000, attempt: 1, ...fields });

  test("is skipped if the handler reaches it in the same way", async () => {
    const { op } = aContext({ attempt: 2, sleeps: [earlier({})] });

    expect(await op.sleep("1s").then(() => "passed by")).toBe("passed by");
  });

  test.each<[string, object, (op: RunContext) => Promise<void> | void]>([
    ["another length is asked for", { ms: 5_000 }, () => undefined],
    ["it meant something to that attempt alone", { isOfAttempt: true }, () => undefined],
    ["the handler has read which attempt it is", {}, (op) => void op.attempt],
    [
      "a step has failed before it",
      {},
      (op) =>
        op
          .step("flaky", () => {
            throw new Error("no");
          })
          .then(
            () => expect.fail("it did not fail"),
            () => undefined,
          ),
    ],
  ])("is slept again if %s", async (_, fields, before) => {
    const { op, ending } = aContext({ attempt: 2, sleeps: [earlier(fields)] });
    await before(op);
    void op.sleep("1s").then(() => undefined);

    expect(await ending()).toMatchObject({ type: "sleep", wakeTime: NOW + 1_000, sleeps: [{ attempt: 2 }] });
  });

  test("is skipped if it ends at the same given time", async () => {
    const time = NOW + 50_000;
    const { op, ending } = aContext({ attempt: 2, sleeps: [{ ordinal: 0, wakeTime: time, attempt: 1 }] });
    void op.sleepUntil(new Date(time)).then(() => undefined);
    const ended = await ending();

    expect(ended).toEqual({ type: "sleep", ordinal: 0, wakeTime: time, sleeps: [] });
  });
});

describe("a replay", () => {
  test("returns outcomes in the order of their first arrival, whichever call is made first", async () => {
    const came: string[] = [];
    const { op } = aContext({
      steps: [
        { name: "b", place: 0, result: "1", order: 1 },
        { name: "a", place: 1, result: "2", order: 3 },
      ],
      sleeps: [{ ordinal: 0, wakeTime: NOW - 5, attempt: 1, order: 2 }],
    });
    const note = (name: string) => (): void => void came.push(name);
    await Promise.all([
      op.step("a", () => expect.fail("it ran")).then(note("a")),
      op.step("b", () => expect.fail("it ran")).then(note("b")),
      op.sleep("1s").then(note("sleep")),
    ]);

    expect(came).toEqual(["b", "sleep", "a"]);
  });

  test("runs the handler as far as possible between two outcomes", async () => {
    const { op, ending } = aContext({
      steps: [
        { name: "first", place: 0, result: "1", order: 1 },
        { name: "second", place: 1, result: "2", order: 2 },
      ],
    });
    const first = async (): Promise<void> => {
      await op.step("first", () => 0);
      for (let depth = 0; depth < 1_000; depth += 1) await Promise.resolve();
      await op.sleep("20s");
    };
    const second = async (): Promise<void> => {
      await op.step("second", () => 0);
      await op.sleep("3s");
    };
    void Promise.all([second(), first()]);

    expect(await ending()).toMatchObject({
      wakeTime: NOW + 3_000,
      sleeps: [
        { ordinal: 0, ms: 20_000 },
        { ordinal: 1, ms: 3_000 },
      ],
    });
  });

  test("returns a step that was stored without its order after the one before it", async () => {
    const came: number[] = [];
    const { op } = aContext({ steps: [1, 2, 3].map((n) => ({ name: `step ${n}`, place: n, result: String(n) })) });
    await Promise.all([3, 1, 2].map(async (n) => came.push(await op.step(`step ${n}`, () => 0))));

    expect(came).toEqual([1, 2, 3]);
  });

  test("returns thousands of stored steps in a row within seconds", async () => {
    const steps = Array.from({ length: MAX_STEPS }, (_, n) => ({
      name: `step ${n}`,
      place: n,
      result: "1",
      order: n + 1,
    }));
    const { op } = aContext({ steps });
    const start = performance.now();
    for (let n = 0; n < MAX_STEPS; n += 1) await op.step(`step ${n}`, () => 0);

    expect(performance.now() - start).toBeLessThan(5_000);
  });

  test("ends the attempt at a result that cannot be read, without an error in the handler", async () => {
    const broken = new Error("out of reach");
    const fails = (): Promise<never> => Promise.reject(broken);
    const { op, ending } = aContext(
      { steps: [{ name: "a", place: 0 }] },
      { largeValues: { stepResult: fails, answer: fails, childEnds: fails } },
    );
    const step = op.step("a", () => 1);

    expect(await ending()).toEqual({ type: "failed", error: broken });
    expect(await isPending(step)).toBe(true);
  });
});

describe("a caught failure", () => {
  class HttpError extends Error {
    override readonly name = "HttpError";
    readonly status = 503;
  }

  test.each<[string, () => unknown, object]>([
    ["an Error", () => new TypeError("no"), { name: "TypeError", message: "no" }],
    ["an error of a class of its own", () => new HttpError("no"), { name: "HttpError", message: "no", status: 503 }],
    ["an Error with a cause", () => new Error("no", { cause: { code: 5 } }), { message: "no", cause: { code: 5 } }],
    [
      "an RpcError",
      () => new RpcError("NOT_FOUND", "no", { reason: "GONE", details: [{ "@type": "x" }] }),
      { name: "RpcError", code: "NOT_FOUND", message: "no", reason: "GONE", details: [{ "@type": "x" }] },
    ],
    ["a DOMException", () => new DOMException("late", "TimeoutError"), { name: "TimeoutError", message: "late" }],
    ["an object", () => ({ code: "E", message: "m" }), { code: "E", message: "m" }],
  ])("is thrown again in a replay of the attempt without another run of the step: %s", async (_, make, expected) => {
    const first = aContext();
    const failing = first.op.step("flaky", () => {
      throw make();
    });
    const caught = await failing.catch((error: unknown) => error);
    await first.op.step("next", () => 1);
    const [memory] = first.memories;
    const replay = aContext(JSON.parse(JSON.stringify(memory)) as AttemptMemory);
    const again = await replay.op.step("flaky", () => "it ran again").catch((error: unknown) => error);

    expect(caught).toMatchObject(expected);
    expect(again).toMatchObject(expected);
    expect(Object.prototype.toString.call(again)).toBe(Object.prototype.toString.call(caught));
  });

  test("is stored within bounds, however many failures there are and however large they are", async () => {
    const { op, memories } = aContext();
    for (let n = 0; n < 200; n += 1) {
      await op
        .step(`flaky ${n}`, () => {
          throw Object.assign(new Error("m".repeat(10_000)), { body: "b".repeat(100_000) });
        })
        .catch(() => undefined);
    }
    await op.step("last", () => 1);

    expect(memories[0]?.stepFailures).toHaveLength(200);
    expect(JSON.stringify(memories[0]).length).toBeLessThan(300_000);
  });
});

// "No consumer believes it owns the work longer than a lease after its last confirmed keep-alive."
test("a step does not begin after the lease has expired unnoticed", async () => {
  const signal = new RunSignal();
  const checkLease = async (): Promise<void> => signal.abort(new Error("the lease is over"));
  const { op, saved } = aContext({}, { signal, checkLease });
  let runs = 0;

  await expect(op.step("late", () => (runs += 1))).rejects.toThrow("the lease is over");
  expect({ runs, saved }).toEqual({ runs: 0, saved: [] });
});

// "After the give-up every library call of the dead context stays pending and stores nothing."
test("a handler that continues after its invocation has ended gets no results and stores nothing", async () => {
  const { op, saved, sent, ending } = aContext();
  void op.sleep("1h").then(() => undefined);
  await ending();
  op.progress({ rows: 5 });
  const calls = [
    op.sleep("2h"),
    op.sleepUntil(new Date(0)),
    op.step("late", () => expect.fail("it ran")),
    op.checkpoint(9),
  ];

  for (const call of calls) expect(await isPending(call)).toBe(true);
  expect({ saved, sent }).toEqual({ saved: [], sent: [] });
});

// "A step whose result was stored is never run again."
describe("a step", () => {
  test("is run, and returns its result after it was stored", async () => {
    const { op, saved } = aContext();

    expect(await op.step("parse", () => ({ rows: 3 }))).toEqual({ rows: 3 });
    expect(saved).toEqual([["parse", '{"rows":3}']]);
  });

  test("is not run again once it is stored", async () => {
    const { op, saved } = aContext({ steps: [{ name: "parse", place: 0, result: '{"rows":3}' }] });

    expect(await op.step("parse", () => expect.fail("it was run again"))).toEqual({ rows: 3 });
    expect(saved).toEqual([]);
  });

  test("fetches a large stored result", async () => {
    const { op } = aContext({ steps: [{ name: "parse", place: 4 }] });

    expect(await op.step("parse", () => "again")).toBe("of place 4");
  });

  test("returns in the first run the same value as in a replay", async () => {
    const { op } = aContext();

    expect(await op.step("date", () => new Date(0) as unknown)).toBe("1970-01-01T00:00:00.000Z");
    expect(await op.step("nothing", () => undefined)).toBeNull();
  });

  test("stores nothing if it fails", async () => {
    const { op, saved } = aContext();
    const work = op.step("parse", () => {
      throw new Error("broken");
    });

    await expect(work).rejects.toThrow("broken");
    expect(saved).toEqual([]);
  });

  test("yields without running once the invocation's time is used up", async () => {
    const { op, ending } = aContext({}, { yieldTime: NOW });
    const step = op.step("parse", () => expect.fail("it was run"));

    expect(await ending()).toEqual({ type: "yield" });
    expect(await isPending(step)).toBe(true);
  });

  test("returns its stored result in a replay even then", async () => {
    const { op } = aContext({ steps: [{ name: "parse", place: 0, result: "1" }] }, { yieldTime: NOW });

    expect(await op.step("parse", () => 2)).toBe(1);
  });

  test("does not begin once the signal is aborted", async () => {
    const { op } = aContext({}, { signal: aborted(new Error("cancelled")) });

    await expect(op.step("parse", () => expect.fail("it was run"))).rejects.toThrow("cancelled");
  });

  test.each<[string, string]>([
    ["no name", ""],
    ["a name that is too long", "x".repeat(MAX_STEP_NAME_CHARACTERS + 1)],
  ])("rejects the name %s", async (_, name) => {
    await expect(aContext().op.step(name, () => 1)).rejects.toThrow("a step's name has 1 to 256 characters");
  });

  test("rejects a name that another step has", async () => {
    const { op } = aContext();
    await op.step("parse", () => 1);

    await expect(op.step("parse", () => 2)).rejects.toThrow('two steps of one operation have the name "parse"');
  });

  test.each([
    ["a function", () => () => 1],
    ["a symbol", () => Symbol("x")],
  ])("rejects the result %s", async (_, run: () => unknown) => {
    await expect(aContext().op.step("parse", run)).rejects.toThrow(
      /^the result of the step "parse": it is a \w+\. Return JSON/,
    );
  });

  test("is rejected beyond the number that can be stored", async () => {
    const { op } = aContext();
    for (let count = 0; count < MAX_STEPS; count += 1) await op.step(`step ${count}`, () => 1);

    await expect(op.step("one more", () => 1)).rejects.toThrow(`at most ${MAX_STEPS} steps`);
  });
});

describe("a checkpoint", () => {
  test("is stored, and yields once the invocation's time is used up", async () => {
    const { op, saved, ending } = aContext({}, { yieldTime: NOW });
    const checkpoint = op.checkpoint({ row: 5 });

    expect(await ending()).toEqual({ type: "yield" });
    expect(await isPending(checkpoint)).toBe(true);
    expect(saved).toEqual([["checkpoint", '{"row":5}']]);
  });

  test("is rejected if it is too large", async () => {
    const { op, saved } = aContext();

    await expect(op.checkpoint("x".repeat(MAX_CHECKPOINT_CHARACTERS))).rejects.toThrow("at most 65536 characters");
    expect(saved).toEqual([]);
  });
});

test("the final message has all progress, because earlier reports may have been lost with their channel", () => {
  const { op, sent } = aContext();
  op.progress({ rows: 1 });
  op.progress({ rows: 2 });

  expect(sent).toEqual([{ metadata: { rows: 1 } }]);
  expect(op.takeProgress()).toEqual({ metadata: { rows: 2 } });
  expect(op.takeProgress()).toEqual({ metadata: { rows: 2 } });
});

test("the final message has no progress if none was reported", () => {
  expect(aContext().op.takeProgress()).toBeUndefined();
});

// ── Suspensions ─────────────────────────────────────────────────────────────────────────────────────────────────────

describe("a suspension", () => {
  const reached = { expireTime: CREATE_TIME + HOUR_MS };
  const answered = (payload: string, number = 1) => ({ time: NOW - 1, number, isAnswered: true, payload });
  const expired = { time: NOW - 1, number: 1, isAnswered: false };

  test("ends the invocation, which stores what the work waits for", async () => {
    const { op, ending } = aContext();
    const answer = op.suspend("approval", { prompt: "May it?", timeout: "90s" });
    void answer.then(() => expect.fail("it was not answered"));

    expect(await ending()).toEqual({
      type: "suspend",
      waitsFor: { answersTo: ["approval"] },
      suspensions: [{ id: "approval", reached: { prompt: "May it?", expireTime: NOW + 90_000 } }],
    });
    expect(await isPending(answer)).toBe(true);
  });

  test("ends the invocation beside a sleep, which stores the wake time", async () => {
    const { op, ending } = aContext();
    void Promise.race([op.suspend("approval"), op.sleep("90s")]).catch(() => {});

    expect(await ending()).toMatchObject({
      type: "suspend",
      waitsFor: { answersTo: ["approval"] },
      wakeTime: NOW + 90_000,
      sleeps: [{ wakeTime: NOW + 90_000 }],
    });
  });

  test("ends no invocation if nothing awaits it", async () => {
    const { op, ending } = aContext();
    void op.suspend("approval");
    void op.sleep("90s").catch(() => {});

    expect(await ending()).toMatchObject({ type: "sleep", suspensions: [{ id: "approval" }] });
  });

  test("returns its answer once it has one, and stores its place", async () => {
    const { op, memories } = aContext({
      suspensions: [{ id: "approval", reached, resolution: answered('{"ok":true}') }],
    });

    expect(await op.suspend("approval")).toEqual({ ok: true });
    await op.step("next", () => 1);
    expect(memories).toEqual([{ suspensions: [{ id: "approval", order: 1 }] }]);
  });

  test("fetches an answer that is too large for the claim", async () => {
    const { time, number } = answered("");
    const { op } = aContext({
      suspensions: [{ id: "approval", reached, resolution: { time, number, isAnswered: true } }],
    });

    expect(await op.suspend("approval")).toBe("of approval");
  });

  test("throws SuspensionExpired after its time", async () => {
    const { op } = aContext({ suspensions: [{ id: "approval", reached, resolution: expired }] });

    await expect(op.suspend("approval")).rejects.toMatchObject({
      name: "RpcError",
      code: "DEADLINE_EXCEEDED",
      reason: "SUSPENSION_EXPIRED",
      suspension: "approval",
    });
  });

  test("accepts an answer while a step runs, and is visible meanwhile", async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    const { op, memories } = aContext();
    const winner = Promise.race([op.step("slow", () => promise), op.suspend("approval")]);
    await isPending(winner);
    expect(memories).toEqual([{ suspensions: [{ id: "approval", reached }] }]);
    op.receive({ suspensions: [{ id: "approval", resolution: answered('"yes"') }] });

    expect(await winner).toBe("yes");
    resolve(1);
  });

  test("wins a race if it was answered first, not if it was called first", async () => {
    const { op } = aContext({
      suspensions: [
        { id: "a", reached, resolution: answered('"a"', 2) },
        { id: "b", reached, resolution: answered('"b"', 1) },
      ],
    });

    expect(await Promise.race([op.suspend("a"), op.suspend("b")])).toBe("b");
  });

  test("keeps the winner of a race, whatever arrived since", async () => {
    const { op } = aContext({
      suspensions: [
        { id: "a", reached, resolution: answered('"a"', 1) },
        { id: "b", reached, order: 3, resolution: answered('"b"', 2) },
      ],
    });

    expect(await Promise.race([op.suspend("a"), op.suspend("b")])).toBe("b");
  });

  test("ignores a second delivery, as by a channel that was opened again", async () => {
    const { op } = aContext({ suspensions: [{ id: "approval", reached, resolution: answered('"first"') }] });
    const answer = op.suspend("approval");
    op.receive({ suspensions: [{ id: "approval", resolution: answered('"first"') }] });

    expect(await answer).toBe("first");
  });

  describe("with a type", () => {
    const payload = (value: unknown): string => {
      if (typeof value !== "string") throw invalidArgument([{ field: "text", description: "must be text" }]);
      return value.toUpperCase();
    };

    test("returns the schema's output for the answer", async () => {
      const { op } = aContext({ suspensions: [{ id: "approval", reached, resolution: answered('"yes"') }] });

      expect(await op.suspend("approval", { payload })).toBe("YES");
    });

    test("drops an early answer that the schema rejects, and stays pending", async () => {
      const { op, ending } = aContext({ suspensions: [{ id: "approval", resolution: answered("1", 7) }] });
      void op.suspend("approval", { payload }).catch(() => {});

      expect(await ending()).toMatchObject({
        type: "suspend",
        suspensions: [{ id: "approval", reached, refusedAnswer: 7 }],
      });
    });

    test("throws if another version of the schema rejects an answer that the handler has used", async () => {
      const { op } = aContext({ suspensions: [{ id: "approval", reached, order: 1, resolution: answered("1") }] });

      await expect(op.suspend("approval", { payload })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    });

    test("keeps the invocation while its schema validates", async () => {
      const { op } = aContext({ suspensions: [{ id: "approval", reached, resolution: answered('"yes"') }] });
      const slow = async (value: unknown): Promise<unknown> => {
        for (let turns = 0; turns < 10; turns += 1) await turn();
        return value;
      };

      expect(await op.suspend("approval", { payload: slow })).toBe("yes");
    });
  });

  describe("in two halves", () => {
    test("is stored before the handler continues, with the secret of its link", async () => {
      const { op, memories } = aContext({ origin: "https://api.example.com" });
      const { name, resolveUri, expireTime } = await op.suspension("approval", { prompt: "May it?" });

      expect(memories).toEqual([
        { suspensions: [{ id: "approval", reached: { ...reached, prompt: "May it?", linkToken: "secret" } }] },
      ]);
      expect(name).toBe("operations/1/suspensions/approval");
      expect(resolveUri).toBe("https://api.example.com/v1/operations/1/suspensions/approval:resolve?linkToken=secret");
      expect(expireTime).toEqual(new Date(reached.expireTime));
    });

    test("has the same link in a replay, and stores nothing again", async () => {
      const { op, memories } = aContext({
        suspensions: [{ id: "approval", reached: { ...reached, linkToken: "first" }, resolution: answered('"yes"') }],
      });
      const approval = await op.suspension("approval");

      expect(approval.resolveUri).toContain("linkToken=first");
      expect(await approval.answer()).toBe("yes");
      expect(memories).toEqual([]);
    });
  });

  test.each<[string, (op: RunContext) => Promise<unknown>, string]>([
    ["a name that no path can have", (op) => op.suspend("a/b"), "a suspension's name has 1 to 64"],
    ["a name twice", async (op) => Promise.all([op.suspend("a"), op.suspend("a")]), "two suspensions"],
    ["a prompt that is too long", (op) => op.suspend("a", { prompt: "x".repeat(1_025) }), "1024 characters"],
    ["a malformed timeout", (op) => op.suspend("a", { timeout: "soon" as "1s" }), "a number and a unit"],
  ])("rejects %s as a misuse", async (_, act, message) => {
    const { op, ending } = aContext();
    await act(op).catch(() => {});

    expect(await ending()).toMatchObject({
      type: "failed",
      error: { reason: "LIBRARY_MISUSE", message: expect.stringContaining(message) as string },
    });
  });

  test("rejects the 129th as a misuse", async () => {
    const stored = Array.from({ length: 128 }, (_, index) => ({ id: `s${index}`, reached }));
    const { op, ending } = aContext({ suspensions: stored });
    void op.suspend("s0").catch(() => {});
    await op.suspend("one-more").catch(() => {});

    expect(await ending()).toMatchObject({
      type: "failed",
      error: { message: expect.stringContaining("128") as string },
    });
  });
});
