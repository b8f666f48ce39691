// Slots: how many operations of a method run at the same time, and how many one caller may have under way.
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/rpc/any";
import { eventually } from "../support/eventually";
import { aMethod, objectOf, recordOf } from "./a-deployment";
import {
  type Answer,
  ADMIN,
  aGuardedDeployment,
  adminKeyCredential,
  memberOf,
  useGuardedWorld,
  userOf,
} from "./access-harness";
import { clock } from "./clock";
import { controls } from "./controls";
import { deliver as handOver, useFreshWorld } from "./harness";

useGuardedWorld();
useFreshWorld();

const WAITING = "Waiting for a slot: 3 of its kind run at the same time.";

/** The work under way, by the operation's name: each goes on until a test lets it end. */
const working = new Map<string, PromiseWithResolvers<object>>();
const begun: string[] = [];
const deliveries: Promise<unknown>[] = [];

const work = aMethod(
  async (_, request) => {
    const name = request["label"] as string;
    const end = Promise.withResolvers<object>();
    working.set(name, end);
    begun.push(name);
    return end.promise;
  },
  { maxConcurrent: 3, timeout: "1h" },
);
const deployment = aGuardedDeployment({ methods: [work] });
const { asAdmin, bind } = deployment;

afterEach(async () => {
  for (const { resolve } of working.values()) resolve({});
  await Promise.all(deliveries.splice(0));
  working.clear();
  begun.length = 0;
});

let projects = 0;

function aParent(): string {
  projects += 1;
  return `projects/slots-${projects}`;
}

async function startIn(parent: string, label: string): Promise<string> {
  return (await asAdmin("POST", `/v1/${parent}/things:make`, { label }))["name"] as string;
}

async function startMany(parent: string, count: number, label = "work"): Promise<string[]> {
  const names: string[] = [];
  for (let number = 1; number <= count; number += 1) names.push(await startIn(parent, `${label}-${number}`));
  return names;
}

/** Delivers the message of an operation; its handler goes on with the work. */
async function deliver(id: string): Promise<void> {
  const delivery = await handOver({ id }, deployment.worker.queue, deployment.environment);
  deliveries.push(delivery.result());
}

/** Delivers what was sent, in its order; gives the ids. */
async function deliverSent(): Promise<string[]> {
  const messages = controls.sent.splice(0);
  for (const { id } of messages) await deliver(id);
  return messages.map(({ id }) => id);
}

/** Lets the work of a label end, and waits for the message that this sends to the next. */
async function finish(label: string): Promise<string> {
  working.get(label)?.resolve({});
  return (await eventually(() => controls.sent[0])).id;
}

async function statusOf(name: string): Promise<{ done: boolean; statusMessage: string; error?: JsonObject }> {
  const { done, metadata, error } = await asAdmin("GET", `/v1/${name}`);
  const { statusMessage } = (metadata as { value: { statusMessage: string } }).value;
  return { done: done as boolean, statusMessage, ...(error === undefined ? {} : { error: error as JsonObject }) };
}

function slotsOf(parent: string) {
  return env.SLOTS.getByName(`run/${work.id}/${parent}`);
}

function idOf(name: string | undefined): string {
  return name?.split("/").at(-1) ?? "";
}

describe("maxConcurrent", () => {
  test("runs three of ten, and the others in their order as slots free", async () => {
    const names = await startMany(aParent(), 10);
    await deliverSent();
    await eventually(() => begun.length === 3);
    const before = await Promise.all(names.map(async (name) => (await statusOf(name)).statusMessage));
    for (let next = 4; next <= 10; next += 1) {
      expect(await finish(`work-${next - 3}`)).toBe(idOf(names[next - 1]));
      await deliverSent();
      await eventually(() => begun.length === next);
    }

    expect(before).toEqual([...Array<string>(3).fill("Running."), ...Array<string>(7).fill(WAITING)]);
    expect(begun).toEqual(names.map((_, index) => `work-${index + 1}`));
  });

  test("gives a freed slot to the waiter of the lowest priority, after an eviction too", async () => {
    const parent = aParent();
    const names = await startMany(parent, 3);
    await deliverSent();
    await eventually(() => begun.length === 3);
    for (const [label, priority] of [
      ["normal", 0],
      ["late", 5],
      ["urgent", -5],
      ["next", 0],
    ] as const) {
      const started = await asAdmin("POST", `/v1/${parent}/things:make`, { label, operationOptions: { priority } });
      names.push(started["name"] as string);
      await deliverSent();
    }
    await evictDurableObject(slotsOf(parent));
    for (let number = 1; number <= 3; number += 1) {
      await finish(`work-${number}`);
      await deliverSent();
      await eventually(() => begun.length === 3 + number);
    }
    await finish("urgent");
    await deliverSent();
    await eventually(() => begun.length === 7);

    expect(begun.slice(3)).toEqual(["urgent", "normal", "next", "late"]);
  });

  test("counts each parent separately", async () => {
    await startMany(aParent(), 3, "here");
    await startMany(aParent(), 3, "there");
    await deliverSent();
    const running = await eventually(() => (begun.length === 6 ? begun : undefined));

    expect(running).toContain("there-3");
  });

  test("keeps a freed slot for the waiter, whatever other request arrives", async () => {
    const parent = aParent();
    const names = await startMany(parent, 4);
    await deliverSent();
    await eventually(() => begun.length === 3);
    const newcomer = await startIn(parent, "newcomer");
    controls.sent.length = 0;
    expect(await finish("work-1")).toBe(idOf(names[3]));
    await deliver(idOf(newcomer));
    const { statusMessage } = await statusOf(newcomer);
    await deliverSent();
    await eventually(() => begun.length === 4);

    expect(statusMessage).toBe(WAITING);
    expect(begun.at(-1)).toBe("work-4");
  });

  test("keeps the place of a waiter whose message arrives again", async () => {
    const names = await startMany(aParent(), 5);
    await deliverSent();
    await eventually(() => begun.length === 3);
    clock.advance(1_000);
    await deliver(idOf(names[3]));

    expect(await finish("work-1")).toBe(idOf(names[3]));
  });

  test("ends a waiter at once when it is cancelled, and skips it", async () => {
    const names = await startMany(aParent(), 5);
    await deliverSent();
    await eventually(() => begun.length === 3);
    await asAdmin("POST", `/v1/${names[3]!}:cancel`, {});
    const { done, error } = await statusOf(names[3]!);

    expect([done, error?.["code"]]).toEqual([true, 1]);
    expect(await finish("work-1")).toBe(idOf(names[4]));
  });

  test("skips a waiter that ended without a message to its slots", async () => {
    const parent = aParent();
    const names = await startMany(parent, 4);
    await deliverSent();
    await eventually(() => begun.length === 3);
    await asAdmin("POST", `/v1/${names[3]!}:cancel`, {});
    const last = await startIn(parent, "last");
    await deliverSent();
    await eventually(async () => (await statusOf(last)).statusMessage === WAITING);
    // As if the word of its end had been lost: it waits in the first place again.
    await slotsOf(parent).release(idOf(last));
    await slotsOf(parent).acquire({ operationId: idOf(names[3]), limit: 3, waits: true });
    await slotsOf(parent).acquire({ operationId: idOf(last), limit: 3, waits: true });

    expect(await finish("work-1")).toBe(idOf(last));
  });

  test("detects holders that died without a message, by time alone", async () => {
    const parent = aParent();
    for (let count = 0; count < 3; count += 1) {
      const operationId = env.OPERATIONS.newUniqueId().toString();
      await slotsOf(parent).acquire({ operationId, limit: 3, waits: false });
    }
    const [name] = await startMany(parent, 1);
    await deliverSent();
    const { statusMessage } = await statusOf(name!);
    clock.advance(60_000);
    const fired = await runDurableObjectAlarm(slotsOf(parent));
    const sent = await deliverSent();
    await eventually(() => begun.length === 1);

    expect([statusMessage, fired]).toEqual([WAITING, true]);
    expect(new Set(sent)).toEqual(new Set([idOf(name)]));
  });

  test("keeps the slots of holders that work, however long", async () => {
    const parent = aParent();
    const names = await startMany(parent, 4);
    await deliverSent();
    await eventually(() => begun.length === 3);
    clock.advance(50_000);
    await eventually(
      async () => await slotsOf(parent).acquire({ operationId: idOf(names[0]), limit: 3, waits: false }),
    );
    clock.advance(10_000);
    await runDurableObjectAlarm(slotsOf(parent));

    expect((await statusOf(names[3]!)).statusMessage).toBe(WAITING);
  });

  test("passes the slot of an operation that yields to the next, and queues the operation again", async () => {
    const parent = aParent();
    const [operationId, other] = [1, 2].map(() => env.OPERATIONS.newUniqueId().toString()) as [string, string];
    const slots = slotsOf(parent);

    expect(await slots.acquire({ operationId, limit: 1, waits: true })).toBe(true);
    expect(await slots.acquire({ operationId, limit: 1, waits: true })).toBe(true);
    expect(await slots.acquire({ operationId: other, limit: 1, waits: false })).toBe(false);
    await slots.release(other);
    expect(await slots.acquire({ operationId: other, limit: 1, waits: false })).toBe(false);
    await slots.release(operationId);
    expect(await slots.acquire({ operationId: other, limit: 1, waits: false })).toBe(true);
  });
});

describe("START_QUOTA", () => {
  const counted = aGuardedDeployment(
    { methods: [work] },
    { START_QUOTA: { perCaller: { operations: 2 }, perParent: { operations: 3, bytes: 1_000 } } },
  );
  const from = (address: string): Record<string, string> => ({ "CF-Connecting-IP": address });

  async function anOpenParent(name: string): Promise<string> {
    const parent = aParent();
    await bind(parent, [{ role: "roles/longrunning.worker", members: ["allUsers", memberOf(name)] }]);
    return `/v1/${parent}/operations`;
  }

  test("rejects a caller's starts beyond it until the day is over, with the reason", async () => {
    const path = await anOpenParent("spender");
    const credential = await userOf("spender");
    const start = (query = ""): Promise<Answer> => counted.call(credential, "POST", path + query, {});
    const first = await start("?requestId=once");
    const repeated = await start("?requestId=once");
    const second = await start();
    const third = await start();
    await asAdmin("DELETE", `/v1/${second.json["name"] as string}`);
    const afterDeletion = await start();
    clock.advance(86_400_000);
    const nextDay = await counted.call(await userOf("spender"), "POST", path, {});

    expect([first, repeated, second, third, afterDeletion, nextDay].map(({ status }) => status)).toEqual([
      200, 200, 200, 429, 429, 200,
    ]);
    expect(third.reason).toBe("START_QUOTA_EXCEEDED");
    expect(Number(third.headers.get("Retry-After"))).toBeGreaterThan(86_000);
  });

  test("counts anonymous callers by their network, and all of them together under a parent", async () => {
    const path = await anOpenParent("insider");
    const start = (address: string): Promise<Answer> => counted.call({}, "POST", path, {}, from(address));
    const statuses: number[] = [];
    // The last of each is one too many: of its network, and of all strangers.
    for (const address of ["2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1", "192.0.2.2"]) {
      statuses.push((await start(address)).status);
    }
    const byInsider = await counted.call(await userOf("insider"), "POST", path, {});

    expect(statuses).toEqual([200, 200, 429, 200, 429]);
    // Strangers have used up nothing of what others need.
    expect(byInsider.status).toBe(200);
  });

  test("counts bytes, and exempts administrators", async () => {
    const path = await anOpenParent("large");
    const metadata = { "@type": "type.googleapis.com/google.protobuf.Struct", value: { text: "x".repeat(2_000) } };
    const body = { operation: { metadata } };
    const stranger = await counted.call({}, "POST", path, body, from("198.51.100.1"));
    const byAdmin = await Promise.all(
      Array.from({ length: 4 }, () => counted.call(adminKeyCredential, "POST", path, body)),
    );

    expect([stranger.status, stranger.reason]).toEqual([429, "START_QUOTA_EXCEEDED"]);
    expect(byAdmin.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  });

  test("erases the account of a caller who does not call again", async () => {
    const stub = env.SLOTS.getByName("quota/caller/test");
    await stub.spend({ bytes: 1, limits: { operations: 1 } });
    const refused = await stub.spend({ bytes: 1, limits: { operations: 1 } });
    clock.advance(86_400_000);
    await runDurableObjectAlarm(stub);

    expect(refused).toEqual({ ok: false, retryMs: 86_400_000 });
    expect(await runInDurableObject(stub, (_, state) => [...state.storage.kv.list()])).toEqual([]);
  });
});

describe("MAX_OPERATIONS_PER_CALLER", () => {
  const bounded = aGuardedDeployment({ methods: [work] }, { MAX_OPERATIONS_PER_CALLER: "2" });

  async function callerOf(name: string) {
    const parent = aParent();
    const credential = await userOf(name);
    await bind(parent, [
      { role: "roles/longrunning.worker", members: [memberOf(name)] },
      { role: "roles/longrunning.invoker", members: [memberOf(name)] },
    ]);
    const create = (): Promise<Answer> => bounded.call(credential, "POST", `/v1/${parent}/operations`, {});
    const created = async (): Promise<string> => {
      const { status, text, json } = await create();
      if (status !== 200) throw new Error(text);
      return json["name"] as string;
    };
    return {
      parent,
      credential,
      create,
      created,
      full: async () => (await create()).status === 429,
      free: () => eventually(async () => (await create()).status === 200),
    };
  }

  test("rejects the start of one too many, with Retry-After", async () => {
    const { create, created } = await callerOf("many");
    await created();
    await created();
    const { status, reason, details, headers, json } = await create();

    expect([status, reason]).toEqual([429, "TOO_MANY_OPERATIONS"]);
    expect(json["error"]).toMatchObject({ status: "RESOURCE_EXHAUSTED" });
    expect(details).toContain("RetryInfo");
    expect(headers.get("Retry-After")).toMatch(/^\d+$/);
  });

  test("counts each caller separately", async () => {
    const first = await callerOf("first");
    const second = await callerOf("second");
    await first.created();
    await first.created();

    expect(await first.full()).toBe(true);
    expect((await second.create()).status).toBe(200);
  });

  test("leaves the slots of a shared parent to others, because a caller holds no more of them than it has operations", async () => {
    const parent = aParent();
    await bind(parent, [{ role: "roles/longrunning.invoker", members: [memberOf("greedy"), memberOf("modest")] }]);
    const start = async (caller: string, label: string): Promise<number> =>
      (await bounded.call(await userOf(caller), "POST", `/v1/${parent}/things:make`, { label })).status;
    const greedy = [await start("greedy", "g-1"), await start("greedy", "g-2"), await start("greedy", "g-3")];
    const modest = await start("modest", "m-1");
    await deliverSent();
    await eventually(() => begun.length === 3);

    expect([...greedy, modest]).toEqual([200, 200, 429, 200]);
    expect(begun.toSorted()).toEqual(["g-1", "g-2", "m-1"]);
  });

  test("is freed by a completion", async () => {
    const { created, full, free } = await callerOf("completing");
    await created();
    const name = await created();
    const wasFull = await full();
    const response = { "@type": "type.googleapis.com/google.protobuf.Empty" };
    await asAdmin("PATCH", `/v1/${name}?updateMask=response`, { response });

    expect(wasFull).toBe(true);
    await free();
  });

  test("is freed by a cancel that ends the operation", async () => {
    const { parent, credential, created, full, free } = await callerOf("cancelling");
    await created();
    const { json } = await bounded.call(credential, "POST", `/v1/${parent}/things:make`, { label: "queued" });
    const wasFull = await full();
    await bounded.call(credential, "POST", `/v1/${json["name"] as string}:cancel`, {});

    expect(wasFull).toBe(true);
    await free();
  });

  test("is freed by a deletion only when the hidden work has ended", async () => {
    const { parent, credential, created, full, free } = await callerOf("deleting");
    await created();
    const { json } = await bounded.call(credential, "POST", `/v1/${parent}/things:make`, { label: "forgotten" });
    const name = json["name"] as string;
    await deliverSent();
    await eventually(() => begun.includes("forgotten"));
    await bounded.call(credential, "DELETE", `/v1/${name}`);
    const isFullWhileItWorks = await full();
    working.get("forgotten")?.resolve({});

    expect(isFullWhileItWorks).toBe(true);
    await free();
    await eventually(async () => (await recordOf(name)) === undefined);
  });

  test("is freed by the deletion of work that is done elsewhere, because nothing could end it any more", async () => {
    const { credential, created, full, free } = await callerOf("deleting-elsewhere");
    await created();
    const name = await created();
    const wasFull = await full();
    await bounded.call(credential, "DELETE", `/v1/${name}`);

    expect(wasFull).toBe(true);
    await free();
    expect(await objectOf(name).holdsSlot("caller/principal://issuer.example/subject/deleting-elsewhere")).toBe(false);
  });

  test("removes holders that do not exist", async () => {
    const { full, free } = await callerOf("healing");
    const slots = env.SLOTS.getByName("caller/principal://issuer.example/subject/healing");
    for (let count = 0; count < 2; count += 1) {
      await slots.acquire({ operationId: env.OPERATIONS.newUniqueId().toString(), limit: 2, waits: false });
    }
    const wasFull = await full();
    clock.advance(60_000);

    expect(wasFull).toBe(true);
    await free();
  });

  test("checks holders, and keeps the slots of running ones", async () => {
    const { created, full } = await callerOf("busy");
    await created();
    const name = await created();
    clock.advance(60_000);

    expect(await full()).toBe(true);
    expect(await objectOf(name).holdsSlot("caller/principal://issuer.example/subject/busy")).toBe(true);
  });

  test("counts a repeated requestId once, and releases the slot that a repetition of a finished one takes", async () => {
    const { parent, credential, created, full } = await callerOf("repeating");
    const path = `/v1/${parent}/operations?requestId=once`;
    const answers = await Promise.all([1, 2, 3].map(() => bounded.call(credential, "POST", path, {})));
    const names = answers.map(({ json }) => json["name"]);
    await created();

    expect(new Set(names).size).toBe(1);
    expect(await full()).toBe(true);
  });

  test("answers a repetition for a deleted operation, although its caller may read nothing else", async () => {
    const { parent, credential } = await callerOf("deleting");
    const start = () => bounded.call(credential, "POST", `/v1/${parent}/operations?requestId=once`, {});
    const first = await start();
    await asAdmin("DELETE", `/v1/${first.json["name"] as string}`);

    expect(await start()).toMatchObject({ status: 409, reason: "REQUEST_ID_USED" });
  });
});

/** A deployment whose rate limiter refuses some keys, and the keys that it was asked for. */
function limited(refuses: (key: string) => boolean) {
  const keys: string[] = [];
  const limit = async ({ key }: { key: string }) => {
    keys.push(key);
    return { success: !refuses(key) };
  };
  return { keys, ...aGuardedDeployment({ methods: [] }, { RATE_LIMITER: { limit } }) };
}

describe("the rate limiter", () => {
  test("rejects with 429 and Retry-After", async () => {
    const { call } = limited(() => true);
    const { status, reason, details, headers } = await call(await userOf(ADMIN), "GET", "/v1/operations");

    expect([status, reason]).toEqual([429, "RATE_LIMIT_EXCEEDED"]);
    expect(details).toContain("RetryInfo");
    expect(headers.get("Retry-After")).toMatch(/^\d+$/);
  });

  test("counts by caller, or by address without good credentials", async () => {
    const { call, keys } = limited(() => false);
    const from = { "CF-Connecting-IP": "192.0.2.7" };
    await call(await userOf("ada"), "GET", "/v1/operations", undefined, from);
    await call({}, "GET", "/v1/operations", undefined, from);
    await call({ "x-goog-api-key": "guess" }, "GET", "/v1/operations", undefined, from);

    expect(keys).toEqual(["principal://issuer.example/subject/ada", "192.0.2.7", "192.0.2.7"]);
  });

  test("rejects a caller who guesses credentials", async () => {
    const { call } = limited((key) => key === "192.0.2.7");
    const from = { "CF-Connecting-IP": "192.0.2.7" };
    const { status } = await call({ "x-goog-api-key": "guess" }, "GET", "/v1/operations", undefined, from);

    expect(status).toBe(429);
  });

  test("exempts /healthz", async () => {
    const { call, keys } = limited(() => true);

    expect((await call({}, "GET", "/healthz")).status).toBe(200);
    expect(keys).toEqual([]);
  });
});
