// Requests of public reports about REST and protobuf JSON (docs/cases.md). Each is named by its report.
import { describe, expect, test } from "vitest";
import { defineMethod } from "../../src/index";
import * as pb from "../../src/protobuf";
import type { JsonObject } from "../../src/rpc/any";
import { MAKE, aDeployment, aMethod } from "./a-deployment";
import { useFreshWorld } from "./harness";

useFreshWorld();

const Format = pb.enumType("example.v1.Format", { FORMAT_UNSPECIFIED: 0, CSV: 1 });
const Size = pb.message("example.v1.Size", { width: pb.int32(1), label: pb.string(2) });
const ThingRequest = pb.message("example.v1.ThingRequest", {
  parent: pb.string(1),
  format: pb.enumeration(2, Format),
  tags: pb.repeated(pb.string(3)),
  at: pb.timestamp(4),
  big: pb.int64(5),
  flag: pb.bool(6),
  data: pb.bytes(7),
  size: pb.messageField(8, Size),
  pause: pb.duration(9),
  displayName: pb.string(10),
  mask: pb.fieldMask(11),
});

/** Answers with its request, at once. */
function anEcho(verb: string, body?: "*") {
  return defineMethod({
    http: { post: `/v1/{parent=projects/*}/things:${verb}`, ...(body && { body }) },
    request: ThingRequest,
    immediate: ({ parent: _parent, ...request }) => ({ response: request as unknown as JsonObject }),
    run: async () => ({}),
  });
}

const service = aDeployment({
  methods: [anEcho("query"), anEcho("body", "*"), aMethod(async () => ({}))],
});
const QUERY = "/v1/projects/p/things:query";
const BODY = "/v1/projects/p/things:body";
const JSON_TYPE = { "Content-Type": "application/json" };

describe("a query", () => {
  test.each<[report: string, query: string, request: object]>([
    ["gapic-showcase 1159: an enum by its number", "format=1", { format: "CSV" }],
    ["envoy 32143: a repeated field", "tags=a&tags=b", { tags: ["a", "b"] }],
    ["a comma is a character of a value", "tags=a,b", { tags: ["a,b"] }],
    ["grpc-gateway 260: a time", "at=2026-11-27T06:00:00.5Z", { at: "2026-11-27T06:00:00.500Z" }],
    ["a time of another zone", "at=2026-11-27T06:00:00%2B02:00", { at: "2026-11-27T04:00:00Z" }],
    ["grpc-gateway 1978: bytes for URLs", "data=-_8", { data: "+/8=" }],
    ["grpc-gateway 2603: bytes as answers have them", "data=%2B%2F8%3D", { data: "+/8=" }],
    ["http.proto: fields of a message", "size.width=3&size.label=x", { size: { width: 3, label: "x" } }],
    ["an int64", "big=9007199254740993", { big: "9007199254740993" }],
    ["names as in the .proto file", "display_name=x&mask=display_name", { displayName: "x", mask: "displayName" }],
    ["a duration", "pause=1.5s", { pause: "1.500s" }],
    ["system parameters of stock clients", "$.xgafv=2&uploadType=media&upload_protocol=raw&quotaUser=q&key=", {}],
  ])("%s: %s", async (_, query, request) => {
    const { operation } = await service.post(`${QUERY}?${query}`, "");

    expect(operation.response?.value).toEqual(request);
  });

  test.each<[report: string, query: string, field: string]>([
    ["Kong 9180: a bool is true or false", "flag=1", "flag"],
    ["a bool without a value", "flag=", "flag"],
    ["gax-dotnet 716: an unknown number of an enum", "format=7", "format"],
    ["a plus sign is a space", "at=2026-11-27T06:00:00+02:00", "at"],
    ["grpc-gateway 1448: a message as JSON", "size=%7B%22width%22:3%7D", "size"],
    ["one field under two names", "display_name=x&displayName=x", "displayName"],
    ["a field that is not repeated, twice", "flag=true&flag=false", "flag"],
    ["a field that there is not", "maxResults=1", "maxResults"],
    ["a form of answers that there is not", "alt=media", "alt"],
  ])("%s is rejected: %s", async (_, query, field) => {
    const { status, fields } = await service.post(`${QUERY}?${query}`, "");

    expect(status).toBe(400);
    expect(fields).toEqual([field]);
  });
});

describe("a JSON body", () => {
  // upcloud-python-api 60, apm-server 676, rabbitmq-management 703, RFC 8259 section 11.
  test.each([
    "application/json; charset=utf-8",
    "application/json;charset=UTF-8",
    'application/json; charset="utf-8"',
    "application/json; odata=verbose",
    "application/vnd.api+json",
    "",
  ])("is accepted with the Content-Type %j", async (type) => {
    const { operation } = await service.call("POST", BODY, '{"flag":true}', { "Content-Type": type });

    expect(operation.response?.value).toEqual({ flag: true });
  });

  test.each<[report: string, body: string, request: object]>([
    ["a byte order mark", '\uFEFF{"flag":true}', { flag: true }],
    ["protobuf 15021: an enum by its number", '{"format":1}', { format: "CSV" }],
    ["null", '{"tags":null,"size":null,"at":null}', {}],
    ["an int64 as a number with an exponent", '{"big":1e3}', { big: "1000" }],
    ["base64 without its padding", '{"data":"AAE"}', { data: "AAE=" }],
    ["a name as in the .proto file", '{"display_name":"x"}', { displayName: "x" }],
  ])("%s", async (_, body, request) => {
    const { operation } = await service.call("POST", BODY, body, JSON_TYPE);

    expect(operation.response?.value).toEqual(request);
  });

  test.each<[report: string, body: string, field: string]>([
    ["one field twice", '{"flag":true,"flag":false}', "flag"],
    ["one field under two names", '{"display_name":"x","displayName":"y"}', "displayName"],
    ["protobuf 15021: an unknown name of an enum", '{"format":"NOPE"}', "format"],
    ["an unknown number of an enum", '{"format":7}', "format"],
    ["null in a list", '{"tags":["a",null]}', "tags[1]"],
    ["a bool as text", '{"flag":"true"}', "flag"],
    ["a time with a space", '{"at":"2026-11-27 06:00:00Z"}', "at"],
    ["a mask as an object", '{"mask":{"paths":["a"]}}', "mask"],
    ["no object", "null", "body"],
    ["a comma too many", '{"flag":true,}', "body"],
    ["two values", "{} {}", "body"],
    ["white space", " ", "body"],
  ])("of %s is rejected: %s", async (_, body, field) => {
    const { status, fields } = await service.call("POST", BODY, body, JSON_TYPE);

    expect(status).toBe(400);
    expect(fields).toEqual([field]);
  });
});

describe("a GET", () => {
  async function get(method: string, headers = {}) {
    const { operation } = await service.post(MAKE);
    return service.call(method, `/v1/${operation.name}`, undefined, headers);
  }

  // backlot 276, google-api-java-client 636.
  test("has the same headers and no body as HEAD", async () => {
    const { status, headers, text } = await get("HEAD");

    expect(status).toBe(200);
    expect(headers.get("ETag")).toBe('"1"');
    expect(headers.get("Content-Type")).toContain("application/json");
    expect(text).toBe("");
  });

  // python-storage 451, RFC 9110 section 13.1.2.
  test.each(['"1"', 'W/"1"', '"x", "1"', "*"])("with If-None-Match: %s is 304 if nothing has changed", async (tags) => {
    const { status, text } = await get("GET", { "If-None-Match": tags });

    expect(status).toBe(304);
    expect(text).toBe("");
  });

  test.each(['"x"', "1", "x"])("with If-None-Match: %s returns the operation", async (tags) => {
    expect((await get("GET", { "If-None-Match": tags })).status).toBe(200);
  });

  test("names the existing methods for PUT", async () => {
    const { status, headers } = await get("PUT");

    expect(status).toBe(405);
    expect(headers.get("Allow")).toBe("GET, HEAD, PATCH, DELETE");
  });
});
