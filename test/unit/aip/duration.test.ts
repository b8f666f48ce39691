import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { durationTextToMs, durationToMs, formatDuration, parseDuration } from "../../../src/aip/duration";

/** google/protobuf/duration.proto: "from -315,576,000,000 to +315,576,000,000 inclusive". */
const MAX_SECONDS = 315_576_000_000;

describe("parseDuration", () => {
  test.each([
    ["0s", 0, 0],
    ["30s", 30, 0],
    ["0.5s", 0, 500_000_000],
    ["1.000000001s", 1, 1],
    ["1.100s", 1, 100_000_000],
    ["-1.5s", -1, -500_000_000],
    ["-0.000000001s", 0, -1],
    ["-0s", 0, 0],
    ["007s", 7, 0],
    ["315576000000s", MAX_SECONDS, 0],
    ["-315576000000s", -MAX_SECONDS, 0],
  ])("reads %s as %d s and %d ns", (text, seconds, nanos) => {
    expect(parseDuration(text)).toEqual({ seconds, nanos });
  });

  test.each([
    "",
    "s",
    "30",
    "30 s",
    " 30s",
    "30s ",
    "30S",
    "30ms",
    "1m",
    "1h",
    "1,5s",
    "1.s",
    ".5s",
    "1.0000000001s",
    "--1s",
    "1e3s",
    "0x10s",
    "Infinitys",
    "NaNs",
    "٣s",
    "30s\n",
    "315576000000.000000001s",
    "-315576000000.000000001s",
    "315576000001s",
    "9999999999999s",
  ])("rejects %j", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  test("reads back what formatDuration writes", () => {
    const duration = fc
      .record({
        sign: fc.constantFrom(1, -1),
        seconds: fc.integer({ min: 0, max: MAX_SECONDS - 1 }),
        nanos: fc.integer({ min: 0, max: 999_999_999 }),
      })
      .map(({ sign, seconds, nanos }) => ({ seconds: sign * seconds || 0, nanos: sign * nanos || 0 }));

    fc.assert(
      fc.property(duration, (value) => {
        expect(parseDuration(formatDuration(value))).toEqual(value);
      }),
    );
  });
});

describe("formatDuration", () => {
  test.each([
    [0, 0, "0s"],
    [5, 500_000_000, "5.500s"],
    [5, 1_000, "5.000001s"],
    [5, 1, "5.000000001s"],
    [0, -500_000_000, "-0.500s"],
    [-3, 0, "-3s"],
  ])("writes %d s and %d ns as %s, with 0, 3, 6 or 9 fractional digits", (seconds, nanos, text) => {
    expect(formatDuration({ seconds, nanos })).toBe(text);
  });
});

describe("durationToMs", () => {
  test.each([
    ["0s", 0],
    ["0.000000001s", 1],
    ["0.001s", 1],
    ["0.001000001s", 2],
    ["1.5s", 1_500],
    ["-1s", -1_000],
  ])("rounds %s up to %d ms", (text, ms) => {
    expect(durationToMs(parseDuration(text)!)).toBe(ms);
  });
});

describe("durationTextToMs", () => {
  test.each([
    ["0s", 0],
    ["250ms", 250],
    ["90s", 90_000],
    ["1.5s", 1_500],
    ["1m", 60_000],
    ["1h", 3_600_000],
    ["30d", 2_592_000_000],
    ["1.1h", 3_960_000],
    ["0.4ms", 0],
  ])("reads %s as %d milliseconds", (text, ms) => {
    expect(durationTextToMs(text)).toBe(ms);
  });

  test.each(["", "1", "h", "-1h", "1 h", "1w", "1H", "1h30m", ".5h", "1.h", "1e3s", "1h\n"])("rejects %j", (text) => {
    expect(durationTextToMs(text)).toBeUndefined();
  });
});
