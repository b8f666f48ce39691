// Calls that are repeated because the answer to the first try was lost: each is answered as the first try was. The
// runtime loses nothing by itself: the stub below carries a call out and then throws what the platform throws.
import { env } from "cloudflare:workers";
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { apiKeyStore } from "../../src/durable/key/key-object";
import {
  newTokenKeyCache,
  operationLists,
  operationStore,
  requestStore,
  slotStore,
} from "../../src/durable/operation/operation-client";
import { policyStore } from "../../src/durable/policy/policy-client";
import { PolicyCache } from "../../src/iam/policy-cache";
import type { Principal } from "../../src/iam/principal";
import { Code } from "../../src/rpc/code";
import type { StartOptions } from "../../src/contract/answer";
import { Authorizer } from "../../src/service/authorizer";
import { aPlatformError } from "../support/an-object";
import { anOperation } from "../support/an-operation";
import { type Started, call, startedFrom, storedRows, useFreshWorld } from "./harness";

useFreshWorld();

/** A namespace whose objects carry out the first call and do not answer it. `beforeRetry` runs in between. */
function losingFirstAnswer<T>(namespace: T, beforeRetry: () => Promise<void> = async () => {}): T {
  let isLost = false;
  return losing(namespace, async () => {
    if (isLost) return false;
    isLost = true;
    await beforeRetry();
    return true;
  });
}

/** The same, of every call; `called` comes before each. */
function losingEveryAnswer<T>(namespace: T, called: () => Promise<void>): T {
  const isLost = async (): Promise<boolean> => true;
  return losing(namespace, isLost, called);
}

function losing<T>(namespace: T, isLost: () => Promise<boolean>, called: () => Promise<void> = async () => {}): T {
  const lossy = (stub: object): object =>
    new Proxy(stub, {
      get(target, method) {
        const value = Reflect.get(target, method) as unknown;
        if (typeof value !== "function") return value;
        return async (...parameters: unknown[]) => {
          await called();
          const answer: unknown = await Reflect.apply(value, target, parameters);
          if (!(await isLost())) return answer;
          throw aPlatformError();
        };
      },
    });
  return new Proxy(namespace as object, {
    get(target, property) {
      const value = Reflect.get(target, property) as (...parameters: unknown[]) => unknown;
      if (property !== "get" && property !== "getByName") return value.bind(target);
      return (...parameters: unknown[]) => lossy(Reflect.apply(value, target, parameters) as object);
    },
  }) as T;
}

const admin: Principal = { id: "user:admin", members: [], grants: [], isAdmin: true };
/** An administrator has every permission, and a starter this one among others. */
const permission = "longrunning.operations.get";
/** May do what a starter may with an operation of its own, and nothing else. */
const starter: Principal = { id: "user:ada", members: [], grants: [], isAdmin: false };

function authorizerOf(principal: Principal, requestId = "ray-1"): Authorizer {
  const noPolicies = {
    cache: new PolicyCache(),
    read: async () => emptyPolicyOf(),
    now: () => Date.now(),
    authenticate: async () => principal,
  };
  return new Authorizer(principal, noPolicies, requestId);
}

function emptyPolicyOf() {
  return { version: 1 as const, bindings: [], etag: "", revision: 0 };
}

function storeOf(principal: Principal, beforeRetry?: () => Promise<void>) {
  return operationStore(losingFirstAnswer(env.OPERATIONS, beforeRetry), authorizerOf(principal), permission);
}

const ONE_SHARD: StartOptions = { indexShards: 1, known: { full: [], shardCount: 0 } };

/** An operation that a starter began. Its work is done elsewhere. */
async function begin(): Promise<Started> {
  const id = env.OPERATIONS.newUniqueId().toString();
  const operation = anOperation({
    id,
    name: `projects/p/operations/${id}`,
    parent: "projects/p",
    createTime: Date.now(),
    deadline: Date.now() + 3_600_000,
    starter: starter.id,
    external: { hasOwnMetadata: false },
  });
  await operationStore(env.OPERATIONS, authorizerOf(admin), permission).start(operation, "{}", {
    place: {},
    input: undefined,
    options: ONE_SHARD,
  });
  return { name: operation.name, id, stub: env.OPERATIONS.get(env.OPERATIONS.idFromString(id)) };
}

const metadata = { type: "type.googleapis.com/acme.Progress", fields: { frame: 7 } };

describe("StartOperation", () => {
  test("starts one operation when it is repeated", async () => {
    const store = storeOf(admin);
    const id = store.newId({});
    const operation = anOperation({ id, name: `projects/p/operations/${id}`, parent: "projects/p" });
    const started = await store.start(operation, "{}", { place: {}, input: undefined, options: ONE_SHARD });

    expect(started.ok).toBe(true);
    expect(await storedRows()).toHaveLength(1);
  });

  test("is not repeated with an upload", async () => {
    const tries = vi.fn<() => Promise<void>>(async () => {});
    const store = operationStore(losingEveryAnswer(env.OPERATIONS, tries), authorizerOf(admin), permission);
    const id = store.newId({});
    const operation = anOperation({ id, name: `projects/p/operations/${id}`, parent: "projects/p" });
    const stream = new Blob(["a,b\n1,2\n"]).stream() as ReadableStream<Uint8Array>;
    const start = store.start(operation, "{}", {
      place: {},
      input: { stream, maxBytes: 100, digest: false },
      options: ONE_SHARD,
    });

    await expect(start).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(tries).toHaveBeenCalledTimes(1);
  });
});

describe("GetOperation and CancelOperation", () => {
  test("are answered when they are repeated", async () => {
    const { name } = await begin();

    expect((await storeOf(admin).get(name))?.done).toBe(false);
    expect(await storeOf(admin).cancel(name)).toBe(true);
  });
});

describe("DeleteOperation", () => {
  test.each([
    ["a caller with the right from above", admin],
    ["the starter, whose right went with the operation", starter],
  ])("succeeds for %s when it is repeated", async (_, principal) => {
    const { name } = await begin();

    expect(await storeOf(principal).delete(name)).toBe(true);
    expect(await operationStore(env.OPERATIONS, authorizerOf(admin), permission).get(name)).toBeUndefined();
  });

  test("succeeds for the starter when it is repeated after its object was reset", async () => {
    const { name, stub } = await begin();
    const store = storeOf(starter, () => evictDurableObject(stub));

    expect(await store.delete(name)).toBe(true);
  });

  test("does not succeed for a caller without the permission when it is repeated", async () => {
    const { name } = await begin();
    const other = { ...starter, id: "user:eve" };

    await expect(storeOf(other).delete(name)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  });

  test("distinguishes the starter's repetition from another request", async () => {
    const { name } = await begin();
    await operationStore(env.OPERATIONS, authorizerOf(admin, "ray-2"), permission).delete(name);

    await expect(storeOf(starter).delete(name)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  });

  test("is NOT_FOUND for an unknown operation without an earlier failure", async () => {
    const { name } = await begin();
    const store = operationStore(env.OPERATIONS, authorizerOf(admin), permission);
    await store.delete(name);

    expect(await store.delete(name)).toBe(false);
  });
});

describe("UpdateOperation", () => {
  test("reports once under an If-Match when it is repeated", async () => {
    const { name } = await begin();
    const before = await operationStore(env.OPERATIONS, authorizerOf(admin), permission).get(name);
    const updated = await storeOf(admin).update(name, { update: { metadata }, ifMatch: before?.etag });
    const after = await operationStore(env.OPERATIONS, authorizerOf(admin), permission).get(name);

    expect(updated).toMatchObject({ ok: true, answer: { etag: after?.etag } });
    expect(after?.etag).not.toBe(before?.etag);
  });

  test("is ABORTED when it is repeated after another caller's report", async () => {
    const { name } = await begin();
    const other = operationStore(env.OPERATIONS, authorizerOf(admin), permission);
    const before = await other.get(name);
    const report = { update: { metadata: { ...metadata, fields: { frame: 8 } } } };
    const store = storeOf(admin, async () => void (await other.update(name, report)));

    expect(await store.update(name, { update: { metadata }, ifMatch: before?.etag })).toEqual({
      ok: false,
      refusal: "ETAG_MISMATCH",
    });
  });

  test("succeeds when a completion is repeated", async () => {
    const { name } = await begin();
    const completion = { updateMask: "error", digest: "d" };
    const outcome = { value: { error: { code: Code.FAILED_PRECONDITION, message: "no", details: [] } }, completion };

    expect(await storeOf(admin).update(name, { update: { outcome } })).toMatchObject({
      ok: true,
      answer: { done: true },
    });
  });

  test("succeeds when a report that ended a cancelled operation is repeated", async () => {
    const { name } = await begin();
    await operationStore(env.OPERATIONS, authorizerOf(admin), permission).cancel(name);

    expect(await storeOf(admin).update(name, { update: { metadata } })).toMatchObject({
      ok: true,
      answer: { done: true },
    });
  });
});

describe("SetIamPolicy", () => {
  const bindings = [{ role: "roles/longrunning.viewer" as const, members: ["allUsers"] }];

  function policies() {
    const namespaces = { operations: losingFirstAnswer(env.OPERATIONS), policies: losingFirstAnswer(env.POLICIES) };
    return policyStore(namespaces, authorizerOf(admin), {
      permission: "longrunning.operations.setIamPolicy",
      cache: new PolicyCache(),
      now: () => Date.now(),
    });
  }

  test.each(["projects/p", "an operation"])("sets once on %s under an etag when it is repeated", async (on) => {
    const resource = on === "an operation" ? (await begin()).name : on;
    const before = await policies().get(resource);
    const result = await policies().set(resource, { bindings, version: 1, etag: before?.etag });

    expect(result).toMatchObject({ ok: true, policy: { revision: 1 } });
    expect((await policies().get(resource))?.revision).toBe(1);
  });

  test("is rejected under an etag that was stale before the first try", async () => {
    const before = await policies().get("projects/p");
    await policies().set("projects/p", { bindings: [], version: 1, etag: before?.etag });
    const result = await policies().set("projects/p", { bindings, version: 1, etag: before?.etag });

    expect(result).toEqual({ ok: false, refusal: "ETAG_MISMATCH" });
  });
});

/** SHA-256, hex. */
const DIGEST = "ab".repeat(32);

describe("the service's own calls", () => {
  test("of slots, requestIds, lists and API keys get the answer of the first try", async () => {
    const slot = { key: "run/x", limit: 1 };
    const slots = () => slotStore(losingFirstAnswer(env.SLOTS));
    const { id } = await begin();
    const reservation = { operationId: id, createTime: Date.now(), bodyDigest: DIGEST, created: false };
    const record = { id: "key-1", createTime: Date.now(), creator: "user:ada", displayName: "", hash: "h", roles: [] };
    const keys = () => apiKeyStore(losingFirstAnswer(env.KEYS));

    expect(await slots().acquire(slot, id)).toBe(true);
    const requests = requestStore({ INDEX: losingFirstAnswer(env.INDEX) });
    const scope = { parent: "projects/requests", jurisdiction: undefined };
    expect(await requests.reserve(scope, DIGEST, reservation)).toEqual({ ok: true, reservation });
    const key = await operationLists({ ...env, INDEX: losingFirstAnswer(env.INDEX) }, newTokenKeyCache()).tokenKey(
      "projects/tokens",
    );
    expect(key).toBe(await env.INDEX.getByName("projects/tokens#0").tokenKey());
    expect(await keys().create(record as never)).toBe(true);
    expect((await keys().list({ cursor: undefined, limit: 10 })).records).toHaveLength(1);
  });

  test("do not reject the last possible API key because the first try took its place", async () => {
    const stub = env.KEYS.getByName("apiKeys");
    await runInDurableObject(stub, (_instance, { storage }) => {
      for (let count = 0; count < 999; count += 1) storage.kv.put(`entry/${String(count).padStart(15, "0")}/k`, "k");
    });
    const record = { id: "key-1", createTime: Date.now(), creator: "user:ada", displayName: "", hash: "h", roles: [] };

    expect(await apiKeyStore(losingFirstAnswer(env.KEYS)).create(record as never)).toBe(true);
  });
});

test("the tested store is the service's, so it finds an operation that the API started", async () => {
  const { name } = startedFrom(await call("POST", "/v1/projects/p/operations", {}));

  expect(await storeOf(admin).get(name)).toBeDefined();
});
