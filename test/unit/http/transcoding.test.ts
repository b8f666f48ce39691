import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type TranscodingInput, transcode } from "../../../src/http/transcoding";
import { MAX_FIELD_VIOLATIONS, MAX_QUOTED_CHARACTERS } from "../../../src/limits";
import { enumType } from "../../../src/protobuf/enum-type";
import {
  bool,
  boolValue,
  double,
  duration,
  enumeration,
  int32,
  int64,
  mapOf,
  messageField,
  repeated,
  string,
  struct,
} from "../../../src/protobuf/fields";
import type { Message } from "../../../src/protobuf/declaration";
import { message } from "../../../src/protobuf/message";
import { rpcErrorOf, violationsOf } from "../../support/an-rpc-error";

const Format = enumType("example.v1.Format", { FORMAT_UNSPECIFIED: 0, CSV: 1 });
interface Table {
  tableName?: string;
  width?: number;
  inner?: Table;
}
const Table: Message<Table> = message("example.v1.Table", {
  tableName: string(1),
  width: int32(2),
  inner: messageField(3, (): Message<Table> => Table),
});
const Request = message("example.v1.Request", {
  parent: string(1, { required: true }),
  rowLimit: int32(2),
  ratio: double(3),
  big: int64(4),
  strict: bool(5),
  columns: repeated(string(6)),
  sizes: repeated(int32(7)),
  format: enumeration(8, Format),
  wait: duration(9),
  table: messageField(10, Table),
  tables: repeated(messageField(11, Table)),
  labels: mapOf("string", string(12)),
  options: struct(13),
  maybe: boolValue(14),
});

type Given = Partial<Omit<TranscodingInput, "query">> & { query?: string };

function transcoded({ query = "", ...given }: Given) {
  return transcode({
    pathVariables: {},
    body: undefined,
    bodyRule: undefined,
    ...given,
    query: new URLSearchParams(query),
  });
}

const accepted: [what: string, given: Given, request: unknown][] = [
  ["path alone", { pathVariables: { parent: "p" } }, { parent: "p" }],
  ["a nested variable", { pathVariables: { "table.table_name": "t" } }, { table: { tableName: "t" } }],
  ["a variable of a number", { pathVariables: { row_limit: "5" }, describe: Request }, { rowLimit: 5 }],
  ["an empty query and no body", {}, {}],
  ["an empty body where none is taken", { body: {} }, {}],
  ["body *", { bodyRule: "*", body: { a: 1 }, pathVariables: { parent: "p" } }, { a: 1, parent: "p" }],
  ["body * without a body", { bodyRule: "*", pathVariables: { parent: "p" } }, { parent: "p" }],
  [
    "a body that repeats the path",
    { bodyRule: "*", body: { parent: "p" }, pathVariables: { parent: "p" } },
    { parent: "p" },
  ],
  [
    "a body that leaves the path null",
    { bodyRule: "*", body: { parent: null }, pathVariables: { parent: "p" } },
    { parent: "p" },
  ],
  [
    "a body that leaves the path empty",
    { bodyRule: "*", body: { parent: "" }, pathVariables: { parent: "p" } },
    { parent: "p" },
  ],
  [
    "a body that repeats a 64-bit number of the path as a number",
    { bodyRule: "*", body: { big: 5 }, pathVariables: { big: "5" }, describe: Request },
    { big: 5 },
  ],
  [
    "a body that spells as .proto does",
    { bodyRule: "*", body: { table_spec: { width: 1 } }, pathVariables: { "table_spec.table_name": "t" } },
    { table_spec: { width: 1, tableName: "t" } },
  ],
  [
    "a body of one field",
    { bodyRule: "table", body: { width: 1 }, query: "strict=x" },
    { table: { width: 1 }, strict: "x" },
  ],
  ["a body of one field in snake_case", { bodyRule: "row_limit", body: 5 }, { rowLimit: 5 }],
  [
    "a body of one field, with a name of it in the path",
    { bodyRule: "table", body: { width: 1 }, pathVariables: { "table.table_name": "t" } },
    { table: { width: 1, tableName: "t" } },
  ],
  ["text of the query, undescribed", { query: "a=1&b_c=true&d=" }, { a: "1", bC: "true", d: "" }],
  [
    "a nested parameter",
    { query: "table.table_name=t&table.inner.width=1" },
    { table: { tableName: "t", inner: { width: "1" } } },
  ],
  ["a parameter given twice, undescribed", { query: "a=1&a=2" }, { a: ["1", "2"] }],
  ["two spellings of one parameter", { query: "a_b=1&aB=2" }, { aB: ["1", "2"] }],
  ["a name that every object inherits", { query: "constructor.name=1" }, { constructor: { name: "1" } }],
  ["a parameter that repeats the path", { query: "parent=p", pathVariables: { parent: "p" } }, { parent: "p" }],
  ["a list given once", { query: "columns=a", describe: Request }, { columns: ["a"] }],
  ["a list given twice", { query: "sizes=1&sizes=2", describe: Request }, { sizes: [1, 2] }],
  [
    "numbers, booleans and enums",
    { query: "row_limit=5&ratio=1e-1&big=7&strict=true&format=1&maybe=false&wait=5s", describe: Request },
    { rowLimit: 5, ratio: 0.1, big: "7", strict: true, format: 1, maybe: false, wait: "5s" },
  ],
  ["an enum by name", { query: "format=CSV", describe: Request }, { format: "CSV" }],
  [
    "text that is no such value, for the schema to refuse",
    { query: "row_limit=x&ratio=&strict=1&sizes=9999999999", describe: Request },
    { rowLimit: "x", ratio: "", strict: "1", sizes: ["9999999999"] },
  ],
  [
    "a described nested parameter",
    { query: "table.inner.width=1", describe: Request },
    { table: { inner: { width: 1 } } },
  ],
];

test.each(accepted)("requestFromHttp reads %s", (_, given, request) => {
  expect(transcoded(given)).toEqual(request);
});

const refused: [what: string, given: Given, violations: [field: string, description: string][]][] = [
  [
    "a query with body *",
    { bodyRule: "*", query: "a=1&b.c=2" },
    [
      ["a", "unknown query parameter"],
      ["b.c", "unknown"],
    ],
  ],
  [
    "a body where none is taken",
    { body: { a: 1, b: 2 } },
    [
      ["a", "unknown field"],
      ["b", "unknown field"],
    ],
  ],
  ["a list for a body where none is taken", { body: [] }, [["body", "unknown field"]]],
  ["a list for body *", { bodyRule: "*", body: [] }, [["body", "must be a JSON object"]]],
  [
    "a body that contradicts the path",
    { bodyRule: "*", body: { parent: "q" }, pathVariables: { parent: "p" } },
    [["parent", "differs from the path"]],
  ],
  [
    "a body that contradicts a nested variable",
    { bodyRule: "*", body: { table: { table_name: "u" } }, pathVariables: { "table.table_name": "t" } },
    [["table.tableName", "differs from the path"]],
  ],
  [
    "a body with an object where the path has text",
    { bodyRule: "*", body: { parent: {} }, pathVariables: { parent: "p" } },
    [["parent", "differs from the path"]],
  ],
  [
    "a body with text where the path goes deeper",
    { bodyRule: "*", body: { table: "t" }, pathVariables: { "table.table_name": "t" } },
    [["table", "must be an object"]],
  ],
  [
    "a query that contradicts the path",
    { query: "parent=q&parent=p", pathVariables: { parent: "p" } },
    [["parent", "differs from the path"]],
  ],
  [
    "a query that goes into the body's field",
    { bodyRule: "table", body: {}, query: "table.width=1&table=2" },
    [
      ["table.width", "is the body"],
      ["table", "is the body"],
    ],
  ],
  ["a query that names both a message and what is in it", { query: "a=1&a.b=2" }, [["a", "must be an object"]]],
  ["a query that names what is in a message and it", { query: "a.b=2&a=1" }, [["a", "is given more than once"]]],
  ["a name that is no field path", { query: "a..b=1" }, [["a..b", "unknown query parameter"]]],
  ["an empty name", { query: "=1" }, [["", "unknown query parameter"]]],
  ["a prototype", { query: "__proto__.a=1" }, [["__proto__.a", "unknown query parameter"]]],
  ["a system parameter that was left in", { query: "$x=1" }, [["$x", "unknown query parameter"]]],
  ["a path too deep", { query: `${"a.".repeat(200)}a=1` }, [["a.".repeat(MAX_QUOTED_CHARACTERS / 2), "unknown"]]],
  ["an unknown field", { query: "bogus=1", describe: Request }, [["bogus", "unknown query parameter"]]],
  ["an unknown field of a field", { query: "table.bogus=1", describe: Request }, [["table.bogus", "unknown query"]]],
  ["a field of a number", { query: "row_limit.x=1", describe: Request }, [["rowLimit.x", "unknown query"]]],
  ["a field of a list's items", { query: "tables.width=1", describe: Request }, [["tables.width", "unknown query"]]],
  [
    "a single field given twice",
    { query: "strict=true&strict=true", describe: Request },
    [["strict", "is given more"]],
  ],
  ["a message", { query: "table=x", describe: Request }, [["table", "cannot be given in the query"]]],
  ["a list of messages", { query: "tables=x", describe: Request }, [["tables", "cannot be given in the query"]]],
  ["a map", { query: "labels=x", describe: Request }, [["labels", "cannot be given in the query"]]],
  ["a Struct", { query: "options=x", describe: Request }, [["options", "cannot be given in the query"]]],
];

test.each(refused)("requestFromHttp rejects %s and names the field", async (_, given, violations) => {
  const error = await rpcErrorOf(() => transcoded(given));

  expect(error.code).toBe("INVALID_ARGUMENT");
  expect(violationsOf(error.details)).toEqual(
    violations.map(([field, description]) => ({ field, description: expect.stringContaining(description) as string })),
  );
});

test("requestFromHttp reports a bounded number of violations", async () => {
  const query = Array.from({ length: 1_000 }, (_, index) => `f${index}=1`).join("&");

  const error = await rpcErrorOf(() => transcoded({ bodyRule: "*", query }));

  expect(violationsOf(error.details)).toHaveLength(MAX_FIELD_VIOLATIONS);
});

test("requestFromHttp does not change the body", () => {
  const body = { table: { inner: { width: 1 } } };
  transcoded({ bodyRule: "*", body, pathVariables: { parent: "p", "table.inner.table_name": "t" } });

  expect(body).toEqual({ table: { inner: { width: 1 } } });
});

const table = fc.record({ tableName: fc.string(), width: fc.integer() }, { requiredKeys: [] });
const request = fc.record(
  {
    rowLimit: fc.integer(),
    ratio: fc.double({ noNaN: true, noDefaultInfinity: true }).filter((ratio) => !Object.is(ratio, -0)),
    strict: fc.boolean(),
    columns: fc.array(fc.string({ unit: "grapheme" }), { minLength: 1 }),
    sizes: fc.array(fc.integer(), { minLength: 1 }),
    format: fc.constantFrom("FORMAT_UNSPECIFIED", "CSV"),
    table: table.filter((fields) => Object.keys(fields).length > 0),
  },
  { requiredKeys: [] },
);

test("requestFromHttp reads a request that a client wrote into the query by the rules of http.proto", () => {
  const put = (query: URLSearchParams, path: string, value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) put(query, path, item);
    else if (typeof value === "object" && value !== null) {
      for (const [name, member] of Object.entries(value)) put(query, `${path}.${name}`, member);
    } else query.append(path, String(value));
  };
  fc.assert(
    fc.property(request, fc.string(), (fields, parent) => {
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries(fields)) put(query, name, value);

      expect(transcoded({ query: query.toString(), pathVariables: { parent }, describe: Request })).toEqual({
        ...fields,
        parent,
      });
    }),
  );
});
