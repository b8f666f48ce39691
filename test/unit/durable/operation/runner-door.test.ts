// The object's end of a direct run, beside what the tests in the runtime see.
import { expect, test, vi } from "vitest";
import type { OperationLife } from "../../../../src/durable/operation/operation-life";
import { RunnerDoor } from "../../../../src/durable/operation/runner-door";
import { WaiterSockets } from "../../../../src/durable/operation/sockets";
import { aRecordIn } from "../../../support/a-record-in";

test("a waiter that is held looks again at the end of the run, whatever the operation's state is then", async () => {
  vi.useFakeTimers();
  const ended = Promise.withResolvers<void>();
  const waiters = new WaiterSockets({ getWebSockets: () => [] } as never);
  const store = { request: () => "{}", output: { end: 0 } };
  const life = { mustHaveRecord: () => aRecordIn("RUNNING"), store, direct: { run: () => ended.promise }, waiters };
  void new RunnerDoor(life as unknown as OperationLife).runDirectly();
  void waiters.hold();
  await vi.advanceTimersByTimeAsync(0);
  expect(waiters.count()).toBe(1);

  ended.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(waiters.count()).toBe(0);
  vi.useRealTimers();
});
