import { describe, expect, test } from "vitest";
import { MAX_FIELD_VIOLATIONS } from "../../../src/limits";
import type { Any } from "../../../src/rpc/any";
import { RpcError, invalidArgument, notFound, unavailable } from "../../../src/rpc/error";
import type { FieldViolation } from "../../../src/rpc/status";

const violation = (field: string): FieldViolation => ({ field, description: "unknown field" });
const detail = (error: RpcError, type: string): Any | undefined =>
  error.details.find((any) => any["@type"] === `type.googleapis.com/google.rpc.${type}`);

describe("RpcError", () => {
  test("has its exact Status", () => {
    const help = { "@type": "type.googleapis.com/google.rpc.Help", links: [] };
    const error = new RpcError("FAILED_PRECONDITION", "The bucket is locked.", { details: [help] });

    expect(error.toStatus()).toEqual({ code: 9, message: "The bucket is locked.", details: [help] });
  });

  test("has its code as the reason if none is given", () => {
    expect(new RpcError("ABORTED", "x").reason).toBe("ABORTED");
  });

  test("is returned unchanged by RpcError.from", () => {
    const error = new RpcError("NOT_FOUND", "x");

    expect(RpcError.from(error)).toBe(error);
  });

  test.each([[new Error("password=hunter2")], ["password=hunter2"], [undefined], [null], [{ password: "hunter2" }]])(
    "keeps the text of %s for the log alone",
    (thrown) => {
      const error = RpcError.from(thrown);

      expect(error.code).toBe("INTERNAL");
      expect(error.cause).toBe(thrown);
      expect(JSON.stringify(error.toStatus())).not.toContain("hunter2");
    },
  );
});

describe("invalidArgument", () => {
  test("names the first violation in the message and all of them in BadRequest", () => {
    const error = invalidArgument([
      { field: "ttl", description: "must not be negative" },
      { field: "endTime", description: "must be a timestamp" },
    ]);

    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(error.message).toBe("ttl: must not be negative (and 1 more)");
    expect(detail(error, "BadRequest")).toEqual({
      "@type": "type.googleapis.com/google.rpc.BadRequest",
      fieldViolations: [
        { field: "ttl", description: "must not be negative" },
        { field: "endTime", description: "must be a timestamp" },
      ],
    });
  });

  test("names no field if the request as a whole is wrong", () => {
    expect(invalidArgument([{ field: "", description: "is empty" }]).message).toBe("is empty");
  });

  test("names a bounded number of violations, and counts the others", () => {
    const more = Array.from({ length: 1_000 }, (_, index) => violation(`f${index}`));
    const error = invalidArgument([violation("first"), ...more]);

    expect(detail(error, "BadRequest")?.["fieldViolations"]).toHaveLength(MAX_FIELD_VIOLATIONS);
    expect(error.message).toBe("first: unknown field (and 1000 more)");
  });
});

describe("the standard errors (AIP-193)", () => {
  test("notFound has ResourceInfo and repeats the name", () => {
    const error = notFound("google.longrunning.Operation", "operations/x");

    expect(error.code).toBe("NOT_FOUND");
    expect(detail(error, "ResourceInfo")).toMatchObject({
      resourceType: "google.longrunning.Operation",
      resourceName: "operations/x",
    });
  });

  test("unavailable has RetryInfo and Retry-After, with one delay", () => {
    const error = unavailable("Try again.", 3);

    expect(error.code).toBe("UNAVAILABLE");
    expect(detail(error, "RetryInfo")).toMatchObject({ retryDelay: "3s" });
    expect(error.headers).toEqual({ "Retry-After": "3" });
  });
});
