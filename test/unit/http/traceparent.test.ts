import { describe, expect, test } from "vitest";
import { traceparentFrom } from "../../../src/http/request-line";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";

describe("traceparentFrom", () => {
  test.each<[string, string]>([
    [`00-${TRACE}-${PARENT}-01`, `00-${TRACE}-${PARENT}-01`],
    [`00-${TRACE}-${PARENT}-00`, `00-${TRACE}-${PARENT}-00`],
    // "If a higher version is detected, the implementation SHOULD try to parse it": its known fields, as version 00.
    [`01-${TRACE}-${PARENT}-03`, `00-${TRACE}-${PARENT}-01`],
    [`cc-${TRACE}-${PARENT}-00-what-the-future-will-be-like`, `00-${TRACE}-${PARENT}-00`],
  ])("accepts %s", (header, expected) => {
    expect(traceparentFrom(header)).toBe(expected);
  });

  test.each<[string, string | null]>([
    ["no header", null],
    ["an empty one", ""],
    ["version ff", `ff-${TRACE}-${PARENT}-01`],
    ["a trace id of zeroes", `00-${"0".repeat(32)}-${PARENT}-01`],
    ["a parent id of zeroes", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["upper case", `00-${TRACE.toUpperCase()}-${PARENT}-01`],
    ["a short trace id", `00-${TRACE.slice(1)}-${PARENT}-01`],
    ["a short flag", `00-${TRACE}-${PARENT}-1`],
    ["more fields in version 00", `00-${TRACE}-${PARENT}-01-more`],
    ["more text behind the flags", `cc-${TRACE}-${PARENT}-01.more`],
    ["two headers, joined", `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`],
    ["a line break", `00-${TRACE}-${PARENT}-01\n`],
    ["an endless one", `cc-${TRACE}-${PARENT}-01-${"x".repeat(1_000)}`],
  ])("ignores %s", (_, header) => {
    expect(traceparentFrom(header)).toBeUndefined();
  });
});
