// What an operation's object hands out. PERSISTED CONTRACT: it crosses from object to Worker.
import type { OperationRecord } from "./record";
import { etag, operationJson } from "./resource";
import { isFinal } from "./state";

/** An operation as JSON text, and what a door needs to know of it without parsing. */
export interface OperationAnswer {
  json: string;
  etag: string;
  done: boolean;
  /** Milliseconds since 1970. */
  createTime: number;
}

export function answerFromRecord(record: OperationRecord, response: string | undefined): OperationAnswer {
  return {
    json: operationJson(record, response),
    etag: etag(record),
    done: isFinal(record.state),
    createTime: record.createTime,
  };
}

/** Why an operation was not started. */
export type StartRefusal = "INDEX_UNAVAILABLE" | "INPUT_EMPTY" | "INPUT_TOO_LARGE" | "INPUT_INTERRUPTED";

export type StartAnswer = { ok: true; answer: OperationAnswer } | { ok: false; refusal: StartRefusal };

/** A streamed input, and how much of it there may be. */
export interface StreamedInput {
  stream: ReadableStream<Uint8Array>;
  maxBytes: number;
}

/** What a waiter hears over its socket, once: the operation, that it is done but too large to push, or that it is gone. */
export type WaitMessage = { type: "operation"; answer: OperationAnswer } | { type: "done" } | { type: "gone" };

/** Path and header of the object's own fetch: internal, never reachable from outside. */
export const WAIT_PATH = "/wait";
/** The percent-encoded name that the client asked for. */
export const NAME_HEADER = "x-operation-name";
