import { expect, test } from "vitest";
import { passGate } from "../../../src/authentication/authenticate";
import { rpcErrorOf } from "../../support/an-rpc-error";

test("the gate admits every caller of a deployment that is configured as open", () => {
  expect(() => passGate({ auth: "open" })).not.toThrow();
});

// "A deployment without any authentication configured answers every API call with 403 PERMISSION_DENIED, reason
// AUTHENTICATION_NOT_CONFIGURED, saying what to set".
test("the gate rejects every caller if nothing is configured, and names the variable to set", async () => {
  const error = await rpcErrorOf(() => passGate({ auth: "none" }));

  expect(error).toMatchObject({ code: "PERMISSION_DENIED", reason: "AUTHENTICATION_NOT_CONFIGURED" });
  expect(error.message).toContain("AUTH");
});
