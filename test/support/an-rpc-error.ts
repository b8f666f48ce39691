// The RpcError that a call must throw.
import { expect } from "vitest";
import type { Json } from "../../src/rpc/any";
import { RpcError } from "../../src/rpc/error";
import type { FieldViolation } from "../../src/rpc/status";

const BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest";

/** The RpcError that `act` throws, or its promise rejects with. */
export async function rpcErrorOf(act: () => unknown): Promise<RpcError> {
  let thrown: unknown;
  try {
    await act();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(RpcError);
  return thrown as RpcError;
}

/** The violations of an INVALID_ARGUMENT error, from its details. */
export function violationsOf(details: readonly { [key: string]: Json }[]): FieldViolation[] {
  const badRequest = details.find((any) => any["@type"] === BAD_REQUEST);
  return (badRequest?.["fieldViolations"] ?? []) as unknown as FieldViolation[];
}

/** The fields of an INVALID_ARGUMENT error's violations, in their order. */
export function violatedFields(details: readonly { [key: string]: Json }[]): string[] {
  return violationsOf(details).map(({ field }) => field);
}
