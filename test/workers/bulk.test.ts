// operations:purge, :cancelMatching and :retryMatching over real objects: what they do, by whom, and what they leave alone.
import { describe, expect, it } from "vitest";
import { RpcError } from "../../src/index";
import type { JsonObject } from "../../src/rpc/any";
import { eventually } from "../support/eventually";
import { ADMIN, aGuardedDeployment, logged, memberOf, useGuardedWorld, userOf } from "./access-harness";
import { MAKE, type SeenOperation, aDeployment, aMethod, recordOf } from "./a-deployment";
import { useFreshWorld } from "./harness";

useFreshWorld();
useGuardedWorld();

const PARENT = "projects/p";
const fails = async (): Promise<object> => {
  throw new RpcError("FAILED_PRECONDITION", "The table is locked.");
};
const failing = aDeployment({ methods: [aMethod(fails)] });
const mended = aDeployment({ methods: [aMethod(async (_, request) => ({ table: request["table"] }))] });

async function ended(by: typeof failing, table: string): Promise<string> {
  const { name } = (await by.post(MAKE, { table })).operation;
  await by.runToEnd(name);
  return name;
}

const names = async (filter: string): Promise<string[]> => {
  const { json } = await mended.call("GET", `/v1/${PARENT}/operations?filter=${encodeURIComponent(filter)}`);
  return (json["operations"] as unknown as SeenOperation[]).map(({ name }) => name);
};

/** The rows of the index say what the operations say. */
const indexed = (filter: string, count: number) => eventually(async () => (await names(filter)).length === count);

async function bulk(verb: string, request: JsonObject): Promise<SeenOperation> {
  const { operation } = await mended.post(`/v1/${PARENT}/operations:${verb}`, request);
  return mended.runToEnd(operation.name);
}

/** The clock stands still, so the ids decide. */
const newestFirst = (some: string[]): string[] => some.toSorted().toReversed();

const resultOf = ({ response }: SeenOperation): JsonObject => ({ ...response });

describe("PurgeOperations", () => {
  it("answers with an operation under the parent, and counts without force", async () => {
    const one = await ended(failing, "a");
    const other = await ended(mended, "b");
    await indexed("done = true", 2);

    const { status, operation } = await mended.post(`/v1/${PARENT}/operations:purge`, { filter: "error:*" });
    const done = await mended.runToEnd(operation.name);

    expect(status).toBe(200);
    expect(operation.name).toMatch(/^projects\/p\/operations\/[0-9a-f]{64}$/);
    expect(resultOf(done)).toEqual({
      "@type": "type.googleapis.com/edge_operations.v1.PurgeOperationsResponse",
      purgeCount: 1,
      purgeSample: [one],
    });
    expect(await names("done = true")).toEqual(expect.arrayContaining([one, other]));
  });

  it("deletes what matches, and neither itself nor another bulk operation", async () => {
    const gone = [await ended(failing, "a"), await ended(mended, "b")];
    await indexed("done = true", 2);
    const earlier = await bulk("purge", { filter: "*" });

    const purge = await bulk("purge", { filter: "*", force: true });

    expect(resultOf(purge)).toMatchObject({ purgeCount: 2, purgeSample: newestFirst(gone) });
    await eventually(async () => (await names("")).length === 2);
    expect(new Set(await names(""))).toEqual(new Set([purge.name, earlier.name]));
    expect((await mended.call("GET", `/v1/${gone[0]}`)).status).toBe(404);
  });

  it("serves the root, whose operations are named without a parent", async () => {
    const { name } = (await mended.post("/v1/operations")).operation;
    const { operation } = await mended.post("/v1/operations:purge", { filter: "*", force: true });
    const done = await mended.runToEnd(operation.name);

    expect(resultOf(done)).toMatchObject({ purgeCount: 1, purgeSample: [name] });
  });

  it.each([
    ["no filter", {}, "filter"],
    ["a field that no operation has", { filter: "dome = true" }, "filter"],
    ["another parent than the path's", { filter: "*", parent: "projects/q" }, "parent"],
    ["a field that it has not", { filter: "*", forse: true }, "forse"],
  ])("is rejected with %s", async (_, request, field) => {
    const { status, fields } = await mended.post(`/v1/${PARENT}/operations:purge`, request);

    expect([status, fields]).toEqual([400, [field]]);
  });

  it("is rejected for a collection and for a wildcard", async () => {
    expect((await mended.post("/v1/projects/operations:purge", { filter: "*" })).status).toBe(404);
    expect((await mended.post("/v1/projects/-/operations:purge", { filter: "*" })).status).toBe(400);
  });
});

describe("CancelMatchingOperations", () => {
  it("asks running operations to stop, and leaves finished ones", async () => {
    const finished = await ended(failing, "a");
    const { name } = (await mended.post(MAKE, { table: "b" })).operation;
    await indexed("done = true", 1);

    const cancel = await bulk("cancelMatching", { filter: "*", force: true });

    expect(resultOf(cancel)).toMatchObject({ purgeCount: 1, purgeSample: [name] });
    expect((await mended.get(name)).error?.code).toBe(1);
    expect((await mended.get(finished)).error?.code).toBe(9);
  });
});

describe("RetryMatchingOperations", () => {
  it("retries exactly the failed operations that match", async () => {
    const failed = [await ended(failing, "a"), await ended(failing, "b")];
    await ended(mended, "c");
    const external = (await mended.post(`/v1/${PARENT}/operations`)).operation.name;
    await mended.patch(`/v1/${external}?updateMask=error`, { error: { code: 9, message: "No." } });
    await indexed("error.code = 9", 3);

    const retry = await bulk("retryMatching", { filter: "error.code = 9", force: true });

    expect(resultOf(retry)).toMatchObject({ purgeCount: 2, purgeSample: newestFirst(failed) });
    // The work of the third is done elsewhere.
    expect(retry.metadata).toMatchObject({ purged: 2, skipped: 1 });
    const retries = await names("metadata.retryOf:*");
    const responses = await Promise.all(retries.map(async (name) => (await mended.runToEnd(name)).response?.value));
    expect(new Set(responses.map((response) => response?.["table"]))).toEqual(new Set(["a", "b"]));
  });

  it("starts one operation for each that failed, however often its work is repeated", async () => {
    const failed = await ended(failing, "a");
    await indexed("error.code = 9", 1);
    const { name } = (await mended.post(`/v1/${PARENT}/operations:retryMatching`, { filter: "*", force: true }))
      .operation;

    // Two runners at once: the second delivery claims nothing.
    await Promise.all([mended.deliver(name), mended.deliver(name)]);
    await mended.runToEnd(name);

    expect(await names(`metadata.retryOf = "${failed}"`)).toHaveLength(1);
  });
});

describe("a bulk verb", () => {
  const guarded = aGuardedDeployment({ methods: [aMethod(fails)] });
  const post = async (who: string, verb: string) =>
    (await guarded.call(await userOf(who), "POST", `/v1/${PARENT}/operations:${verb}`, { filter: "*", force: true }))
      .status;

  it("needs the permission of the single verb on the parent", async () => {
    await guarded.bind(PARENT, [
      { role: "roles/longrunning.operator", members: [memberOf("olga")] },
      { role: "roles/longrunning.invoker", members: [memberOf("ivan")] },
      { role: "roles/longrunning.admin", members: [memberOf("ada")] },
    ]);

    const statuses = async (who: string) => [
      await post(who, "purge"),
      await post(who, "cancelMatching"),
      await post(who, "retryMatching"),
    ];

    expect(await statuses("olga")).toEqual([200, 200, 403]);
    expect(await statuses("ivan")).toEqual([403, 403, 403]);
    expect(await statuses("ada")).toEqual([200, 200, 200]);
    expect(await statuses("eve")).toEqual([403, 403, 403]);
  });

  it("writes an audit line for each operation, which names the caller of the bulk verb", async () => {
    await guarded.bind(PARENT, [{ role: "roles/longrunning.admin", members: [memberOf(ADMIN)] }]);
    const admin = await userOf(ADMIN);
    const started = (await guarded.call(admin, "POST", MAKE, {})).json["name"] as string;
    const { json } = await guarded.call(admin, "POST", `/v1/${PARENT}/operations:purge`, { filter: "*", force: true });
    await mended.deliver(json["name"] as string);

    const { starter } = (await recordOf(json["name"] as string))!;
    expect(logged).toContainEqual({
      message: "audit",
      caller: starter,
      permission: "longrunning.operations.delete",
      resource: started,
      allowed: true,
      requestId: json["name"],
    });
  });
});
