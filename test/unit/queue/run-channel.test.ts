// The runner's end of the run channel, with an object that a test plays: what it does when the object does not answer, when
// the channel is cut, and when its lease expires.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  CLAIM_TIMEOUT_MS,
  DEFAULT_LEASE_MS,
  KEEP_ALIVE_GRACE_MS,
  LEASE_SLACK_MS,
  LISTEN_DELAY_MS,
  LOST_CHANNEL_LEASE_MS,
} from "../../../src/limits";
import type { Claimed, MessageToObject, MessageToRunner } from "../../../src/contract/run-channel";
import type { SaveMessage } from "../../../src/queue/channel";
import { RunChannel } from "../../../src/queue/run-channel";

const OPEN = 1;
const CLOSED = 3;
const PING_MS = DEFAULT_LEASE_MS / 4;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", { READY_STATE_OPEN: OPEN });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** The runner's end of a socket. */
class Socket extends EventTarget {
  readyState = OPEN;
  readonly sent: string[] = [];
  answersPings = true;

  accept(): void {}

  send(text: string): void {
    this.sent.push(text);
    if (text === "ping" && this.answersPings) this.says("pong");
  }

  close(): void {
    this.readyState = CLOSED;
  }

  says(data: string): void {
    this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }

  /** The connection is gone, and the runner hears so. */
  breaks(how: "close" | "error" = "close"): void {
    this.readyState = CLOSED;
    this.dispatchEvent(new Event(how));
  }
}

const claimed = { type: "claimed", fence: "the-token", leaseMs: DEFAULT_LEASE_MS, name: "operations/a" } as Claimed;

type Answer = (socket: Socket) => void | Promise<void>;
const claims = (socket: Socket, facts: Partial<Claimed> = {}): void =>
  void setTimeout(() => socket.says(JSON.stringify({ ...claimed, ...facts })), 0);

/** The object: each time it is asked it answers as the next of `answers` says, and at last as the last of them. */
function anObject(...answers: (Answer | "refuses" | "fails" | "hangs")[]) {
  const sockets: Socket[] = [];
  const askedTimes: number[] = [];
  const stub = {
    /** The code of an earlier version. */
    async claim(): Promise<never> {
      throw new TypeError('The RPC receiver does not implement the method "claim".');
    },
    async fetch(): Promise<Response> {
      askedTimes.push(Date.now());
      const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
      if (answer === "hangs") return new Promise<never>(() => {});
      if (answer === "fails") throw new Error("Network connection lost.");
      if (answer === "refuses") return { status: 409, webSocket: null } as unknown as Response;
      const socket = new Socket();
      sockets.push(socket);
      await answer(socket);
      return { status: 101, webSocket: socket } as unknown as Response;
    },
  };
  return { stub, sockets, askedTimes };
}

async function aChannel(...answers: Parameters<typeof anObject>) {
  return aChannelClaimedBy(claims, ...answers);
}

async function aChannelClaimedBy(...answers: Parameters<typeof anObject>) {
  const object = anObject(...answers);
  const claim = RunChannel.claim(object.stub);
  await vi.advanceTimersByTimeAsync(0);
  const channel = (await claim)!;
  const stops: number[] = [];
  channel.listen({ onCancel: () => {}, onAnswers: () => {}, onStop: () => void stops.push(Date.now()) });
  return { ...object, channel, stops, claimTime: Date.now() };
}

/** The session of a claim: what it was sent, whether it was disposed of, and its answers, which a test gives. */
class ASession {
  readonly claimed: Claimed = claimed;
  readonly sent: MessageToObject[] = [];
  isDisposed = false;
  answer: (message: MessageToObject) => Promise<MessageToRunner | undefined> = async (message) =>
    "id" in message ? { type: "saved", id: message.id } : { type: "settled" };
  readonly calls = Object.assign(this, {
    send: (message: MessageToObject) => {
      this.sent.push(message);
      return this.answer(message);
    },
  });

  [Symbol.dispose](): void {
    this.isDisposed = true;
  }
}

/** A channel whose claim was a call. */
async function aCalledChannel(...answers: Parameters<typeof anObject>) {
  const session = new ASession();
  const object = anObject(...answers);
  const channel = (await RunChannel.claim({ ...object.stub, claim: async () => session }))!;
  channel.keepLease();
  const heard: string[] = [];
  channel.listen({
    onCancel: () => heard.push("cancel"),
    onAnswers: ({ suspensions }) => heard.push(...suspensions.map(({ id }) => `answer ${id}`)),
    onStop: () => heard.push("stop"),
  });
  return { ...object, channel, session, heard };
}

const checkpoint: SaveMessage = { type: "saveCheckpoint", cursor: "1" };

describe("a claim by call", () => {
  test("needs no socket if the work ends soon", async () => {
    const { channel, session, askedTimes } = await aCalledChannel("fails");
    channel.sendProgress({ metadata: { rows: 1 } });
    const saved = await channel.save(checkpoint);
    const settled = await channel.finish({ type: "succeed", outcome: { response: "{}" } });
    await vi.advanceTimersByTimeAsync(DEFAULT_LEASE_MS);

    expect([saved, settled]).toEqual(["settled", "settled"]);
    expect(session.sent.map(({ type, fence }) => [type, fence])).toEqual(
      ["progress", "saveCheckpoint", "succeed"].map((type) => [type, "the-token"]),
    );
    expect(session.isDisposed).toBe(true);
    expect(askedTimes).toEqual([]);
  });

  test("opens the socket of work that takes longer, and ends the session then", async () => {
    const { session, sockets, channel } = await aCalledChannel(claims);
    await vi.advanceTimersByTimeAsync(LISTEN_DELAY_MS - 1);
    expect([sockets.length, session.isDisposed]).toEqual([0, false]);
    await vi.advanceTimersByTimeAsync(2);
    expect([sockets.length, session.isDisposed]).toEqual([1, true]);
    void channel.save(checkpoint);

    expect(session.sent).toEqual([]);
    expect(sockets[0]!.sent).toHaveLength(1);
  });

  test("sends over its socket again what the session has not answered", async () => {
    const { session, sockets, channel } = await aCalledChannel(claims);
    session.answer = () => new Promise(() => {});
    channel.sendProgress({ metadata: { rows: 1 } });
    const saved = channel.save(checkpoint);
    await vi.advanceTimersByTimeAsync(LISTEN_DELAY_MS + 1);
    expect(sockets[0]!.sent.map((text) => JSON.parse(text) as object)).toEqual(session.sent);
    sockets[0]!.says(JSON.stringify({ type: "saved", id: 1 }));

    expect(await saved).toBe("settled");
  });

  test("delivers a cancel and answers that came before its socket", async () => {
    const { heard } = await aCalledChannel((socket) => {
      const changes = { cancelRequested: true, suspensions: [{ id: "approval" }] };
      setTimeout(() => socket.says(JSON.stringify({ ...claimed, ...changes })), 0);
    });
    await vi.advanceTimersByTimeAsync(LISTEN_DELAY_MS + 1);

    expect(heard).toEqual(["cancel", "answer approval"]);
  });

  test("stops the work at a message that the object answers with stop", async () => {
    const { session, channel, heard } = await aCalledChannel(claims);
    session.answer = async () => ({ type: "stop" });

    expect(await channel.save(checkpoint)).toBe("stopped");
    expect(heard).toEqual(["stop"]);
  });

  test("opens the socket at once if a call of the session fails", async () => {
    const { session, sockets, channel, heard } = await aCalledChannel(claims);
    session.answer = () => Promise.reject(new Error("Network connection lost."));
    const saved = channel.save(checkpoint);
    await vi.advanceTimersByTimeAsync(1);
    sockets[0]!.says(JSON.stringify({ type: "saved", id: 1 }));

    expect(await saved).toBe("settled");
    expect(session.isDisposed).toBe(true);
    expect(heard).toEqual([]);
  });

  test("leaves the runner ten seconds after its socket could not be opened", async () => {
    const { channel, session, heard } = await aCalledChannel("fails");
    await vi.advanceTimersByTimeAsync(LISTEN_DELAY_MS + LOST_CHANNEL_LEASE_MS - 1);
    expect([session.isDisposed, channel.holdsLease()]).toEqual([true, true]);
    await vi.advanceTimersByTimeAsync(1);

    expect(channel.holdsLease()).toBe(false);
    expect(heard).toEqual(["stop"]);
  });

  test("ends its session if the answer is too late, so the object learns it", async () => {
    const late = Promise.withResolvers<ASession>();
    const failed = vi.fn<(error: unknown) => void>();
    RunChannel.claim({ ...anObject("fails").stub, claim: () => late.promise }).catch(failed);
    await vi.advanceTimersByTimeAsync(CLAIM_TIMEOUT_MS);
    const session = new ASession();
    late.resolve(session);
    await vi.advanceTimersByTimeAsync(1);

    expect(failed).toHaveBeenCalledOnce();
    expect(session.isDisposed).toBe(true);
  });
});

describe("a claim", () => {
  test.each<[string, Answer | "hangs"]>([
    ["that is never answered", "hangs"],
    ["a silent channel", () => {}],
  ])("fails after ten seconds if its answer is missing: %s", async (_, answer) => {
    const failed = vi.fn<(error: unknown) => void>();
    RunChannel.claim(anObject(answer).stub).catch(failed);
    await vi.advanceTimersByTimeAsync(CLAIM_TIMEOUT_MS - 1);
    expect(failed).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);

    expect(failed.mock.calls).toEqual([
      [expect.objectContaining({ message: expect.stringContaining(`within ${CLAIM_TIMEOUT_MS} ms`) })],
    ]);
  });

  test.each(["close", "error"] as const)("fails at once if its channel ends by %s before it is open", async (how) => {
    const { stub } = anObject((socket) => void setTimeout(() => socket.breaks(how), 0));
    const failed = vi.fn<(error: unknown) => void>();
    RunChannel.claim(stub).catch(failed);
    await vi.advanceTimersByTimeAsync(0);

    expect(failed).toHaveBeenCalledOnce();
  });

  test("closes its channel if the answer is too late, so the object learns it", async () => {
    const late = Promise.withResolvers<void>();
    const { stub, sockets } = anObject(async (socket) => {
      await late.promise;
      claims(socket);
    });
    const failed = vi.fn<(error: unknown) => void>();
    RunChannel.claim(stub).catch(failed);
    await vi.advanceTimersByTimeAsync(CLAIM_TIMEOUT_MS);
    late.resolve();
    await vi.advanceTimersByTimeAsync(1);

    expect(failed).toHaveBeenCalledOnce();
    expect(sockets[0]?.readyState).toBe(CLOSED);
  });
});

describe("a lost channel", () => {
  test("is opened again at once, and then less and less often", async () => {
    const { sockets, askedTimes, claimTime } = await aChannel("fails");
    sockets[0]!.breaks();
    await vi.advanceTimersByTimeAsync(LOST_CHANNEL_LEASE_MS);
    const [, first, ...more] = askedTimes;
    const gaps = more.map((time, index) => time - [first!, ...more][index]!);

    expect(first).toBe(claimTime);
    expect(gaps.length).toBeGreaterThan(4);
    expect(gaps.length).toBeLessThan(16);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(125);
    expect(Math.max(...gaps)).toBeGreaterThan(999);
  });

  test("is opened again after a pause if it is cut as soon as it is open", async () => {
    const cutAtOnce: Answer = (socket) => {
      claims(socket);
      setTimeout(() => socket.breaks(), 1);
    };
    const { sockets, askedTimes } = await aChannel(cutAtOnce);
    sockets[0]!.breaks();
    await vi.advanceTimersByTimeAsync(10_000);

    expect(askedTimes.length).toBeGreaterThan(5);
    expect(askedTimes.length).toBeLessThan(20);
  });

  test("leaves the runner ten seconds, however long its lease is", async () => {
    const { sockets, stops, channel, claimTime } = await aChannel("fails");
    sockets[0]!.breaks();
    await vi.advanceTimersByTimeAsync(LOST_CHANNEL_LEASE_MS - 1);
    expect(channel.holdsLease()).toBe(true);
    await vi.advanceTimersByTimeAsync(1);

    expect(channel.holdsLease()).toBe(false);
    expect(stops).toEqual([claimTime + LOST_CHANNEL_LEASE_MS]);
  });

  test("restores the runner's whole lease when it is open again", async () => {
    const { sockets, stops, channel } = await aChannel("fails", "fails", claims);
    sockets[0]!.breaks();
    await vi.advanceTimersByTimeAsync(5 * LOST_CHANNEL_LEASE_MS);

    expect(channel.holdsLease()).toBe(true);
    expect(stops).toEqual([]);
  });

  test("stops the work if the object rejects the new channel", async () => {
    const { sockets, stops, claimTime } = await aChannel("refuses");
    sockets[0]!.breaks();
    await vi.advanceTimersByTimeAsync(0);

    expect(stops).toEqual([claimTime]);
  });

  test("is detected by a keep-alive without an answer", async () => {
    const { sockets, askedTimes, claimTime } = await aChannel(claims);
    await vi.advanceTimersByTimeAsync(PING_MS);
    sockets[0]!.answersPings = false;
    await vi.advanceTimersByTimeAsync(2 * PING_MS + KEEP_ALIVE_GRACE_MS);

    expect(sockets).toHaveLength(2);
    expect(askedTimes.at(-1)).toBe(claimTime + 3 * PING_MS + KEEP_ALIVE_GRACE_MS);
    expect(sockets[0]?.readyState).toBe(CLOSED);
  });

  test.each<SaveMessage>([
    { type: "saveCheckpoint", cursor: "1" },
    { type: "saveStep", name: "parse", result: "1", order: 1 },
    { type: "saveOutput", offset: 0, text: "one line" },
    { type: "saveSleeps" },
    { type: "saveSuspensions", suspensions: [] },
    { type: "saveChildren", children: [] },
  ])("sends an unanswered message again over the next channel: %o", async (message) => {
    const { sockets, channel } = await aChannel("fails", claims);
    const saved = channel.save(message);
    sockets[0]!.breaks("error");
    await vi.advanceTimersByTimeAsync(2_000);
    const [again] = sockets[1]!.sent;
    sockets[1]!.says(JSON.stringify({ type: "saved", id: 1 }));

    expect(again).toBe(sockets[0]!.sent[0]);
    expect(await saved).toBe("settled");
  });
});

test("a new channel sends the last report before the unanswered messages", async () => {
  const { sockets, channel } = await aChannel("fails", claims);
  channel.sendProgress({ metadata: { rows: 1 } });
  channel.sendProgress({ metadata: { rows: 2 } });
  void channel.save({ type: "saveCheckpoint", cursor: "1" });
  sockets[0]!.breaks("error");
  await vi.advanceTimersByTimeAsync(2_000);

  expect(sockets[1]!.sent.map((text) => JSON.parse(text) as object)).toMatchObject([
    { type: "progress", progress: { metadata: { rows: 2 } } },
    { type: "saveCheckpoint", cursor: "1" },
  ]);
});

describe("the check of the lease before a part of the work", () => {
  /** Whether it waits for a timer, and whether the work has stopped, where the true time is `passedMs` later by then. */
  const check = async (channel: RunChannel, stops: unknown[], passedMs: number) => {
    // The platform's: it shows the time of the last event, until the next one.
    const stoodAt = Date.now();
    const now = vi.spyOn(Date, "now").mockReturnValue(stoodAt);
    const timers = vi.getTimerCount();
    const confirmed = channel.confirmLease();
    const waits = vi.getTimerCount() > timers;
    now.mockReturnValue(stoodAt + passedMs);
    if (waits) await vi.advanceTimersByTimeAsync(1);
    await confirmed;
    now.mockRestore();
    return { waits, isStopped: stops.length > 0 };
  };

  test("goes by the clock as it stands, while the lease outlasts all that the runner may compute", async () => {
    const { channel, stops } = await aChannel(claims);
    await vi.advanceTimersByTimeAsync(LEASE_SLACK_MS - 10);
    expect(await check(channel, stops, 0)).toEqual({ waits: false, isStopped: false });
  });

  test("goes by a clock that a timer has advanced from then on", async () => {
    const { channel, stops } = await aChannel(claims);
    await vi.advanceTimersByTimeAsync(LEASE_SLACK_MS + 10);
    expect(await check(channel, stops, DEFAULT_LEASE_MS)).toEqual({ waits: true, isStopped: true });
  });

  test("goes by such a clock where the lease is shorter than a deployment's", async () => {
    const { channel, stops } = await aChannelClaimedBy((socket) => claims(socket, { leaseMs: 2_000 }));
    expect(await check(channel, stops, 2_000)).toEqual({ waits: true, isStopped: true });
  });

  test("goes by such a clock where the channel is lost", async () => {
    const { channel, stops, sockets } = await aChannel("hangs");
    sockets[0]!.breaks();
    expect(await check(channel, stops, LOST_CHANNEL_LEASE_MS)).toEqual({ waits: true, isStopped: true });
  });
});
