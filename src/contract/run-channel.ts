// Messages between a runner (queue consumer) and its operation's object, as JSON text over a WebSocket.
// PERSISTED CONTRACT: for minutes after a deploy old and new code talk to each other. Fields are only ever added.
import type { Status } from "../rpc/status";
import type { JsonObject } from "../rpc/any";
import type { EmulatedWork } from "../lifecycle/emulation";
import type { SuccessfulOutcome } from "../lifecycle/event";
import type { AttemptMemory, Sleep, StepFailure, StepTries, StoredJoin, WaitCondition } from "../lifecycle/record";
import type { ClaimedChild, EndedChild, ReservedChild } from "./child";
import { MAX_CHANNEL_MESSAGE_CHARACTERS } from "../limits";

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
  /** A response, and each step's result, in UTF-8. Earlier versions do not say it. */
  maxResultBytes?: number | undefined;
  request: string;
  /** Present where the method takes a streamed input: its size. */
  inputBytes?: number | undefined;
  sleeps: Sleep[];
  /**
   * How long a sleep may be for which the runner waits, in milliseconds: the object accepts `saveSleeps`. Absent where it
   * runs an earlier version, and where the runner holds a slot that others wait for.
   */
  sleepInPlaceMs?: number | undefined;
  cancelRequested: boolean;
  steps: ClaimedStep[];
  /** Failures of steps that this attempt's handler has caught. */
  stepFailures?: StepFailure[] | undefined;
  /** Failed tries of steps that have no outcome yet. */
  stepTries?: StepTries[] | undefined;
  /** The suspensions that the work has come to, and those that were answered before. */
  suspensions?: ClaimedSuspension[] | undefined;
  /** How many operations are above it that have started one another. Absent: the object runs an earlier version. */
  level?: number | undefined;
  /** The child operations that the work has started or was about to, in their order. */
  children?: ClaimedChild[] | undefined;
  /** How many of them, from the first one on, were certainly started. */
  startedChildren?: number | undefined;
  /** The joins whose outcomes the handler was given. */
  joins?: StoredJoin[] | undefined;
  checkpoint?: string | undefined;
  /** The end of the output so far. Absent where the object runs an earlier version, which takes none. */
  outputBytes?: number | undefined;
  /** The origin of the URL by which its start came: `https://api.example.com`. */
  origin?: string | undefined;
  /** The caller that started it; absent: an anonymous caller, or an earlier version of the object. */
  caller?: { id: string; members: string[] } | undefined;
  /** The trace of the request that started it. */
  traceparent?: string | undefined;
  /** The script that replaces the method's work. */
  emulation?: EmulatedWork | undefined;
}

/** A finished step: its result as JSON text, or, where that is large, to be fetched by its place. */
export interface ClaimedStep {
  name: string;
  place: number;
  result?: string | undefined;
  /** Its place among the outcomes that the handler was given; absent: behind the step before it. */
  order?: number | undefined;
}

/** A suspension: its answer as JSON text, or, where that is large, to be fetched by its id. */
export interface ClaimedSuspension {
  id: string;
  /** Absent until the work reaches it. */
  reached?: { expireTime: number; linkToken?: string | undefined } | undefined;
  /** Its place among the outcomes that the handler was given. */
  order?: number | undefined;
  resolution?:
    | undefined
    | {
        time: number;
        /** Counts the resolutions of the operation. */
        number: number;
        isAnswered: boolean;
        payload?: string;
      };
}

/** Events that the handler may wait for. */
export interface News {
  suspensions: readonly ClaimedSuspension[];
  children?: readonly EndedChild[];
}

export type MessageToRunner =
  | Claimed
  /** The value that was sent under this number is stored. */
  | { type: "saved"; id: number }
  /** The runner's last word was recorded; there is nothing more to do. */
  | { type: "settled" }
  /** Suspensions were answered or have expired, and children have ended. Earlier versions do not know it. */
  | ({ type: "answers" } & News)
  | { type: "cancel" }
  /** The runner has lost the work: stop, and write nothing more. */
  | { type: "stop" };

/** Progress as it crosses: fields to merge into the metadata. */
export interface ProgressMessage {
  metadata?: JsonObject;
  statusMessage?: string;
}

/** A message of a runner to the object, always with its fence token. */
export type MessageToObject = { fence: string } & (
  | { type: "progress"; progress: ProgressMessage }
  | ({ type: "saveStep"; id: number; name: string; result: string; order?: number } & AttemptMemory)
  | ({ type: "saveSuspensions"; id: number } & AttemptMemory)
  /** Children that are about to be started. Sent only where the claim has `level`. */
  | ({ type: "saveChildren"; id: number; children: ReservedChild[] } & AttemptMemory)
  | ({ type: "saveCheckpoint"; id: number; cursor: string } & AttemptMemory)
  /**
   * Sleeps, and failed tries of steps, that the runner waits for. `restsUntil`: nothing else is under way until then; absent
   * where something is, and where an earlier version sent it.
   */
  | ({ type: "saveSleeps"; id: number; restsUntil?: number } & AttemptMemory)
  /** A part of the output, from its offset in bytes of UTF-8 on. Sent only where the claim has `outputBytes`. */
  | { type: "saveOutput"; id: number; offset: number; text: string }
  | LastWord
);

export type LastWord = { progress?: ProgressMessage } & (
  | ({ type: "sleep"; ordinal: number; wakeTime: number } & AttemptMemory)
  | ({ type: "suspend"; waitsFor: WaitCondition; wakeTime?: number } & AttemptMemory)
  | ({ type: "yield"; invocationMs: number } & AttemptMemory)
  | { type: "release"; statusMessage: string }
  | { type: "succeed"; outcome: SuccessfulOutcome }
  | { type: "fail"; error: Status; retryable: boolean }
);

/** The keep-alive and its answer, which the object gives without waking up. */
export const KEEP_ALIVE_REQUEST = "ping";
export const KEEP_ALIVE_RESPONSE = "pong";

/** Paths and headers of the object's own fetch: internal, never reachable from outside. */
export const RUN_PATH = "/run";
export const INPUT_PATH = "/input";
/** GET with `place=`: a step's result. POST with `name=` and `order=`, and {@link MEMORY_HEADER}: stores one. */
export const STEP_PATH = "/step";
/** GET with `id=`: the large answer of a suspension. */
export const ANSWER_PATH = "/answer";
/** GET with `places=`, pairs of the first and the last one as JSON: the outcomes of children that have ended. */
export const CHILDREN_PATH = "/children";
/** POST: stores a large response, for the last word to name; answers a SuccessfulOutcome. */
export const RESPONSE_PATH = "/response";
export const FENCE_HEADER = "x-fence";
/** An AttemptMemory that comes along with a step's large result: JSON, percent-encoded. */
export const MEMORY_HEADER = "x-attempt-memory";

/** Parses what a runner sent; undefined where it is no message of this channel, which a runner's own code never sends. */
export function decodeMessageToObject(data: string | ArrayBuffer): MessageToObject | undefined {
  if (typeof data !== "string" || data.length > MAX_CHANNEL_MESSAGE_CHARACTERS) return undefined;
  let message: unknown;
  try {
    message = JSON.parse(data);
  } catch {
    // Anything else is not a message, and the caller closes the channel.
    return undefined;
  }
  if (typeof message !== "object" || message === null || !("type" in message) || !("fence" in message))
    return undefined;
  return message as MessageToObject;
}
