// The run channel: one runner at a time, under a fence token, for as long as its lease holds.
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { DEFAULT_LEASE_MS, LOST_CHANNEL_LEASE_MS } from "../../src/limits";
import type { Claimed, MessageToObject, MessageToRunner } from "../../src/contract/run-channel";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  type Started,
  advanceToAlarm,
  alarmTime,
  deliver,
  deliverNext,
  fireAlarm,
  getOperation,
  listNames,
  openSockets,
  outboxIsEmpty,
  runNext,
  socketIsOpen,
  startScript,
  stateOf,
  storedRecord,
  useFreshWorld,
} from "./harness";

useFreshWorld();

const LEASE_MS = DEFAULT_LEASE_MS;
const succeed = async () => ({ answer: 42 });

/** A runner of the test's own making, for what a real one would never do. */
class Runner {
  readonly received: MessageToRunner[] = [];
  readonly keepAlives: string[] = [];
  closed = false;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      if (data === "pong") this.keepAlives.push(data);
      else this.received.push(JSON.parse(String(data)) as MessageToRunner);
    });
    socket.addEventListener("close", () => {
      this.closed = true;
    });
    socket.accept();
  }

  /** Opens a channel: a claim, or with a fence the reopening of one that was lost. Undefined where it is refused. */
  static async open({ stub }: Started, fence?: string): Promise<Runner | undefined> {
    const response = await stub.fetch("https://operation/run", {
      headers: { Upgrade: "websocket", ...(fence === undefined ? {} : { "x-fence": fence }) },
    });
    if (!response.webSocket) {
      if (response.status !== 409) throw new Error(`a claim was answered ${response.status}`);
      return undefined;
    }
    const runner = new Runner(response.webSocket);
    await eventually(() => runner.received.length > 0);
    return runner;
  }

  static async claim(operation: Started): Promise<Runner> {
    const runner = await Runner.open(operation);
    if (!runner) throw new Error("the claim was refused");
    return runner;
  }

  get claimed(): Claimed {
    const [first] = this.received;
    if (first?.type !== "claimed") throw new Error("the first message is not the claim");
    return first;
  }

  send(message: MessageToObject): void {
    this.#socket.send(JSON.stringify(message));
  }

  async keepAlive(): Promise<void> {
    const count = this.keepAlives.length;
    this.#socket.send("ping");
    await eventually(() => this.keepAlives.length > count);
  }

  /** The next message of a type, once it has come. */
  async hears(type: MessageToRunner["type"]): Promise<void> {
    await eventually(() => this.received.some((message) => message.type === type));
  }

  /** Closes the channel, and waits until the object knows. */
  async lose(operation: Started): Promise<void> {
    this.#socket.close(1000, "lost");
    await eventually(async () => (await storedRecord(operation))?.channelLostTime !== undefined);
  }
}

describe("a queue message", () => {
  test("is acknowledged after its work is done", async () => {
    const operation = await startScript(succeed);
    const { explicitAcks, retryMessages } = await runNext();

    expect(explicitAcks).toHaveLength(1);
    expect(retryMessages).toEqual([]);
    expect(await getOperation(operation.name)).toMatchObject({ done: true, response: { value: { answer: 42 } } });
  });

  test("is sent again by the alarm, less and less often, if no runner claims it", async () => {
    const operation = await startScript(succeed);
    const sentTimes: number[] = [];
    // Some of its alarms tell the index that no consumer comes.
    for (let count = 0; count < 10; count += 1) {
      controls.sent.length = 0;
      await advanceToAlarm(operation);
      if (controls.sent.length > 0) sentTimes.push(Date.now());
    }
    const gaps = sentTimes.slice(1).map((time, index) => time - sentTimes[index]!);

    expect(sentTimes.length).toBeGreaterThanOrEqual(5);
    expect(gaps[0]).toBeGreaterThanOrEqual(30_000);
    expect(gaps).toEqual(gaps.toSorted((a, b) => a - b));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(600_000);
    expect(await stateOf(operation)).toBe("QUEUED");
  });

  test("is replaced by the alarm's message if it is lost", async () => {
    const operation = await startScript(succeed);
    controls.sent.length = 0;
    while (controls.sent.length === 0) await advanceToAlarm(operation);
    await runNext();

    expect(await getOperation(operation.name)).toMatchObject({ done: true });
  });

  test("claims once if it arrives twice, and the second one is acknowledged", async () => {
    let runs = 0;
    const release = Promise.withResolvers<void>();
    const operation = await startScript(async () => {
      runs += 1;
      await release.promise;
      return {};
    });
    const first = await deliver({ id: operation.id });
    const second = await (await deliver({ id: operation.id })).result();
    release.resolve();
    const firstResult = await first.result();
    const third = await (await deliver({ id: operation.id })).result();

    for (const result of [firstResult, second, third]) {
      expect(result.explicitAcks).toHaveLength(1);
      expect(result.retryMessages).toEqual([]);
    }
    expect(runs).toBe(1);
    expect(await listNames("projects/p")).toEqual([operation.name]);
  });

  test("claims once if it arrives twice at the same time", async () => {
    let runs = 0;
    const operation = await startScript(async () => {
      runs += 1;
      return {};
    });
    const deliveries = await Promise.all(Array.from({ length: 5 }, () => deliver({ id: operation.id })));
    await Promise.all(deliveries.map((delivery) => delivery.result()));

    expect(runs).toBe(1);
    expect(await getOperation(operation.name)).toMatchObject({ done: true });
  });

  test("is acknowledged and creates nothing for an unknown operation", async () => {
    const id = env.OPERATIONS.newUniqueId().toString();
    const { explicitAcks } = await (await deliver({ id })).result();

    expect(explicitAcks).toHaveLength(1);
  });

  test("is left to the Queue to retry if its object cannot be reached", async () => {
    const operation = await startScript(succeed);
    await runInDurableObject(operation.stub, (_instance, { storage }) => {
      storage.kv.put("record", { schemaVersion: 1, state: "no such state" });
    });
    await evictDurableObject(operation.stub);
    const { explicitAcks, retryMessages } = await (await deliver({ id: operation.id })).result();

    expect(explicitAcks).toEqual([]);
    expect(retryMessages).toHaveLength(1);
  });

  test("leaves the operation queued with a status message if its method is not deployed", async () => {
    const operation = await startScript(succeed);
    const record = (await storedRecord(operation))!;
    await runInDurableObject(operation.stub, (_instance, { storage }) => {
      storage.kv.put("record", { ...record, methodVersion: "0" });
    });
    await evictDurableObject(operation.stub);
    await runNext();
    const waiting = await getOperation(operation.name);
    await advanceToAlarm(operation);

    expect(waiting).toMatchObject({ done: false });
    expect(waiting.metadata.value["statusMessage"]).toContain("scripts:run, version 0");
    await eventually(async () => {
      await advanceToAlarm(operation);
      return controls.sent.length > 0;
    });
  });
});

describe("a token", () => {
  test("changes nothing if it is stale, and its sender is stopped", async () => {
    const operation = await startScript(succeed);
    const stale = await Runner.claim(operation);
    const { fence } = stale.claimed;
    clock.advance(LEASE_MS + 1);
    await fireAlarm(operation);
    await outboxIsEmpty(operation);
    const unclaimed = await storedRecord(operation);
    stale.send({ type: "succeed", fence, outcome: { response: '{"@type":"stale"}' } });
    await eventually(() => stale.received.filter(({ type }) => type === "stop").length === 2);
    expect(await storedRecord(operation)).toEqual(unclaimed);

    // A socket is nothing: the token counts, on the current runner's channel too.
    const current = await Runner.claim(operation);
    const before = await storedRecord(operation);
    const messages: MessageToObject[] = [
      { type: "progress", fence, progress: { metadata: { progressPercent: 99 } } },
      { type: "sleep", fence, ordinal: 0, wakeTime: Date.now() + 1 },
      { type: "fail", fence, error: { code: 5, message: "stale", details: [] }, retryable: false },
      { type: "release", fence, statusMessage: "stale" },
      { type: "succeed", fence, outcome: { response: '{"@type":"stale"}' } },
    ];
    for (const message of messages) current.send(message);
    await eventually(() => current.received.length === 1 + messages.length);

    expect(current.received.slice(1)).toEqual(messages.map(() => ({ type: "stop" })));
    expect(await storedRecord(operation)).toEqual(before);
    current.send({
      type: "succeed",
      fence: current.claimed.fence,
      outcome: { response: '{"@type":"type.googleapis.com/google.protobuf.Struct","value":{"by":"current"}}' },
    });
    await current.hears("settled");
    expect(await getOperation(operation.name)).toMatchObject({ response: { value: { by: "current" } } });
  });

  test("claims, sends and reads nothing if it was never issued", async () => {
    const operation = await startScript(succeed);
    await Runner.claim(operation);

    expect(await Runner.open(operation, crypto.randomUUID())).toBeUndefined();
    expect(await Runner.open(operation, "")).toBeUndefined();
    const input = await operation.stub.fetch("https://operation/input", { headers: { "x-fence": "guessed" } });
    expect(input.status).toBe(409);
    expect((await operation.stub.fetch("https://operation/input")).status).toBe(409);
  });

  test("ends with the work, so a message after the final one changes nothing", async () => {
    const operation = await startScript(succeed);
    const runner = await Runner.claim(operation);
    const { fence } = runner.claimed;
    runner.send({
      type: "succeed",
      fence,
      outcome: { response: '{"@type":"type.googleapis.com/google.protobuf.Empty"}' },
    });
    await runner.hears("settled");
    const before = await getOperation(operation.name);
    runner.send({ type: "progress", fence, progress: { metadata: { progressPercent: 99 } } });
    runner.send({ type: "fail", fence, error: { code: 5, message: "late", details: [] }, retryable: true });
    runner.send({ type: "succeed", fence, outcome: { response: '{"@type":"late"}' } });
    await runner.hears("stop");

    expect(await getOperation(operation.name)).toEqual(before);
  });

  test.each([
    ["not JSON", "{"],
    ["no message", '"hello"'],
    ["nothing known", '{"type":"obey","fence":"FENCE"}'],
  ])("changes nothing with a message that is %s, and the object continues", async (_, text) => {
    const operation = await startScript(succeed);
    const response = await operation.stub.fetch("https://operation/run", { headers: { Upgrade: "websocket" } });
    const socket = response.webSocket!;
    const heard: string[] = [];
    socket.addEventListener("message", ({ data }) => void heard.push(String(data)));
    socket.accept();
    await eventually(() => heard.length > 0);
    const { fence } = JSON.parse(heard[0]!) as Claimed;
    const before = await storedRecord(operation);
    socket.send(text.replace("FENCE", fence));

    expect(await storedRecord(operation)).toEqual(before);
    expect(await getOperation(operation.name)).toMatchObject({ done: false });
  });
});

describe("a lease", () => {
  test("is lost by a silent runner, and the work begins again", async () => {
    const operation = await startScript(succeed);
    const silent = await Runner.claim(operation);
    controls.sent.length = 0;
    clock.advance(LEASE_MS - 1);
    await fireAlarm(operation);
    const atTheEnd = await stateOf(operation);
    clock.advance(2);
    await fireAlarm(operation);
    await silent.hears("stop");
    const lost = await storedRecord(operation);
    await runNext();

    expect(atTheEnd).toBe("RUNNING");
    // The first death is most likely the platform's own: nothing is waited for.
    expect(lost).toMatchObject({ state: "QUEUED", deaths: 1, failures: 0 });
    expect(lost?.fence).toBeUndefined();
    expect(await getOperation(operation.name)).toMatchObject({ done: true, response: { value: { answer: 42 } } });
  });

  test("is lost on a read too if its alarm is late", async () => {
    const operation = await startScript(succeed);
    await Runner.claim(operation);
    clock.advance(LEASE_MS + 1);
    await getOperation(operation.name);

    expect(await stateOf(operation)).not.toBe("RUNNING");
  });

  test("is extended by keep-alives that the runtime answers while the object hibernates", async () => {
    const operation = await startScript(succeed);
    const runner = await Runner.claim(operation);
    for (let minute = 0; minute < 3; minute += 1) {
      clock.advance(LEASE_MS - 1_000);
      await evictDurableObject(operation.stub);
      await runner.keepAlive();
      clock.advance(2_000);
      await fireAlarm(operation);
      expect(await stateOf(operation)).toBe("RUNNING");
    }
    clock.advance(LEASE_MS);
    await fireAlarm(operation);

    expect(await stateOf(operation)).toBe("QUEUED");
    expect(runner.received.map(({ type }) => type)).toEqual(["claimed", "stop"]);
  });

  test("costs no call while it is kept", async () => {
    const operation = await startScript(succeed);
    const runner = await Runner.claim(operation);
    const before = controls.callsOf(operation.id).length;
    for (let count = 0; count < 20; count += 1) await runner.keepAlive();

    expect(controls.callsOf(operation.id)).toHaveLength(before);
  });

  test("survives the loss of the channel, which is reopened with the token", async () => {
    const operation = await startScript(succeed);
    const lost = await Runner.claim(operation);
    const { fence } = lost.claimed;
    await lost.lose(operation);
    await evictDurableObject(operation.stub, { webSockets: "close" });
    clock.advance(LOST_CHANNEL_LEASE_MS - 1);
    const reopened = await Runner.open(operation, fence);
    clock.advance(LEASE_MS - 1);
    await fireAlarm(operation);
    const state = await stateOf(operation);
    reopened?.send({
      type: "succeed",
      fence,
      outcome: { response: '{"@type":"type.googleapis.com/google.protobuf.Empty"}' },
    });
    await reopened?.hears("settled");

    expect(reopened?.claimed).toMatchObject({ fence, attempt: 1 });
    expect(state).toBe("RUNNING");
    expect(await getOperation(operation.name)).toMatchObject({ done: true });
  });

  test("rejects a reopened channel after it has expired", async () => {
    const operation = await startScript(succeed);
    const lost = await Runner.claim(operation);
    await lost.lose(operation);
    clock.advance(LOST_CHANNEL_LEASE_MS);

    expect(await Runner.open(operation, lost.claimed.fence)).toBeUndefined();
    expect(await stateOf(operation)).toBe("QUEUED");
  });

  test("is shortened to 10 s by the loss of its channel, and then another runner gets the work", async () => {
    const operation = await startScript(succeed);
    const lost = await Runner.claim(operation);
    const claimTime = Date.now();
    clock.advance(20_000);
    await lost.lose(operation);
    const shortened = await storedRecord(operation);
    const alarm = await alarmTime(operation);
    controls.sent.length = 0;
    clock.advance(9_999);
    await fireAlarm(operation);
    const before = await stateOf(operation);
    clock.advance(1);
    await fireAlarm(operation);
    await runNext();

    expect(shortened).toMatchObject({
      channelLostTime: claimTime + 20_000,
      leaseEndTime: claimTime + 20_000 + LOST_CHANNEL_LEASE_MS,
    });
    expect(alarm).toBeLessThanOrEqual(shortened!.leaseEndTime!);
    expect(before).toBe("RUNNING");
    expect(await getOperation(operation.name)).toMatchObject({ done: true });
    expect(await storedRecord(operation)).toMatchObject({ deaths: 1 });
  });

  test("has its whole length again once its channel is reopened", async () => {
    const operation = await startScript(succeed);
    const lost = await Runner.claim(operation);
    await lost.lose(operation);
    clock.advance(5_000);
    await Runner.open(operation, lost.claimed.fence);
    const record = await storedRecord(operation);
    clock.advance(LEASE_MS - 1);
    await fireAlarm(operation);

    expect(record?.channelLostTime).toBeUndefined();
    expect(record?.leaseEndTime).toBe(Date.now() + 1);
    expect(await stateOf(operation)).toBe("RUNNING");
  });

  test("is shortened by the next read if the object was reset and the runner is lost", async () => {
    const operation = await startScript(succeed);
    await Runner.claim(operation);
    // As when a source file is saved under `npm start`: nothing tells the new object that a channel closed.
    await evictDurableObject(operation.stub, { webSockets: "close" });
    clock.advance(1_000);
    await getOperation(operation.name);
    const { leaseEndTime } = (await storedRecord(operation))!;
    const readTime = Date.now();
    clock.advance(3_000);
    await getOperation(operation.name);

    expect(leaseEndTime).toBe(readTime + LOST_CHANNEL_LEASE_MS);
    // A second look does not lengthen it.
    expect((await storedRecord(operation))?.leaseEndTime).toBe(leaseEndTime);
  });

  test("stays with its runner after a reset of the object, although its stored end has passed", async () => {
    const operation = await startScript(succeed);
    const runner = await Runner.claim(operation);
    clock.advance(LEASE_MS - 1_000);
    await runner.keepAlive();
    await evictDurableObject(operation.stub, { webSockets: "close" });
    // The runner was confirmed 2 s ago, which only the lost channel knew.
    clock.advance(2_000);
    const reopened = await Runner.open(operation, runner.claimed.fence);

    expect(reopened?.claimed).toMatchObject({ attempt: 1 });
    expect(await storedRecord(operation)).toMatchObject({ state: "RUNNING", deaths: 0 });
  });

  test("follows the channel that was opened last, and the earlier one is closed without a stop", async () => {
    const operation = await startScript(succeed);
    const first = await Runner.claim(operation);
    const second = await Runner.open(operation, first.claimed.fence);
    await eventually(() => first.closed);

    expect(first.received.map(({ type }) => type)).toEqual(["claimed"]);
    expect(second?.claimed.fence).toBe(first.claimed.fence);
    expect(await openSockets(operation, "run")).toBe(1);
  });

  test("ends the operation with a remedy if it is lost too often in a row", async () => {
    const operation = await startScript(succeed);
    for (let deaths = 0; deaths < 10 && (await stateOf(operation)) !== "FAILED"; deaths += 1) {
      await Runner.claim(operation);
      clock.advance(LEASE_MS + 1);
      await fireAlarm(operation);
      for (let alarms = 0; alarms < 5 && (await stateOf(operation)) === "BACKING_OFF"; alarms += 1) {
        await advanceToAlarm(operation);
      }
    }
    const { error } = await getOperation(operation.name);

    expect(error).toMatchObject({ code: 13 });
    expect(JSON.stringify(error)).toContain("scripts:run");
  });
});

describe("a real runner", () => {
  test("reopens a broken channel, and its result counts", async () => {
    const release = Promise.withResolvers<void>();
    const operation = await startScript(async () => {
      await release.promise;
      return { answer: "after the break" };
    });
    const delivery = await deliverNext();
    await socketIsOpen(operation);
    await evictDurableObject(operation.stub, { webSockets: "close" });
    await eventually(() => controls.callsOf(operation.id).filter((called) => called === "/run").length === 2);
    release.resolve();
    await delivery.result();

    expect(await getOperation(operation.name)).toMatchObject({ response: { value: { answer: "after the break" } } });
    expect(await storedRecord(operation)).toMatchObject({ failures: 0, deaths: 0 });
  });

  test("aborts its signal when it is stopped, and its result is dropped", async () => {
    const aborted = Promise.withResolvers<unknown>();
    const release = Promise.withResolvers<void>();
    const operation = await startScript(async ({ signal }) => {
      signal.addEventListener("abort", () => aborted.resolve(signal.reason));
      await release.promise;
      return { answer: "too late" };
    });
    const delivery = await deliverNext();
    clock.advance(LEASE_MS + 1);
    await fireAlarm(operation);
    const reason = await aborted.promise;
    release.resolve();
    await delivery.result();

    expect(reason).toMatchObject({ code: "ABORTED" });
    expect(await getOperation(operation.name)).toMatchObject({ done: false });
  });

  test("does not abort its signal after its final message", async () => {
    let aborted = false;
    await startScript(async ({ signal }) => {
      signal.addEventListener("abort", () => {
        aborted = true;
      });
      return {};
    });
    await runNext();

    expect(aborted).toBe(false);
  });

  test("reports progress, which is merged, and sends the last report with the result", async () => {
    const reported = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const operation = await startScript(async (op) => {
      op.progress({ rows: 1, progressPercent: 10, statusMessage: "Reading." });
      reported.resolve();
      await release.promise;
      op.progress({ progressPercent: 90 });
      op.progress({ progressPercent: 99, last: true });
      return {};
    });
    const delivery = await deliverNext();
    await reported.promise;
    const during = await eventually(async () => {
      const { metadata } = await getOperation(operation.name);
      return metadata.value["rows"] === 1 && metadata.value;
    });
    release.resolve();
    await delivery.result();

    expect(during).toMatchObject({ progressPercent: 10, statusMessage: "Reading." });
    expect((await getOperation(operation.name)).metadata.value).toMatchObject({
      rows: 1,
      // Success is 100 percent, whatever was reported last.
      progressPercent: 100,
      last: true,
    });
  });

  test("rejects progress in the service's own fields", async () => {
    const operation = await startScript(async (op) => {
      op.progress({ endTime: "never" });
      return {};
    });
    await runNext();

    expect(await getOperation(operation.name)).toMatchObject({
      error: { code: 13, message: expect.stringContaining("the metadata field endTime is set by the service") },
    });
  });
});
