// The work of the bulk verbs: which operations it acts on, how it counts, and that a crash repeats nothing.
import { describe, expect, it } from "vitest";
import { bulkMethods } from "../../../src/api/bulk";
import { type RowKey, precedes } from "../../../src/list/page";
import { RpcError, unavailable } from "../../../src/rpc/error";
import type { BulkPorts, BulkVerb } from "../../../src/service/bulk-operations";
import { type RetryPorts, type RetryRequest, retryOperation } from "../../../src/service/retry-operation";
import { crashEverywhere, runMethod } from "../../../src/testing";

const PARENT = "projects/p";
const BULK_TYPE = "type.googleapis.com/edge_operations.v1.PurgeOperationsMetadata";

interface Stored extends RowKey {
  operation: { metadata?: object; done: boolean; error?: { code: number }; response?: object };
}

const failed = { done: true, error: { code: 14 } };
const cancelled = { done: true, error: { code: 1 } };
const succeeded = { done: true, response: {} };
const running = { done: false };

/** The operations of a parent, oldest first, and what is done to them. */
function aParent(states: readonly Stored["operation"][]) {
  const rows: Stored[] = states.map((operation, index) => ({ createTime: index, id: `id-${index}`, operation }));
  const acted: string[] = [];
  const filters: string[] = [];
  const refused = new Set<string>();
  let failures = 0;
  let isGone = false;
  const ports: BulkPorts = {
    pageCalls: 3,
    page: async ({ filter, before, limit }) => {
      filters.push(filter);
      const all = rows.toReversed().filter((row) => precedes(before, row) && !(acted.includes(row.id) && isGone));
      const found = all.slice(0, limit);
      return {
        rows: found.map(({ operation, ...key }) => ({
          ...key,
          revision: 1,
          operation: JSON.stringify(operation),
          truncated: false,
          size: 100,
        })),
        next: found.length < all.length ? found.at(-1) : undefined,
        scanned: found.length,
      };
    },
    act: async (_, name) => {
      const id = name.slice(`${PARENT}/operations/`.length);
      if (failures > 0 && acted.length >= 50) {
        failures -= 1;
        throw unavailable("The object cannot be reached.", 1);
      }
      if (refused.has(id)) return false;
      if (!acted.includes(id)) acted.push(id);
      return true;
    },
  };
  return {
    acted,
    ports,
    filters,
    refuse: (...ids: string[]) => ids.forEach((id) => refused.add(id)),
    failOften: (times: number) => (failures = times),
    forgetDeleted: () => (isGone = true),
    method: (verb: BulkVerb) => {
      const [purge, cancel, retry] = bulkMethods(() => ports);
      return { delete: purge!, cancel: cancel!, retry: retry! }[verb];
    },
  };
}

const ids = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `id-${to - 1 - index}`);
const named = (...some: string[]): string[] => some.map((id) => `${PARENT}/operations/${id}`);

describe("PurgeOperations", () => {
  it("deletes what matches, newest first, and names the newest hundred", async () => {
    const parent = aParent(Array.from({ length: 250 }, () => succeeded));

    const { response, metadata } = await runMethod(parent.method("delete"), {
      parent: PARENT,
      filter: "done = true",
      force: true,
    });

    expect(new Set(parent.acted)).toEqual(new Set(ids(0, 250)));
    expect(response).toEqual({ purgeCount: 250, purgeSample: named(...ids(150, 250)) });
    expect(metadata).toMatchObject({ scanned: 250, purged: 250 });
    expect(parent.filters).toEqual(["done = true", "done = true", "done = true"]);
  });

  it("only counts without force", async () => {
    const parent = aParent([succeeded, running, failed]);

    const { response } = await runMethod(parent.method("delete"), { parent: PARENT, filter: "*" });

    expect(parent.acted).toEqual([]);
    expect(response).toEqual({ purgeCount: 3, purgeSample: named(...ids(0, 3)) });
    expect(parent.filters).toEqual([""]);
  });

  it("never acts on a bulk operation", async () => {
    const parent = aParent([{ done: true, metadata: { "@type": BULK_TYPE }, response: {} }, failed]);

    for (const verb of ["delete", "retry"] as const) {
      await runMethod(parent.method(verb), { parent: PARENT, filter: "*", force: true });
    }

    expect(parent.acted).toEqual(["id-1"]);
  });

  it("counts each operation once wherever it is interrupted", async () => {
    const parents: ReturnType<typeof aParent>[] = [];

    const { run, points } = await crashEverywhere(
      bulkMethods(() => ({
        pageCalls: 3,
        page: (request) => parents.at(-1)!.ports.page(request),
        act: (...call) => parents.at(-1)!.ports.act(...call),
      }))[0]!,
      { parent: PARENT, filter: "*", force: true },
      () => {
        const parent = aParent(Array.from({ length: 250 }, () => succeeded));
        // Deleted operations are in no later page.
        parent.forgetDeleted();
        parents.push(parent);
        return { observe: () => parent.acted.length };
      },
    );

    expect(run.response).toMatchObject({ purgeCount: 250 });
    expect(points.length).toBeGreaterThan(5);
  });

  it("continues a page that an unreachable object has interrupted", async () => {
    const parent = aParent(Array.from({ length: 120 }, () => succeeded));
    parent.forgetDeleted();
    parent.failOften(2);

    const { response, attempts } = await runMethod(parent.method("delete"), {
      parent: PARENT,
      filter: "*",
      force: true,
    });

    expect(response).toMatchObject({ purgeCount: 120 });
    expect(attempts).toBeGreaterThan(1);
    expect(new Set(parent.acted).size).toBe(120);
  });

  it("ends its invocation before it has called too many objects", async () => {
    const parent = aParent(Array.from({ length: 1_000 }, () => succeeded));

    const request = { parent: PARENT, filter: "*", force: true };
    const { response, invocations } = await runMethod(parent.method("delete"), request);

    expect(response).toMatchObject({ purgeCount: 1_000 });
    // Three pages each: 100 operations and the shards.
    expect(invocations).toBe(4);
  });
});

describe("CancelMatchingOperations", () => {
  it("asks running operations alone to stop, which the index finds by itself", async () => {
    const parent = aParent([running, succeeded, running]);

    const { response } = await runMethod(parent.method("cancel"), { parent: PARENT, filter: "*", force: true });

    expect(parent.acted.toSorted()).toEqual(["id-0", "id-2"]);
    expect(response).toEqual({ purgeCount: 2, purgeSample: named("id-2", "id-0") });
    expect(parent.filters).toEqual(["done = false"]);
  });
});

describe("RetryMatchingOperations", () => {
  it("retries failed operations, and counts those that cannot be retried apart", async () => {
    const parent = aParent([failed, cancelled, running, succeeded, failed, failed]);
    parent.refuse("id-4");

    const { response, metadata } = await runMethod(parent.method("retry"), {
      parent: PARENT,
      filter: "error.code = 14",
      force: true,
    });

    expect(response).toEqual({ purgeCount: 2, purgeSample: named("id-5", "id-0") });
    expect(metadata).toMatchObject({ purged: 2, skipped: 1 });
  });
});

describe("a bulk verb", () => {
  it.each([
    ["no filter", { filter: "" }, "filter"],
    ["a filter that is wrong", { filter: "dome = true" }, "filter"],
  ])("is rejected with %s", async (_, request, field) => {
    const method = aParent([]).method("delete");

    const error = await method.prepare({ ...request }, { createTime: new Date() }).catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(RpcError);
    expect((error as RpcError).code).toBe("INVALID_ARGUMENT");
    expect(JSON.stringify((error as RpcError).toStatus().details)).toContain(`"${field}"`);
  });
});

describe("RetryOperation", () => {
  it("asks for the permission of a bulk verb that failed", async () => {
    const purge = aParent([]).method("delete");
    const asked: string[] = [];
    const retried = retryOperation(
      {
        store: {
          retrySource: async () => ({ ok: true, method: purge.id, request: "{}", apiVersion: "v1", target: PARENT }),
        },
        authorize: async (permission: string, parent: string) => {
          asked.push(`${permission} ${parent}`);
          if (permission === "longrunning.operations.delete") throw new RpcError("PERMISSION_DENIED", "No.");
        },
      } as unknown as RetryPorts,
      { name: `${PARENT}/operations/id`, methods: new Map([[purge.id, purge]]) } as unknown as RetryRequest,
    );

    await expect(retried).rejects.toThrow("No.");
    expect(asked).toEqual([`longrunning.methods.invoke ${PARENT}`, `longrunning.operations.delete ${PARENT}`]);
  });
});
