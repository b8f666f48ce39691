import { expect, test } from "vitest";
import { MAX_FIELD_VIOLATIONS, MAX_JSON_DEPTH } from "../../../src/limits";
import { enumType } from "../../../src/protobuf/enum-type";
import {
  bool,
  bytes,
  double,
  enumeration,
  int32,
  int64,
  listValue,
  mapOf,
  messageField,
  repeated,
  string,
  stringValue,
  struct,
  timestamp,
  value,
} from "../../../src/protobuf/fields";
import type { Message } from "../../../src/protobuf/declaration";
import { message } from "../../../src/protobuf/message";
import { oneof } from "../../../src/protobuf/oneof";
import { Column, Format, ProfileRequest } from "./profile-request";

function issuesOf(declared: Message, json: unknown): [path: unknown, message: string][] {
  return (declared["~standard"].validate(json).issues ?? []).map(({ path, message: text }) => [path, text]);
}

test("a message reads both names of a field, and keeps the JSON name", () => {
  const result = ProfileRequest["~standard"].validate({ parent: "p", update_mask: "a" });

  expect(result).toEqual({ value: { parent: "p", updateMask: "a" } });
});

test("a message reports every problem as an issue at its path, in one pass", () => {
  const json = {
    rows: "x",
    flags: [true, 1, 2],
    columns: [{ name: "a", width: 1 }],
    uri: "u",
    inline: { name: 5 },
    update_mask: "a",
    updateMask: "b",
    bogus: 1,
  };

  expect(issuesOf(ProfileRequest, json)).toEqual([
    [["updateMask"], "is given twice, also as update_mask"],
    [["bogus"], expect.stringMatching(/^unknown field; example.tables.v1.ProfileTableRequest has parent, rows, ratio/)],
    [["inline"], "only one of uri and inline may be given"],
    [["parent"], "is required"],
    [["rows"], "must be an integer from -2147483648 to 2147483647"],
    [["flags", 1], "must be true or false"],
    [["flags", 2], "must be true or false"],
    [["columns", 0, "width"], "unknown field; example.tables.v1.Column has name, maxWidth"],
    [["inline", "name"], "must be a string"],
  ]);
});

const notMessages: unknown[] = [undefined, null, 5, "x", true, []];

test.each(notMessages)("a message rejects %j", (json) => {
  expect(issuesOf(ProfileRequest, json)).toEqual([[[], expect.stringMatching(/^must be an object/)]]);
});

const inherited = ["constructor", "toString", "__proto__", "hasOwnProperty"];

test.each(inherited)("a message rejects %s, which every object inherits, as an unknown field", (name) => {
  expect(issuesOf(ProfileRequest, JSON.parse(`{"parent":"p","${name}":1}`))).toEqual([
    [[name], expect.stringMatching(/^unknown field/)],
  ]);
});

const Required = message("example.v1.Required", {
  text: string(1, { required: true }),
  data: bytes(2, { required: true }),
  list: repeated(int32(3, { required: true })),
  map: mapOf("string", int32(4, { required: true })),
  format: enumeration(5, Format, { required: true }),
  count: int32(6, { required: true }),
  flag: bool(7, { required: true }),
});

test("a required field must not be absent, null or empty, but may be a written zero or false", () => {
  const nulls = { text: null, data: null, list: null, map: null, format: null, count: null, flag: null };
  const empty = { text: "", data: "", list: [], map: {}, format: "FORMAT_UNSPECIFIED", count: 0, flag: false };
  const names = ["text", "data", "list", "map", "format", "count", "flag"];

  expect(issuesOf(Required, {})).toEqual(names.map((name) => [[name], "is required"]));
  expect(issuesOf(Required, nulls)).toEqual(names.map((name) => [[name], "is required"]));
  expect(issuesOf(Required, empty)).toEqual(names.slice(0, 5).map((name) => [[name], "is required"]));
});

test("a required wrapper may have an empty string", () => {
  const Wrapping = message("example.v1.Wrapping", { text: stringValue(1, { required: true }) });

  expect(issuesOf(Wrapping, { text: "" })).toEqual([]);
  expect(issuesOf(Wrapping, {})).toEqual([[["text"], "is required"]]);
});

test("a response's required field may be empty, but not absent", () => {
  const response = {
    text: "",
    data: "",
    list: [],
    map: {},
    format: "FORMAT_UNSPECIFIED",
    count: 0,
    flag: false,
  } as const;

  expect(Required.toJson({ ...response, list: [], map: {} })).toEqual(response);
  expect(() => Required.toJson({ ...response, list: [], map: {}, text: undefined as unknown as string })).toThrow(
    new TypeError("example.v1.Required: text: is required"),
  );
});

const Ending = message("example.v1.Ending", {
  end: oneof({ endTime: timestamp(1), ttl: string(2) }, { required: true }),
  alternative: oneof({ one: value(3), other: string(4) }),
});

test("a oneof accepts one field, ignores null, and rejects a second one or a missing required one", () => {
  expect(issuesOf(Ending, { endTime: null, ttl: "5s" })).toEqual([]);
  expect(issuesOf(Ending, { endTime: null })).toEqual([[[], "one of endTime and ttl is required"]]);
  expect(issuesOf(Ending, { end_time: "2026-01-31T12:00:00Z", ttl: "5s" })).toEqual([
    [["ttl"], "only one of endTime and ttl may be given"],
  ]);
  expect(issuesOf(Ending, { ttl: "5s", one: null, other: "x" })).toEqual([
    [["other"], "only one of one and other may be given"],
  ]);
});

interface Node {
  name?: string;
  children?: Node[];
}
const Node: Message<Node> = message("example.v1.Node", {
  name: string(1),
  children: repeated(messageField(2, (): Message<Node> => Node)),
});

function nested(levels: number): Node {
  let node: Node = { name: "leaf" };
  for (let level = 0; level < levels; level += 1) node = { children: [node] };
  return node;
}

test("a message may contain itself, to the depth of JSON bodies", () => {
  // Each level is a list and an object; the leaf's name is one more.
  const deepest = (MAX_JSON_DEPTH - 2) / 2;

  expect(issuesOf(Node, nested(deepest))).toEqual([]);
  expect(issuesOf(Node, nested(deepest + 1))).toEqual([
    [expect.any(Array), `is nested deeper than ${MAX_JSON_DEPTH} levels`],
  ]);
});

test("a value that contains itself is rejected in bounded time", () => {
  const node: Node = {};
  node.children = [node, node, node];
  const options: Record<string, unknown> = {};
  options["self"] = [options, options];

  expect(() => Node.toJson(node)).toThrow("is nested deeper than");
  expect(issuesOf(message("example.v1.Free", { options: struct(1) }), { options })).toHaveLength(MAX_FIELD_VIOLATIONS);
});

test("the issues are bounded in unknown fields, lists, maps and free-form JSON alike", () => {
  const many = Array.from({ length: 1_000 }, () => "x");
  const unknown = Object.fromEntries(many.map((_, index) => [`f${index}`, 1]));
  const surrogates = Object.fromEntries(many.map((_, index) => [`f${index}`, "\ud800"]));

  for (const json of [unknown, { flags: many }, { countById: unknown, columns: many }, { options: surrogates }]) {
    expect(issuesOf(ProfileRequest, json)).toHaveLength(MAX_FIELD_VIOLATIONS);
  }
});

test("a list, a map and free-form JSON are read up to the last reported issue", () => {
  let reads = 0;
  const counted = Array.from({ length: 1_000 }, () => ({
    get name() {
      reads += 1;
      return "\ud800";
    },
  }));
  const byId = Object.fromEntries(Object.entries(counted));
  const Counted = message("example.v1.Counted", {
    list: repeated(messageField(1, Column)),
    byId: mapOf("int32", messageField(2, Column)),
    items: listValue(3),
    options: struct(4),
  });

  for (const json of [{ list: counted }, { byId }, { items: counted }, { options: byId }]) {
    reads = 0;
    issuesOf(Counted, json);

    expect(reads).toBe(MAX_FIELD_VIOLATIONS);
  }
});

test("__proto__ is a key like any other in maps and free-form JSON", () => {
  const json = '{"parent":"p","labels":{"__proto__":"x"},"options":{"__proto__":{"a":1}}}';

  expect(JSON.stringify(ProfileRequest["~standard"].validate(JSON.parse(json)))).toBe(`{"value":${json}}`);
});

const Report = message("example.v1.Report", {
  displayName: string(1),
  ratio: double(2),
  ratios: repeated(double(3)),
  count: int64(4),
  node: messageField(5, Node),
  format: enumeration(6, Format),
  options: struct(7),
  by: mapOf("string", double(8)),
});

test("toJson writes the fields in declared order, omits undefined and writes non-finite numbers as text", () => {
  const json = Report.toJson({
    options: { a: [null] },
    ratios: [1, NaN, -Infinity],
    ratio: Infinity,
    count: "12",
    by: { a: NaN },
    node: { name: undefined as unknown as string, children: [] },
    displayName: "d",
  });

  expect(JSON.stringify(json)).toBe(
    '{"displayName":"d","ratio":"Infinity","ratios":[1,"NaN","-Infinity"],"count":"12","node":{"children":[]},' +
      '"options":{"a":[null]},"by":{"a":"NaN"}}',
  );
});

test("toJson names the first field of a wrong type, and counts the others", () => {
  const report = { ratios: [1, "two"], count: 1.5, extra: 1 } as unknown as Parameters<typeof Report.toJson>[0];

  expect(() => Report.toJson(report)).toThrow(
    new TypeError(
      "example.v1.Report: extra: unknown field; example.v1.Report has displayName, ratio, ratios, count, node, format, options, by (and 2 more)",
    ),
  );
  expect(() => Report.toJson([] as unknown as Parameters<typeof Report.toJson>[0])).toThrow(
    new TypeError("example.v1.Report: must be an object: a example.v1.Report"),
  );
});

const malformedDeclarations: [what: string, declare: () => unknown, error: string][] = [
  ["a full name with a lower-case type", () => message("example.v1.table", {}), "no full name"],
  ["a full name with an empty segment", () => message("example..Table", {}), "no full name"],
  ["a field in snake_case", () => message("A", { page_size: int32(1) }), "lowerCamelCase"],
  ["a field that begins with a capital", () => message("A", { Size: int32(1) }), "lowerCamelCase"],
  ["a field that every object inherits", () => message("A", { constructor: int32(1) }), "lowerCamelCase"],
  ["a oneof in snake_case", () => message("A", { the_end: oneof({ a: int32(1) }) }), "lowerCamelCase"],
  ["one number twice", () => message("A", { a: int32(1), b: string(1) }), "a and b both have the number 1"],
  [
    "one number in and out of a oneof",
    () => message("A", { a: int32(1), o: oneof({ b: int32(1) }) }),
    "a and b both have the number 1",
  ],
  ["one name twice", () => message("A", { a: int32(1), o: oneof({ a: int32(2) }) }), "two fields are named a"],
  ["the number 0", () => int32(0), "no field number"],
  ["a number with a fraction", () => int32(1.5), "no field number"],
  ["a number of protobuf's own", () => int32(19_500), "no field number"],
  ["a number beyond 2^29", () => int32(2 ** 29), "no field number"],
  ["a list with explicit presence", () => repeated(int32(1, { explicitPresence: true })), "no explicit presence"],
  ["a map with explicit presence", () => mapOf("string", int32(1, { explicitPresence: true })), "no explicit presence"],
  [
    "a list in a oneof",
    // @ts-expect-error a oneof takes single fields
    () => message("A", { o: oneof({ a: repeated(int32(1)) }) }),
    "is in a oneof",
  ],
  [
    "a required field in a oneof",
    // @ts-expect-error a oneof's fields are not required
    () => message("A", { o: oneof({ a: int32(1, { required: true }) }) }),
    "is in a oneof",
  ],
  ["an enum without zero", () => enumType("F", { CSV: 1 }), "the first value must be 0"],
  ["an enum without values", () => enumType("F", {}), "the first value must be 0"],
  ["an enum of one number twice", () => enumType("F", { A: 0, B: 1, C: 1 }), "two values are 1"],
  ["an enum beyond int32", () => enumType("F", { A: 0, B: 2 ** 31 }), "no int32"],
  ["an enum of values in camelCase", () => enumType("F", { zero: 0 }), "UPPER_SNAKE_CASE"],
];

test.each(malformedDeclarations)("%s is rejected when it is declared", (_, declare, error) => {
  expect(declare).toThrow(TypeError);
  expect(declare).toThrow(error);
});
