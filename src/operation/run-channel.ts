// Messages between a runner (queue consumer) and its operation's object, as JSON text over a WebSocket.
// PERSISTED CONTRACT: for minutes after a deploy old and new code talk to each other. Fields are only ever added.
import type { Status } from "../rpc/status";
import type { JsonObject } from "../rpc/any";
import type { Sleep } from "./record";
import { MAX_CHANNEL_MESSAGE_BYTES } from "../limits";

/** The object's answer to a claim, and to a reopened channel: all that the runner needs to know. */
export interface Claimed {
  type: "claimed";
  fence: string;
  leaseMs: number;
  name: string;
  method: string;
  methodVersion: string;
  createTime: number;
  deadline: number;
  /** 1 for the first. */
  attempt: number;
  maxAttempts: number;
  /** The request as JSON text. */
  request: string;
  /** Present where the method takes a streamed input: its size. */
  inputBytes?: number;
  /** The durable sleeps so far. */
  sleeps: Sleep[];
  cancelRequested: boolean;
}

/** What the object says to a runner. */
export type MessageToRunner =
  | Claimed
  /** The runner's last word was recorded; there is nothing more to do. */
  | { type: "settled" }
  /** A client asked to stop. */
  | { type: "cancel" }
  /** The runner has lost the work: stop, and write nothing more. */
  | { type: "stop" };

/** Progress as it crosses: fields to merge into the metadata. */
export interface ProgressMessage {
  metadata?: JsonObject;
  statusMessage?: string;
}

/** What a runner says to the object, always under its fence token. All but `progress` are last words. */
export type MessageToObject = { fence: string; progress?: ProgressMessage } & (
  | { type: "progress" }
  | { type: "sleep"; ordinal: number; wakeTime: number }
  | { type: "release"; statusMessage: string }
  | { type: "succeed"; response: string }
  | { type: "fail"; error: Status; retryable: boolean }
);

/** The keep-alive and its answer, which the object gives without waking up. */
export const KEEP_ALIVE_REQUEST = "ping";
export const KEEP_ALIVE_RESPONSE = "pong";

/** Paths and headers of the object's own fetch: internal, never reachable from outside. */
export const RUN_PATH = "/run";
export const INPUT_PATH = "/input";
export const FENCE_HEADER = "x-fence";

/** Parses what a runner sent; undefined where it is no message of this channel, which a runner's own code never sends. */
export function decodeMessageToObject(data: string | ArrayBuffer): MessageToObject | undefined {
  if (typeof data !== "string" || data.length > MAX_CHANNEL_MESSAGE_BYTES) return undefined;
  const message: unknown = JSON.parse(data);
  if (typeof message !== "object" || message === null || !("type" in message) || !("fence" in message))
    return undefined;
  return message as MessageToObject;
}
