// Requests as Google's own client libraries put them on the wire: each form is one that a stock client sends.
import { deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { MAX_BODY_BYTES, MAX_FORM_BYTES } from "../../../src/limits";
import { type DoorAnswer, knock } from "../../support/a-door";
import { anAnswer } from "../../support/a-service";
import { violatedFields, violationsOf } from "../../support/an-rpc-error";

const LIST = "/v1/projects/p/locations/l/operations";
const FORM = { "Content-Type": "application/x-www-form-urlencoded" };
const AS_GET = { "X-HTTP-Method-Override": "GET" };
const JSON_GZIP = { "Content-Type": "application/json", "Content-Encoding": "gzip" };
const GET = "/v1/operations/1";

describe("a GET whose query is a form in the body of a POST", () => {
  test("is rejected for a malformed filter in the form, as in the URL", async () => {
    const answer = await knock("POST", LIST, { headers: { ...AS_GET, ...FORM }, body: "filter=(((" });

    expect(answer.status).toBe(400);
    expect(violatedFields(answer.error?.details ?? [])).toEqual(["filter"]);
  });

  test.each([["application/x-www-form-urlencoded; charset=UTF-8"], ["APPLICATION/X-WWW-FORM-URLENCODED"]])(
    "has the parameters of a body of the type %s",
    async (type) => {
      const headers = { ...AS_GET, "Content-Type": type };
      const answer = await knock("POST", LIST, { headers, body: "pageSize=-1" });

      expect(violatedFields(answer.error?.details ?? [])).toEqual(["pageSize"]);
    },
  );

  test("may be sent as gzip, as by Google's Java client", async () => {
    const headers = { ...AS_GET, ...FORM, "Content-Encoding": "gzip" };
    const answer = await knock("POST", LIST, { headers, body: gzipSync("pageSize=-1") });

    expect(violatedFields(answer.error?.details ?? [])).toEqual(["pageSize"]);
  });

  test.each<[string, string, string, string[]]>([
    ["an unknown parameter", LIST, "nonsense=1", ["nonsense"]],
    ["a parameter that the URL has too", `${LIST}?pageSize=1`, "pageSize=1", ["pageSize"]],
    ["two masks that differ", `${LIST}?fields=operations`, "fields=nextPageToken", ["fields"]],
    ["bytes that are not UTF-8", LIST, "filter=%ff", ["filter"]],
  ])("is rejected for %s", async (_, path, body, fields) => {
    const answer = await knock("POST", path, { headers: { ...AS_GET, ...FORM }, body });

    expect(answer.status).toBe(400);
    expect(violatedFields(answer.error?.details ?? [])).toEqual(fields);
  });

  test("adds the form to the URL's query", async () => {
    const headers = { ...AS_GET, ...FORM };
    const { text } = await knock("POST", `${GET}?fields=name`, { headers, body: "prettyPrint=1" });

    expect(text).toBe('{\n  "name": "operations/1"\n}');
  });

  test("masks the answer by the form's fields", async () => {
    const headers = { ...AS_GET, ...FORM };
    const { json } = await knock("POST", "/v1/operations/1", { headers, body: "fields=name&$prettyPrint=0" });

    expect(json).toEqual({ name: "operations/1" });
  });

  test("reads a document's version", async () => {
    const headers = { ...AS_GET, ...FORM };
    const { json } = await knock("POST", "/$discovery/rest", { headers, body: "version=v1beta1" });

    expect(json["version"]).toBe("v1beta1");
  });

  test("is rejected with 413 over its bound", async () => {
    const body = `filter=${"x".repeat(MAX_FORM_BYTES)}`;
    const answer = await knock("POST", LIST, { headers: { ...AS_GET, ...FORM }, body });

    expect(answer).toMatchObject({ status: 413, reason: "REQUEST_TOO_LARGE" });
  });

  test.each(['{"filter":"a"}', "filter=a"])(
    "is rejected with the body %s of another type, which would be ignored",
    async (body) => {
      const headers = { ...AS_GET, "Content-Type": "application/json" };
      const answer = await knock("POST", LIST, { headers, body });

      expect(answer.status).toBe(400);
      expect(violationsOf(answer.error?.details ?? [])[0]?.description).toContain("application/x-www-form-urlencoded");
    },
  );

  test.each([
    ["no body", undefined, {}],
    ["an empty form", "", FORM],
    ["an empty message", "{}", { "Content-Type": "application/json" }],
  ])("may have %s", async (_, body, headers) => {
    const answer = await knock("POST", GET, { headers: { ...AS_GET, ...headers }, body });

    expect(answer.status).toBe(200);
  });

  test("is not read as a form if the overridden method has a body of its own", async () => {
    const headers = { ...FORM, "X-HTTP-Method-Override": "PATCH" };
    const { status, error } = await knock("POST", "/v1/operations/1", { headers, body: "updateMask=error" });

    expect(status).toBe(400);
    expect(violatedFields(error?.details ?? [])).toEqual(["body"]);
  });
});

describe("$prettyPrint", () => {
  const get = (query: string): Promise<DoorAnswer> => knock("GET", `/v1/operations/1?${query}`);
  const COMPACT = '{"name":"operations/1","done":false}';

  test.each(["$prettyPrint=0", "%24prettyPrint=0", "prettyPrint=0", "$prettyPrint=false"])(
    "%s leaves the answer unchanged",
    async (query) => {
      expect((await get(query)).text).toBe(COMPACT);
    },
  );

  test.each(["$prettyPrint=1", "prettyPrint=1", "prettyPrint=true"])("%s indents it", async (query) => {
    const { text } = await get(query);

    expect(text).toBe(JSON.stringify(JSON.parse(COMPACT), null, 2));
  });

  test("leaves an answer unchanged that would be a hundred times as long", async () => {
    const deep = `${"[".repeat(90)}1${"]".repeat(90)}`;
    const json = `{"name":"operations/1","metadata":[${Array.from({ length: 5_500 }, () => deep).join(",")}]}`;
    const { text } = await knock("GET", `${GET}?prettyPrint=true`, {
      store: { get: async () => ({ ...anAnswer(), json }) },
    });

    expect(text.length).toBe(json.length);
  });

  test.each(["prettyPrint=2", "$prettyPrint=yes", "prettyPrint=-1"])("%s is rejected", async (query) => {
    expect(violatedFields((await get(query)).error?.details ?? [])).toEqual(["prettyPrint"]);
  });
});

describe("a coded request body", () => {
  const cancel = (body: BodyInit, headers: Record<string, string>): Promise<DoorAnswer> =>
    knock("POST", "/v1/operations/1:cancel", { body, headers: { "Content-Type": "application/json", ...headers } });

  test.each<[string, BodyInit, string]>([
    ["gzip", gzipSync("{}"), "gzip"],
    ["gzip of nothing", gzipSync(""), "gzip"],
    ["gzip in two members", Buffer.concat([gzipSync("{"), gzipSync("}")]), "gzip"],
    ["x-gzip", gzipSync("{}"), "x-gzip"],
    ["GZIP", gzipSync("{}"), "GZIP"],
    ["deflate", deflateSync("{}"), "deflate"],
    ["identity", "{}", "identity"],
    ["gzip behind identity", gzipSync("{}"), "identity, gzip"],
    ["an empty list of codings", "{}", " , "],
    ["no body at all", "", "gzip"],
    ["no body at all of a coding that is not served", "", "br"],
  ])("is decoded: %s", async (_, body, coding) => {
    const { status, json } = await cancel(body, { "Content-Encoding": coding });

    expect(status).toBe(200);
    expect(json).toEqual({});
  });

  test("reaches the method with its contents", async () => {
    const { error } = await cancel(gzipSync('{"nonsense":1}'), { "Content-Encoding": "gzip" });

    expect(violatedFields(error?.details ?? [])).toEqual(["nonsense"]);
  });

  test.each(["br", "zstd", "compress", "gzip, gzip", "deflate, gzip", "aes128gcm", "__proto__"])(
    "is rejected in %s with 415, which names the accepted codings",
    async (coding) => {
      const { status, reason, error, headers } = await cancel(gzipSync("{}"), { "Content-Encoding": coding });

      expect(status).toBe(415);
      expect(reason).toBe("CONTENT_CODING_UNSUPPORTED");
      expect(error).toMatchObject({ code: 415, status: "INVALID_ARGUMENT" });
      expect(error?.message).toContain(JSON.stringify(coding));
      expect(headers.get("Accept-Encoding")).toBe("gzip, deflate");
    },
  );

  test.each<[string, BodyInit, string]>([
    ["text", "{}", "gzip"],
    ["cut off", gzipSync("{}").subarray(0, 12), "gzip"],
    ["cut off in its checksum", gzipSync("{}").subarray(0, -3), "gzip"],
    ["of another coding", gzipSync("{}"), "deflate"],
  ])("is rejected if it is %s", async (_, body, coding) => {
    const { status, reason, error } = await cancel(body, { "Content-Encoding": coding });

    expect(status).toBe(400);
    expect(reason).toBe("CONTENT_CODING_MALFORMED");
    expect(violatedFields(error?.details ?? [])).toEqual(["body"]);
  });

  test.each([
    ["that decodes to one byte too many", gzipSync(`"${"x".repeat(MAX_BODY_BYTES - 1)}"`), 413],
    ["that decodes to a hundred times the limit", gzipSync(Buffer.alloc(100 * MAX_BODY_BYTES)), 413],
    ["that decodes to the limit", gzipSync(`{"nonsense":"${"x".repeat(MAX_BODY_BYTES - 15)}"}`), 400],
  ])("returns for %s the status %3$i", async (_, body, expected) => {
    const { status } = await cancel(body, JSON_GZIP);

    expect(status).toBe(expected);
  });
});
