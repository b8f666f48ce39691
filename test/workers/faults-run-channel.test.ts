// The run channel cut in every phase, on the way to the object and on the way back, under a real runner: what was stored
// is not done again, and what was not stored is.
import { exports } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { LOST_CHANNEL_LEASE_MS } from "../../src/limits";
import { eventually } from "../support/eventually";
import { claimOf } from "./claim-of";
import { clock } from "./clock";
import { type Cut, controls } from "./controls";
import {
  type Started,
  advanceToAlarm,
  deliverNext,
  fireAlarm,
  getOperation,
  listNames,
  outboxIsEmpty,
  presentRecord,
  runNext,
  socketIsOpen,
  startScript,
  stateOf,
  storedRecord,
  useFreshWorld,
} from "./harness";

useFreshWorld();

/** When a work begins to send: by calls of its claim's session, or once its socket is open. */
const CARRIERS = {
  calls: async (_operation: Started): Promise<void> => {},
  "its socket": socketIsOpen,
} as const;

type Carrier = keyof typeof CARRIERS;

/** A work with everything that crosses the channel, and what of it was done, in its order. */
async function startJourney(carrier: Carrier): Promise<{ operation: Started; ran: string[] }> {
  const ran: string[] = [];
  const operation = await startScript(async (op) => {
    ran.push(`attempt ${op.attempt}`);
    await CARRIERS[carrier](operation);
    const first = await op.step("first", () => {
      ran.push("first");
      return 20;
    });
    op.progress({ progressPercent: 50, halfWay: true });
    const cursor = (op.resumeFrom as number | undefined) ?? 0;
    if (cursor === 0) await op.checkpoint(1);
    await op.sleep("pause", "30m");
    const second = await op.step("second", () => {
      ran.push("second");
      return 22;
    });
    if (op.attempt === 1) throw new Error("the first always fails");
    return { answer: first + second, cursor: op.resumeFrom ?? null };
  });
  return { operation, ran };
}

/** Lets time pass and messages come, until it is done. */
async function seeThrough(operation: Started): Promise<void> {
  for (let turn = 0; turn < 20 && !(await getOperation(operation.name)).done; turn += 1) {
    while (controls.sent.length > 0) await runNext();
    if (!(await getOperation(operation.name)).done) await advanceToAlarm(operation);
  }
}

const CUTS: Cut[] = ["lost", "unanswered"];
const MESSAGES = ["progress", "saveStep", "saveCheckpoint", "sleep", "fail", "succeed"];

describe.each(Object.keys(CARRIERS) as Carrier[])("a channel that is cut over %s", (carrier) => {
  test.each(CUTS.flatMap((cut) => MESSAGES.map((message) => [message, cut] as const)))(
    "does not affect the work at %s, which is %s",
    async (message, cut) => {
      controls.cuts.set(message, cut);
      const { operation, ran } = await startJourney(carrier);
      await seeThrough(operation);
      const ended = await getOperation(operation.name);
      await outboxIsEmpty(operation);

      expect(controls.cuts.size).toBe(0);
      expect(ended).toMatchObject({ done: true, response: { value: { answer: 42, cursor: 1 } } });
      expect(ended.metadata.value).toMatchObject({ halfWay: true });
      // Called again after its sleep and after its failure, and never because of the cut.
      expect(ran).toEqual(["attempt 1", "first", "attempt 1", "second", "attempt 2"]);
      expect(await storedRecord(operation)).toMatchObject({ failures: 1, deaths: 0 });
      expect(await listNames("projects/p")).toEqual([operation.name]);
    },
  );

  test("does not affect the work at every message once", async () => {
    for (const message of MESSAGES) controls.cuts.set(message, "unanswered");
    const { operation, ran } = await startJourney(carrier);
    await seeThrough(operation);

    expect(controls.cuts.size).toBe(0);
    expect(await getOperation(operation.name)).toMatchObject({ response: { value: { answer: 42 } } });
    expect(ran).toEqual(["attempt 1", "first", "attempt 1", "second", "attempt 2"]);
  });
});

describe("a claim", () => {
  test("leaves the work queued and its message to the Queue if it is lost", async () => {
    controls.cuts.set("claim", "lost");
    const operation = await startScript(async () => ({ answer: 42 }));
    const { retryMessages, explicitAcks } = await runNext();
    const state = await stateOf(operation);
    await seeThrough(operation);

    expect(retryMessages).toHaveLength(1);
    expect(explicitAcks).toEqual([]);
    expect(state).toBe("QUEUED");
    expect(await getOperation(operation.name)).toMatchObject({ response: { value: { answer: 42 } } });
  });

  test("keeps its lease for ten seconds if its answer is lost, and then another runner does the work", async () => {
    controls.cuts.set("claim", "unanswered");
    let calls = 0;
    const operation = await startScript(async (op) => {
      calls += 1;
      return { attempt: op.attempt };
    });
    const message = { id: operation.id };
    const { retryMessages } = await runNext();
    const claimed = await storedRecord(operation);
    // The Queue's own retry comes while the lease still holds, and claims nothing.
    controls.sent.push(message);
    const retried = await (await deliverNext()).result();
    const callsBefore = calls;
    await eventually(async () => (await storedRecord(operation))?.channelLostTime !== undefined);
    clock.advance(LOST_CHANNEL_LEASE_MS);
    await fireAlarm(operation);
    await seeThrough(operation);

    expect(retryMessages).toHaveLength(1);
    expect(claimed).toMatchObject({ state: "RUNNING" });
    expect(retried.explicitAcks).toHaveLength(1);
    expect(callsBefore).toBe(0);
    expect(calls).toBe(1);
    expect(await getOperation(operation.name)).toMatchObject({ response: { value: { attempt: 2 } } });
  });
});

describe("the session of a claim", () => {
  const isLost = async (operation: Started): Promise<boolean> =>
    (await storedRecord(operation))?.channelLostTime !== undefined;

  test("is lost if the runner disposes of it without a last word", async () => {
    const operation = await startScript(async () => ({}));
    const session = await claimOf(operation.stub);
    expect(await isLost(operation)).toBe(false);
    session[Symbol.dispose]();

    await eventually(() => isLost(operation));
  });

  test("is lost if the runner's invocation has ended", async () => {
    const operation = await startScript(async () => ({}));
    await exports.DyingConsumer.claim(operation.id);

    await eventually(() => isLost(operation));
    expect(await storedRecord(operation)).toMatchObject({ state: "RUNNING" });
  });

  test("is replaced by the runner's socket, which overtakes its messages", async () => {
    const operation = await startScript(async () => ({}));
    const session = await claimOf(operation.stub);
    const { fence } = session.claimed;
    const headers = { Upgrade: "websocket", "x-fence": fence };
    const { webSocket } = await operation.stub.fetch("https://operation/run", { headers });
    webSocket!.accept();
    const answer = await session.calls.send({ type: "progress", fence, progress: { statusMessage: "an earlier one" } });
    session[Symbol.dispose]();
    await getOperation(operation.name);

    expect(answer).toBeUndefined();
    expect(await isLost(operation)).toBe(false);
    expect(JSON.stringify(await presentRecord(operation))).not.toContain("an earlier one");
    webSocket!.close();
  });

  test("is told to stop once another runner has claimed the work", async () => {
    const operation = await startScript(async () => ({}));
    const session = await claimOf(operation.stub);
    const { fence, leaseMs } = session.claimed;
    clock.advance(leaseMs);
    await fireAlarm(operation);
    await seeThrough(operation);
    const answer = await session.calls.send({ type: "saveCheckpoint", id: 1, fence, cursor: "1" });
    session[Symbol.dispose]();

    expect(answer).toEqual({ type: "stop" });
    expect(await getOperation(operation.name)).toMatchObject({ done: true, response: {} });
  });
});
