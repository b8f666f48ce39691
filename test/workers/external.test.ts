// "Work done elsewhere" (api.md, section 4): operations whose work another system does. Sentences are cited.
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/rpc/any";
import { type Answer, MAKE, aDeployment, aMethod, letTimePass } from "./a-deployment";
import { clock } from "./clock";
import { controls } from "./controls";
import { useFreshWorld } from "./harness";

const STRUCT = "type.googleapis.com/google.protobuf.Struct";
const EMPTY = "type.googleapis.com/google.protobuf.Empty";
const PARENT = "projects/p/locations/l";
const COLLECTION = `/v1/${PARENT}/operations`;
const DAY_MS = 86_400_000;

const metadata = { "@type": "type.googleapis.com/acme.v1.RenderMetadata", frame: 0, label: "первый" };
const response = { "@type": "type.googleapis.com/acme.v1.Film", uri: "s3://films/1", frames: 240 };
const hint = { "@type": "type.googleapis.com/acme.v1.Hint", n: 1 };
const error = { code: 9, message: "The scene has no camera.", details: [hint] };

useFreshWorld();

const service = aDeployment({ methods: [aMethod(async () => ({}))] });

async function create(fields: JsonObject = {}): Promise<string> {
  const { status, operation, text } = await service.post(COLLECTION, fields);
  if (status !== 200) throw new Error(`not created: ${text}`);
  return operation.name;
}

function patch(name: string, mask: string | undefined, body: JsonObject, headers = {}): Promise<Answer> {
  const query = mask === undefined ? "" : `?updateMask=${encodeURIComponent(mask)}`;
  return service.patch(`/v1/${name}${query}`, body, headers);
}

async function etagOf(name: string): Promise<string> {
  return (await service.call("GET", `/v1/${name}`)).headers.get("ETag") ?? "";
}

describe("CreateOperation", () => {
  // "It is never queued." "verb is create, target the parent, startTime the creation".
  test("makes a running operation without any queue message", async () => {
    const { operation, headers } = await service.post(COLLECTION);
    const { value } = operation.metadata;
    await letTimePass(operation.name);

    expect(operation.name).toMatch(/^projects\/p\/locations\/l\/operations\/[0-9a-f]{64}$/);
    expect(operation).toMatchObject({ done: false, metadata: { "@type": STRUCT } });
    expect(value).toMatchObject({ verb: "create", target: PARENT, requestedCancellation: false });
    expect(value["startTime"]).toBe(value["createTime"]);
    expect(headers.get("ETag")).toMatch(/^".+"$/);
    expect(controls.sent).toEqual([]);
  });

  // "Any parent takes operations whose work another system does."
  test.each([
    ["/v1/operations", "operations/"],
    ["/v1beta1/operations", "operations/"],
    ["/v1/projects/p/regions/r/operations", "projects/p/regions/r/operations/"],
    ["/v1/a/b/c/d/operations", "a/b/c/d/operations/"],
  ])("is served at %s", async (path, start) => {
    expect((await service.post(path)).operation.name.slice(0, -64)).toBe(start);
  });

  test.each([
    ["a type of the worker's own", metadata],
    ["a Struct, without the default fields", { "@type": STRUCT, value: { stage: "one" } }],
  ])("stores metadata and returns it unchanged: %s", async (_, own) => {
    const { operation } = await service.post(COLLECTION, { operation: { metadata: own } });

    expect(operation.metadata).toEqual(own);
    expect((await service.get(operation.name)).metadata).toEqual(own);
  });

  test.each<[string, JsonObject, string[]]>([
    ["an unknown field", { colour: "red" }, ["colour"]],
    ["a malformed operation", { operation: 5 }, ["operation"]],
    ["a name", { operation: { name: "operations/1" } }, ["operation.name"]],
    ["a result", { operation: { done: true, response } }, ["operation.done", "operation.response"]],
    ["metadata that is no Any", { operation: { metadata: { stage: 1 } } }, ["operation.metadata.@type"]],
    ["metadata that is text", { operation: { metadata: "one" } }, ["operation.metadata"]],
    ["metadata of no type", { operation: { metadata: { "@type": "Render" } } }, ["operation.metadata.@type"]],
    ["a Struct without value", { operation: { metadata: { "@type": STRUCT } } }, ["operation.metadata.value"]],
    ["a Struct of a number", { operation: { metadata: { "@type": STRUCT, value: 5 } } }, ["operation.metadata.value"]],
    ["a Struct beside itself", { operation: { metadata: { "@type": STRUCT, stage: 1 } } }, ["operation.metadata"]],
    ["large metadata", { operation: { metadata: { ...metadata, pad: "x".repeat(262_144) } } }, ["operation.metadata"]],
    // "More than 0 and at most 30 (INVALID_ARGUMENT otherwise)."
    ["no ttl at all", { ttl: "0s" }, ["ttl"]],
    ["a negative ttl", { ttl: "-5s" }, ["ttl"]],
    ["a ttl over 30 days", { ttl: "2592000.001s" }, ["ttl"]],
    ["a ttl without a unit", { ttl: "60" }, ["ttl"]],
    ["a ttl that is a number", { ttl: 60 }, ["ttl"]],
    ["a heartbeat of nothing", { heartbeatTimeout: "0s" }, ["heartbeatTimeout"]],
    ["a heartbeat that is text", { heartbeatTimeout: "soon" }, ["heartbeatTimeout"]],
    ["two heartbeats", { heartbeatTimeout: "5s", heartbeat_timeout: "6s" }, ["heartbeatTimeout"]],
  ])("rejects %s", async (_, body, fields) => {
    const answer = await service.post(COLLECTION, body);

    expect({ status: answer.status, fields: answer.fields }).toEqual({ status: 400, fields });
  });

  test("stores nothing with validateOnly", async () => {
    const right = await service.post(COLLECTION, { validateOnly: true, ttl: "60s" });
    const wrong = await service.post(COLLECTION, { validateOnly: true, ttl: "x" });

    expect(right.json).toEqual({ done: true, response: { "@type": EMPTY } });
    expect(wrong).toMatchObject({ status: 400, fields: ["ttl"] });
    expect(controls.calls).toEqual([]);
  });

  test("creates one operation for a requestId and a parent", async () => {
    const body = { requestId: "film-1" };
    const answers = await Promise.all(Array.from({ length: 10 }, () => service.post(COLLECTION, body)));
    const names = new Set(answers.map(({ operation }) => operation.name));
    const elsewhere = await service.post("/v1/projects/p/locations/m/operations", body);

    expect(names.size).toBe(1);
    expect(names).not.toContain(elsewhere.operation.name);
    expect(await service.post(COLLECTION, { ...body, ttl: "60s" })).toMatchObject({
      status: 400,
      fields: ["requestId"],
    });
  });
});

// "ttl is 7 days unless given"; "a missed heartbeat or a passed ttl ends it with DEADLINE_EXCEEDED".
describe("the heartbeat time and the deadline", () => {
  test.each<[string, JsonObject, number]>([
    ["its ttl", { ttl: "60s" }, 60_000],
    ["7 days, where it has none", {}, 7 * DAY_MS],
    ["30 days, which is the most", { ttl: "2592000s" }, 30 * DAY_MS],
    ["a millisecond, which is the least", { ttl: "0.0005s" }, 1],
    ["a silence of its heartbeat timeout", { heartbeatTimeout: "30s" }, 30_000],
    ["the same by its other name", { heartbeat_timeout: "30s" }, 30_000],
  ])("end an operation after %s", async (_, fields, ms) => {
    const name = await create(fields);
    clock.advance(ms - 1);
    const before = await service.get(name);
    clock.advance(1);

    expect(before.done).toBe(false);
    expect(await service.get(name)).toMatchObject({ done: true, error: { code: 4 } });
  });

  test("end an operation by its alarm, and answer its waiters", async () => {
    const name = await create({ heartbeatTimeout: "30s" });
    const waiting = service.post(`/v1/${name}:wait`, { timeout: "60s" });
    while (await letTimePass(name)) if ((await service.get(name)).done) break;

    expect((await waiting).operation).toMatchObject({ done: true, error: { code: 4 } });
  });

  // "PATCH … reports progress (and is the heartbeat)."
  test("are extended by every PATCH that does not end the operation", async () => {
    const name = await create({ heartbeatTimeout: "30s" });
    for (let frame = 1; frame <= 5; frame += 1) {
      clock.advance(29_000);
      expect((await patch(name, "metadata", { metadata: { ...metadata, frame } })).status).toBe(200);
    }
    clock.advance(30_000);

    expect(await service.get(name)).toMatchObject({ error: { code: 4 }, metadata: { frame: 5 } });
  });

  test("are not extended by a rejected PATCH", async () => {
    const name = await create({ heartbeatTimeout: "30s" });
    clock.advance(20_000);
    await patch(name, "metadata", { metadata }, { "If-Match": '"other"' });
    await patch(name, "nothing", { metadata });
    clock.advance(10_000);

    expect(await service.get(name)).toMatchObject({ done: true, error: { code: 4 } });
  });

  // "expireTime is unset while it runs, as it is for every operation."
  test("set the expiry at the end, and not before", async () => {
    const name = await create({ ttl: "60s" });
    const expiring = `${COLLECTION}?filter=${encodeURIComponent("expireTime > 2000-01-01T00:00:00Z")}`;
    const before = await service.call("GET", expiring);
    await patch(name, "response", { response });
    const after = await service.call("GET", expiring);

    expect(before.json["operations"] ?? []).toEqual([]);
    expect(after.json["operations"]).toHaveLength(1);
    expect((await service.get(name)).metadata.value).toHaveProperty("endTime");
  });
});

describe("UpdateOperation", () => {
  test("reports progress with updateMask=metadata, and changes the ETag", async () => {
    const name = await create();
    const before = await etagOf(name);
    const { operation, headers } = await patch(name, "metadata", { metadata });

    expect(operation).toEqual({ name, metadata, done: false });
    expect(headers.get("ETag")).toBe(await etagOf(name));
    expect(headers.get("ETag")).not.toBe(before);
  });

  // "updateMask=response or error completes it; metadata may come along."
  test.each<[string, string, JsonObject, JsonObject]>([
    ["a response", "response", { response }, { response }],
    ["an error", "error", { error }, { error }],
    ["a response with metadata", "response,metadata", { response, metadata }, { response, metadata }],
    [
      "an error with metadata",
      "metadata, error",
      { error: { code: 5 }, metadata },
      { error: { code: 5, message: "" }, metadata },
    ],
  ])("completes the operation with %s", async (_, mask, body, end) => {
    const name = await create();
    const { status, operation } = await patch(name, mask, body);

    expect(status).toBe(200);
    expect(operation).toMatchObject({ name, done: true, ...end });
    expect(await service.get(name)).toEqual(operation);
  });

  test("ignores fields of the body that the mask does not name", async () => {
    const name = await create();

    expect((await patch(name, "metadata", { metadata, response })).operation).toEqual({ name, metadata, done: false });
  });

  // "No mask means which of the three fields are present."
  test.each<[string, JsonObject, boolean]>([
    ["metadata", { metadata }, false],
    ["a response", { response, error: null }, true],
    ["an error and metadata", { error, metadata }, true],
  ])("updates the fields of the body without a mask: %s", async (_, body, done) => {
    const absent = await patch(await create(), undefined, body);
    const empty = await patch(await create(), "", body);

    expect([absent.operation.done, empty.operation.done]).toEqual([done, done]);
  });

  // "response,error, any other path and * are INVALID_ARGUMENT"; "none of them is INVALID_ARGUMENT"; "another name is
  // INVALID_ARGUMENT".
  test.each<[string, string | undefined, JsonObject, string[]]>([
    ["response and error", "response,error", { response, error }, ["updateMask"]],
    ["response and error in the body", undefined, { response, error }, ["updateMask"]],
    ["everything", "*", { metadata }, ["updateMask"]],
    ["done", "done", { done: true }, ["updateMask"]],
    ["a path within metadata", "metadata.frame", { metadata }, ["updateMask"]],
    ["an unknown path beside a known", "metadata,colour", { metadata }, ["updateMask"]],
    ["nothing", undefined, {}, ["updateMask"]],
    ["nothing but null", undefined, { metadata: null, response: null }, ["updateMask"]],
    ["a missing field of the body", "response", { metadata }, ["response"]],
    ["another name", "metadata", { name: "operations/other", metadata }, ["name"]],
    ["an unknown field", "metadata", { metadata, colour: "red" }, ["colour"]],
    ["a response that is no Any", "response", { response: { frames: 1 } }, ["response.@type"]],
    ["an error of code 0", "error", { error: { code: 0 } }, ["error.code"]],
    ["an error of no code", "error", { error: { code: 17 } }, ["error.code"]],
    [
      "an error with two details of a type",
      "error",
      { error: { ...error, details: [hint, hint] } },
      ["error.details[1]"],
    ],
    ["an error with a long message", "error", { error: { code: 5, message: "x".repeat(5_000) } }, ["error.message"]],
  ])("rejects %s, and changes nothing", async (_, mask, body, fields) => {
    const name = await create();
    const before = await etagOf(name);
    const answer = await patch(name, mask, body);

    expect({ status: answer.status, fields: answer.fields }).toEqual({ status: 400, fields });
    expect(await etagOf(name)).toBe(before);
  });

  // "done in the body is ignored."
  test("ignores done, and accepts the operation's own name", async () => {
    const name = await create();
    const running = await patch(name, undefined, { name, done: true, metadata });
    const done = await patch(name, undefined, { done: false, response });

    expect([running.operation.done, done.operation.done]).toEqual([false, true]);
  });

  // "If-Match with the operation's ETag guards against two writers (mismatch: ABORTED, 409)."
  test("accepts only the first of racing calls with If-Match", async () => {
    const name = await create();
    const etag = await etagOf(name);
    const claims = await Promise.all(
      ["one", "two", "three"].map((worker) =>
        patch(name, "metadata", { metadata: { ...metadata, worker } }, { "If-Match": etag }),
      ),
    );
    const refused = claims.find(({ status }) => status !== 200);

    expect(claims.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409, 409]);
    expect(refused).toMatchObject({ json: { error: { status: "ABORTED" } }, reason: "ETAG_MISMATCH" });
  });

  test.each<[string, (etag: string) => Record<string, string>]>([
    ["that is absent", () => ({})],
    ["*", () => ({ "If-Match": "*" })],
    ["of several ETags", (etag) => ({ "If-Match": `"x", ${etag}` })],
    ["of an ETag that a proxy has weakened", (etag) => ({ "If-Match": `W/${etag}` })],
  ])("accepts an If-Match %s", async (_, headers) => {
    const name = await create();
    await patch(name, "metadata", { metadata });

    expect((await patch(name, "metadata", { metadata }, headers(await etagOf(name)))).status).toBe(200);
  });

  test("returns NOT_FOUND for an unknown operation", async () => {
    const name = await create();
    const { status, json } = await patch(name.replace("/l/", "/m/"), "metadata", { metadata });

    expect({ status, json }).toMatchObject({ status: 404, json: { error: { status: "NOT_FOUND" } } });
  });

  // "On one that a declared method runs: FAILED_PRECONDITION."
  test.each<JsonObject>([{ metadata }, { response }, { error }])(
    "returns FAILED_PRECONDITION for an operation that a method runs: %j",
    async (body) => {
      const { operation } = await service.post(MAKE);
      const { json, reason } = await patch(operation.name, undefined, body);

      expect(json).toMatchObject({ error: { code: 400, status: "FAILED_PRECONDITION" } });
      expect(reason).toBe("OPERATION_RUN_BY_METHOD");
      expect((await service.get(operation.name)).done).toBe(false);
    },
  );
});

// "Repeating the very completion that ended it (same mask, same JSON value, whatever its If-Match) is answered 200 with the
// operation: the first answer may have been lost; anything else on a done operation …: FAILED_PRECONDITION."
describe("a repeated completion", () => {
  test.each<[string, string | undefined, JsonObject, Record<string, string>]>([
    ["as it was", "response", { response }, {}],
    ["in another order", "response", { response: Object.fromEntries(Object.entries(response).toReversed()) }, {}],
    ["without the mask that it implies", undefined, { response }, {}],
    ["with the If-Match of before", "response", { response }, { "If-Match": '"0"' }],
    ["with done, which says nothing", "response", { response, done: true }, {}],
  ])("returns the operation: %s", async (_, mask, body, headers) => {
    const name = await create();
    const first = await patch(name, "response", { response });
    clock.advance(60_000);
    const second = await patch(name, mask, body, headers);

    expect(second.status).toBe(200);
    expect(second.text).toBe(first.text);
    expect(second.headers.get("ETag")).toBe(first.headers.get("ETag"));
  });

  test.each<[string, string | undefined, JsonObject]>([
    ["another response", "response", { response: { ...response, frames: 241 } }],
    ["a response of another type", "response", { response: { ...response, "@type": "type.googleapis.com/acme.Book" } }],
    ["metadata along with it", "response,metadata", { response, metadata }],
    ["an error", "error", { error }],
    ["progress", "metadata", { metadata }],
  ])("is FAILED_PRECONDITION with %s, and changes nothing", async (_, mask, body) => {
    const name = await create();
    const first = await patch(name, "response", { response });
    const second = await patch(name, mask, body);

    expect(second.json).toMatchObject({ error: { code: 400, status: "FAILED_PRECONDITION" } });
    expect(await service.get(name)).toEqual(first.operation);
  });

  test("is FAILED_PRECONDITION if the time has ended the operation", async () => {
    const name = await create({ ttl: "60s" });
    clock.advance(60_000);
    const { json } = await patch(name, "response", { response });

    expect(json).toMatchObject({ error: { status: "FAILED_PRECONDITION" } });
  });

  test("is NOT_FOUND if the operation was deleted", async () => {
    const name = await create();
    await patch(name, "response", { response });
    await service.call("DELETE", `/v1/${name}`);

    expect((await patch(name, "response", { response })).status).toBe(404);
  });
});

// "Cancel sets requestedCancellation in default metadata and leaves it to its worker, for the grace period."
describe("CancelOperation", () => {
  test("is visible in default metadata, and leaves the end to the worker", async () => {
    const name = await create();
    await service.post(`/v1/${name}:cancel`);
    const between = await service.get(name);
    const { operation } = await patch(name, "error", { error: { code: 1, message: "Stopped at frame 12." } });

    expect(between).toMatchObject({ done: false, metadata: { value: { requestedCancellation: true } } });
    expect(operation).toMatchObject({ done: true, error: { code: 1, message: "Stopped at frame 12." } });
  });

  test("has no effect if the worker's result arrives first", async () => {
    const name = await create();
    await service.post(`/v1/${name}:cancel`);
    const { operation } = await patch(name, "response", { response });

    expect(operation).toMatchObject({ response, metadata: { value: { requestedCancellation: true } } });
  });

  test("ends the operation after the grace period, with an unconfirmed stop in the message", async () => {
    const name = await create();
    await service.post(`/v1/${name}:cancel`);
    clock.advance(29_999);
    const before = await service.get(name);
    clock.advance(1);
    const after = await service.get(name);

    expect(before.done).toBe(false);
    expect(after.error).toMatchObject({ code: 1, message: expect.stringContaining("did not confirm") as string });
  });

  test("changes nothing when it is repeated, the grace period included", async () => {
    const name = await create();
    await service.post(`/v1/${name}:cancel`);
    const etag = await etagOf(name);
    clock.advance(20_000);
    await service.post(`/v1/${name}:cancel`);

    expect(await etagOf(name)).toBe(etag);
    clock.advance(10_000);
    expect((await service.get(name)).done).toBe(true);
  });

  // "Where the metadata is the worker's own (any given in create or by PATCH, Struct included, as it stands when the cancel
  // comes, or is patched in afterwards), it ends at once with code 1 and the worker's next PATCH says FAILED_PRECONDITION."
  test.each<[string, JsonObject]>([
    ["a type of its own", metadata],
    ["a Struct", { "@type": STRUCT, value: { frame: 1 } }],
  ])("ends an operation at once if its worker created it with metadata: %s", async (_, own) => {
    const name = await create({ operation: { metadata: own } });
    const cancelled = await service.post(`/v1/${name}:cancel`);
    const { json } = await patch(name, "metadata", { metadata: own });

    expect(cancelled.json).toEqual({});
    expect(await service.get(name)).toMatchObject({ done: true, error: { code: 1 }, metadata: own });
    expect(json).toMatchObject({ error: { status: "FAILED_PRECONDITION" } });
  });

  test("ends an operation at once if its worker has patched the metadata", async () => {
    const name = await create();
    await patch(name, "metadata", { metadata });
    await service.post(`/v1/${name}:cancel`);

    expect(await service.get(name)).toMatchObject({ done: true, error: { code: 1 }, metadata });
  });

  test("ends an operation as soon as its worker patches the metadata", async () => {
    const name = await create();
    await service.post(`/v1/${name}:cancel`);
    const { status, operation } = await patch(name, "metadata", { metadata });
    const next = await patch(name, "metadata", { metadata });

    expect(status).toBe(200);
    expect(operation).toMatchObject({ done: true, error: { code: 1 }, metadata });
    expect(next.json).toMatchObject({ error: { status: "FAILED_PRECONDITION" } });
  });
});

test("a deleted operation rejects its worker's reports, and ends hidden", async () => {
  const name = await create({ ttl: "60s" });
  await service.call("DELETE", `/v1/${name}`);
  const { status } = await patch(name, "response", { response });
  clock.advance(60_000);
  await letTimePass(name);

  expect(status).toBe(404);
  expect((await service.call("GET", `/v1/${name}`)).status).toBe(404);
});

test("WaitOperation waits for work done elsewhere", async () => {
  const name = await create();
  const waiting = service.post(`/v1/${name}:wait`, { timeout: "60s" });
  await patch(name, "response", { response });

  expect((await waiting).operation).toMatchObject({ done: true, response });
});
