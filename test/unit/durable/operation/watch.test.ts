// Watches over sockets that are cut, silent or slow, and crowds of them.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { objectById } from "../../../../src/durable/object-call";
import type { OperationObject } from "../../../../src/durable/operation/operation-object";
import type { Subscription } from "../../../../src/durable/operation/wait";
import { watch } from "../../../../src/durable/operation/watch";
import type { Access } from "../../../../src/iam/access";
import { MAX_WATCH_CALLS, MAX_WATCH_EVENTS } from "../../../../src/limits";
import {
  AWAITED_HEADER,
  KNOWN_HEADER,
  OUTPUT_HEADER,
  OWN_RIGHT_HEADER,
  WAITERS_HEADER,
  type WaitMessage,
} from "../../../../src/contract/answer";
import { RpcError } from "../../../../src/rpc/error";
import type { WatchEvent, Watching } from "../../../../src/service/ports";
import { anAnswer } from "../../../support/a-service";
import { aPlatformError } from "../../../support/an-object";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

type Listener = (event: { data?: string }) => void;

class FakeSocket {
  isClosed = false;
  answersPings = true;
  pings = 0;
  #isAccepted = false;
  readonly #early: string[] = [];
  readonly #listeners: Record<string, Listener[]> = {};

  addEventListener(type: string, listener: Listener): void {
    (this.#listeners[type] ??= []).push(listener);
  }

  get readyState(): number {
    return this.isClosed ? WebSocket.CLOSED : WebSocket.READY_STATE_OPEN;
  }

  /** Messages before this wait for it. */
  accept(): void {
    this.#isAccepted = true;
    for (const data of this.#early) this.emit("message", data);
  }

  send(): void {
    this.pings += 1;
    if (this.answersPings) this.emit("message", "pong");
  }

  close(): void {
    this.isClosed = true;
  }

  push(message: WaitMessage): void {
    const data = JSON.stringify(message);
    if (this.#isAccepted) this.emit("message", data);
    else this.#early.push(data);
  }

  emit(type: "message" | "close", data?: string): void {
    for (const listener of this.#listeners[type] ?? []) listener(data === undefined ? {} : { data });
  }
}

function stateAt(revision: number, fields: { done?: boolean } = {}) {
  return anAnswer({ etag: `"${revision.toString(36)}"`, json: `{"n":${revision}}`, ...fields });
}

/** An operation's object that is at `revision`. */
function anObject() {
  const state = {
    revision: 1,
    isDown: false,
    hasOwnRight: false,
    waiters: 1,
    status: 101,
    known: [] as string[],
    sockets: [] as FakeSocket[],
    gets: 0,
    output: "",
    reads: [] as number[],
  };
  const fetch = async (_: string, init: { headers: Record<string, string> }) => {
    if (state.isDown) throw aPlatformError();
    if (state.status !== 101) return new Response(null, { status: state.status });
    expect(init.headers[AWAITED_HEADER]).toBe("changes");
    const known = decodeURIComponent(init.headers[KNOWN_HEADER] ?? "");
    state.known.push(known);
    const webSocket = new FakeSocket();
    state.sockets.push(webSocket);
    const answer = stateAt(state.revision);
    queueMicrotask(() => webSocket.push(known === answer.etag ? { type: "known" } : { type: "operation", answer }));
    const headers = new Headers({ [WAITERS_HEADER]: String(state.waiters) });
    headers.set(OUTPUT_HEADER, String(state.output.length));
    if (state.hasOwnRight) headers.set(OWN_RIGHT_HEADER, "true");
    return { status: 101, webSocket, headers };
  };
  const get = async () => {
    state.gets += 1;
    return stateAt(state.revision);
  };
  const output = async (_: string, offset: number) => {
    state.reads.push(offset);
    return { offset, text: state.output.slice(offset), nextOffset: state.output.length, done: false };
  };
  const namespace = { idFromString: (id: string) => id, get: () => ({ fetch, get, output }) };
  return {
    state,
    address: objectById<OperationObject>(namespace as never, "1"),
    get socket(): FakeSocket {
      return state.sockets.at(-1)!;
    },
    change(message?: WaitMessage): void {
      state.revision += 1;
      this.socket.push(message ?? { type: "operation", answer: stateAt(state.revision) });
    },
  };
}

const access: Access = {
  permission: "longrunning.operations.get",
  isGranted: true,
  principal: { id: "user:ada", members: [] },
};

type AnObject = ReturnType<typeof anObject>;

async function aWatch(object: AnObject, overrides: Partial<Subscription> = {}, known?: string): Promise<Watching> {
  const judgement = () => ({ access, endTime: Date.now() + 30_000 });
  const asked = {
    address: object.address,
    name: "operations/1",
    judgement: judgement(),
    judge: async () => judgement(),
  };
  const watching = await watch({ ...asked, ...overrides }, { known });
  if (typeof watching === "string" || "done" in watching) throw new Error("there is nothing to watch");
  return watching;
}

/** Takes the events as a fast client does. */
function taken(watching: Watching): { event: WatchEvent; time: number }[] {
  const events: { event: WatchEvent; time: number }[] = [];
  const take = async (): Promise<void> => {
    for (;;) {
      const event = await watching.next();
      events.push({ event, time: Date.now() });
      if (typeof event === "string" || ("done" in event && event.done)) return;
    }
  };
  void take();
  return events;
}

const revisions = (events: { event: WatchEvent }[]): unknown[] =>
  events.map(({ event }) => {
    if (typeof event === "string") return event;
    return "text" in event ? event : Number.parseInt(event.etag!.slice(1), 36);
  });

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe("a watch", () => {
  test("sends at most four states a second, and always the latest", async () => {
    const object = anObject();
    const events = taken(await aWatch(object));
    for (let change = 0; change < 200; change += 1) {
      object.change();
      await pass(10);
    }
    await pass(300);
    const times = events.map(({ time }) => time);

    expect(events.length).toBeGreaterThanOrEqual(7);
    for (const [index, time] of times.slice(1).entries()) expect(time - times[index]!).toBeGreaterThanOrEqual(250);
    expect(revisions(events).at(-1)).toBe(201);
  });

  test("sends no state twice, and no outdated state", async () => {
    const object = anObject();
    const events = taken(await aWatch(object));
    await pass(300);
    object.state.revision = 5;
    object.socket.push({ type: "done" });
    await pass(300);
    object.socket.push({ type: "operation", answer: stateAt(4) });
    await pass(300);
    object.socket.push({ type: "operation", answer: stateAt(5) });
    await pass(300);
    object.socket.push({ type: "operation", answer: stateAt(6) });
    await pass(300);

    expect(revisions(events)).toEqual([1, 5, 6]);
    expect(object.state.gets).toBe(1);
  });

  test("begins without the state that its client has", async () => {
    const object = anObject();
    const events = taken(await aWatch(object, {}, '"1"'));
    await pass(1_000);
    expect(events).toEqual([]);
    object.change();
    await pass(300);

    expect(revisions(events)).toEqual([2]);
  });

  test("continues after the last sent state when a deploy cuts its socket", async () => {
    const object = anObject();
    const events = taken(await aWatch(object));
    await pass(300);
    object.state.isDown = true;
    object.socket.emit("close");
    await pass(5_000);
    object.state.isDown = false;
    await pass(20_000);
    expect(object.state.known).toEqual(["", '"1"']);
    expect(revisions(events)).toEqual([1]);
    object.change();
    await pass(300);

    expect(revisions(events)).toEqual([1, 2]);
  });

  test("continues over another socket when its socket does not answer", async () => {
    const object = anObject();
    const watching = await aWatch(object);
    const events = taken(watching);
    await pass(300);
    watching.probe();
    watching.probe();
    expect(object.state.sockets).toHaveLength(1);
    const silent = object.socket;
    silent.answersPings = false;
    watching.probe();
    object.state.revision = 7;
    watching.probe();
    await pass(1_500);

    expect(object.state.sockets).toHaveLength(2);
    expect(silent.isClosed).toBe(true);
    expect(revisions(events)).toEqual([1, 7]);
  });

  test("ends and closes its socket when its client disconnects", async () => {
    const object = anObject();
    const watching = await aWatch(object);
    const events = taken(watching);
    await pass(300);
    watching.close();
    await pass(60_000);

    expect(revisions(events)).toEqual([1, "END"]);
    expect(object.state.sockets.map(({ isClosed }) => isClosed)).toEqual([true]);
  });

  test("ends after a number of events that the Worker's CPU time for a request allows", async () => {
    const object = anObject();
    const events = taken(await aWatch(object));
    for (let change = 0; change < MAX_WATCH_EVENTS + 10; change += 1) {
      object.change();
      await pass(250);
    }

    expect(events).toHaveLength(MAX_WATCH_EVENTS + 1);
    expect(events.at(-1)?.event).toBe("END");
  });

  test("ends before it has made as many calls as a Worker may", async () => {
    const object = anObject();
    const events = taken(await aWatch(object));
    for (let change = 0; change < 500; change += 1) {
      object.change({ type: "done" });
      await pass(300);
    }

    expect(object.state.gets + object.state.sockets.length).toBe(MAX_WATCH_CALLS);
    expect(events.at(-1)?.event).toBe("END");
  });

  test("is rejected with UNAVAILABLE if the object is not reached within a call's time", async () => {
    const object = anObject();
    object.state.isDown = true;
    const [refused] = await Promise.allSettled([aWatch(object), pass(21_000)]);

    expect(refused).toMatchObject({ reason: { code: "UNAVAILABLE" } });
  });

  test("sends a retry delay that grows with the number of watchers and is spread out", async () => {
    const object = anObject();
    const few = (await aWatch(object)).retryMs;
    object.state.waiters = 10_000;
    const many = await Promise.all(Array.from({ length: 50 }, async () => (await aWatch(object)).retryMs));

    expect(few).toBeLessThanOrEqual(500);
    expect(Math.min(...many)).toBeGreaterThanOrEqual(10_000);
    expect(new Set(many).size).toBeGreaterThan(40);
  });
});

describe("the output in a watch", () => {
  test("is given as it comes, what came together as one event, and all of it before the last state", async () => {
    const object = anObject();
    const watching = await aWatch(object);
    const events = taken(watching);
    await pass(300);
    object.socket.push({ type: "output", offset: 0, text: "一" });
    object.socket.push({ type: "output", offset: 3, text: "b" });
    await pass(1);
    object.socket.push({ type: "output", offset: 4, text: "c" });
    object.change({ type: "operation", answer: stateAt(2, { done: true }) });
    await pass(1_000);

    expect(revisions(events)).toEqual([1, { offset: 0, text: "一b" }, { offset: 4, text: "c" }, 2]);
    expect(watching.id).toBe("2.5");
    expect(object.state.reads).toEqual([]);
  });

  test("is fetched from the place at which it was missed", async () => {
    const object = anObject();
    object.state.output = "hello world";
    const events = taken(await aWatch(object));
    await pass(600);
    object.state.output += "!!";
    object.socket.push({ type: "output", endOffset: 13 });
    await pass(300);

    expect(revisions(events)).toEqual([1, { offset: 0, text: "hello world" }, { offset: 11, text: "!!" }]);
    expect(object.state.reads).toEqual([0, 11]);
  });

  test("continues at the client's place, also after a cut", async () => {
    const object = anObject();
    object.state.output = "hello";
    const judgement = { access, endTime: Date.now() + 30_000 };
    const asked = { address: object.address, name: "operations/1", judgement, judge: async () => judgement };
    const watching = (await watch(asked, { known: '"1"', outputOffset: 3 })) as Watching;
    const events = taken(watching);
    await pass(300);
    object.state.output = "hello world";
    object.socket.emit("close");
    await pass(2_000);

    expect(revisions(events)).toEqual([
      { offset: 3, text: "lo" },
      { offset: 5, text: " world" },
    ]);
  });
});

describe("the rights of a watcher", () => {
  const HOUR_MS = 3_600_000;

  test("of the operation's own policy are kept for an hour by one call, while the credentials are good", async () => {
    const object = anObject();
    object.state.hasOwnRight = true;
    const own = { ...access, isGranted: false };
    const judge = vi.fn<Subscription["judge"]>(async (held) => ({ access: held ?? own, endTime: Date.now() + 30_000 }));
    const events = taken(await aWatch(object, { judgement: { access: own, endTime: Date.now() + 30_000 }, judge }));
    await pass(HOUR_MS);

    expect(judge).toHaveBeenCalledTimes(120);
    expect(object.state.sockets).toHaveLength(1);
    expect(revisions(events)).toEqual([1]);
  });

  test("under a condition of the operation's policy are checked by its object every 30 seconds", async () => {
    const object = anObject();
    const own = { ...access, isGranted: false };
    const judge = async () => ({ access: { ...own }, endTime: Date.now() + 30_000 });
    const events = taken(await aWatch(object, { judgement: { access: own, endTime: Date.now() + 30_000 }, judge }));
    await pass(31_000);
    expect(object.state.sockets).toHaveLength(2);
    object.state.status = 403;
    await pass(31_000);

    expect(revisions(events)).toEqual([1, "END"]);
  });

  test("of an ancestor end the watch when they are revoked", async () => {
    const object = anObject();
    const judge = async () => {
      object.state.status = 403;
      return { access: { ...access, isGranted: false }, endTime: Date.now() + 30_000 };
    };
    const events = taken(await aWatch(object, { judge }));
    await pass(31_000);

    expect(revisions(events)).toEqual([1, "END"]);
  });

  test("end with the credentials", async () => {
    const object = anObject();
    const judge = async (): Promise<never> => {
      throw new RpcError("UNAUTHENTICATED", "The token has expired.", { reason: "CREDENTIALS_EXPIRED" });
    };
    const watching = await aWatch(object, { judge });
    await watching.next();
    const [refused] = await Promise.allSettled([watching.next(), pass(31_000)]);

    expect(refused).toMatchObject({ reason: { code: "UNAUTHENTICATED" } });
    expect(object.socket.isClosed).toBe(true);
  });
});
