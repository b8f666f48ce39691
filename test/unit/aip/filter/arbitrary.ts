// Filters and rows that have something to do with one another: names, keys and values come from the same small pools.
import * as fc from "fast-check";
import { stateNames } from "../../../../src/aip/filter/fields";
import { type FilterRow, finalState } from "../../../../src/aip/filter/filter-row";
import type { Json, JsonObject } from "../../../../src/rpc/any";
import { CREATE_TIME, STRUCT, row } from "./rows";

const KEYS = [
  "a",
  "b",
  "status",
  "state",
  "labels",
  "env",
  "foo_bar",
  "fooBar",
  "progress_percent",
  "progressPercent",
  "a.b",
  "0",
  "x y",
  "é",
  'q"',
  "",
];
export const STRINGS = [
  "",
  "a",
  "b",
  "RUNNING",
  "running",
  "staging",
  "42",
  "-7",
  "007",
  "9007199254740992",
  "9007199254740993",
  "9223372036854775807",
  "9223372036854775808",
  "1.5",
  "true",
  "false",
  "foo.java",
  "a*b",
  "*",
  "aXbXc",
  "aXc",
  "abc",
  "aba",
  "éb",
  "béé",
  "foo_bar",
  "é😀",
  "\uffee",
  "[]",
  "{}",
  "null",
  "x\u0000y",
  'q"\\',
  "20s",
  "1.2s",
  "-3s",
  "1.200s",
  "s",
  "2026-11-20T12:00:00.500Z",
  "2026-11-20T13:00:00.5+01:00",
  "2026-11-19T23:59:59Z",
  "2026-11-21T00:00:00+23:00",
  "2026-11-19T20:00:00-23:00",
  "2026-13-01T00:00:00Z",
  "0001-01-01T00:00:00Z",
  "9999-12-31T23:59:59Z",
  "2026-11-20T12:00:00.500000001Z",
  "type.googleapis.com/x.Y",
];
export const NUMBERS = [
  0, 1, -1, 42, 1.5, -7, 2.997e9, 1e21, 9007199254740992, 1234567890123456800, 0.1, 5e-324, 1.7976931348623157e308,
];

const scalar: fc.Arbitrary<Json> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...STRINGS) },
  { weight: 2, arbitrary: fc.constantFrom(...NUMBERS) },
  { weight: 1, arbitrary: fc.boolean() },
  { weight: 1, arbitrary: fc.constant(null) },
  // JSON has no -0.
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0) },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 4 }) },
);
const key = fc.constantFrom(...KEYS);

const json: fc.Arbitrary<Json> = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { depthSize: "small", maxDepth: 4 },
    scalar,
    fc.array(tie("json"), { maxLength: 3 }),
    fc.dictionary(key, tie("json"), { maxKeys: 4 }),
  ),
})).json;

const fields: fc.Arbitrary<JsonObject> = fc.dictionary(key, json, { minKeys: 0, maxKeys: 6 });

const any: fc.Arbitrary<JsonObject> = fc.oneof(
  fields.map((value) => ({ "@type": STRUCT, value })),
  fields.map((rest) => Object.assign(rest, { "@type": "type.googleapis.com/x.Y" })),
  json.map((value) => ({ "@type": "type.googleapis.com/google.protobuf.Value", value })),
);

const time = fc.constantFrom(undefined, 0, -1, CREATE_TIME, CREATE_TIME + 1, CREATE_TIME - 86_400_000);
const text = fc.constantFrom(...STRINGS);

const runningStates = stateNames.filter((state) => !["SUCCEEDED", "FAILED", "CANCELLED"].includes(state));

export const arbitraryRow: fc.Arbitrary<FilterRow> = fc
  .record({
    name: text,
    createTime: time.map((ms) => ms ?? 5),
    startTime: time,
    endTime: time,
    target: text,
    verb: text,
    method: fc.option(text, { nil: undefined }),
    runningState: fc.option(fc.constantFrom(...runningStates), { nil: undefined }),
    requestedCancellation: fc.boolean(),
    result: fc.oneof(
      fc.constant({ done: false }),
      fc.record({ done: fc.constant(true), errorCode: fc.integer({ min: 1, max: 16 }), errorMessage: text }),
      fc.record({ done: fc.constant(true), response: any }),
    ),
    metadata: fc.option(any, { nil: undefined, freq: 9 }),
    metadataTruncated: fc.integer({ min: 0, max: 9 }).map((number) => number === 0),
  })
  .map(({ result, metadata, metadataTruncated, startTime, endTime, method, runningState, ...rest }) => {
    const state = result.done ? finalState("errorCode" in result ? result.errorCode : undefined) : runningState;
    return row({
      ...rest,
      ...result,
      ...(method === undefined ? {} : { method }),
      ...(state === undefined ? {} : { state }),
      ...(startTime === undefined ? {} : { startTime }),
      ...(endTime === undefined ? {} : { endTime }),
      ...(metadata === undefined ? {} : { metadata: metadataTruncated ? typeAlone(metadata) : metadata }),
      metadataTruncated: metadataTruncated && metadata !== undefined,
    });
  });

function typeAlone(metadata: JsonObject): JsonObject {
  return { "@type": metadata["@type"] ?? "" };
}

/** A quoted string of the filter language. Stars stay wildcards. */
export function quote(value: string): string {
  return `"${value.replace(/[\\"]/g, "\\$&").replaceAll("\u0000", "")}"`;
}

const UNQUOTED = /^(?!null$)[A-Za-z0-9_][A-Za-z0-9_*-]*$/;
/** Values with wildcards, and such as are more than strings only without quotes. */
export const UNQUOTED_VALUES = [
  "*",
  "a*",
  "*b",
  "*X*",
  "a*a",
  "a*b*c",
  "a*a*c",
  "*X*X*",
  "é*",
  "*é",
  "é*b",
  "b*é*é",
  "f*a",
  "2026-11-20T12:00:00.500Z",
  "2026-11-20T12:00:00Z",
  "20s",
  "-3s",
  "true",
  "42",
  "9007199254740993",
  "18446744073709551615",
  "1e3",
];
const value = fc.oneof(
  fc.constantFrom(...STRINGS).map((string) => (UNQUOTED.test(string) ? string : quote(string))),
  fc.constantFrom(...STRINGS).map(quote),
  fc.constantFrom(...NUMBERS, 2.5).map(String),
  fc.constantFrom(...UNQUOTED_VALUES),
);
const comparator = fc.constantFrom("=", "!=", "<", "<=", ">", ">=", ":");
const segment = key.map((name) => (/^[A-Za-z_]+$/.test(name) ? name : quote(name)));
const path = fc
  .tuple(fc.constantFrom("", "metadata.", "response."), fc.array(segment, { minLength: 1, maxLength: 3 }))
  // A declared field is no path into the metadata.
  .map(([root, segments]) => (root === "" && segments[0] === "state" ? "metadata." : root) + segments.join("."));

const declared = fc.oneof(
  fc.tuple(
    fc.constantFrom("name", "target", "verb", "method", "error.message", "metadata.@type", "response.@type"),
    comparator,
    value,
  ),
  fc.tuple(
    fc.constant("state"),
    fc.constantFrom("=", "!=", ":"),
    fc.constantFrom(...stateNames, "*", "*ING", "R*", "*E*", '"EXTERNAL*"'),
  ),
  fc.tuple(
    fc.constantFrom("done", "requested_cancellation"),
    fc.constantFrom("=", "!=", ":"),
    fc.constantFrom("true", "false"),
  ),
  fc.tuple(
    fc.constantFrom("createTime", "start_time", "endTime", "expireTime"),
    comparator,
    fc.constantFrom(
      "2026-11-20T12:00:00.5Z",
      '"2026-11-20T12:00:00.500000001Z"',
      "1970-01-01T00:00:00Z",
      '"1969-12-31T23:59:59.999Z"',
      '"2026-11-20T12:00:00.4999Z"',
    ),
  ),
  fc.tuple(fc.constant("error.code"), comparator, fc.integer({ min: -1, max: 16 }).map(String)),
  fc.tuple(
    fc.constantFrom("metadata", "response", "error", "startTime", "name", "done", "method", "state"),
    fc.constant(":"),
    fc.constant("*"),
  ),
  fc.tuple(fc.constantFrom("metadata", "response"), fc.constant(":"), segment),
);

export const arbitraryTerm = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(path, comparator, value).map((parts) => parts.join(" ")) },
  { weight: 3, arbitrary: declared.map((parts) => parts.join("")) },
  { weight: 1, arbitrary: value.map((literal) => literal.replace(/^-/, "")) },
  { weight: 1, arbitrary: fc.tuple(path, comparator, value, value).map(([p, c, v, w]) => `${p}${c}(${v} OR ${w})`) },
);

export const arbitraryFilter: fc.Arbitrary<string> = fc.letrec<{ filter: string }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    arbitraryTerm,
    arbitraryTerm.map((operand) => `NOT ${operand}`),
    fc.tuple(tie("filter"), tie("filter")).map(([a, b]) => `(${a}) AND (${b})`),
    fc.tuple(tie("filter"), tie("filter")).map(([a, b]) => `(${a}) OR (${b})`),
    tie("filter").map((operand) => `-(${operand})`),
  ),
})).filter;
