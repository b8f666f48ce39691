import { describe, expect, test } from "vitest";
import { isJson, parseMediaType } from "../../../src/http/media-type";

describe("parseMediaType", () => {
  test.each([
    ["text/csv", "text/csv", undefined],
    ["Text/CSV", "text/csv", undefined],
    ["application/json; charset=UTF-8", "application/json", "utf-8"],
    ['application/json;charset="utf-8"', "application/json", "utf-8"],
    ["text/csv ; header=present ; CHARSET=Latin1", "text/csv", "latin1"],
    ["text/csv;", "text/csv", undefined],
  ])("splits %s", (contentType, essence, charset) => {
    expect(parseMediaType(contentType)).toMatchObject({ essence, charset });
  });

  test.each([
    ["text/csv; header=absent", "absent"],
    ['text/csv; charset=utf-8; Header="Present"', "present"],
    ["text/csv; header = absent", "absent"],
    ["text/csv", undefined],
    ["text/csv; myheader=absent", undefined],
  ])("reads from %s whether there is a header row", (contentType, header) => {
    expect(parseMediaType(contentType)?.header).toBe(header);
  });

  test("reads each character a bounded number of times", () => {
    const startTime = performance.now();
    const { charset } = parseMediaType(`text/csv; a${" ".repeat(100_000)}b; charset=utf-8`)!;

    expect(charset).toBe("utf-8");
    // One pass takes a millisecond; a pattern that tries again from each space takes many seconds.
    expect(performance.now() - startTime).toBeLessThan(1_000);
  });

  test.each([[null], [""], ["  "]])("returns undefined for %j", (contentType) => {
    expect(parseMediaType(contentType)).toBeUndefined();
  });
});

describe("isJson", () => {
  test.each([
    "application/json",
    "APPLICATION/JSON; charset=utf-8",
    "text/json",
    "application/vnd.acme.v1+json",
    "application/problem+json",
  ])("is true for %s", (contentType) => {
    expect(isJson(parseMediaType(contentType)!)).toBe(true);
  });

  test.each(["text/plain", "text/csv", "application/jsonp", "application/json5", "xapplication/json", "image/a+json"])(
    "is false for %s",
    (contentType) => {
      expect(isJson(parseMediaType(contentType)!)).toBe(false);
    },
  );
});
