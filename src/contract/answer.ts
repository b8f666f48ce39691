// The answers of an operation's object. PERSISTED CONTRACT: it crosses from object to Worker.
import { countsPolls } from "../lifecycle/emulation";
import type { OperationRecord } from "../lifecycle/record";
import { etag } from "./resource";
import type { KnownShards } from "./index-start";
import { isFinal } from "../lifecycle/state";
import { pendingSuspensions } from "../lifecycle/suspensions";

/** An operation as JSON, and what a door needs to know of it without parsing. */
export interface OperationAnswer {
  /** The JSON text; where the operation is large, the same text as a stream of UTF-8: it never crosses as one string. */
  json: string | ReadableStream<Uint8Array>;
  etag: string;
  done: boolean;
  /** Milliseconds since 1970. */
  createTime: number;
  /** Absent where no method of the deployment runs it. */
  pace?: Pace;
  /** Earlier versions do not send it. */
  life?: Life;
  /** Where a client under test has scripted what happens at its polls, and not all of it has: they are to be counted. */
  countsPolls?: true;
  /** The scripted answer to a poll of a client under test: a Status as JSON text. */
  emulatedError?: string;
}

/** The times of an operation, in milliseconds since 1970, for protocols that need them whatever its metadata is. */
export interface Life {
  /** When its state last changed; a report of progress changes none. */
  updateTime: number;
  /** When it is forgotten; until it is done, the latest time at which that may be. */
  expireTime: number;
  statusMessage: string;
  /** Whether it waits for an answer from outside. */
  isPending?: true;
}

/** How long operations of a method take, for `Retry-After`. */
export interface Pace {
  method: string;
  /** The method's declaration for this operation. */
  usualMs?: number;
  /** How long it took, where it succeeded. */
  tookMs?: number;
}

/** A finished operation as a snapshot has it: what its object would say, unless it has been deleted since. */
export interface SnapshotAnswer extends Pick<OperationAnswer, "json"> {
  done: true;
  /** undefined: it was put by a version that did not write the revision down. */
  etag: string | undefined;
  /** When the operation ended, where that is known. */
  snapshot: { endTime: number | undefined };
}

/** The answer to a read: from the operation's object, or a snapshot. */
export type ReadAnswer = OperationAnswer | SnapshotAnswer;

export function answerFromRecord(record: OperationRecord, json: string | ReadableStream<Uint8Array>): OperationAnswer {
  return {
    json,
    etag: etag(record),
    done: isFinal(record.state),
    createTime: record.createTime,
    ...paceOf(record),
    life: lifeOf(record),
    ...(countsPolls(record) ? { countsPolls: true } : {}),
  };
}

function lifeOf(record: OperationRecord): Life {
  const { createTime, startTime = 0, endTime = 0, cancellation, deadline, policy, suspensions = [] } = record;
  const changes = suspensions.map((one) => Math.max(one.createTime, one.resolution?.time ?? 0));
  const { expireTime = deadline + policy.retentionMs, statusMessage } = record;
  return {
    updateTime: Math.max(createTime, startTime, endTime, cancellation?.cancelRequestTime ?? 0, ...changes),
    expireTime,
    statusMessage,
    ...(pendingSuspensions(record).length > 0 ? { isPending: true } : {}),
  };
}

function paceOf(record: OperationRecord): { pace?: Pace } {
  const { method, policy, state, createTime, endTime, external, emulation } = record;
  // Work elsewhere says true or false here; it may be anything, and so may a script.
  if (external || emulation) return {};
  const { usualDurationMs: usualMs } = policy;
  const tookMs = state === "SUCCEEDED" && endTime !== undefined ? endTime - createTime : 0;
  // A result that was known at once says nothing about the others.
  return {
    pace: { method, ...(usualMs === undefined ? {} : { usualMs }), ...(tookMs === 0 ? {} : { tookMs }) },
  };
}

/** The reason why an operation is not returned: the caller lacks the permission, or no operation has this name. */
export type Absence = "DENIED" | "NOT_FOUND";

export interface Explained {
  json: string;
}

/** An edge_operations.v1.Suspension, or a ListSuspensionsResponse, as JSON text. */
export interface SuspensionsAnswer {
  json: string;
}

export interface StartOptions {
  /** Over how many shards the deployment spreads new operations. */
  indexShards: number;
  known: KnownShards;
  requestKey?: string | undefined;
}

export type StartRefusal =
  | "INDEX_UNAVAILABLE"
  /** Every shard is near its limit, and there may be no more of them. */
  | "INDEX_FULL"
  /** It was started before, by the same requestId, and deleted: a start that was long under way does not bring it back. */
  | "DELETED"
  | "INPUT_EMPTY"
  | "INPUT_TOO_LARGE"
  | "INPUT_INTERRUPTED";

/** `inputDigest`: of the stored input; `sentDigest`: of the input that this call sent, where another call's was stored. */
export type StartAnswer =
  | ({ ok: true; answer: OperationAnswer; inputDigest?: string; sentDigest?: string } & FoundShards & Marking)
  | ({ ok: false; refusal: StartRefusal } & FoundShards);

/** The operation itself tells shard 0 that its reservation's operation was created, before it is gone. */
interface Marking {
  marksReservation?: true;
}

/** Where the start found shards that are near their limit. */
interface FoundShards {
  shards?: KnownShards;
}

export interface StreamedInput {
  stream: ReadableStream<Uint8Array>;
  maxBytes: number;
  /** The size that the head of its request declares; undefined: not declared, or not of the decoded bytes. */
  announcedBytes?: number;
  /** Whether its SHA-256 is wanted: a requestId tells repetitions by it. */
  digest: boolean;
}

/**
 * A message to a waiter, its only one, or to a watcher: the operation; that it has changed, but is too large to push; that it is
 * gone; or that the watcher has its present state. A type that a Worker does not know is ignored.
 */
export type WaitMessage =
  | { type: "operation"; answer: OperationAnswer }
  /** Named for what it meant to the first waiters. */
  | { type: "done" }
  | { type: "gone" }
  | { type: "known" }
  /** To a watcher: a part of the output, or, too large to push, its end alone. */
  | ({ type: "output" } & (OutputPart | { endOffset: number }));

/** To a waiter without a socket: the end. undefined: the operation goes on. */
export type EndSoon = Exclude<WaitMessage, { type: "output" }> | Absence | undefined;

/** A part of an operation's output, from its offset in bytes of UTF-8 on. */
export interface OutputPart {
  offset: number;
  text: string;
}

/** The output from an offset on, as far as one answer reaches. */
export interface OutputAnswer extends OutputPart {
  nextOffset: number;
  /** Whether no more will come. */
  done: boolean;
}

/** The messages that a socket is for: the end alone; the next change alone; each change up to the end. */
export type Awaited = "end" | "change" | "changes";

/** Path and header of the object's own fetch: internal, never reachable from outside. */
export const WAIT_PATH = "/wait";
/** The caller's Access, as percent-encoded JSON. */
export const ACCESS_HEADER = "x-access";
/** On the answer to a subscription: how many waiters there are, this one included. Earlier versions do not send it. */
export const WAITERS_HEADER = "x-waiters";
/** An {@link Awaited}; absent, as from earlier versions: the end. */
export const AWAITED_HEADER = "x-awaited";
/** The percent-encoded If-None-Match of the states that the caller has. */
export const KNOWN_HEADER = "x-known";
/**
 * On the answer to a subscription for changes: that the caller's right is the operation's own and rests on no condition. Then it
 * holds until the operation's policy changes, which cuts the socket.
 */
export const OWN_RIGHT_HEADER = "x-own-right";
/** On the same answer, and on one in its place: the end of the output, in bytes. Earlier versions do not send it. */
export const OUTPUT_HEADER = "x-output-bytes";
/** The percent-encoded name that the client asked for. */
export const NAME_HEADER = "x-operation-name";
