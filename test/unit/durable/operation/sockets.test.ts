// Pushes to waiters: what is sent to all of them together is bounded. Progress that a runner's socket keeps.
import { describe, expect, test, vi } from "vitest";
import { RunnerSockets, WaiterSockets } from "../../../../src/durable/operation/sockets";
import { MAX_HELD_MS, MAX_HELD_WAITERS, MAX_PUSHED_BYTES } from "../../../../src/limits";
import type { WaitMessage } from "../../../../src/contract/answer";
import { aRecordIn } from "../../../support/a-record-in";
import { anAnswer } from "../../../support/a-service";

const OPEN = 1;

function pushTo(waiters: number, message: WaitMessage): WaitMessage[] {
  const sent: WaitMessage[] = [];
  const socket = { readyState: OPEN, send: (text: string) => sent.push(JSON.parse(text) as WaitMessage), close() {} };
  const state = { getWebSockets: () => Array.from({ length: waiters }, () => socket) };
  Object.defineProperty(WebSocket, "READY_STATE_OPEN", { value: OPEN, configurable: true });
  new WaiterSockets(state as never).push(() => message);
  return sent;
}

test("the object pushes a small answer to every waiter", () => {
  const message: WaitMessage = { type: "operation", answer: anAnswer({ done: true }) };

  expect(pushTo(10_000, message)).toEqual(Array.from({ length: 10_000 }, () => message));
});

test("the object pushes a larger answer to a bounded number of waiters, and tells the others to fetch it", () => {
  const json = JSON.stringify({ text: "三".repeat(20_000) });
  const message: WaitMessage = { type: "operation", answer: anAnswer({ done: true, json }) };
  const size = new TextEncoder().encode(JSON.stringify(message)).length;
  const sent = pushTo(1_000, message);
  const whole = sent.filter(({ type }) => type === "operation").length;

  expect(whole).toBe(Math.floor(MAX_PUSHED_BYTES / size));
  expect(sent).toHaveLength(1_000);
  expect(sent.at(-1)).toEqual({ type: "done" });
});

test("the object tells every waiter that the operation was deleted", () => {
  expect(pushTo(3, { type: "gone" })).toEqual([{ type: "gone" }, { type: "gone" }, { type: "gone" }]);
});

describe("a waiter that is held", () => {
  const waiters = (): WaiterSockets => new WaiterSockets({ getWebSockets: () => [] } as never);

  test.each([
    ["the end", (sockets: WaiterSockets) => sockets.push(() => ({ type: "gone" }))],
    ["another judgement", (sockets: WaiterSockets) => sockets.cut()],
    ["the end of the call", (sockets: WaiterSockets) => sockets.release()],
  ])("counts, and looks again at %s", async (_, happens) => {
    vi.useFakeTimers();
    const sockets = waiters();
    void sockets.hold();

    expect(sockets.count()).toBe(1);
    happens(sockets);
    await vi.advanceTimersByTimeAsync(0);
    expect(sockets.count()).toBe(0);
    vi.useRealTimers();
  });

  test("is held for a second at most", async () => {
    vi.useFakeTimers();
    const sockets = waiters();
    const held = sockets.hold();
    await vi.advanceTimersByTimeAsync(MAX_HELD_MS - 1);
    expect(sockets.count()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);

    expect(await held).toBe(true);
    expect(sockets.count()).toBe(0);
    vi.useRealTimers();
  });

  test("is held without a timer of its own until another wait is over", async () => {
    vi.useFakeTimers();
    const sockets = waiters();
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const held = sockets.hold(over);
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(0);
    expect(sockets.count()).toBe(1);
    resolve();

    expect(await held).toBe(true);
    expect(sockets.count()).toBe(0);
    vi.useRealTimers();
  });

  test("is one of a hundred", async () => {
    const sockets = waiters();
    const held = Array.from({ length: MAX_HELD_WAITERS }, () => sockets.hold());

    expect(await sockets.hold()).toBe(false);
    sockets.release();
    await Promise.all(held);
  });
});

/** Sockets that await changes, and the messages that each is sent. */
function watchers(count: number) {
  const sent: { time: number; message: WaitMessage; socket: number }[] = [];
  const sockets = Array.from({ length: count }, (_, socket) => ({
    readyState: OPEN,
    send: (text: string) => sent.push({ time: Date.now(), message: JSON.parse(text) as WaitMessage, socket }),
    close() {},
  }));
  const state = { getWebSockets: (tag: string) => (tag === "changes" ? sockets : []) };
  Object.defineProperty(WebSocket, "READY_STATE_OPEN", { value: OPEN, configurable: true });
  return { sent, sockets: new WaiterSockets(state as never) };
}

test.each([
  { count: 1, leastMs: 250 },
  { count: 10_000, leastMs: 1_000 },
])("$count watchers are told of changes every $leastMs ms, and of the last one", async ({ count, leastMs }) => {
  vi.useFakeTimers();
  const { sent, sockets } = watchers(count);
  let revision = 0;
  for (; revision < 500; revision += 1) {
    sockets.changed(() => ({ type: "operation", answer: anAnswer({ etag: `"${revision}"` }) }));
    await vi.advanceTimersByTimeAsync(10);
  }
  await vi.advanceTimersByTimeAsync(2_000);
  vi.useRealTimers();
  const times = [...new Set(sent.map(({ time }) => time))];

  expect(sent).toHaveLength(times.length * count);
  expect(times).toHaveLength(Math.ceil(5_000 / leastMs) + 1);
  expect(sent.at(-1)?.message).toMatchObject({ answer: { etag: '"499"' } });
});

test("the bytes of a change that is pushed to all watchers are bounded", () => {
  const { sent, sockets } = watchers(10_000);
  sockets.changed(() => ({ type: "operation", answer: anAnswer({ json: "x".repeat(60_000) }) }));
  const whole = sent.filter(({ message }) => message.type === "operation").length;

  expect(sent).toHaveLength(10_000);
  expect(whole * 60_000).toBeLessThanOrEqual(MAX_PUSHED_BYTES);
  expect(whole).toBeGreaterThan(200);
});

test("progress that a runner's socket keeps continues the stored record that it follows, and no later one", () => {
  let attached: unknown = { fence: "one" };
  const socket = {
    serializeAttachment: (value: unknown) => (attached = value),
    deserializeAttachment: () => attached,
  };
  const sockets = new RunnerSockets({ getWebSockets: () => [socket] } as never);
  const stored = { ...aRecordIn("RUNNING"), revision: 3 };
  const { fence } = stored.lease!;
  attached = { fence };
  sockets.keepUnsaved({ ...stored, revision: 5, statusMessage: "Half of it.", metadata: { progressPercent: 50 } }, 3);
  const later = { ...stored, revision: 6, statusMessage: "Most of it.", metadata: { progressPercent: 90 } };

  expect(sockets.restored(stored)).toMatchObject({ revision: 5, statusMessage: "Half of it." });
  expect(sockets.restored(later)).toBe(later);
});
