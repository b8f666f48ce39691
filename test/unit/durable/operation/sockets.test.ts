// Pushes to waiters: what is sent to all of them together is bounded.
import { expect, test } from "vitest";
import { WaiterSockets } from "../../../../src/durable/operation/sockets";
import { MAX_PUSHED_BYTES } from "../../../../src/limits";
import type { WaitMessage } from "../../../../src/contract/answer";
import { anAnswer } from "../../../support/a-service";

const OPEN = 1;

function pushTo(waiters: number, message: WaitMessage): WaitMessage[] {
  const sent: WaitMessage[] = [];
  const socket = { readyState: OPEN, send: (text: string) => sent.push(JSON.parse(text) as WaitMessage), close() {} };
  const state = { getWebSockets: () => Array.from({ length: waiters }, () => socket) };
  Object.defineProperty(WebSocket, "READY_STATE_OPEN", { value: OPEN, configurable: true });
  new WaiterSockets(state as never).push(message);
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
