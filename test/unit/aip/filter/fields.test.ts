import { describe, expect, test } from "vitest";
import type { FilterRow } from "../../../../src/aip/filter/filter-row";
import type { Json } from "../../../../src/rpc/any";
import { CREATE_TIME, STRUCT, matches, row, withMetadata } from "./rows";

const failed = row({ done: true, errorCode: 5, errorMessage: "Table t was not found.", endTime: CREATE_TIME + 5_000 });
const m = (value: { [key: string]: Json }) => withMetadata(value);

function checkMatches(cases: [filter: string, filterRow: FilterRow][], expected: boolean): void {
  test.each(cases)(`%s ${expected ? "matches" : "does not match"} %j`, (filter, filterRow) => {
    expect(matches(filter, filterRow)).toBe(expected);
  });
}

describe("a declared field", () => {
  checkMatches(
    [
      ["name = projects/p/locations/l/operations/0a1b", row()],
      ['name = "*/operations/0a1b"', row()],
      ["name:Operations", row()],
      ["name:*", row()],
      ["name > projects", row()],
      ["done = true", failed],
      ["done:true", failed],
      ["done:*", failed],
      ["done != true", row()],
      ["error.code = 5", failed],
      ["error.code:5", failed],
      ["error.code > 4 error.code <= 5 error.code != 6", failed],
      ["error:code", failed],
      ["error:message", failed],
      ["error.message:'NOT FOUND'", failed],
      ['error.message = "Table * was not found."', failed],
      ["verb = profile AND target = projects/p/*", row()],
      ["createTime = 2026-11-20T12:00:00.5Z", row()],
      ["create_time <= 2026-11-20T12:00:00.500000001Z", row()],
      ["createTime < 2026-11-20T12:00:00.500000001Z", row()],
      ["createTime:'2026-11-20T13:00:00.500+01:00'", row()],
      ["start_time > 2026-11-20T12:00:00Z", row()],
      ["startTime:* AND NOT endTime:* AND NOT expireTime:*", row()],
      ["endTime >= 2026-11-20T12:00:05.5Z", failed],
      ["requestedCancellation = true", row({ requestedCancellation: true })],
      ["requested_cancellation:*", row({ requestedCancellation: true })],
      ['"done" = false', row()],
      ["metadata.@type = type.googleapis.com/google.protobuf.Struct", m({})],
      ['metadata."@type" = "*/google.protobuf.Struct"', m({})],
      ["metadata.@type:Struct", m({})],
      ["metadata:@type", m({})],
    ],
    true,
  );

  checkMatches(
    [
      ["name = 0a1b", row()],
      ["name = PROJECTS/*", row()],
      ["done:*", row()],
      ["error.code = 5", row()],
      // "This applies even when the comparison is a `!=`."
      ["error.code != 5", row()],
      ["error.message != x", row()],
      ["endTime != 2026-11-20T12:00:00Z", row()],
      ["createTime = 2026-11-20T12:00:00.5001Z", row()],
      ["response.@type != x", row()],
      ["error.message:*", row({ errorCode: 1, errorMessage: "" })],
      ["requestedCancellation:*", row()],
    ],
    false,
  );
});

describe("metadata and response", () => {
  const response = row({
    response: { "@type": "type.googleapis.com/x.Table", rowCount: "123", columns: [{ name: "a" }, { name: "b" }] },
  });

  checkMatches(
    [
      // snake_case and camelCase, at every level.
      ["metadata.progress_percent >= 50", m({ progressPercent: 50 })],
      ["progressPercent >= 50", m({ progress_percent: 50 })],
      ["a_b.cD = 1", m({ aB: { c_d: 1 } })],
      ["labels:costCenter", m({ labels: { cost_center: "x" } })],
      ["labels.X_Y = 1", m({ labels: { X_Y: 1 } })],
      ["response.row_count = 123", response],
      ["response.rowCount > 122.5", response],
      ["response.columns.name:b", response],
      ["response.columns.name:*", response],
      ["response:columns", response],
      ["response:*", response],
      ["response.rowCount != 124", response],
      // The fields of a Struct stand under `value`; those of another type beside `@type`.
      ["metadata.x = 1", row({ metadata: { "@type": "type.googleapis.com/x.Y", x: 1 } })],
      ["metadata.value.x = 1", m({ value: { x: 1 } })],
      ['type_map."1".type = x', m({ typeMap: { "1": { type: "x" } } })],
      // By the literal: int64 in strings, whichever way they are written, and the text itself.
      ["a = 007", m({ a: "007" })],
      ["a = 007", m({ a: 7 })],
      ["a = 9007199254740993", m({ a: "9007199254740993" })],
      ["a > 9007199254740992", m({ a: "9007199254740993" })],
      ["a < 9007199254740993", m({ a: "9007199254740992" })],
      ["a = 18446744073709551615", m({ a: "18446744073709551615" })],
      ['a = "42"', m({ a: "42" })],
      ["a = true", m({ a: "true" })],
      ["a > é", m({ a: "😀" })],
      ["a > \uffee", m({ a: "😀" })],
      ["a:*", m({ a: false })],
      ["a = *", m({ a: [1] })],
      ["a != *", m({ a: null })],
      ["a != 1", m({ a: [1] })],
      ["a < 2026-11-20T12:00:00Z", m({ a: "2026-11-20T12:30:00.123456789+01:00" })],
      ["a >= 1.000000001s", m({ a: "1.000000001s" })],
    ],
    true,
  );

  checkMatches(
    [
      ["metadata.value.x = 1", m({ x: 1 })],
      ["a = 9007199254740992", m({ a: "9007199254740993" })],
      ['a = "42"', m({ a: 42 })],
      ['a = "true"', m({ a: true })],
      ["a = RUNNING", m({ a: "running" })],
      ["a > 1", m({ a: "x" })],
      ["a > 1", m({ a: true })],
      ["a < 2026-11-20T12:00:00Z", m({ a: "2026-11-20T12:30:00Z" })],
      ["a:42", m({ a: "142" })],
      ["a = *", m({ a: [] })],
      ["response:*", row()],
      ["toString:*", m({ a: 1 })],
      ["__proto__:*", m({ a: 1 })],
    ],
    false,
  );

  const truncated = row({ metadata: { "@type": STRUCT }, metadataTruncated: true });

  checkMatches(
    [
      ["metadata:*", truncated],
      ["metadata.@type:Struct", truncated],
      ["metadata:@type", truncated],
      ["NOT a = 1", truncated],
    ],
    true,
  );
  checkMatches(
    [
      ["a = 1", truncated],
      ["a != 1", truncated],
      ["a:*", truncated],
      ["metadata:a", truncated],
    ],
    false,
  );
});

describe("wildcards", () => {
  checkMatches(
    [
      ["a = foo*", m({ a: "foobar" })],
      ["a = *bar", m({ a: "foobar" })],
      ["a = *ob*", m({ a: "foobar" })],
      ["a = f*o*r", m({ a: "foobar" })],
      ["a = *o*o*a*", m({ a: "foobar" })],
      ["a = foobar*", m({ a: "foobar" })],
      ['a = "foo \\* bar"', m({ a: "foo * bar" })],
      ["a != foo*", m({ a: "bar" })],
      ["a:foo*", m({ a: ["x", "foobar"] })],
      // No wildcard where strings are ordered.
      ["a > fo*", m({ a: "foo" })],
    ],
    true,
  );
  checkMatches(
    [
      ["a = foo*", m({ a: "Foobar" })],
      ["a = foo*oobar", m({ a: "foobar" })],
      ["a = *o*o*o*", m({ a: "foobar" })],
      ['a = "foo\\*"', m({ a: "foobar" })],
      ["a = f*", m({ a: 4 })],
    ],
    false,
  );
});

describe("strings", () => {
  checkMatches(
    [
      [`a = "it's"`, m({ a: "it's" })],
      [`a = 'say "x"'`, m({ a: 'say "x"' })],
      [`a = "\\"\\'\\\\\\n\\t"`, m({ a: "\"'\\\n\t" })],
      [`a = "\\x41\\u00e9\\U0001F600\\101"`, m({ a: "Aé😀A" })],
      [`a = "tab\there"`, m({ a: "tab\there" })],
      ["a = c:\\d".replace(":", ""), m({ a: "c\\d" })],
      ["a = us-central1", m({ a: "us-central1" })],
      ["a = -x", m({ a: "-x" })],
      ["a = und#ef&|;{}[]", m({ a: "und#ef&|;{}[]" })],
    ],
    true,
  );
});
