import { describe, expect, test } from "vitest";
import { Code, type CodeName, codeNameFromNumber, httpStatusByCode } from "../../../src/rpc/code";

const names = Object.keys(Code) as CodeName[];

describe("google.rpc.Code", () => {
  test("has the sixteen errors of code.proto, numbered 1 to 16", () => {
    expect(Object.values(Code).sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, index) => index + 1));
  });

  test.each(names)("has %s under its number", (name) => {
    expect(codeNameFromNumber(Code[name])).toBe(name);
  });

  test.each([0, 17, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("has no error code %s", (number) => {
    expect(codeNameFromNumber(number)).toBeUndefined();
  });

  // The comments "HTTP Mapping" of google/rpc/code.proto.
  test.each<[CodeName, number]>([
    ["CANCELLED", 499],
    ["UNKNOWN", 500],
    ["INVALID_ARGUMENT", 400],
    ["DEADLINE_EXCEEDED", 504],
    ["NOT_FOUND", 404],
    ["ALREADY_EXISTS", 409],
    ["PERMISSION_DENIED", 403],
    ["UNAUTHENTICATED", 401],
    ["RESOURCE_EXHAUSTED", 429],
    ["FAILED_PRECONDITION", 400],
    ["ABORTED", 409],
    ["OUT_OF_RANGE", 400],
    ["UNIMPLEMENTED", 501],
    ["INTERNAL", 500],
    ["UNAVAILABLE", 503],
    ["DATA_LOSS", 500],
  ])("maps %s to HTTP %i", (name, status) => {
    expect(httpStatusByCode[name]).toBe(status);
  });
});
