// Child operations as a handler sees them: the options of a start, a child, and the outcomes of a join.
import type { JsonObject } from "../rpc/any";
import type { RpcError } from "../rpc/error";

/** The types of a method as its clients see it, in JSON. */
export interface MethodTypes {
  readonly request: unknown;
  readonly response: unknown;
  readonly metadata: unknown;
}

/** The method of a child, as defineMethod returns it. */
export interface ChildMethod<Types extends MethodTypes = MethodTypes> {
  readonly "~types"?: Types | undefined;
  readonly id: string;
}

/** The options of `op.start`. */
export interface ChildOptions {
  /**
   * Names the child among the operation's children: at most 256 characters. The function may be called again, and
   * the same key is the same child.
   */
  key: string;
  /** Labels of the child, as those of any operation. Default: none. */
  labels?: Readonly<Record<string, string>>;
  /** The parent resource of the child: `projects/p`. Default: that of the operation. */
  parent?: string;
  /** The child goes on if the operation is cancelled, or ends by its deadline. */
  detached?: boolean;
}

/** A child operation that was started. */
export interface Child<Response = JsonObject> {
  /** Its resource name. */
  readonly name: string;
  readonly key: string;
  /** Absent at run time: it carries the type of the response to `op.join`. */
  readonly "~response"?: Response;
}

/** The options of `op.join`. */
export interface JoinOptions {
  /** How many children have to end. Default: all. */
  atLeast?: number;
}

/** How a child ended. One that was deleted, or has expired, has ended with the error NOT_FOUND. */
export type ChildOutcome<Response = JsonObject> =
  | { name: string; key: string; response: Response; error?: never }
  | { name: string; key: string; error: RpcError; response?: never };

/** The request of a child, in JSON. `parent` is that of the options where the request has none. */
export type ChildRequest<Types extends MethodTypes> = Types["request"] extends { parent?: unknown }
  ? Omit<Types["request"], "parent"> & { parent?: string }
  : unknown extends Types["request"]
    ? JsonObject
    : Types["request"];

/** The response of a method, in JSON. */
export type ResponseOf<Types extends MethodTypes> = Types["response"] extends object ? Types["response"] : JsonObject;

/** The part of `op` that is about child operations. */
export interface ChildCalls {
  /**
   * Starts another operation, whose work goes on beside this one's. Resolves when the child is durable. Starting one is
   * idempotent by its key, in every attempt. A cancelled operation cancels its children.
   * @throws RpcError INVALID_ARGUMENT if the method does not accept the request.
   */
  start<Types extends MethodTypes>(
    method: ChildMethod<Types>,
    request: ChildRequest<Types>,
    options: ChildOptions,
  ): Promise<Child<ResponseOf<Types>>>;
  /**
   * Waits until all children have ended, or `atLeast` of them. Where the function can do nothing else, its invocation ends,
   * and nothing is held meanwhile. Resolves to the outcomes of those that have ended, in the order of `children`.
   */
  join<Response>(children: readonly Child<Response>[], options?: JoinOptions): Promise<ChildOutcome<Response>[]>;
  /**
   * Starts one child and waits for its response.
   * @throws RpcError, the error with which the child ended.
   */
  call<Types extends MethodTypes>(
    method: ChildMethod<Types>,
    request: ChildRequest<Types>,
    options: ChildOptions,
  ): Promise<ResponseOf<Types>>;
}
