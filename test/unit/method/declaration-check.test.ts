// Mistakes in a method's declaration, each with the message that the Worker refuses to start with.
import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineMethod } from "../../../src/method/define-method";
import type { MethodDeclaration } from "../../../src/method/method";
import { int32, string } from "../../../src/protobuf/fields";
import { message } from "../../../src/protobuf/message";

const Request = message("example.v1.GenerateReportRequest", {
  parent: string(1, { required: true }),
  title: string(2),
  pages: int32(3),
});

/** As JavaScript may have it: nothing checks the types. */
function define(overrides: object): unknown {
  const declaration = {
    http: { post: "/v1/{parent=projects/*}/reports:generate", body: "*" },
    request: Request,
    run: async () => ({}),
    ...overrides,
  };
  return defineMethod(declaration as unknown as MethodDeclaration<object>);
}

const post = "/v1/{parent=projects/*}/reports:generate";
const REPORTS = "method /v1/{parent=projects/*}/reports:generate";

describe("defineMethod › rejects a declaration with", () => {
  test.each<[mistake: string, overrides: object, message: string]>([
    ["no http", { http: undefined }, 'defineMethod: http is missing; write http: { post: "/v1/{parent=projects/*}'],
    ["http without post", { http: { get: "/v1/x" } }, "defineMethod: http is missing; write http: { post:"],
    [
      "a path of express",
      { http: { post: "/v1/projects/:id/things:do", body: "*" } },
      'http.post has the segment ":id"; a path\'s variables stand in braces: "{id}"',
    ],
    [
      "a query in its path",
      { http: { post: "/v1/reports:generate?format=csv" } },
      'http.post has the character "?", which no request can match',
    ],
    [
      "a letter that a path has encoded",
      { http: { post: "/v1/reports:prüfe" } },
      'http.post has the character "ü", which no request can match',
    ],
    ["a space in the path", { http: { post: "/v1/my reports:generate" } }, 'http.post has the character " "'],
    ["a schema that cannot validate", { request: { "~standard": { version: 1, vendor: "none" } } }, "request is {"],
    [
      "a path without its slash",
      { http: { post: "reports:generate" } },
      'http.post is "reports:generate"; it must be a path',
    ],
    ["an unknown option", { timeOut: "1h" }, `${REPORTS} has an unknown option "timeOut"; did you mean "timeout"?`],
    ["an option that is like no other", { colour: 1 }, 'unknown option "colour"; it takes id, version, http,'],
    [
      "another HTTP method",
      { http: { post: "/v1/x:y", get: "/v1/x" } },
      'method /v1/x:y: http has an unknown option "get"; it takes post, body',
    ],
    [
      "an unknown option of retry",
      { retry: { attempts: 3 } },
      'retry has an unknown option "attempts"; did you mean "maxAttempts"?',
    ],
    ["a near miss in retry", { retry: { maxAttemps: 3 } }, 'did you mean "maxAttempts"?'],
    ["retry that is a number", { retry: 3 }, "method reports:generate: retry is 3; it must be an object"],
    ["no run", { run: undefined }, `${REPORTS}: run is missing; write async run(request, op) { … }`],
    ["run that is no function", { run: {} }, `${REPORTS}: run is {}; write async run`],
    [
      "no request",
      { request: undefined },
      `${REPORTS}: request is missing; give a declared message, a Standard Schema`,
    ],
    ["a request that is no schema", { request: { title: "string" } }, 'request is {"title":"string"}; give a declared'],
    [
      "a path variable that the message lacks",
      { http: { post: "/v1/{project=projects/*}/reports:generate", body: "*" } },
      "the path binds {project}, and example.v1.GenerateReportRequest has no such field of a single value; it has parent,",
    ],
    [
      "a misspelled path variable",
      { http: { post: "/v1/{parnet=projects/*}/reports:generate", body: "*" } },
      'did you mean "parent"?',
    ],
    [
      "a body that the message lacks",
      { http: { post: "/v1/{parent=projects/*}/reports:generate", body: "report" } },
      'http.body is "report", and example.v1.GenerateReportRequest has no such field; write "*"',
    ],
    [
      "a field that every start takes",
      { request: message("example.v1.R", { parent: string(1), requestId: string(2) }) },
      "method reports:generate: example.v1.R has a field requestId, which every start takes for itself; rename the field",
    ],
    [
      "a field validateOnly",
      { request: message("example.v1.R", { parent: string(1), validateOnly: string(2) }) },
      "has a field validateOnly",
    ],
    [
      "a field operationOptions",
      { request: message("example.v1.R", { parent: string(1), operationOptions: string(2) }) },
      "has a field operationOptions",
    ],
    ["maxConcurrent of one and a half", { maxConcurrent: 1.5 }, "maxConcurrent is 1.5; it must be a whole number"],
    ["an input without media types", { input: { maxBytes: 1 } }, "input.contentTypes is missing; list media types"],
    [
      "an input of no media types",
      { input: { contentTypes: [], maxBytes: 1 } },
      "input.contentTypes is []; list media",
    ],
    [
      "a media type with parameters",
      { input: { contentTypes: ["text/csv; charset=utf-8"], maxBytes: 1 } },
      "without parameters",
    ],
    [
      "an input without a limit",
      { input: { contentTypes: ["text/csv"] } },
      "input.maxBytes is missing; give a whole number",
    ],
    ["initialMetadata that is no function", { initialMetadata: {} }, "initialMetadata is {}; it must be a function"],
    ["an id that is no text", { id: 7 }, "id is 7; it must be a text of 1 to 200 visible ASCII characters"],
    ["an empty id", { id: "" }, 'id is ""; it must be a text of 1 to 200'],
    ["an id with a line break", { id: "a\nb" }, 'id is "a\\nb"; it must be a text of 1 to 200'],
    ["a long id", { id: "x".repeat(201) }, "it must be a text of 1 to 200 visible ASCII characters"],
    ["a version that is a number", { version: 2 }, "version is 2; it must be a text of 1 to 200 visible ASCII"],
    ["a version that is a bigint", { version: 2n }, "version is 2n; it must be a text"],
    [
      "a body that is a number",
      { http: { post: "/v1/x:y", body: 3 } },
      'http.body is 3; write "*", or the name of the field that is the body',
    ],
    ["an empty body", { http: { post: "/v1/x:y", body: "" } }, 'http.body is ""; write "*"'],
    [
      "a JSON body beside a streamed one",
      { input: { contentTypes: ["text/csv"], maxBytes: 1 } },
      'http.body is "*", and input says that the body is no JSON; leave http.body out',
    ],
    ["metadataType of null", { metadataType: null }, "metadataType is null; write a full message name"],
    [
      "a path variable that every start takes",
      { http: { post: "/v1/{requestId=projects/*}/reports:generate", body: "*" }, request: (json: object) => json },
      "the path binds {requestId}, which every start takes for itself; give the variable another name",
    ],
  ])("%s", (_, overrides, text) => {
    expect(() => define(overrides)).toThrow(TypeError);
    expect(() => define(overrides)).toThrow(text);
  });

  test("no options", () => {
    expect(() => defineMethod(undefined as unknown as MethodDeclaration<object>)).toThrow(
      "defineMethod takes an object",
    );
  });
});

describe("defineMethod › rejects a schema of another library with", () => {
  const title = z.string();
  const schemas: [mistake: string, request: unknown, http: object, message: string][] = [
    [
      "a field that every start takes",
      z.object({ title, requestId: title }),
      {},
      "method reports:generate: the request's schema has a field requestId, which every start takes for itself; rename",
    ],
    [
      "a field validateOnly, in ArkType",
      type({ "validateOnly?": "boolean" }),
      {},
      "the request's schema has a field validateOnly",
    ],
    [
      "no field for a path variable, and no room for others",
      z.strictObject({ title, parnet: title }),
      {},
      'the path binds {parent}, and the request\'s schema has no such field of a single value; did you mean "parnet"?',
    ],
    [
      "no field for a path variable, in valibot",
      toStandardJsonSchema(v.strictObject({ title: v.string() })),
      {},
      "the path binds {parent}, and the request's schema has no such field of a single value; it has title",
    ],
    [
      "no field for the body",
      z.object({ report: title }),
      { body: "reprot" },
      'http.body is "reprot", and the request\'s schema has no such field; write "*" for all fields that the path does ' +
        'not bind, or did you mean "report"?',
    ],
  ];

  test.each(schemas)("%s", (_, request, http, text) => {
    expect(() => define({ request, http: { post, body: "*", ...http } })).toThrow(TypeError);
    expect(() => define({ request, http: { post, body: "*", ...http } })).toThrow(text);
  });
});

describe("defineMethod › accepts", () => {
  test.each<[what: string, overrides: object]>([
    ["a body that is one field", { http: { post: "/v1/{parent=projects/*}/reports:generate", body: "title" } }],
    ["a number in the path", { http: { post: "/v1/{parent=projects/*}/reports/{pages}:generate", body: "*" } }],
    ["a schema that drops what it does not declare", { request: z.object({ title: z.string() }) }],
    ["a schema that takes any field", { request: z.looseObject({}), http: { post, body: "report" } }],
    ["a schema that lists no fields", { request: z.union([z.object({ a: z.string() }), z.object({})]) }],
    ["a schema that has no JSON Schema", { request: v.strictObject({ requestId: v.string() }) }],
    ["a function for a request", { request: (json: object) => json }],
    ["an input of any media type", { http: { post }, input: { contentTypes: ["*/*"], maxBytes: 1 } }],
  ])("%s", (_, overrides) => {
    expect(() => define(overrides)).not.toThrow();
  });
});
