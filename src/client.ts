// edge-operations/client: a client of a deployment for Node, Workers and browsers. It needs `fetch` alone, and imports
// nothing of the service.
export type {
  MethodBinding,
  MethodClient,
  MetadataOfMethod,
  RequestOf,
  ResponseOf,
  StartOptions,
  TypedMethod,
} from "./client/method-client";
export type { CallOptions, OperationHandle, WaitOptions } from "./client/operation-handle";
export type { DefaultMetadata, MetadataOf, OperationResource, OperationState } from "./client/operation-state";
export {
  type ClientOptions,
  type ListOptions,
  type ListPage,
  OperationsClient,
  type RawCallOptions,
} from "./client/operations-client";
export type { AbortSignalLike, Clock, FetchLike } from "./client/platform";
export type { CallRetry } from "./client/retry";
export { CallError, OperationError, StatusError } from "./client/status-error";
