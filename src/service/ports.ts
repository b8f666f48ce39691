// The ports of the services: implemented by durable/, replaced by fakes in tests.
import type {
  OperationAnswer,
  OutputAnswer,
  OutputPart,
  ReadAnswer,
  SnapshotAnswer,
  StartAnswer,
  StartOptions,
  StreamedInput,
} from "../contract/answer";
import type { NewOperation } from "../lifecycle/new-operation";
import type { KnownShard, PageRequest, ShardPage } from "../list/page";
import type { Slot } from "../lifecycle/record";
import type { CreatedReservation, Reservation, ReserveAnswer } from "../list/reservation";
import type { RetrySource } from "../lifecycle/retry";
import type { ResolveAnswer, ResolveRequest } from "../contract/suspension";
import type { UpdateAnswer, UpdateRequest } from "../contract/update";

/** Where an operation's object is to live; a declared location decides. */
export interface Place {
  jurisdiction?: string | undefined;
  placementHint?: string | undefined;
}

/** The operations by name. Every method throws UNAVAILABLE where the operation's object cannot be reached. */
export interface OperationStore {
  newId(place: Place): string;
  start(
    operation: NewOperation,
    request: string,
    options: { place: Place; input: StreamedInput | undefined; options: StartOptions },
  ): Promise<StartAnswer>;
  /** The operation, for the caller whose requestId started it; undefined: it does not exist, or was never stored. */
  started(name: string): Promise<OperationAnswer | undefined>;
  /** undefined: no operation of this name is to be seen. */
  get(name: string): Promise<OperationAnswer | undefined>;
  /** The same, counted: for an operation whose answer says that its polls are. */
  poll(name: string): Promise<OperationAnswer | undefined>;
  /** Answers when the operation is done, or has its latest state after `timeoutMs`. */
  wait(name: string, timeoutMs: number, options?: WaitOptions): Promise<ReadAnswer | undefined>;
  /** Its states as they come; a state alone: it is done. Throws where the caller's rights do not suffice. */
  watch(name: string, options?: WatchOptions): Promise<Watching | ReadAnswer | undefined>;
  /** The text that the work has written, from an offset on. */
  output(name: string, offset: number): Promise<OutputAnswer | undefined>;
  update(name: string, request: UpdateRequest): Promise<UpdateAnswer>;
  /** False: no operation of this name is to be seen. */
  cancel(name: string): Promise<boolean>;
  delete(name: string): Promise<boolean>;
  /** An edge_operations.v1.ListSuspensionsResponse as JSON. */
  suspensions(name: string): Promise<string | undefined>;
  /** An edge_operations.v1.Suspension as JSON; undefined: no such one is to be seen. */
  suspension(name: string, id: string): Promise<string | undefined>;
  resolve(name: string, request: ResolveRequest): Promise<ResolveAnswer>;
  /** An edge_operations.v1.OperationExplanation as JSON, also of an operation that was deleted and is still at work. */
  explain(name: string): Promise<string | undefined>;
  /** The source of a retry, or the reason why the operation cannot be retried. */
  retrySource(name: string): Promise<RetrySource | undefined>;
  /** Notes by which operation a failed one was retried; nothing where it is gone. */
  noteRetry(name: string, by: string): Promise<void>;
}

export interface WaitOptions extends ReadOptions {
  /** An If-None-Match: the wait is for a state that it does not have. Without it, the wait is for the end. */
  known?: string | undefined;
}

export interface WatchOptions extends ReadOptions {
  /** The ETag of the state that the client has: the first state is another. */
  known?: string | undefined;
  /** The end of the output that it has, in bytes. */
  outputOffset?: number | undefined;
}

/** A state; a part of the output; that the operation was deleted or has expired; or that the watch is over, and another may continue from there. */
export type WatchEvent = ReadAnswer | OutputPart | "GONE" | "END";

/** The states of an operation from one on, at most four a second, the latest always. The last is done. */
export interface Watching {
  /** Resolves when there is an event. To be called again only after that. */
  next(): Promise<WatchEvent>;
  /** Of the event that was given last. A watch that begins with it continues from there. */
  readonly id: string;
  /** When a client that was cut comes back: a crowd not in one moment. */
  readonly retryMs: number;
  /** To be called from time to time: a watch whose socket does not answer continues over another. */
  probe(): void;
  close(): void;
}

export type SignalledRequest = Pick<Request, "signal">;

interface ReadOptions {
  /** The client's request: its signal is aborted when the client has gone. The platform makes a signal when it is asked for. */
  request?: SignalledRequest | undefined;
  /** An answer from elsewhere, asked for once if the operation's object cannot be reached at first. */
  readInstead?: (() => Promise<ReadAnswer | undefined>) | undefined;
}

/** The same reads, which snapshots may answer too. */
export interface OperationReads {
  get(name: string): Promise<ReadAnswer | undefined>;
  wait(name: string, timeoutMs: number, options?: WaitOptions): Promise<ReadAnswer | undefined>;
  watch(name: string, options?: WatchOptions): Promise<Watching | ReadAnswer | undefined>;
}

/** The snapshots of finished operations, which lag: what is deleted may be there for minutes, what is done not yet. */
export interface SnapshotStore {
  /** undefined: none of exactly this name. */
  read(name: string): Promise<SnapshotAnswer | undefined>;
}

/** The requestIds (AIP-155), each in its scope by the digest that names it. */
export interface RequestStore {
  /** The reservation that stands under `key`: an earlier one, or `reservation`, which is stored now. */
  reserve(scope: IndexScope, key: string, reservation: Reservation): Promise<ReserveAnswer>;
  /** The reserved operation was created, and does not say so itself. */
  markCreated(scope: IndexScope, created: CreatedReservation, operationId: string): Promise<void>;
  digestOf(stream: ReadableStream<Uint8Array>): Promise<string>;
}

/** Slots: how many operations a caller may have under way. */
export interface SlotStore {
  acquire(slot: Slot, operationId: string): Promise<boolean>;
  release(slot: Slot, operationId: string): Promise<void>;
}

export interface IndexScope {
  /** A parent of the scope. */
  parent: string;
  jurisdiction: string | undefined;
}

export interface IndexSource extends IndexScope {
  shard: number;
  /** Its object's id, where the directory named it: then nothing else says which it is. */
  shardId?: string;
}

/** The index. Throws UNAVAILABLE where a shard cannot be reached. */
export interface OperationLists {
  page(source: IndexSource, request: PageRequest): Promise<ShardPage>;
  /** The key of the page tokens of a parent's scope, base64 of 32 bytes. Made at its first use. */
  tokenKey(parent: string): Promise<string>;
  /** The same; undefined where none was made yet, and so no token was ever given out. */
  existingTokenKey(parent: string): Promise<string | undefined>;
  /** The shards of all scopes that the directory knows, at most so many. */
  shards(limit: number): Promise<KnownShard[]>;
  /** Bytes of a shard's storage. */
  shardSize(shardId: string): Promise<number>;
}
