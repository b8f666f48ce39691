// RpcError and invalidArgument for a deployment's own code, whose reasons are its own; the service's are in reasons.ts.
import type { CodeName } from "./code";
import { RpcError as ServiceError, type RpcErrorOptions, invalidArgument as invalidServiceArgument } from "./error";
import type { FieldViolation } from "./status";

type OwnErrorConstructor = Pick<typeof ServiceError, "from" | "prototype"> &
  (new (code: CodeName, message: string, options?: RpcErrorOptions) => ServiceError);

export const RpcError = ServiceError as OwnErrorConstructor;
export type RpcError = ServiceError;

export const invalidArgument = invalidServiceArgument as (
  violations: [FieldViolation, ...FieldViolation[]],
  options?: RpcErrorOptions,
) => RpcError;
