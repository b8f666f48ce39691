// Every example in the text of AIP-160 and in the comments of its EBNF, in their order. Quotations are the specification's.
import { describe, expect, test } from "vitest";
import { parseFilter } from "../../../../src/aip/filter/filter";
import type { FilterRow } from "../../../../src/aip/filter/filter-row";
import type { Json } from "../../../../src/rpc/any";
import { matches, row, withMetadata } from "./rows";

/** Rows that a filter matches, and rows that it does not. */
type Example = [filter: string, yes: FilterRow[], no: FilterRow[]];

const m = (value: { [key: string]: Json }) => withMetadata(value);
const named = (...words: string[]) => row({ errorCode: 2, errorMessage: words.join(" ") });

function checkExamples(examples: Example[]): void {
  test.each(examples)("%s", (filter, yes, no) => {
    expect(yes.map((value) => matches(filter, value))).toEqual(yes.map(() => true));
    expect(no.map((value) => matches(filter, value))).toEqual(no.map(() => false));
  });
}

describe("Literals", () => {
  checkExamples([
    ["42", [named("exit", "42"), row({ target: "tables/42" })], [named("exit", "24"), m({ a: 42 })]],
    ["Hugo", [named("Victor", "Hugo"), named("victor", "hugo")], [named("Victor")]],
    ["Victor Hugo", [named("Victor", "Hugo"), named("Hugo", "Victor")], [named("Victor"), named("Hugo")]],
    ["Victor AND Hugo", [named("Victor", "Hugo")], [named("Victor"), named("Hugo")]],
  ]);
});

describe("Logical operators", () => {
  checkExamples([
    ["a=1 AND b=1", [m({ a: 1, b: 1 })], [m({ a: 1 }), m({ b: 1 })]],
    ["a=1 OR b=1 OR c=1", [m({ a: 1 }), m({ b: 1 }), m({ c: 1 })], [m({ d: 1 })]],
    // "The expression `a AND b OR c` evaluates: `a AND (b OR c)`."
    ["a=1 AND b=1 OR c=1", [m({ a: 1, b: 1 }), m({ a: 1, c: 1 })], [m({ c: 1 }), m({ b: 1, c: 1 })]],
  ]);
});

describe("Negation operators", () => {
  checkExamples([
    ["NOT a=1", [m({ a: 2 }), m({}), row()], [m({ a: 1 })]],
    ["-a=1", [m({ a: 2 }), m({}), row()], [m({ a: 1 })]],
  ]);
});

describe("Comparison operators", () => {
  checkExamples([
    ["a = true", [m({ a: true })], [m({ a: false }), m({ a: 1 }), m({})]],
    ["a != 42", [m({ a: 41 }), m({ a: "x" }), m({ b: 1 })], [m({ a: 42 }), row()]],
    ["a < 42", [m({ a: 41.9 }), m({ a: -50 }), m({ a: "41" })], [m({ a: 42 }), m({ a: "x" }), m({})]],
    ['a > "foo"', [m({ a: "fop" }), m({ a: "foo " })], [m({ a: "foo" }), m({ a: "fon" }), m({ a: 99 }), m({})]],
    ['a <= "foo"', [m({ a: "foo" }), m({ a: "Zoo" })], [m({ a: "fooo" }), m({})]],
    ["a >= 42", [m({ a: 42 }), m({ a: "43" })], [m({ a: 41.99 }), m({})]],
    // "Enums expect the enum's string representation (case-sensitive)."
    ["metadata.state = RUNNING", [m({ state: "RUNNING" })], [m({ state: "running" })]],
    ["a = 2.997e9", [m({ a: 2_997_000_000 })], [m({ a: 2.997 })]],
    ["a > 20s", [m({ a: "20.001s" }), m({ a: "100s" })], [m({ a: "20s" }), m({ a: "3s" })]],
    ["a <= 1.2s", [m({ a: "1.200s" }), m({ a: "-5s" })], [m({ a: "1.3s" }), m({ a: "10s" })]],
    [
      "a = 2012-04-21T11:30:00-04:00",
      [m({ a: "2012-04-21T15:30:00Z" }), m({ a: "2012-04-21T15:30:00.000Z" })],
      [m({ a: "2012-04-21T11:30:00Z" })],
    ],
    ['createTime > "2012-04-21T11:30:00-04:00"', [row()], [row({ createTime: Date.UTC(2012, 3, 21, 15, 30) })]],
    // "The identifiers true, false, and null only carry intrinsic meaning when used in the context of a typed field
    // reference": so null without quotes is refused here, where no type tells what it means.
    ["a = 'null'", [m({ a: "null" })], [m({ a: null }), m({})]],
    ["true", [named("true story")], [row({ done: true })]],
    // "`a = "*.foo"` is true if `a` ends with ".foo"."
    ['a = "*.foo"', [m({ a: "x.foo" }), m({ a: ".foo" })], [m({ a: "x.foo.y" }), m({ a: "xfoo" })]],
  ]);
});

describe("Traversal operator", () => {
  checkExamples([
    ["a.b = true", [m({ a: { b: true } })], [m({ a: { b: false } }), m({ a: true })]],
    ["a.b > 42", [m({ a: { b: 43 } })], [m({ a: { b: 42 } })]],
    ['a.b.c = "foo"', [m({ a: { b: { c: "foo" } } })], [m({ a: { b: "foo" } }), m({ a: {} })]],
    // "If resource field `a` is not set on the resource instance, that instance is skipped as a non-match", also for `!=`.
    [
      "a.b != true",
      [m({ a: { b: false } }), m({ a: { x: 1 } })],
      [m({ a: { b: true } }), m({}), m({ a: null }), m({ a: {} }), row()],
    ],
    ["a.b.c != foo", [m({ a: { b: { c: "bar" } } })], [m({ a: { b: { c: "foo" } } }), m({ a: { x: 1 } })]],
    // "The `.` operator must not be used to traverse through a repeated field or list."
    ["a.b = 1", [m({ a: { b: 1 } })], [m({ a: [{ b: 1 }] })]],
    ["a.b != 1", [m({ a: { b: 2 } })], [m({ a: [{ b: 2 }] })]],
  ]);
});

describe("Has operator", () => {
  checkExamples([
    ["r:42", [m({ r: [1, 42] }), m({ r: ["42"] })], [m({ r: [1] }), m({ r: [] }), m({ r: [[42]] }), m({})]],
    [
      "r.foo:42",
      [m({ r: [{ foo: 1 }, { foo: 42 }] }), m({ r: { foo: 42 } })],
      [m({ r: [{ foo: 1 }] }), m({ r: [42] })],
    ],
    [
      "m:foo",
      [m({ m: { foo: 1 } }), m({ m: { foo: "" } })],
      [m({ m: { bar: "foo" } }), m({ m: { foo: null } }), m({ m: {} }), m({})],
    ],
    [
      "m.foo:*",
      [m({ m: { foo: 0 } }), m({ m: { foo: { x: 1 } } })],
      [m({ m: { bar: 1 } }), m({ m: { foo: null } }), m({})],
    ],
    [
      "m.foo:42",
      [m({ m: { foo: 42 } })],
      [m({ m: { foo: 142 } }), m({ m: { foo: { bar: 42 } } }), m({ m: { bar: 42 } })],
    ],
    ["r:*", [m({ r: [0] })], [m({ r: [] }), m({})]],
    ["p:*", [m({ p: { a: 1 } })], [m({ p: {} }), m({ p: null }), m({})]],
    ["metadata:*", [m({})], [row()]],
    ["error:*", [named("x")], [row()]],
  ]);

  test.each([
    ["e.0.foo = 42", 2],
    ["e[0].foo = 42", 1],
    ["e.0.foo:42", 2],
  ])("rejects %s, which queries a specific element", (filter, offset) => {
    expect(parseFilter(filter)).toMatchObject({ ok: false, error: { offset } });
  });
});

describe("EBNF", () => {
  checkExamples([
    ["a=1 b=1 AND c=1 AND d=1", [m({ a: 1, b: 1, c: 1, d: 1 })], [m({ a: 1, c: 1, d: 1 })]],
    ["(a=1 b=1) AND c=1 AND d=1", [m({ a: 1, b: 1, c: 1, d: 1 })], [m({ a: 1, c: 1, d: 1 })]],
    [
      "New York Giants OR Yankees",
      [named("New York Yankees"), named("New York Giants")],
      [named("New York"), named("Yankees")],
    ],
    [
      "New York (Giants OR Yankees)",
      [named("New York Yankees"), named("New York Giants")],
      [named("New York"), named("Yankees")],
    ],
    ["a < 10 OR a >= 100", [m({ a: 9 }), m({ a: 100 })], [m({ a: 10 })]],
    ["NOT (a:* OR b:*)", [m({ c: 1 })], [m({ a: 1 }), m({ b: 1 })]],
    ['-file:".java"', [m({ file: "x" }), m({})], [m({ file: ".java" }), m({ file: [".java"] })]],
    ["-30", [named("29")], [named("after 30 s")]],
    ["package=com.google", [m({ package: "com.google" })], [m({ package: "com" })]],
    ["msg != 'hello'", [m({ msg: "Hello" })], [m({ msg: "hello" })]],
    ["1 > 0", [m({ "1": 1 })], [m({ "1": 0 }), m({})]],
    ["2.5 >= 2.4", [m({ "2": { "5": 2.4 } })], [m({})]],
    ["yesterday < request.time", [m({ yesterday: "request" })], [m({ yesterday: "tomorrow" })]],
    ["map:key", [m({ map: { key: 1 } })], [m({ map: { other: 1 } })]],
    ["prod", [row({ target: "clusters/Prod-1" })], [row()]],
    ["expr.type_map.1.type", [named("expr.type_map.1.type")], [row()]],
    ["a = ( 1 OR 2 )", [m({ a: 1 }), m({ a: 2 })], [m({ a: 3 })]],
    ["a = (NOT 1)", [m({ a: 2 })], [m({ a: 1 })]],
    ["a >= (-2.4)", [m({ a: -2 })], [m({ a: -3 })]],
    ["a >= -2.4", [m({ a: -2 })], [m({ a: -3 })]],
    ["a.NOT=1 a.AND=2 a.OR=3", [m({ a: { NOT: 1, AND: 2, OR: 3 } })], [m({ a: { NOT: 1 } })]],
    ["", [row(), row({ done: true })], []],
    [" \t\n", [row()], []],
  ]);

  test.each([
    ["experiment.rollout <= cohort(request.user)", 22],
    ["regex(m.key, '^.*prod.*$')", 0],
    ["math.mem('30mb')", 0],
    ["(msg.endsWith('world') AND retries < 10)", 1],
  ])("rejects %s, because no functions are served", (filter, offset) => {
    expect(parseFilter(filter)).toMatchObject({ ok: false, error: { offset, expected: "a field or a value" } });
  });
});
