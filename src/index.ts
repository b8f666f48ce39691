// edge-operations: declare methods, and serve them as long-running operations.
export { DirectoryObject } from "./durable/directory/directory-object";
export { KeyObject } from "./durable/key/key-object";
export { OperationIndex } from "./durable/index/operation-index";
export { OperationObject } from "./durable/operation/operation-object";
export { PolicyObject } from "./durable/policy/policy-object";
export { RequestObject } from "./durable/request/request-object";
export { SlotsObject } from "./durable/slots/slots-object";
export { defineMethod, type Method } from "./method/define-method";
export type {
  HttpRule,
  ImmediateResult,
  InputRule,
  MethodDeclaration,
  OperationCaller,
  OperationContext,
  RetryPolicy,
  StartContext,
} from "./method/method";
export { type Suspension, SuspensionExpired, type SuspensionOptions } from "./method/suspension";
export type { InferRequest, RequestSchema } from "./method/request-schema";
export type { DurationText } from "./aip/duration";
export type { Any, Json, JsonObject } from "./rpc/any";
export { Code, type CodeName } from "./rpc/code";
export type { RpcErrorOptions } from "./rpc/error";
export { RpcError, invalidArgument } from "./rpc/own-error";
export type { FieldViolation, Status } from "./rpc/status";
export type { WorkMessage } from "./durable/operation/operation-env";
export type { Env } from "./env";
export type { Location } from "./service/locations";
export type { AuthenticatedCaller } from "./authentication/own-caller";
export { type OperationsOptions, operations } from "./deployment";
