// The evaluator of conditions against @marcbachmann/cel-js, an implementation of CEL by others.
import { Environment } from "@marcbachmann/cel-js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CelError } from "../../../../src/iam/cel/cel-error";
import { checkExpression } from "../../../../src/iam/cel/checker";
import { parseExpression } from "../../../../src/iam/cel/parser";
import { timestampFromMs } from "../../../../src/iam/cel/time";
import { type CelType, DURATION, TIMESTAMP, type Value } from "../../../../src/iam/cel/value";
import { extract } from "../../../../src/iam/cel/functions";
import { expressions } from "./arbitrary";

const library = new Environment({ unlistedVariablesAreDyn: false, limits: { maxDepth: 20, maxAstNodes: 200 } })
  .registerVariable("request", { schema: { time: "google.protobuf.Timestamp" } })
  .registerVariable("resource", { schema: { name: "string", type: "string" } })
  .registerFunction("string.extract(string): string", extract);

interface Attributes {
  /** In milliseconds since 1970. */
  time: number;
  resource: { name: string; type: string };
}

const REFUSED = "the expression is refused";
const FAILED = "the evaluation fails";
const MESSAGE = "request or resource";

function libraryResult(expression: string, { time, resource }: Attributes): unknown {
  let evaluate: ReturnType<typeof library.parse>;
  try {
    evaluate = library.parse(expression);
  } catch {
    return REFUSED;
  }
  if (!evaluate.check().valid) return REFUSED;
  try {
    return plainFromLibrary(evaluate({ request: { time: new Date(time) }, resource }));
  } catch {
    return FAILED;
  }
}

function plainFromLibrary(value: unknown): unknown {
  if (value instanceof Date) return timestampFromMs(value.getTime());
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plainFromLibrary);
  if (value instanceof Map) return MESSAGE;
  if (typeof value !== "object" || value === null) return value;
  // Its durations and unsigned integers are classes that it does not export.
  return "nanos" in value && "seconds" in value
    ? BigInt(String(value.seconds)) * 1_000_000_000n + BigInt(String(value.nanos))
    : value.valueOf();
}

function ownResult(expression: string, { time, resource }: Attributes): unknown {
  let checked: ReturnType<typeof checkExpression>;
  try {
    checked = checkExpression(parseExpression(expression));
  } catch (error) {
    if (error instanceof CelError) return REFUSED;
    throw error;
  }
  try {
    return plain(checked.evaluate({ request: { time: timestampFromMs(time) }, resource }));
  } catch (error) {
    if (error instanceof CelError) return FAILED;
    throw error;
  }
}

function plain(value: Value): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === "object" && value !== null ? MESSAGE : value;
}

const attributes = fc.record({
  // Whole seconds, and not many: the library adds durations wrongly below one, and subtracts times as floating numbers.
  time: fc.integer({ min: 0, max: 1_000_000_000 }).map((seconds) => seconds * 1_000),
  resource: fc.record({
    name: fc.oneof(fc.constantFrom("a", "projects/p", "projects/p/operations/é😀"), fc.string({ unit: "binary" })),
    type: fc.constantFrom("a", "google.longrunning.Operation"),
  }),
});
const seen: Attributes = { time: 1_795_255_200_000, resource: { name: "projects/p/operations/1", type: "t" } };

/** How often each outcome occurred: agreement on refusals alone would say nothing. */
function tally(expression: fc.Arbitrary<string>, numRuns: number): { refused: number; failed: number; values: number } {
  const counts = { refused: 0, failed: 0, values: 0 };
  fc.assert(
    fc.property(expression, attributes, (text, each) => {
      const own = ownResult(text, each);

      expect(own).toEqual(libraryResult(text, each));
      counts[own === REFUSED ? "refused" : own === FAILED ? "failed" : "values"] += 1;
    }),
    { numRuns },
  );
  return counts;
}

describe("checkExpression › returns the library's result", () => {
  test.each(Object.entries(expressions(3)))("on random expressions: %s", (kind, expression) => {
    const counts = tally(expression, kind === "bool" ? 4_000 : 400);

    expect(counts.values).toBeGreaterThan(100);
    expect(kind === "bool" ? counts.refused : 21).toBeGreaterThan(20);
    expect(kind === "bool" ? counts.failed : 21).toBeGreaterThan(20);
  });

  test("on random tokens", () => {
    const token = fc.constantFrom(
      ..."request resource ( ( ) ) ! - + * / % && || ? : , == != < >= in true null 1 2.5 'a' 1u b'x' .size() size( // \n".split(
        " ",
      ),
      "resource.name",
      "true",
      ".startsWith(",
      "in [1]",
      "0x",
      "1e",
      "'",
      "\\",
      "=",
      "é",
    );
    const counts = tally(
      fc.array(token, { maxLength: 9 }).map((tokens) => tokens.join(" ")),
      4_000,
    );

    expect(counts.values).toBeGreaterThan(20);
  });

  test("on random strings and bytes between quotes", () => {
    const piece = fc.constantFrom(
      ..."a|é|😀|'|\"|\\\\|\\n|\\`|\\?|\\x41|\\xe9|\\u00e9|\\U0001F600|\\101|\\377|\\8|\\q|\\u12|\\ud800|\\U00110000|\n|\r|\\".split(
        "|",
      ),
    );
    const quoted = fc
      .tuple(
        fc.constantFrom("", "r", "b", "R", "B"),
        fc.constantFrom("'", '"', "'''", '"""'),
        fc.array(piece, { maxLength: 4 }),
      )
      // The library cuts what is not ASCII in bytes to its last octet.
      .map(([prefix, quote, pieces]) =>
        [prefix, quote, prefix.toLowerCase() === "b" ? pieces.filter(isAscii) : pieces, quote].flat().join(""),
      );
    const counts = tally(quoted, 4_000);

    expect(Math.min(counts.values, counts.refused)).toBeGreaterThan(500);
  });
});

function isAscii(text: string): boolean {
  return !/[^\n\r -~]/.test(text);
}

/** CEL's specification has the second column, the library the third. */
test.each<[fault: string, expression: string, own: unknown, librarys: unknown]>([
  ["false dates", 'timestamp("2026-02-30T00:00:00Z") == timestamp("2026-03-02T00:00:00Z")', FAILED, true],
  [
    "times are cut to milliseconds",
    'timestamp("2026-01-01T00:00:00.0000001Z") > timestamp("2026-01-01T00:00:00Z")',
    true,
    false,
  ],
  ["times out of range", 'request.time + duration("99999999h") > request.time', FAILED, true],
  ["the type of a time added to a duration", 'duration("1h") + request.time > request.time', true, REFUSED],
  ["fields of times", "request.time.seconds > 0 || true", REFUSED, true],
  ["the type of an empty list with a list added", '"a" in [] + [1]', REFUSED, false],
  ["sums of negative fractions", 'duration("-0.5s") - duration("0s") == duration("-0.5s")', true, false],
  ["durations out of range", 'duration("999999999999h") > duration("0s")', FAILED, true],
  ["integers out of range", "9223372036854775808 > 0", REFUSED, true],
  ["the negative of the smallest integer", "-(-9223372036854775808) > 0", FAILED, true],
  ["the smallest integer by -1", "-9223372036854775808 / -1 > 0", FAILED, true],
  ["doubles that are no integer of 64 bits", "int(1e30) > 0", FAILED, true],
  ["the integer of an empty text", 'int("") == 0', FAILED, true],
  ["bytes of text", 'b"é" == b"\\303\\251"', true, false],
  ["bytes that are not UTF-8", 'string(b"\\377") == "\ufffd"', FAILED, true],
])("checkExpression › follows the specification where the library does not: %s", (_, expression, own, librarys) => {
  expect(ownResult(expression, seen)).toBe(own);
  expect(libraryResult(expression, seen)).toBe(librarys);
});

test.each<[expression: string, type: CelType]>([
  ["request.time", TIMESTAMP],
  ["request.time - request.time", DURATION],
  ["[[], [1]]", "list<list<int>>"],
])("checkExpression › finds the type of %s", (expression, type) => {
  expect(checkExpression(parseExpression(expression)).type).toBe(type);
});
