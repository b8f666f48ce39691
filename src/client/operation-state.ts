// An Operation resource, decoded: metadata and response are taken out of their Anys.
import { type Any, type JsonObject, messageFromAny } from "../rpc/any";
import { OperationError } from "./status-error";

/** The Operation resource as the service sends it (google/longrunning/operations.proto). */
export interface OperationResource {
  name: string;
  done: boolean;
  metadata?: Any;
  response?: Any;
  error?: { code: number; message: string; details?: Any[] };
}

/** The service's own fields of the default metadata. A declared metadata type does not have them. */
export interface DefaultMetadata {
  createTime: string;
  startTime: string;
  endTime: string;
  target: string;
  verb: string;
  statusMessage: string;
  requestedCancellation: boolean;
  apiVersion: string;
  progressPercent: number;
  /** Of a child operation. */
  parentOperation: string;
}

/** The metadata of an operation: what its method reports, and the default fields. */
export type MetadataOf<Metadata> = Partial<Metadata> & Partial<DefaultMetadata>;

/** An operation as it was when the service answered. */
export interface OperationState<Response = JsonObject, Metadata = JsonObject> {
  readonly name: string;
  readonly done: boolean;
  readonly metadata: MetadataOf<Metadata>;
  /** Present if the operation is done and succeeded. */
  readonly response?: Response;
  /** Present if the operation is done and failed. */
  readonly error?: OperationError;
  /** The resource as it was sent. */
  readonly resource: OperationResource;
}

export function stateFromResource<Response, Metadata>(json: JsonObject): OperationState<Response, Metadata> {
  const resource = json as unknown as OperationResource;
  const { name, done, metadata, response, error } = resource;
  return {
    name,
    done,
    metadata: (metadata === undefined ? {} : messageFromAny(metadata)) as MetadataOf<Metadata>,
    ...(response === undefined ? {} : { response: messageFromAny(response) as Response }),
    ...(error === undefined ? {} : { error: new OperationError(name, error) }),
    resource,
  };
}
