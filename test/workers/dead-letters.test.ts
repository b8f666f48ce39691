// The dead-letter queue: what could not be claimed in all its tries brings its operation back to its own rules.
import { createExecutionContext, createMessageBatch, getQueueResult, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import type { WorkMessage } from "../../src/index";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  loseAlarm,
  alarmTime,
  fireAlarm,
  getOperation,
  runNext,
  startScript,
  stateOf,
  storedBy,
  useFreshWorld,
} from "./harness";
import worker from "./worker";

useFreshWorld();

/** The dead letters of these ids, and what became of each: acknowledged, or to be tried again. */
async function deadLetters(ids: unknown[], queue = "edge-operations-dead-letters") {
  return delivered(
    queue,
    ids.map((id) => ({ id })),
  );
}

/** Messages with these bodies, and what became of each. */
async function delivered(queue: string, bodies: unknown[]) {
  const messages = bodies.map((body, index) => ({
    id: `dead-${index}`,
    timestamp: new Date(),
    attempts: 1,
    body: body as WorkMessage,
  }));
  const batch = createMessageBatch<WorkMessage>(queue, messages);
  const context = createExecutionContext();
  await worker.queue(batch, env, context);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, context);
  return { acknowledged: explicitAcks, again: retryMessages.map(({ msgId }) => msgId) };
}

test("a dead letter brings back an operation that has lost its message and its alarm: it runs to its end", async () => {
  const operation = await startScript(async () => ({ answer: 42 }));
  controls.sent.length = 0;
  await loseAlarm(operation.stub);
  clock.advance(5 * 60_000);
  const { acknowledged, again } = await deadLetters([operation.id]);
  const sent = controls.sent.map(({ id }) => id);
  await runNext();

  expect({ acknowledged, again }).toEqual({ acknowledged: ["dead-0"], again: [] });
  expect(sent).toEqual([operation.id]);
  expect(await getOperation(operation.name)).toMatchObject({ done: true });
});

test("a dead letter of an operation that is not yet due to be sent again arms its alarm alone", async () => {
  const operation = await startScript(async () => ({ answer: 42 }));
  const armed = await alarmTime(operation);
  controls.sent.length = 0;
  await loseAlarm(operation.stub);
  await deadLetters([operation.id]);

  expect(controls.sent).toEqual([]);
  expect(await alarmTime(operation)).toBe(armed);
});

test("a dead letter of work that runs, or is done, changes nothing", async () => {
  const running = await startScript(() => new Promise(() => {}));
  const done = await startScript(async () => ({}));
  const [first, second] = controls.sent.splice(0, 2);
  controls.sent.push(second!);
  await runNext();
  controls.sent.push(first!);
  const before = [await getOperation(done.name), await stateOf(running)];
  const { again } = await deadLetters([done.id, running.id]);

  expect([await getOperation(done.name), await stateOf(running)]).toEqual(before);
  expect(again).toEqual([]);
});

test("a dead letter of no operation is let go, and keeps none of the others from being looked after", async () => {
  const operation = await startScript(async () => ({}));
  controls.sent.length = 0;
  clock.advance(5 * 60_000);
  const unknown = env.OPERATIONS.newUniqueId().toString();
  const { acknowledged } = await deadLetters(["no-id", 7, undefined, unknown, operation.id]);

  expect(acknowledged.toSorted()).toEqual(["dead-0", "dead-1", "dead-2", "dead-3", "dead-4"]);
  expect(controls.sent).toEqual([{ id: operation.id }]);
  expect(await storedBy({ stub: env.OPERATIONS.get(env.OPERATIONS.idFromString(unknown)) })).toEqual([]);
});

test.each(["edge-operations", "edge-operations-dead-letters"])(
  "a message in %s that nobody here has sent is let go: no try would make an operation of it",
  async (queue) => {
    const { acknowledged, again } = await delivered(queue, [null, "text", 7, {}, { id: null }, { id: "no-id" }]);

    expect(acknowledged).toHaveLength(6);
    expect(again).toEqual([]);
  },
);

test("a dead letter whose operation cannot be reached is tried again, and is no reason to run its work here", async () => {
  const operation = await startScript(async () => ({}));
  controls.sent.length = 0;
  controls.reconcile.fail("the object cannot be reached");
  const failed = await deadLetters([operation.id]);
  controls.reconcile.open();
  const { acknowledged } = await deadLetters([operation.id], "reports-dead-letters");

  expect(failed).toEqual({ acknowledged: [], again: ["dead-0"] });
  expect(acknowledged).toEqual(["dead-0"]);
  expect(await stateOf(operation)).toBe("QUEUED");
});

test("an alarm that was lost while its object stayed in memory is armed anew by whoever comes by", async () => {
  const operation = await startScript(async () => ({}));
  controls.sent.length = 0;
  await runInDurableObject(operation.stub, (_instance, { storage }) => storage.deleteAlarm());
  clock.advance(40 * 60_000);
  await getOperation(operation.name);
  const armed = await alarmTime(operation);
  await fireAlarm(operation);

  expect(armed).toBeGreaterThan(Date.now() - 1);
  expect(controls.sent).toEqual([{ id: operation.id }]);
});
