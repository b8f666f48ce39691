import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatTimestamp, formatTimestampMs, parseTimestamp, timestampToMs } from "../../../src/aip/timestamp";

/** google/protobuf/timestamp.proto: "from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z inclusive". */
const MIN_SECONDS = -62_135_596_800;
const MAX_SECONDS = 253_402_300_799;

describe("parseTimestamp", () => {
  test.each([
    ["1970-01-01T00:00:00Z", 0, 0],
    ["2026-01-31T12:00:00Z", 1_769_860_800, 0],
    ["2026-01-31T12:00:00.5Z", 1_769_860_800, 500_000_000],
    ["2026-01-31T12:00:00.000000001Z", 1_769_860_800, 1],
    ["1969-12-31T23:59:59.999999999Z", -1, 999_999_999],
    ["2026-01-31t12:00:00z", 1_769_860_800, 0],
    ["2026-01-31T14:30:00+02:30", 1_769_860_800, 0],
    ["2026-01-31T00:00:00-12:00", 1_769_860_800, 0],
    ["2026-01-31T12:00:00-00:00", 1_769_860_800, 0],
    ["2024-02-29T00:00:00Z", 1_709_164_800, 0],
    ["2000-02-29T00:00:00Z", 951_782_400, 0],
    ["0001-01-01T00:00:00Z", MIN_SECONDS, 0],
    ["0001-01-01T00:00:00-01:00", MIN_SECONDS + 3_600, 0],
    ["9999-12-31T23:59:59.999999999Z", MAX_SECONDS, 999_999_999],
  ])("reads %s as %d s and %d ns", (text, seconds, nanos) => {
    expect(parseTimestamp(text)).toEqual({ seconds, nanos });
  });

  test.each([
    "",
    "2026-01-31",
    "2026-01-31T12:00:00",
    "2026-01-31 12:00:00Z",
    "2026-1-31T12:00:00Z",
    "2026-01-31T12:00Z",
    "2026-01-31T12:00:00.Z",
    "2026-01-31T12:00:00.0000000001Z",
    "2026-01-31T12:00:00,5Z",
    "2026-01-31T12:00:00+0200",
    "2026-01-31T12:00:00+24:00",
    "2026-01-31T12:00:00+01:60",
    "2026-00-31T12:00:00Z",
    "2026-13-01T12:00:00Z",
    "2026-01-00T12:00:00Z",
    "2026-02-29T12:00:00Z",
    "1900-02-29T12:00:00Z",
    "2026-04-31T12:00:00Z",
    "2026-01-31T24:00:00Z",
    "2026-01-31T12:60:00Z",
    "2026-12-31T23:59:60Z",
    "0000-12-31T23:59:59Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "+002026-01-31T12:00:00Z",
    "2026-01-31T12:00:00Z ",
    "2026-01-31T12:00:00Z\n",
    "now",
    "1769860800",
  ])("rejects %j", (text) => {
    expect(parseTimestamp(text)).toBeUndefined();
  });

  test("reads back what formatTimestamp writes", () => {
    const timestamp = fc.record({
      seconds: fc.integer({ min: MIN_SECONDS, max: MAX_SECONDS }),
      nanos: fc.integer({ min: 0, max: 999_999_999 }),
    });

    fc.assert(
      fc.property(timestamp, (value) => {
        expect(parseTimestamp(formatTimestamp(value))).toEqual(value);
      }),
    );
  });

  test("reads what every JavaScript date writes", () => {
    const date = fc.date({
      min: new Date(MIN_SECONDS * 1_000),
      max: new Date(MAX_SECONDS * 1_000),
      noInvalidDate: true,
    });

    fc.assert(
      fc.property(date, (value) => {
        const timestamp = parseTimestamp(value.toISOString());

        expect(timestamp && timestampToMs(timestamp)).toBe(value.getTime());
      }),
    );
  });
});

describe("formatTimestamp", () => {
  test.each([
    [0, 0, "1970-01-01T00:00:00Z"],
    [0, 500_000_000, "1970-01-01T00:00:00.500Z"],
    [0, 1_000, "1970-01-01T00:00:00.000001Z"],
    [0, 1, "1970-01-01T00:00:00.000000001Z"],
    [-1, 999_999_999, "1969-12-31T23:59:59.999999999Z"],
    [MIN_SECONDS, 0, "0001-01-01T00:00:00Z"],
  ])("writes %d s and %d ns as %s, in UTC with 0, 3, 6 or 9 fractional digits", (seconds, nanos, text) => {
    expect(formatTimestamp({ seconds, nanos })).toBe(text);
  });
});

test("formatTimestampMs always writes three fractional digits", () => {
  expect(formatTimestampMs(1_769_860_800_000)).toBe("2026-01-31T12:00:00.000Z");
});

test.each([
  [1, 0, 1_000],
  [1, 1, 1_001],
  [1, 1_000_000, 1_001],
  [-1, 999_999_999, 0],
])("timestampToMs rounds %d s and %d ns up to %d ms", (seconds, nanos, ms) => {
  expect(timestampToMs({ seconds, nanos })).toBe(ms);
});
