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

test("a small answer is pushed to every waiter", () => {
  const message: WaitMessage = { type: "operation", answer: anAnswer({ done: true }) };

  expect(pushTo(10_000, message)).toEqual(Array.from({ length: 10_000 }, () => message));
});

test("of a larger one as many are pushed as are bounded, and the other waiters are told to come and get it", () => {
  const json = JSON.stringify({ text: "三".repeat(20_000) });
  const message: WaitMessage = { type: "operation", answer: anAnswer({ done: true, json }) };
  const size = new TextEncoder().encode(JSON.stringify(message)).length;
  const sent = pushTo(1_000, message);
  const whole = sent.filter(({ type }) => type === "operation").length;

  expect(whole).toBe(Math.floor(MAX_PUSHED_BYTES / size));
  expect(sent).toHaveLength(1_000);
  expect(sent.at(-1)).toEqual({ type: "done" });
});

test("every waiter is told that the operation is gone", () => {
  expect(pushTo(3, { type: "gone" })).toEqual([{ type: "gone" }, { type: "gone" }, { type: "gone" }]);
});
