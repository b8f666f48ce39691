// The runner's end of direct dispatch, with an object that answers as a test says.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { DirectObject, Notice } from "../../../src/contract/direct-run";
import type { Claimed, MessageToObject, MessageToRunner } from "../../../src/contract/run-channel";
import { LISTEN_DELAY_MS } from "../../../src/limits";
import { defineMethod } from "../../../src/method/define-method";
import { DirectChannel } from "../../../src/queue/direct-channel";
import type { ChildStarts } from "../../../src/queue/child-starts";
import type { RunPlatform } from "../../../src/queue/run-platform";
import { runOperation } from "../../../src/queue/run-operation";

const LEASE_MS = 60_000;

const claimed: Claimed = {
  type: "claimed",
  fence: "the token",
  leaseMs: LEASE_MS,
  name: "operations/1",
  method: "things:run",
  methodVersion: "1",
  createTime: 0,
  deadline: 3_600_000,
  attempt: 1,
  maxAttempts: 5,
  request: "{}",
  sleeps: [],
  cancelRequested: false,
  steps: [],
};

/** The object: what it is sent, and what it answers. */
class AnObject implements DirectObject {
  readonly sent: MessageToObject[] = [];
  listens = 0;
  answer: () => Promise<MessageToRunner | undefined> = async () => ({ type: "saved", id: 1 });
  notice = Promise.withResolvers<Notice>();

  send(message: MessageToObject): Promise<MessageToRunner | undefined> {
    this.sent.push(message);
    return this.answer();
  }

  listen(): Promise<Notice> {
    this.listens += 1;
    this.notice = Promise.withResolvers<Notice>();
    return this.notice.promise;
  }

  request(): Promise<Response> {
    return Promise.reject(new Error("no test asks for a large value"));
  }
}

function aChannel({ claimTime = Date.now() } = {}) {
  const object = new AnObject();
  const channel = new DirectChannel(claimed, object, claimTime);
  const told: string[] = [];
  channel.listen({
    onCancel: () => told.push("cancel"),
    onAnswers: ({ suspensions }) => told.push(...suspensions.map(({ id }) => `answer ${id}`)),
    onStop: () => told.push("stop"),
  });
  channel.keepLease();
  return { object, channel, told };
}

const checkpoint = { type: "saveCheckpoint", cursor: "1" } as const;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("a direct runner", () => {
  test("makes no call before its answer if it ends soon", async () => {
    const { object, channel } = aChannel();
    await channel.finish({ type: "succeed", outcome: { response: "{}" } });
    await vi.advanceTimersByTimeAsync(LEASE_MS);

    expect(channel.lastWord).toMatchObject({ type: "succeed" });
    expect([object.listens, object.sent]).toEqual([0, []]);
  });

  test("subscribes after a while, and receives the messages in their order", async () => {
    const { object, told } = aChannel();
    await vi.advanceTimersByTimeAsync(LISTEN_DELAY_MS);
    expect(object.listens).toBe(1);
    for (const notice of [{ type: "leaseKept" }, { type: "cancel" }] as const) {
      object.notice.resolve(notice);
      await vi.advanceTimersByTimeAsync(0);
    }
    object.notice.resolve({ type: "answers", suspensions: [{ id: "approval" }] });
    await vi.advanceTimersByTimeAsync(0);
    object.notice.resolve({ type: "stop" });
    await vi.advanceTimersByTimeAsync(0);

    expect(told).toEqual(["cancel", "answer approval", "stop"]);
    expect(object.listens).toBe(4);
  });

  test("stores under its token, and stops when another runner has the work", async () => {
    const { object, channel, told } = aChannel();
    expect(await channel.save(checkpoint)).toBe("settled");
    object.answer = async () => ({ type: "stop" });
    expect(await channel.save(checkpoint)).toBe("stopped");

    expect(object.sent).toEqual([
      { ...checkpoint, id: 1, fence: "the token" },
      { ...checkpoint, id: 2, fence: "the token" },
    ]);
    expect(told).toEqual(["stop"]);
  });

  test("stops without a result when a call to its object fails", async () => {
    const { object, channel, told } = aChannel();
    object.answer = () => Promise.reject(new Error("Network connection lost."));

    expect(await channel.save(checkpoint)).toBe("stopped");
    expect(told).toEqual(["stop"]);
    expect(await channel.finish({ type: "succeed", outcome: { response: "{}" } })).toBe("stopped");
    expect(channel.lastWord).toBeUndefined();
  });

  test("holds the lease from the time at which it sent its last confirmed call", async () => {
    const { object, channel, told } = aChannel();
    await vi.advanceTimersByTimeAsync(LISTEN_DELAY_MS);
    await vi.advanceTimersByTimeAsync(20_000);
    object.notice.resolve({ type: "leaseKept" });
    await vi.advanceTimersByTimeAsync(LEASE_MS - 20_000 - 1);
    expect(channel.holdsLease()).toBe(true);
    await vi.advanceTimersByTimeAsync(1);

    expect(channel.holdsLease()).toBe(false);
    expect(told).toEqual(["stop"]);
  });

  test("counts its lease from the time at which the object made it if the call was late", () => {
    const { channel } = aChannel({ claimTime: Date.now() - LEASE_MS });

    expect(channel.holdsLease()).toBe(false);
  });
});

describe("a run", () => {
  async function run(work: () => Promise<object>) {
    const object = new AnObject();
    const channel = new DirectChannel(claimed, object, Date.now());
    const limits: number[] = [];
    const platform: RunPlatform = {
      now: () => Date.now(),
      random: () => 0.5,
      after: () => () => {},
      atLimit: (ms) => {
        limits.push(ms);
        return () => {};
      },
      turn: async () => {},
      span: (_name, _attributes, within) => within(),
      log: () => {},
    };
    const http = { post: "/v1/{parent=projects/*}/things:run", body: "*" } as const;
    const method = defineMethod({ http, request: (json) => json, run: work });
    const children = {} as ChildStarts;
    const methods = new Map([[method.id, method]]);
    const over = runOperation(channel, { methods, showInnerErrors: false, invocationMs: 60_000, platform, children });
    await vi.advanceTimersByTimeAsync(LISTEN_DELAY_MS);
    return { object, channel, limits, over };
  }

  test("sets no timer if its function waits for nothing", async () => {
    const { channel, limits, over } = await run(async () => ({ answer: 42 }));
    await over;

    expect(channel.lastWord).toMatchObject({ type: "succeed" });
    expect([limits, vi.getTimerCount()]).toEqual([[], 0]);
  });

  test("has its limit and keeps its lease once its function waits", async () => {
    const work = Promise.withResolvers<object>();
    const { object, channel, limits, over } = await run(() => work.promise);

    expect([limits, object.listens]).toEqual([[60_000], 1]);
    work.resolve({});
    await over;
    expect(channel.lastWord).toMatchObject({ type: "succeed" });
  });
});
