// The evaluators that a request drives, each with what one call of it may cost. Bundled by worst-input.ts.
import { parseFilter } from "../../src/aip/filter/filter";
import { DatabaseSync } from "node:sqlite";
import { createSchema, upsertRow } from "../../src/durable/index/index-sql";
import { readPage } from "../../src/durable/index/read-page";
import { SetIamPolicyRequest } from "../../src/api/messages/iam";
import { decodeMessage } from "../../src/http/decode-message";
import { sentPolicy, withinBindingCount } from "../../src/iam/sent-policy";
import { decodeJson } from "../../src/http/request-body";
import { RpcError } from "../../src/rpc/error";
import { Violations } from "../../src/rpc/decode";
import { conditions } from "../../src/conditions";
import { Conditions, conditionProblem } from "../../src/iam/condition";
import { MAX_EXPRESSION_CHARACTERS } from "../../src/iam/iam-limits";
import {
  MAX_BODY_BYTES,
  MAX_FIELDS_CHARACTERS,
  MAX_INDEXED_ANY_BYTES,
  MAX_NAME_BYTES,
  MAX_FILTER_CHARACTERS,
} from "../../src/limits";
import { type DoorAnswer, type DoorRequest, knock } from "../support/a-door";
import { anAnswer } from "../support/a-service";
import { anIndexRow, sqlStorageFrom } from "../support/an-index";

conditions();

/** One evaluator. Its input is a text, from which a whole call is made. */
export interface CostlyKind {
  /** CPU that the worst input may take. */
  boundMs: number;
  maxCharacters: number;
  /** Where the search begins. */
  seeds: readonly string[];
  /** Pieces that mutations put in. */
  tokens: readonly string[];
  /** Prepares a call; what it gives is what is measured. */
  call: (input: string) => () => unknown;
}

/** A refusal, and a page or an answer that is given (limits of the service, docs/threat-model.md). */
const REFUSAL_MS = 50;
const PAGE_MS = 500;

/** A URL of this length reaches a Worker. */
const MAX_URL_CHARACTERS = 16_000;
const PAGE_ROWS = 5_000;
/** A line break parts the filter from the metadata of all rows. */
const PART = "\n";

const FILTER_TOKENS =
  'AND|OR|NOT |-|(|)|=|!=|<|<=|>|>=|:|*|.|,|"|\\|done|error.code|metadata|metadata.a|a.b.c|response.x|createTime|name|true|1|-1.5e3|"2026-01-01T00:00:00Z"|30s|"a*b*c"|"*a*a*a*b"|é'.split(
    "|",
  );
const JSON_TOKENS =
  '{|}|[|]|"a":|"b":|,|1|1e9|"x"|"2026-01-01T00:00:00Z"|"30s"|null|true|"\\u0001"|"é"|{"a":1}|[1,2]'.split("|");

const PARENT = "projects/p";
const sql = sqlStorageFrom(new DatabaseSync(":memory:"));
createSchema(sql);
for (let count = 0; count < PAGE_ROWS; count += 1) upsertRow(sql, anIndexRow({ parent: PARENT }));

function page(input: string): () => unknown {
  const [filter = "", metadata = ""] = input.split(PART);
  if (!parseFilter(filter).ok) return () => undefined;
  let value: unknown;
  try {
    value = JSON.parse(metadata);
  } catch {
    // No service stores what is no JSON.
    return () => undefined;
  }
  const json = JSON.stringify(value);
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject || Buffer.byteLength(json) > MAX_INDEXED_ANY_BYTES) return () => undefined;
  const { operation } = anIndexRow({ parent: PARENT, metadata: value as Record<string, never> });
  sql.exec("UPDATE operations SET operation = ?", operation);
  return () => readPage(sql, { parent: PARENT, filter, limit: 1_000, before: undefined });
}

/** More than the service remembers expressions. */
const MAX_SPACES = 300;
let spaces = 0;

/** The text again and again, up to the length. */
function filled(text: string, length: number): string {
  return text === "" ? "" : text.repeat(Math.ceil(length / text.length)).slice(0, length);
}

const listing: DoorRequest = { lists: { page: async () => ({ rows: [], scanned: 0, shardCount: 1 }) } };

/** A list as long as a body may be, of whole elements: one that is cut off would make the body no JSON. */
function listed(prefix: string, element: string, suffix: string): string {
  if (element === "") return prefix + suffix;
  const rest = Math.floor((MAX_BODY_BYTES - 200 - 2 * element.length) / (Buffer.byteLength(element) + 1));
  return prefix + `${element},`.repeat(Math.max(0, rest)) + element + suffix;
}

const asHeader = (text: string): string => text.replaceAll(/[^\u0020-\u007e]/g, "?");

const answering = (json: string) => ({ store: { get: async () => anAnswer({ json }) } });
const largeOperation = (element: string): string =>
  `{"name":"operations/1","metadata":{"@type":"type.googleapis.com/google.protobuf.Struct","value":{"x":[${element}]}},"done":false}`;

/** A call of the whole door; a fault of its own is no measurement. */
async function ask(method: string, path: string, request: DoorRequest = {}): Promise<DoorAnswer> {
  const answer = await knock(method, path, request);
  if (answer.status >= 500) throw new Error(`${method} ${path.slice(0, 200)}: ${answer.text}`);
  return answer;
}

/** A call with a body of JSON, which is made before. */
function posting(path: string, json: string): () => unknown {
  const body = Buffer.from(json);
  return () => ask("POST", path, { body, headers: { "Content-Type": "application/json" } });
}

const CREATED_PREFIX = '{"operation":{"metadata":{"@type":"type.googleapis.com/google.protobuf.ListValue","value":[';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // The search only asks.
    return false;
  }
}

export const costlyKinds: Record<string, CostlyKind> = {
  filter: {
    boundMs: REFUSAL_MS,
    maxCharacters: MAX_FILTER_CHARACTERS + 100,
    seeds: ["done = false", "a.b = 1 OR (c:d AND NOT e)", '"a*b" AND x = "*a*b*c*"', "(".repeat(100), '"'.repeat(50)],
    tokens: FILTER_TOKENS,
    call: (input) => () => parseFilter(input),
  },
  page: {
    boundMs: PAGE_MS,
    maxCharacters: MAX_FILTER_CHARACTERS + MAX_INDEXED_ANY_BYTES,
    seeds: [
      `metadata.a = 1${PART}{"a":2}`,
      `metadata.a > "2026-01-01T00:00:00Z"${PART}{"a":["2025-01-01T00:00:00Z","2025-01-02T00:00:00Z"]}`,
      `metadata.a.b.c:* OR "xyz*x"${PART}{"a":{"b":[{"c":1},{"c":"zzzz"}]}}`,
      `${Array.from({ length: 60 }, (_, index) => `metadata.a > "2026-01-01T00:00:${String(index).padStart(2, "0")}Z"`).join(" OR ")}${PART}{"a":[${'"2025-01-01T00:00:00Z",'.repeat(80)}1]}`,
      `metadata.a = "*x*y*z*"${PART}{"a":["${"xy".repeat(500)}"]}`,
    ],
    tokens: [...FILTER_TOKENS, ...JSON_TOKENS],
    call: page,
  },
  condition: {
    boundMs: REFUSAL_MS,
    maxCharacters: MAX_EXPRESSION_CHARACTERS - MAX_SPACES,
    seeds: [
      'request.time < timestamp("2030-01-01T00:00:00Z")',
      'resource.name.startsWith("projects/p") && request.time.getHours("Europe/Berlin") > 8',
      `duration("${"1".repeat(400)}" + resource.name) > duration("1s")`,
      'resource.name.extract("projects/{a}/") == "p"',
    ],
    tokens:
      'request.time|resource.name|resource.type|timestamp(|duration(|string(|int(|.startsWith(|.extract(|.contains(|.getHours("Europe/Berlin")|(|)|"1"|"11111111"|+|&&|||?|:|==|<|"{a}"|1|!|size('.split(
        "|",
      ),
    // Compiled expressions are remembered: each call has one of its own.
    call: (input) => {
      spaces = (spaces + 1) % MAX_SPACES;
      const expression = input + " ".repeat(spaces);
      return () => {
        if (conditionProblem(expression) !== undefined) return false;
        const name = `projects/${"1".repeat(MAX_NAME_BYTES - 100)}`;
        return new Conditions({ time: 0, resource: { name, type: "t" } }).hold(expression);
      };
    },
  },
  policy: {
    boundMs: REFUSAL_MS,
    maxCharacters: 2_000,
    seeds: [
      '{"role":"roles/longrunning.viewer","members":["user:a@example.com"]}',
      '{"role":"x","members":["user:a@example.com","allUsers"],"condition":{"expression":"true","title":"t"}}',
      `{"members":[${'"",'.repeat(400)}"a"]}`,
    ],
    tokens: [...JSON_TOKENS, '"user:a@example.com"', '"principal://issuer.example/subject/a"', '"role"', '"members"'],
    call: (input) => {
      const bytes = Buffer.from(listed('{"bindings":[', input, "]}"));
      return () => {
        try {
          const json = withinBindingCount({ policy: decodeJson(bytes) });
          sentPolicy(decodeMessage(SetIamPolicyRequest, json).policy, "policy", new Violations());
        } catch (error) {
          // Only rejections are measured here, not faults.
          if (!(error instanceof RpcError)) throw error;
        }
      };
    },
  },
  body: {
    boundMs: REFUSAL_MS,
    maxCharacters: 2_000,
    seeds: [
      "1",
      '{"a":1,"b":[1,2]}',
      '"x"',
      "[[[[[[[[",
      '{"a":{"a":{"a":1}}}',
      '"\\u0001"',
      "9007199254740992e0",
      "[[],{}]",
    ],
    tokens: JSON_TOKENS,
    call: (input) => posting("/v1/echo:wait", listed('{"success":[', input, "]}")),
  },
  // One long value, where a body of many short ones has none.
  longBody: {
    boundMs: REFUSAL_MS,
    maxCharacters: 300,
    seeds: [`90071992547409920.${PART}0${PART}1`, `"${PART}\\\\${PART}"`, `1e${PART}0${PART}1`, `"${PART}é${PART}"`],
    tokens: [...JSON_TOKENS, PART, "0", "9", ".", "e", "-", " ", '"'],
    call: (input) => {
      const [head = "", run = "", tail = ""] = input.split(PART);
      const long = filled(run, MAX_BODY_BYTES - 1_000);
      return posting("/v1/echo:wait", `{"success":${head}${long}${tail}}`);
    },
  },
  created: {
    boundMs: REFUSAL_MS,
    maxCharacters: 2_000,
    seeds: [
      "1",
      '{"a":1}',
      '"x"',
      '{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}',
      `${'{"@type":"type.googleapis.com/google.protobuf.Any","value":'.repeat(20)}1${"}".repeat(20)}`,
    ],
    tokens: [...JSON_TOKENS, '"@type":"type.googleapis.com/google.protobuf.Any",', '"value":'],
    call: (input) => posting("/v1/operations", listed(CREATED_PREFIX, input, '],"x":1}}}')),
  },
  fields: {
    boundMs: PAGE_MS,
    maxCharacters: MAX_FIELDS_CHARACTERS + 100,
    seeds: ["name,done", "metadata/value/x", "metadata(value(x(a,b)))", "*/*/*", "metadata/*/*/*"],
    tokens: "name|metadata|value|x|a|*|/|,|(|)|response|done|error/code".split("|"),
    call: (input) => {
      const store = answering(
        largeOperation(
          filled('{"a":{"a":1,"b":[1,2]}},', 200_000)
            .replace(/,[^,]*$/, "")
            .replace(/[^}]*$/, "") || "1",
        ),
      );
      return () => ask("GET", `/v1/operations/1?fields=${encodeURIComponent(input.toWellFormed())}`, store);
    },
  },
  prettyPrint: {
    boundMs: PAGE_MS,
    maxCharacters: 300,
    seeds: ["1", '{"a":1}', "[[[[1]]]]", `${"[".repeat(90)}1${"]".repeat(90)}`, '"x"'],
    tokens: JSON_TOKENS,
    call: (input) => {
      if (!isJson(input)) return () => undefined;
      const element = Array.from({ length: Math.floor(900_000 / (input.length + 1)) }, () => input).join(",");
      const store = answering(largeOperation(element));
      return () => ask("GET", "/v1/operations/1?prettyPrint=true", store);
    },
  },
  path: {
    boundMs: REFUSAL_MS,
    maxCharacters: MAX_URL_CHARACTERS,
    seeds: [
      "/v1/operations/x",
      "/v1/a/b/c/d:cancel",
      "/v1/projects/p/locations/l/tables:profil",
      "/%41/%2F",
      "/v1/-/-/-",
    ],
    tokens: "/|:|v1|operations|projects|-|%2F|%41|..|cancel|wait|a|//|*|é|:::|/a/b".split("|"),
    call: (input) => () => ask("GET", `/${input.replaceAll(/[^\u0021-\u007e]/g, "x").replace(/^\/+/, "")}`),
  },
  query: {
    boundMs: REFUSAL_MS,
    maxCharacters: MAX_URL_CHARACTERS,
    seeds: [
      "a=1&b=2",
      "pageToken=AAAA",
      "filter=a&filter=b",
      "pageSize=1&pageSize=2",
      "$x=1&$y=2",
      "b=1&".repeat(4_000),
    ],
    tokens: "&|=|a|b|pageSize=|pageToken=|filter=|fields=|$|%41|%|+|prettyPrint=true|0|timeout=1s".split("|"),
    call: (input) => () => ask("GET", `/v1/operations?${asHeader(input).replaceAll(/[ #]/g, "+")}`, listing),
  },
  headers: {
    boundMs: REFUSAL_MS,
    maxCharacters: MAX_URL_CHARACTERS,
    seeds: [
      "wait=1",
      `text/csv; a${" ".repeat(4_000)}b`,
      `wait${" ".repeat(4_000)}=1`,
      '"x", W/"y"',
      "text/csv; charset=utf-8; a=b",
      "a;b=c;d=e",
      ",;=,;=",
      'a="b\\"',
    ],
    tokens: ',|;|=|"|\\|wait=1|W/|*|a|q=0.1| |charset=|text/csv'.split("|"),
    call: (input) => {
      const value = asHeader(input);
      const headers = {
        Prefer: value,
        "If-None-Match": value,
        "Content-Type": value,
        "X-Goog-FieldMask": value,
        "X-HTTP-Method-Override": value,
        Origin: value,
      };
      return async () => {
        await ask("POST", "/v1/echo:wait", { headers, body: "{}" });
        await ask("GET", "/v1/operations/1", { headers: { Prefer: value, "If-None-Match": value, Origin: value } });
      };
    },
  },
};
