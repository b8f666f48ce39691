import { expect, test } from "vitest";
import { passGate } from "../../../src/authentication/authenticate";
import { rpcErrorOf } from "../../support/an-rpc-error";

test("the gate stands open where the deployment says so", () => {
  expect(() => passGate({ auth: "open" })).not.toThrow();
});

// "A deployment without any authentication configured answers every API call with 403 PERMISSION_DENIED, reason
// AUTHENTICATION_NOT_CONFIGURED, saying what to set".
test("the gate is shut where nothing is configured, and says what to set", async () => {
  const error = await rpcErrorOf(() => passGate({ auth: "none" }));

  expect(error).toMatchObject({ code: "PERMISSION_DENIED", reason: "AUTHENTICATION_NOT_CONFIGURED" });
  expect(error.message).toContain("AUTH");
});
