// Large inputs and large responses (architecture.md, 1): stored in chunks, crossing as byte streams, given back byte for
// byte, and erased when they are no longer needed.
import { deflateSync, gzipSync } from "node:zlib";
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { OperationContext } from "../../src/index";
import { MAX_RESPONSE_BYTES } from "../../src/limits";
import type { JsonObject } from "../../src/rpc/any";
import { eventually } from "../support/eventually";
import { type Answer, MAKE, aDeployment, aMethod, idOf, objectOf, storedKeys } from "./a-deployment";
import { controls } from "./controls";
import { useFreshWorld } from "./harness";

const MIB = 1_048_576;
const CSV = { "Content-Type": "text/csv" };

/** The JSON of a response around the text. */
const WRAPPER_BYTES = '{"@type":"type.googleapis.com/google.protobuf.Struct","value":{"text":""}}'.length;

useFreshWorld();

/** Text in four scripts, with what JSON escapes, of about as many bytes. */
function aText(bytes: number): string {
  const piece = 'plain "quoted" \\ back\tTab äöüß Жизнь 語言 🜁\u2028 ';
  return piece.repeat(Math.ceil(bytes / new TextEncoder().encode(JSON.stringify(piece)).length));
}

async function endOf(run: (op: OperationContext) => Promise<object>) {
  const service = aDeployment({
    methods: [aMethod(run, { retry: { maxAttempts: 2 }, maxResultBytes: MAX_RESPONSE_BYTES })],
  });
  const { operation } = await service.post(MAKE);
  await service.deliver(operation.name);
  return { service, name: operation.name };
}

async function digestOf(bytes: Uint8Array): Promise<string> {
  return [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].join(".");
}

interface TextFacts {
  length: number;
  digest: string;
}

/** A text by its length and digest: a failure prints no megabytes. */
async function factsOf(text: string): Promise<TextFacts> {
  return { length: text.length, digest: await digestOf(new TextEncoder().encode(text)) };
}

/** The text in a response's Struct. */
function factsIn(operation: JsonObject | undefined): Promise<TextFacts> {
  const { text = "" } = ((operation?.["response"] as JsonObject | undefined)?.["value"] ?? {}) as { text?: string };
  return factsOf(text);
}

/** The storage of every object that was called. */
async function allStoredKeys(): Promise<string[]> {
  const ids = new Set(controls.calls.map(({ id }) => id));
  return (await Promise.all(Array.from(ids, (id) => storedKeys(`operations/${id}`)))).flat();
}

// "Results up to 24 MiB."
describe("a large response", () => {
  test.each([
    ["a little over what stands in the record", 33 * 1_024],
    ["over what one message takes", 300 * 1_024],
    ["over what a row takes", 3 * MIB],
  ])("of %s is the same by get, wait and list", async (_, bytes) => {
    const text = aText(bytes);
    const { service, name } = await endOf(async () => ({ text }));
    const got = await service.call("GET", `/v1/${name}`);
    const waited = await service.post(`/v1/${name}:wait`);
    const listed = await service.call("GET", "/v1/projects/p/operations");
    const expected = await factsOf(text);

    expect(await factsIn(got.json)).toEqual(expected);
    expect(await factsOf(waited.text)).toEqual(await factsOf(got.text));
    expect(await factsIn((listed.json["operations"] as JsonObject[])[0])).toEqual(expected);
  });

  test("of exactly 24 MiB is returned", async () => {
    const wrapper = '{"@type":"type.googleapis.com/google.protobuf.Struct","value":{"text":""}}';
    const text = "x".repeat(MAX_RESPONSE_BYTES - wrapper.length);
    const { service, name } = await endOf(async () => ({ text }));

    expect(await factsIn((await service.call("GET", `/v1/${name}`)).json)).toEqual(await factsOf(text));
  });

  test("is not pushed, so waiters fetch it", async () => {
    const text = aText(2 * MIB);
    const service = aDeployment({ methods: [aMethod(async () => ({ text }), { maxResultBytes: MAX_RESPONSE_BYTES })] });
    const { operation } = await service.post(MAKE);
    const waiting = service.post(`/v1/${operation.name}:wait`);
    await eventually(() => controls.callsOf(idOf(operation.name)).includes("/wait"));
    await service.deliver(operation.name);

    expect(await factsIn((await waiting).json)).toEqual(await factsOf(text));
    expect(controls.callsOf(idOf(operation.name)).at(-1)).toBe("get");
  });

  test("is put into KV unchanged", async () => {
    const { service, name } = await endOf(async () => ({ text: aText(2 * MIB) }));
    const snapshot = await eventually(async () => (await env.SNAPSHOTS.get(`operation/${idOf(name)}`)) ?? undefined);

    expect(await factsOf(snapshot)).toEqual(await factsOf((await service.call("GET", `/v1/${name}`)).text));
  });

  test("over 24 MiB ends the operation with an error that names the limit, without a retry", async () => {
    let runs = 0;
    const { service, name } = await endOf(async () => {
      runs += 1;
      return { text: "y".repeat(MAX_RESPONSE_BYTES) };
    });
    const { error } = await service.get(name);

    expect(error).toMatchObject({
      code: 8,
      message:
        "The response of things:make is larger than 25165824 bytes of JSON: store it elsewhere and return where it is, " +
        "or declare a larger maxResultBytes.",
    });
    expect(runs).toBe(1);
  });

  // "Results up to 4 MiB unless a deployment raises it."
  test.each([
    [4 * MIB, "SUCCEEDED"],
    [4 * MIB + 1, "larger than 4194304 bytes"],
  ])("of %i bytes, if its method declares no limit: %s", async (bytes, end) => {
    const service = aDeployment({ methods: [aMethod(async () => ({ text: "x".repeat(bytes - WRAPPER_BYTES) }))] });
    const { operation } = await service.post(MAKE);
    await service.deliver(operation.name);
    const { response, error } = await service.get(operation.name);

    expect(response ? "SUCCEEDED" : JSON.stringify(error)).toContain(end);
  });

  test("is measured by the limit of its operation's start, whatever is deployed since", async () => {
    const deployed = (maxResultBytes: number) =>
      aDeployment({ methods: [aMethod(async () => ({ text: "x".repeat(MIB) }), { maxResultBytes })] });
    const before = await deployed(2 * MIB).post(MAKE);
    const later = deployed(MIB);
    const after = await later.post(MAKE);
    await later.deliver(before.operation.name);
    await later.deliver(after.operation.name);

    expect((await later.get(before.operation.name)).response).toBeDefined();
    expect((await later.get(after.operation.name)).error).toMatchObject({ code: 8 });
  });

  test("leaves only its rows and its record", async () => {
    const { name } = await endOf(async () => ({ text: "x".repeat(3 * MIB) }));
    const keys = await storedKeys(name);

    expect(keys.filter((key) => !key.startsWith("response/"))).toEqual(["record"]);
    expect(keys.filter((key) => key.startsWith("response/")).length).toBeGreaterThan(1);
  });
});

// "Bodies … at most 1 MiB unless a method declares more"; "a payload … above 1 MiB lives in its operation's object in
// chunks under the 2 MB row limit".
describe("a streamed input", () => {
  const MAX_BYTES = 3 * MIB;
  const UPLOAD = "/v1/projects/p/files:upload";

  function anUpload(run: (op: OperationContext) => Promise<object>) {
    const options = {
      http: { post: "/v1/{parent=projects/*}/files:upload" },
      input: { contentTypes: ["text/csv"], maxBytes: MAX_BYTES },
    };
    return aDeployment({ methods: [aMethod(run, { maxResultBytes: MAX_RESPONSE_BYTES, ...options })] });
  }

  function someBytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
  }

  /** Bytes as they come over a network: in pieces of no particular size. */
  function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
    let sent = 0;
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent >= bytes.length) return controller.close();
        controller.enqueue(bytes.slice(sent, sent + 70_001));
        sent += 70_001;
      },
    });
  }

  test.each([1, MIB, MIB + 1, MAX_BYTES])("of %i bytes reaches every attempt unchanged", async (length) => {
    const seen: JsonObject[] = [];
    const service = anUpload(async (op) => {
      const bytes = new Uint8Array(await new Response(op.input).arrayBuffer());
      seen.push({ bytes: op.inputBytes, digest: await digestOf(bytes) });
      if (op.attempt === 1) throw new Error("broken");
      return {};
    });
    const bytes = someBytes(length);
    const { operation } = await service.post(UPLOAD, streamOf(bytes), CSV);
    const stored = await storedKeys(operation.name);
    await service.runToEnd(operation.name);
    const expected = { bytes: length, digest: await digestOf(bytes) };

    expect(stored).toContain("input/000000");
    expect(seen).toEqual([expected, expected]);
    expect(await storedKeys(operation.name)).toEqual(["record"]);
  });

  test.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
  ])("sent as %s reaches the work decoded", async (coding, encode) => {
    const seen: JsonObject[] = [];
    const service = anUpload(async (op) => {
      const bytes = new Uint8Array(await new Response(op.input).arrayBuffer());
      seen.push({ bytes: bytes.length, digest: await digestOf(bytes) });
      return {};
    });
    const bytes = someBytes(MAX_BYTES);
    const headers = { ...CSV, "Content-Encoding": coding };
    const { operation } = await service.post(UPLOAD, streamOf(encode(bytes)), headers);
    await service.runToEnd(operation.name);

    expect(seen).toEqual([{ bytes: MAX_BYTES, digest: await digestOf(bytes) }]);
  });

  test.each(["us-ascii", "US-ASCII", '"utf-8"', "utf8"])("may be in the charset %s", async (charset) => {
    const service = anUpload(async () => ({}));

    expect(await service.post(UPLOAD, "a,b\n", { "Content-Type": `text/csv; charset=${charset}` })).toMatchObject({
      status: 200,
    });
  });

  test("may be repeated as gzip under the requestId of a plain one", async () => {
    const service = anUpload(async () => ({}));
    const path = `${UPLOAD}?requestId=r`;
    const first = await service.post(path, streamOf(someBytes(MIB)), CSV);
    const second = await service.post(path, streamOf(gzipSync(someBytes(MIB))), { ...CSV, "Content-Encoding": "gzip" });

    expect(second.operation.name).toBe(first.operation.name);
  });

  test.each<[string, () => unknown, Record<string, string>, Partial<Answer>]>([
    [
      "one byte too many",
      () => streamOf(someBytes(MAX_BYTES + 1)),
      CSV,
      { status: 413, reason: "REQUEST_TOO_LARGE", fields: ["body"] },
    ],
    ["nothing", () => "", CSV, { status: 400, fields: ["body"] }],
    ["another media type", () => "{}", { "Content-Type": "application/json" }, { status: 400, fields: ["body"] }],
    [
      "gzip of one byte too many",
      () => streamOf(gzipSync(someBytes(MAX_BYTES + 1))),
      { ...CSV, "Content-Encoding": "gzip" },
      { status: 413, reason: "REQUEST_TOO_LARGE", fields: ["body"] },
    ],
    [
      "gzip of many times as much",
      () => streamOf(gzipSync(new Uint8Array(10 * MAX_BYTES))),
      { ...CSV, "Content-Encoding": "gzip" },
      { status: 413, reason: "REQUEST_TOO_LARGE", fields: ["body"] },
    ],
    [
      "gzip that is cut off",
      () => streamOf(gzipSync(someBytes(MIB)).subarray(0, -9)),
      { ...CSV, "Content-Encoding": "gzip" },
      { status: 400, reason: "CONTENT_CODING_MALFORMED", fields: ["body"] },
    ],
    [
      "text that is said to be gzip",
      () => "a,b",
      { ...CSV, "Content-Encoding": "gzip" },
      { status: 400, reason: "CONTENT_CODING_MALFORMED", fields: ["body"] },
    ],
    [
      "gzip of nothing",
      () => streamOf(gzipSync("")),
      { ...CSV, "Content-Encoding": "gzip" },
      { status: 400, reason: "REQUEST_EMPTY", fields: ["body"] },
    ],
    [
      "a coding that is not decoded",
      () => "a,b",
      { ...CSV, "Content-Encoding": "br" },
      { status: 415, reason: "CONTENT_CODING_UNSUPPORTED", fields: ["body"] },
    ],
    ["no header row", () => "1,2\n", { "Content-Type": "text/csv; header=absent" }, { status: 400, fields: ["body"] }],
    ["another charset", () => "a", { "Content-Type": "text/csv; charset=latin1" }, { status: 400, fields: ["body"] }],
  ])("is rejected, and leaves nothing: %s", async (_, body, headers, expected) => {
    const service = anUpload(async () => ({}));
    const answer = await service.post(UPLOAD, body(), headers);
    const listed = await service.call("GET", "/v1/projects/p/operations");

    expect(answer).toMatchObject(expected);
    expect(listed.json["operations"] ?? []).toEqual([]);
    expect(await allStoredKeys()).toEqual([]);
  });

  test("leaves nothing if it fails on its way", async () => {
    const service = anUpload(async () => ({}));
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1;
        if (sent < 3) controller.enqueue(new Uint8Array(MIB));
        else controller.error(new Error("the client went away"));
      },
    });
    const answer = await service.post(UPLOAD, body, CSV).catch(() => undefined);

    expect(answer?.status ?? 503).toBe(503);
    expect(await allStoredKeys()).toEqual([]);
  });

  // "A streamed body arms an upload alarm with its first chunk, which erases an object that never got a record."
  test("is erased by the alarm if it was cut off with its object", async () => {
    const name = `operations/${env.OPERATIONS.newUniqueId().toString()}`;
    await runInDurableObject(objectOf(name), async (_, { storage }) => {
      storage.kv.put("input/000000", new Uint8Array(10));
      storage.kv.put("input/000001", new Uint8Array(10));
      await storage.setAlarm(Date.now() + 600_000);
    });
    const before = await storedKeys(name);
    await runDurableObjectAlarm(objectOf(name));

    expect(before).toEqual(["input/000000", "input/000001"]);
    expect(await storedKeys(name)).toEqual([]);
  });

  test("arms that alarm with its first chunk, and is kept by it while it arrives", async () => {
    const service = anUpload(async () => ({}));
    const rest = Promise.withResolvers<void>();
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        controller.enqueue(new Uint8Array(2 * MIB));
        await rest.promise;
        controller.close();
      },
    });
    const sending = service.post(UPLOAD, body, CSV);
    const { id } = await eventually(() => controls.calls[0]);
    const name = `operations/${id}`;
    await eventually(async () => (await storedKeys(name)).includes("input/000000"));
    const alarm = await runInDurableObject(objectOf(name), (_, { storage }) => storage.getAlarm());
    await runDurableObjectAlarm(objectOf(name));
    const during = await storedKeys(name);
    rest.resolve();

    expect(alarm).not.toBeNull();
    expect(during).toContain("input/000000");
    expect((await sending).status).toBe(200);
  });
});
