// What the services need of the world: implemented by durable/, replaced by fakes in tests.
import type { OperationAnswer, StartAnswer, StreamedInput } from "../operation/answer";
import type { NewOperation } from "../operation/create-record";

/** The operations by name. Every method throws UNAVAILABLE where the operation's object cannot be reached. */
export interface OperationStore {
  /** A new id, never given out before. */
  newId(): string;
  start(operation: NewOperation, request: string, input: StreamedInput | undefined): Promise<StartAnswer>;
  /** undefined: no operation of this name is to be seen. */
  get(name: string): Promise<OperationAnswer | undefined>;
  /** Answers when the operation is done, or has its latest state after `timeoutMs`. */
  wait(name: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<OperationAnswer | undefined>;
  /** False: no operation of this name is to be seen. */
  cancel(name: string): Promise<boolean>;
  delete(name: string): Promise<boolean>;
}

/** A listed operation: its JSON, and its name, where the index does not hold the whole of it. */
export interface ListedOperation {
  json: string;
  truncated: boolean;
}

/** The lists of operations. Throws UNAVAILABLE where the index cannot be reached. */
export interface OperationLists {
  /** At most `limit` operations directly under `parent`, newest first. */
  page(parent: string, limit: number): Promise<ListedOperation[]>;
}
