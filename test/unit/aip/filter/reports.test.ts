// Filters of public reports about filter languages (docs/cases.md). Each is named by its report.
import { expect, test } from "vitest";
import { parseFilter } from "../../../../src/aip/filter/filter";
import { matches, withMetadata } from "./rows";

const operation = {
  ...withMetadata({
    n: 42,
    negative: -5,
    zero: 0,
    big: "9007199254740993",
    code: "007",
    s: "abc",
    quotes: `It's "x"`,
    path: "a\\b",
    comma: "a,b",
    star: "a*c",
    file: "metadata.json",
    phone: "+49",
    labels: { "a.b": "x", "my key": "y", AND: "z" },
    none: null,
  }),
  state: "RUNNING",
};

test.each<[report: string, filter: string, isMatched: boolean]>([
  ["aip-go 392: white space before a parenthesis", "(done = false )", true],
  ["aip-go 392: white space on either side", "(  done = false  ) ", true],
  ["ends of lines and tabs", "\tdone\n=\r\nfalse", true],
  ["a no-break space", "done = false AND\u00a0verb = profile", true],
  ["a byte order mark", "\ufeffdone = false", true],
  ["icingaweb2 779: NOT first, before AND", "NOT done = true AND verb = profile", true],
  ["a minus first, in a sequence", "-done = true verb = profile", true],
  ["WinDivert 91: NOT before parentheses", "NOT (done = true OR verb = nope)", true],
  ["WinDivert 91: NOT of a field that is not there", "NOT metadata.missing = 5", true],
  ["axosyslog 122: OR binds tighter than AND", "verb = nope AND done = true OR done = false", false],
  ["the same in parentheses", "(verb = nope AND done = true) OR done = false", true],
  ["ldap3 423: the order of terms, one way", "verb = nope AND metadata.n = 42", false],
  ["ldap3 423: the order of terms, the other way", "metadata.n = 42 AND verb = nope", false],
  ["google.aip.dev 1039: a state in quotes", 'state = "RUNNING"', true],
  ["google.aip.dev 1039: a state without quotes", "state = RUNNING", true],
  ["keep 3793: double quotes in a value", `metadata.quotes = "It's \\"x\\""`, true],
  ["keep 3793: single quotes in a value", `metadata.quotes = 'It\\'s "x"'`, true],
  ["a backslash in a value", `metadata.path = "a\\\\b"`, true],
  ["kestra 9410: a comma in a quoted value", 'metadata.comma = "a,b"', true],
  ["google.aip.dev 442: a dot in a key", 'metadata.labels."a.b" = x', true],
  ["google.aip.dev 442: a key that a map has", 'metadata.labels:"a.b"', true],
  ["a space in a key", 'metadata.labels."my key" = y', true],
  ["a keyword as a key", "metadata.labels.AND = z", true],
  ["SCIM-SDK 355: the case of letters", "metadata.s = ABC", false],
  ["a wildcard that is escaped", String.raw`metadata.star = "a\*c"`, true],
  ["a wildcard that is escaped, of another text", String.raw`metadata.s = "a\*c"`, false],
  ["redpanda 27704: an integer with an exponent", "metadata.n = 4.2e1", true],
  ["redpanda 27704: leading zeros of a number", "metadata.n = 042", true],
  ["leading zeros of a text", "metadata.code = 007", true],
  ["leading zeros of a text, left out", "metadata.code = 7", false],
  ["minus zero", "metadata.zero = -0", true],
  ["a negative number", "metadata.negative = -5", true],
  ["2^53 + 1", "metadata.big = 9007199254740993", true],
  ["2^53", "metadata.big = 9007199254740992", false],
  ["null is not set", "metadata.none:*", false],
  ["a file of a name that looks like a field", "metadata.file = metadata.json", true],
  ["a text with a plus sign", "metadata.phone = +49", true],
  ["nothing but white space", " \n ", true],
])("%s", (_, filter, isMatched) => {
  expect(matches(filter, operation)).toBe(isMatched);
});

test.each<[report: string, filter: string, offset: number, expected: string]>([
  ["a sign apart from its number", "metadata.negative = - 5", 20, "a number with its sign, as in -42"],
  ["a plus sign alone", "metadata.n = + 5", 13, "a number with its sign"],
  ["AND that follows a number", "metadata.n=42AND done=false", 11, 'whitespace before "AND"'],
  ["OR that follows a boolean", "done=falseOR verb=x", 5, 'whitespace before "OR"'],
  ["a value on the left", "1 = metadata.zero", 4, "the field on the left of its comparator"],
  ["a value on the left of a declared field", "5 = done", 4, "the field on the left of its comparator"],
  ["aip-go 392: a minus before a number in parentheses", "metadata.n = -(42)", 13, "as in -42 or (-42)"],
  ["NOT twice", "NOT NOT done = true", 4, "a field, a value"],
  ["a minus and a space", "- done = true", 1, "a field, a value"],
  ["a fraction without its zero", "metadata.n = .1", 13, "a value"],
  ["a comma in a value without quotes", "metadata.comma = a,b", 18, "a comparator or whitespace"],
  ["a comma between terms", "done = false,verb = profile", 12, "a comparator or whitespace"],
  ["C's equality", "metadata.n == 42", 12, "a value"],
  ["SQL's inequality", "metadata.n <> 42", 12, "a value"],
  ["an element of a list", "metadata.list[0] = 1", 13, "elements of a list cannot be picked"],
  ["JavaScript's key", "metadata['n'] = 42", 9, "a comparator or whitespace"],
  ["a function", "timestamp(createTime) > 1", 0, "a field or a value"],
  ["empty parentheses", "()", 1, "a field, a value"],
  ["a date for a time", "createTime > 2026-11-20", 13, "an RFC 3339 timestamp"],
  ["seconds since 1970 for a time", "createTime > 1795249510", 13, "an RFC 3339 timestamp"],
])("parseFilter rejects %s: %s", (_, filter, offset, expected) => {
  const parsed = parseFilter(filter);
  const message = parsed.ok ? "" : parsed.error.message;

  expect(parsed.ok).toBe(false);
  expect(message).toContain(expected);
  expect(message).toContain(`at offset ${offset}`);
});
