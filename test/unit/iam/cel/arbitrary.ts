// Random expressions of the CEL that conditions use, each with the type that it should have.
import * as fc from "fast-check";

export type Kind = "bool" | "int" | "uint" | "double" | "string" | "bytes" | "null" | "time" | "span" | "list";

type Expressions = Record<Kind, fc.Arbitrary<string>>;

const literals: Expressions = {
  bool: fc.constantFrom("true", "false"),
  int: fc.constantFrom("0", "1", "2", "-3", "35", "0x1F", "9223372036854775807", "-9223372036854775807"),
  uint: fc.constantFrom("0u", "1u", "7U", "0xFFu", "18446744073709551615u"),
  double: fc.constantFrom("0.0", "1.0", "2.5", "-1.5", "1e3", "3.5e-2"),
  string: fc.constantFrom(
    '""',
    '"a"',
    "'b'",
    '"é"',
    '"\\u00e9"',
    '"😀"',
    'r"a\\b"',
    '"""a"b"""',
    "'\\x41\\101\\n'",
    '"projects/p"',
    '"{x}/"',
    "resource.name",
    "resource.type",
    '"projects/{p}/"',
  ),
  bytes: fc.constantFrom('b"a"', "b''", 'B"\\xff\\001"', "b'''a'b'''"),
  null: fc.constant("null"),
  time: fc.constantFrom(
    "request.time",
    "timestamp(0)",
    "timestamp(979000000)",
    'timestamp("2001-11-21T10:00:00Z")',
    'timestamp("1996-02-29T23:59:59+02:00")',
    'timestamp("1999-12-31T23:59:59Z")',
  ),
  span: fc.constantFrom(
    ...["0s", "1h30m", "-90s", "24h", "1h1m1s", "+.5h", "-2h"].map((text) => `duration("${text}")`),
  ),
  list: fc.constantFrom("[1, 2]", '["a", resource.name,]', "[1.0]", "[timestamp(0), request.time]", "[b'a']", "[null]"),
};

const TIME_PARTS =
  "getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear getHours getMinutes getSeconds";
const ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "+05:30", "UTC", "Europe/Atlantis"];

/** An operand between parentheses now and then, so that precedence is tried too. */
function operand(expression: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(expression, fc.boolean()).map(([text, isBare]) => (isBare ? text : `(${text})`));
}

function infix(left: fc.Arbitrary<string>, operators: string, right: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(operand(left), fc.constantFrom(...operators.split(" ")), operand(right))
    .map(([first, operator, second]) => `${first} ${operator} ${second}`);
}

function call(template: string, ...args: fc.Arbitrary<string>[]): fc.Arbitrary<string> {
  return fc.tuple(...args).map((texts) => template.replaceAll(/\$(\d)/g, (_, index) => `(${texts[Number(index)]})`));
}

/**
 * The library's known faults are left out: negation and division of the smallest integer, numbers out of range, `int("")`,
 * bytes that are not UTF-8, sums of durations below a second, times beyond the years 1 to 9999, the type of a time added to
 * a duration, fields of times, and that of an empty list with a list added.
 */
export function expressions(depth: number): Expressions {
  if (depth === 0) return literals;
  const below = expressions(depth - 1);
  const any = fc.oneof(...Object.values(below));
  const untimed = fc.oneof(below.int, below.uint, below.double, below.string, below.bytes, below.bool);
  const ordered = (["int", "uint", "double", "string", "bool", "time", "span"] as Kind[]).map((kind) =>
    infix(below[kind], "< <= > >=", below[kind]),
  );
  const equal = (Object.keys(below) as Kind[]).map((kind) => infix(below[kind], "== !=", below[kind]));
  const text = below.string;
  const choice = (kind: Kind): fc.Arbitrary<string> => call("$0 ? $1 : $2", below.bool, below[kind], below[kind]);
  const part = fc.constantFrom(...TIME_PARTS.split(" "), "getMilliseconds");
  const zone = fc.constantFrom(...ZONES);
  const kinds: Expressions = {
    bool: fc.oneof(
      ...ordered,
      ...equal,
      infix(fc.oneof(below.int, below.double), "< > <= >=", fc.oneof(below.uint, below.double)),
      { arbitrary: infix(below.bool, "&& ||", below.bool), weight: 6 },
      below.bool.map((expression) => `!${expression}`),
      infix(any, "in", fc.oneof(below.list, fc.constant("[]"))),
      infix(below.list, "== !=", fc.constant("[]")),
      infix(
        text,
        "in",
        fc.array(text, { maxLength: 3 }).map((elements) => `[${elements.join(", ")}]`),
      ),
      call("$0.startsWith($1)", text, text),
      call("$0.endsWith($1)", text, text),
      call("$0.contains($1)", text, text),
      choice("bool"),
      // Types that do not fit, on purpose.
      infix(any, "== < && in", any),
      infix(untimed, "+ - *", untimed),
    ),
    int: fc.oneof(
      infix(below.int, "+ - * %", below.int),
      infix(below.int, "/ %", fc.constantFrom("0", "1", "7", "resource.name.size()")),
      call("size$0", fc.oneof(text, below.bytes, below.list)),
      call("$0.size()", fc.oneof(text, below.bytes, below.list)),
      fc.constantFrom("12", "-7", "+5", "x", " 5", "9223372036854775808").map((digits) => `int("${digits}")`),
      call("int(string$0)", below.int),
      call("int$0", literals.double),
      fc.tuple(below.time, part).map(([time, name]) => `(${time}).${name}()`),
      fc
        .tuple(below.time, fc.constantFrom(...TIME_PARTS.split(" ")), zone)
        .map(([time, name, place]) => `(${time}).${name}("${place}")`),
      fc
        .tuple(below.span, fc.constantFrom("getHours", "getMinutes", "getSeconds", "getMilliseconds"))
        .map(([span, name]) => `(${span}).${name}()`),
      choice("int"),
    ),
    uint: infix(below.uint, "+ - * / %", below.uint),
    double: fc.oneof(
      infix(below.double, "+ - * /", below.double),
      below.double.map((value) => `-(${value})`),
    ),
    string: fc.oneof(
      infix(text, "+", text),
      call("$0.extract($1)", text, text),
      call("string$0", fc.oneof(below.int, below.uint, below.double, below.bool, text, fc.constant('b"a"'))),
      choice("string"),
    ),
    bytes: infix(below.bytes, "+", below.bytes),
    null: choice("null"),
    time: fc.oneof(infix(below.time, "+ -", below.span), choice("time")),
    span: fc.oneof(
      call("$0 + $1", below.span, below.span),
      call("$0 - $1", below.span, below.span),
      call("$0 - $1", below.time, below.time),
    ),
    list: fc.oneof(
      fc
        .constantFrom(...(["int", "string", "bool", "time", "bytes", "double"] as Kind[]))
        .chain((kind) =>
          fc.array(below[kind], { minLength: 1, maxLength: 3 }).map((elements) => `[${elements.join(", ")}]`),
        ),
      infix(below.list, "+", fc.oneof(below.list, fc.constant("[]"))),
    ),
  };
  const mixed = (kind: Kind): fc.Arbitrary<string> =>
    fc.oneof({ arbitrary: kinds[kind], weight: 3 }, { arbitrary: below[kind], weight: 1 });
  return Object.fromEntries((Object.keys(kinds) as Kind[]).map((kind) => [kind, mixed(kind)])) as Expressions;
}
