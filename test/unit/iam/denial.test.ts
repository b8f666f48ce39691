import { expect, test } from "vitest";
import { denial } from "../../../src/iam/denial";

const metadata = { permission: "longrunning.operations.get", resource: "operations/1" };

// https://google.aip.dev/211
test("PERMISSION_DENIED names the missing permission, and does not reveal whether the resource exists", () => {
  const error = denial({ id: "ada" }, "longrunning.operations.get", "operations/1");

  expect(error).toMatchObject({ code: "PERMISSION_DENIED", reason: "IAM_PERMISSION_DENIED", metadata, headers: {} });
  expect(error.message).toBe(
    "Permission 'longrunning.operations.get' denied on resource 'operations/1' (or it might not exist).",
  );
});

test("UNAUTHENTICATED asks a caller without credentials for some", () => {
  const error = denial({ id: "" }, "longrunning.operations.get", "operations/1");

  expect(error).toMatchObject({ code: "UNAUTHENTICATED", metadata });
  expect(error.headers["WWW-Authenticate"]).toMatch(/^Bearer realm="[^"]+"$/);
  expect(error.message).toContain("(or it might not exist)");
});

test.each(["Authorization: Bearer TOKEN", "x-goog-api-key"])(
  "UNAUTHENTICATED names %s for the credentials",
  (header) => {
    expect(denial({ id: "" }, "longrunning.operations.get", "operations/1").message).toContain(header);
  },
);
