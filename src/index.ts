// edge-operations: declare methods, and serve them as long-running operations.
export * from "./objects";
export { defineMethod, type Method } from "./method/define-method";
export type {
  HttpRule,
  ImmediateResult,
  InputRule,
  MapOptions,
  MethodDeclaration,
  OperationCaller,
  OperationContext,
  RetryPolicy,
  StartContext,
  StepContext,
  StepOptions,
  ToolHints,
  ToolOptions,
} from "./method/method";
export type { Child, ChildOptions, ChildOutcome, JoinOptions } from "./method/child";
export { type Suspension, SuspensionExpired, type SuspensionOptions } from "./method/suspension";
export type { InferRequest, RequestSchema } from "./method/request-schema";
export type { DurationText } from "./aip/duration";
export type { Any, Json, JsonObject } from "./rpc/any";
export { Code, type CodeName } from "./rpc/code";
export type { RpcErrorOptions } from "./rpc/error";
export { RpcError, invalidArgument } from "./rpc/own-error";
export type { FieldViolation, Status } from "./rpc/status";
export type { WorkMessage } from "./durable/operation/operation-env";
export type { DeploymentEnv as Env } from "./env";
export type { Location } from "./service/locations";
export type { AuthenticatedCaller } from "./authentication/own-caller";
export { type OperationsOptions, type OperationsWorker, operations } from "./deployment";
