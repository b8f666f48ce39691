// Waits of which deploys and crashes cut the sockets, or whose object cannot be reached: each is answered all the same.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { operationStore } from "../../../../src/durable/operation/operation-client";
import { objectById } from "../../../../src/durable/object-call";
import type { OperationObject } from "../../../../src/durable/operation/operation-object";
import { resubscribeDelayMs, returnDelayMs } from "../../../../src/durable/operation/return-delay";
import { type Wait, wait } from "../../../../src/durable/operation/wait";
import type { Access } from "../../../../src/iam/access";
import { type Policy, emptyPolicy, policyFromBindings } from "../../../../src/iam/policy";
import { PolicyCache } from "../../../../src/iam/policy-cache";
import { MAX_HELD_MS, MAX_WAITERS } from "../../../../src/limits";
import { type EndSoon, WAITERS_HEADER, type WaitMessage } from "../../../../src/contract/answer";
import { RpcError, unavailable } from "../../../../src/rpc/error";
import { Authorizer } from "../../../../src/service/authorizer";
import { anAnswer } from "../../../support/a-service";
import { aPlatformError } from "../../../support/an-object";
import { randomFromSeed } from "../../../support/random";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

type Listener = (event: { data?: string }) => void;

/** The Worker's end of a waiter's socket. */
class FakeSocket {
  isClosed = false;
  readonly #listeners: Record<string, Listener[]> = {};

  addEventListener(type: string, listener: Listener): void {
    (this.#listeners[type] ??= []).push(listener);
  }

  get readyState(): number {
    return WebSocket.READY_STATE_OPEN;
  }

  accept(): void {}

  close(): void {
    this.isClosed = true;
  }

  emit(type: "message" | "close", data?: WaitMessage): void {
    this.isClosed = true;
    for (const listener of this.#listeners[type] ?? []) listener({ data: JSON.stringify(data) });
  }
}

const running = anAnswer();
const done = anAnswer({ done: true, json: '{"name":"operations/1","done":true}' });

/** An operation's object, with its waiters. While it is `down` it throws what is given. */
function anOperationObject() {
  const state = {
    answer: running,
    down: undefined as Error | undefined,
    isFull: false,
    /** The object runs code that does not know the first call of a waiter. */
    isEarlier: false,
    /** It does not answer the first call of a waiter. */
    isSilent: false,
    firstCalls: 0,
    sockets: [] as FakeSocket[],
    /** When each subscription came, and with which access. */
    subscriptions: [] as { time: number; access: Access }[],
    gets: 0,
  };
  const open = (): FakeSocket[] => state.sockets.filter(({ isClosed }) => !isClosed);
  const fetch = ([, init]: unknown[]) => {
    if (state.down) throw state.down;
    const { headers } = init as { headers: Record<string, string> };
    const access = JSON.parse(decodeURIComponent(headers["x-access"] ?? "")) as Access;
    state.subscriptions.push({ time: Date.now(), access });
    if (state.answer.done) return Response.json({ type: "operation", answer: state.answer } satisfies WaitMessage);
    if (state.isFull) return new Response(null, { status: 503 });
    const webSocket = new FakeSocket();
    state.sockets.push(webSocket);
    return { status: 101, webSocket, headers: new Headers({ [WAITERS_HEADER]: String(open().length) }) };
  };
  const get = () => {
    if (state.down) throw state.down;
    state.gets += 1;
    return state.answer;
  };

  const endSoon = ([, access]: unknown[]): EndSoon | Promise<never> => {
    if (state.down) throw state.down;
    state.firstCalls += 1;
    if (state.isEarlier) throw new TypeError('The receiver does not implement the method "endSoon".');
    if (state.isSilent) return new Promise(() => {});
    if (!state.answer.done) return undefined;
    state.subscriptions.push({ time: Date.now(), access: access as Access });
    return { type: "operation", answer: state.answer };
  };

  const namespace = {
    idFromString: (id: string) => id,
    get: () => {
      let brokenBy: Error | undefined;
      const call =
        (answer: (parameters: unknown[]) => unknown) =>
        async (...parameters: unknown[]) => {
          try {
            if (brokenBy) throw brokenBy;
            return answer(parameters);
          } catch (error) {
            brokenBy = error as Error;
            throw error;
          }
        };
      return { fetch: call(fetch), get: call(get), endSoon: call(endSoon) };
    },
  };
  return {
    state,
    address: objectById<OperationObject>(namespace as never, "1"),
    /** A deploy: all sockets are cut in one moment. */
    reset(): void {
      for (const socket of open()) socket.emit("close");
    },
    finish(): void {
      state.answer = done;
      for (const socket of open()) socket.emit("message", { type: "operation", answer: done });
    },
  };
}

const access: Access = {
  permission: "longrunning.operations.wait",
  isGranted: true,
  principal: { id: "user:ada", members: [] },
};

function aWait(object: ReturnType<typeof anOperationObject>, overrides: Partial<Wait> = {}) {
  const judgement = () => ({ access, endTime: Date.now() + 30_000 });
  return wait({
    address: object.address,
    name: "operations/1",
    timeoutMs: 60_000,
    request: undefined,
    judgement: judgement(),
    judge: async () => judgement(),
    ...overrides,
  });
}

const second = (count = 1) => vi.advanceTimersByTimeAsync(count * 1_000);

describe("the first call of a wait", () => {
  test("gives the end of an operation that has ended, without a socket", async () => {
    const object = anOperationObject();
    object.finish();

    expect(await aWait(object)).toBe(done);
    expect(object.state.sockets).toEqual([]);
  });

  test.each([{ isEarlier: false }, { isEarlier: true }])(
    "is followed by a socket, once, while the operation goes on: %o",
    async ({ isEarlier }) => {
      const object = anOperationObject();
      object.state.isEarlier = isEarlier;
      const waiting = aWait(object);
      await second();
      object.reset();
      await second(10);
      object.finish();

      expect(await waiting).toEqual(done);
      expect(object.state.firstCalls).toBe(1);
      expect(object.state.sockets).toHaveLength(2);
    },
  );

  test("does not make the wait longer than it is where the object is silent", async () => {
    const object = anOperationObject();
    object.state.isSilent = true;
    const waiting = aWait(object, { timeoutMs: 3_000 });
    await second(3);

    expect(await waiting).toBe(running);
  });

  test("is not made where the wait is over before the call may be held", async () => {
    const object = anOperationObject();
    const waiting = aWait(object, { timeoutMs: 2 * MAX_HELD_MS });
    await second(3);
    await waiting;

    expect(object.state.firstCalls).toBe(0);
  });
});

describe("a deploy in the middle of 1,000 waits", () => {
  test("answers every wait with the result and none with an error", async () => {
    const object = anOperationObject();
    const waits = Array.from({ length: 1_000 }, () => aWait(object));
    await second();
    expect(object.state.sockets).toHaveLength(1_000);
    object.state.down = aPlatformError();
    object.reset();
    await second(3);
    object.state.down = undefined;
    await second(20);
    object.finish();

    expect(await Promise.all(waits)).toEqual(Array.from({ length: 1_000 }, () => done));
  });

  test("answers every wait with the last state after twenty deploys, three seconds apart", async () => {
    const object = anOperationObject();
    const waits = Promise.all(Array.from({ length: 100 }, () => aWait(object)));
    for (let deploys = 0; deploys < 20; deploys += 1) {
      await second(3);
      object.reset();
    }
    await vi.runAllTimersAsync();

    expect(await waits).toEqual(Array.from({ length: 100 }, () => running));
  });
});

describe("a wait", () => {
  test("subscribes again within half a second after a cut if few wait", async () => {
    const object = anOperationObject();
    const waiting = aWait(object);
    await second();
    object.reset();
    await vi.advanceTimersByTimeAsync(500);

    expect(object.state.subscriptions).toHaveLength(2);
    object.finish();
    expect(await waiting).toEqual(done);
    expect(object.state.gets).toBe(0);
  });

  test.each([
    ["retryable", aPlatformError()],
    ["overloaded", aPlatformError({ overloaded: true })],
  ])("continues to its answer, however often its object throws an error that is %s", async (_, error) => {
    const object = anOperationObject();
    object.state.down = error;
    const waiting = aWait(object);
    await second(40);
    object.state.down = undefined;
    await second(11);
    object.finish();

    expect(await waiting).toEqual(done);
  });

  test("waits at least 5 s before it calls an overloaded object again", async () => {
    const object = anOperationObject();
    object.state.down = aPlatformError({ overloaded: true });
    const waiting = aWait(object);
    await second();
    object.state.down = undefined;
    await vi.advanceTimersByTimeAsync(3_999);
    expect(object.state.subscriptions).toEqual([]);
    await second(7);
    expect(object.state.subscriptions).toHaveLength(1);
    object.finish();
    await waiting;
  });

  test("reads the state once more at its end if it is cut near it", async () => {
    const object = anOperationObject();
    const waiting = aWait(object, { timeoutMs: 10_000 });
    await vi.advanceTimersByTimeAsync(9_990);
    object.reset();
    object.state.answer = done;
    await vi.advanceTimersByTimeAsync(10);

    expect(await waiting).toEqual(done);
    expect(object.state.subscriptions).toHaveLength(1);
  });

  test("fails with the platform's error if its object is out of reach past the end", async () => {
    const object = anOperationObject();
    const error = aPlatformError();
    object.state.down = error;
    const waiting = aWait(object).catch((thrown: unknown) => thrown);
    await vi.runAllTimersAsync();

    expect(await waiting).toBe(error);
  });

  test("fails at once if the object's code throws", async () => {
    const object = anOperationObject();
    object.state.down = aPlatformError({ remote: true });

    await expect(aWait(object)).rejects.toBe(object.state.down);
  });

  test("is answered from the snapshot if the first subscription fails and there is one", async () => {
    const object = anOperationObject();
    object.state.down = aPlatformError();
    const readInstead = vi.fn<NonNullable<Wait["readInstead"]>>(async () => done);

    expect(await aWait(object, { readInstead })).toBe(done);
  });

  test("reads the snapshot once, and never after it was subscribed", async () => {
    const readInstead = vi.fn<NonNullable<Wait["readInstead"]>>(async () => undefined);
    const unreached = anOperationObject();
    unreached.state.down = aPlatformError();
    aWait(unreached, { readInstead }).catch(() => undefined);
    const cut = anOperationObject();
    void aWait(cut, { readInstead });
    await second();
    cut.state.down = aPlatformError();
    cut.reset();
    cut.state.down = undefined;
    await vi.runAllTimersAsync();

    expect(readInstead).toHaveBeenCalledTimes(1);
  });

  test("is rejected if too many wait, unless it had its place before a cut", async () => {
    const full = anOperationObject();
    full.state.isFull = true;
    await expect(aWait(full)).rejects.toMatchObject({ code: "UNAVAILABLE" });

    const object = anOperationObject();
    const waiting = aWait(object);
    await second();
    object.state.isFull = true;
    object.reset();
    await second(5);
    object.state.isFull = false;
    await second(10);
    object.finish();
    expect(await waiting).toEqual(done);
  });

  test("fetches the answer when it is told to", async () => {
    const object = anOperationObject();
    const waiting = aWait(object);
    await second();
    object.state.answer = done;
    object.state.sockets[0]?.emit("message", { type: "done" });

    expect(await waiting).toEqual(done);
    expect(object.state.gets).toBe(1);
  });

  test("continues if its object is reset before it fetches the answer", async () => {
    const object = anOperationObject();
    const waiting = aWait(object);
    await second();
    object.state.answer = done;
    object.state.down = aPlatformError();
    object.state.sockets[0]?.emit("message", { type: "done" });
    await second(10);
    object.state.down = undefined;
    await second(11);

    expect(await waiting).toEqual(done);
  });

  test("ends at once and closes its socket when its client disconnects", async () => {
    const object = anOperationObject();
    const client = new AbortController();
    const waiting = aWait(object, { request: client });
    await second();
    client.abort();
    await waiting;

    expect(object.state.sockets[0]?.isClosed).toBe(true);
  });
});

describe("the caller of a wait", () => {
  test("is authorized again after 30 s, and keeps the socket if an ancestor grants the right", async () => {
    const object = anOperationObject();
    const judge = vi.fn<Wait["judge"]>(async () => ({ access, endTime: Date.now() + 30_000 }));
    void aWait(object, { judge });
    await vi.advanceTimersByTimeAsync(29_999);
    expect(judge).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);

    expect(judge).toHaveBeenCalledTimes(1);
    expect(object.state.subscriptions).toHaveLength(1);
  });

  test("is authorized by the object if no ancestor grants the right any more", async () => {
    const object = anOperationObject();
    const judge = async () => ({ access: { ...access, isGranted: false }, endTime: Date.now() + 30_000 });
    void aWait(object, { judge });
    await second(30);

    expect(object.state.subscriptions.map((subscription) => subscription.access.isGranted)).toEqual([true, false]);
    expect(object.state.sockets[0]?.isClosed).toBe(true);
  });

  test("gets neither the result nor an error while it cannot be authorized", async () => {
    const object = anOperationObject();
    let isDown = true;
    const judge = async () => {
      if (isDown) throw unavailable("The policy could not be reached.", 1);
      return { access, endTime: Date.now() + 30_000 };
    };
    const waiting = aWait(object, { judge });
    await second(31);
    expect(object.state.sockets[0]?.isClosed).toBe(true);
    isDown = false;
    await second(11);
    object.finish();

    expect(await waiting).toEqual(done);
  });

  test("gets the error that the authorization throws", async () => {
    const object = anOperationObject();
    const refusal = new Error("expired");
    const judge = async () => Promise.reject(refusal);
    const waiting = aWait(object, { judge }).catch((error: unknown) => error);
    await second(30);

    expect(await waiting).toBe(refusal);
  });
});

describe("30,000 waiters after a deploy", () => {
  const random = randomFromSeed(7);
  const returnTimes = Array.from({ length: MAX_WAITERS }, (_, index) =>
    resubscribeDelayMs({ waiters: index + 1, failures: 0 }, random.next()),
  );

  test("subscribe again at no more than 800 a second", () => {
    const bySecond = new Map<number, number>();
    for (const time of returnTimes) {
      const at = Math.floor(time / 1_000);
      bySecond.set(at, (bySecond.get(at) ?? 0) + 1);
    }

    expect(Math.max(...bySecond.values())).toBeLessThan(800);
  });

  test("have all subscribed again within a minute", () => {
    expect(Math.max(...returnTimes)).toBeLessThanOrEqual(60_000);
  });
});

test.each([
  [{ waiters: 1, failures: 0 }, 0, 250],
  [{ waiters: 1, failures: 0 }, 0.999_999, 500],
  [{ waiters: 1, failures: 3 }, 0, 2_000],
  [{ waiters: 1, failures: 30 }, 0, 5_000],
  [{ waiters: 30_000, failures: 0 }, 0, 30_000],
])("%o returns at random %f after %i ms", (crowd, random, ms) => {
  expect(Math.round(resubscribeDelayMs(crowd, random))).toBe(ms);
});

test("few waiters fetch an answer at once, many spread out", () => {
  expect(returnDelayMs(249, 0.5)).toBe(0);
  expect(returnDelayMs(30_000, 0)).toBe(30_000);
});

test("a caller who loses an ancestor's grant during a wait is rejected", async () => {
  const object = anOperationObject();
  const viewer: Policy = policyFromBindings([{ role: "roles/longrunning.viewer", members: ["user:ada"] }], 1);
  let policy = viewer;
  const principal = { id: "user:ada", members: ["user:ada"], grants: [], isAdmin: false };
  const authenticate = async () => principal;
  const ports = { cache: new PolicyCache(), read: async () => policy, now: () => Date.now(), authenticate };
  const namespace = { idFromString: (id: string) => id, get: () => object.address.newStub() };
  const store = operationStore(
    namespace as never,
    new Authorizer(principal, ports, "ray"),
    "longrunning.operations.wait",
  );
  const waiting = store.wait("projects/p/operations/1", 60_000).catch((error: unknown) => error);
  await second();
  policy = emptyPolicy();
  // An isolate relies on a policy for 30 s, and on a judgement as long.
  await second(58);

  expect(object.state.subscriptions.map((subscription) => subscription.access.isGranted)).toEqual([true, false]);
  await second(2);
  await waiting;
});

describe("credentials that expire or are revoked during a wait", () => {
  const viewer: Policy = policyFromBindings([{ role: "roles/longrunning.viewer", members: ["user:ada"] }], 1);
  const principal = { id: "user:ada", members: ["user:ada"], grants: [], isAdmin: false };
  const revoked = new RpcError("UNAUTHENTICATED", "The key is revoked.", { reason: "API_KEY_REVOKED" });

  /** A wait of 60 s whose credentials are revoked after `revokedAfterMs`. */
  function waitingWith(expireTime: number | undefined, revokedAfterMs: number) {
    const object = anOperationObject();
    const startTime = Date.now();
    const checks: number[] = [];
    const authenticate = async () => {
      checks.push(Date.now() - startTime);
      if (Date.now() >= startTime + revokedAfterMs) throw revoked;
      return { ...principal, expireTime };
    };
    const ports = { cache: new PolicyCache(), read: async () => viewer, now: () => Date.now(), authenticate };
    const namespace = { idFromString: (id: string) => id, get: () => object.address.newStub() };
    const caller = { ...principal, expireTime };
    const store = operationStore(
      namespace as never,
      new Authorizer(caller, ports, "ray"),
      "longrunning.operations.wait",
    );
    let isOver = false;
    const ended = store
      .wait("projects/p/operations/1", 60_000)
      .catch((error: unknown) => error)
      .finally(() => {
        isOver = true;
      });
    return { ended, checks, isOver: () => isOver };
  }

  test("end it at the next authorization, within 30 s", async () => {
    const { ended, checks, isOver } = waitingWith(undefined, 10_000);
    await second(29);
    const wasOver = isOver();
    await second(2);

    expect(wasOver).toBe(false);
    expect(isOver()).toBe(true);
    expect(await ended).toBe(revoked);
    expect(checks).toHaveLength(1);
  });

  test("end it at the very time at which they expire", async () => {
    const { ended, isOver } = waitingWith(Date.now() + 12_000, 12_000);
    await second(11);
    const wasOver = isOver();
    await second(2);

    expect([wasOver, isOver()]).toEqual([false, true]);
    expect(await ended).toBe(revoked);
  });
});
