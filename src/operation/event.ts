// What happens to an operation, and what must be done about it afterwards. Both are values: nothing here acts.
import type { JsonObject } from "../rpc/any";
import type { Status } from "../rpc/status";

/** Progress as the work reports it: fields to be merged into the metadata. */
export interface Progress {
  metadata?: JsonObject | undefined;
  statusMessage?: string | undefined;
}

/** An input of `step`. Those with a `fence` come from a runner and count only while it is the current one. */
export type OperationEvent =
  | { type: "claim"; fence: string }
  | { type: "progress"; fence: string; progress: Progress }
  | { type: "keepAlive"; fence: string; receivedTime: number }
  | { type: "sleep"; fence: string; ordinal: number; wakeTime: number; progress?: Progress | undefined }
  /** The consumer has no such method or version: it gives the work back. */
  | { type: "release"; fence: string; statusMessage: string }
  | { type: "succeed"; fence: string; response: string; progress?: Progress | undefined }
  | {
      type: "attemptFailed";
      fence: string;
      error: Status;
      retryable: boolean;
      /** 0 ≤ random < 1, for the jitter. */
      random: number;
      progress?: Progress | undefined;
    }
  | { type: "cancel" }
  | { type: "delete" }
  /** Nothing but time: whatever is due is settled. */
  | { type: "timePasses"; random: number }
  | { type: "effectDone"; effect: OutboxEffect; revision: number }
  | { type: "effectFailed"; effect: OutboxEffect };

/** Effects that are written into the outbox and retried until they are done. */
export type OutboxEffect = "index" | "snapshot";

/** What the object does after it has saved the record. */
export type Effect =
  /** Send the queue message; re-sent on the alarm until it is claimed. */
  | { type: "send" }
  | { type: OutboxEffect }
  /** Answer everyone who waits. */
  | { type: "notifyWaiters" }
  /** Tell the runner that holds the lease to stop working: for good, or because a client asked. */
  | { type: "tellRunner"; message: "cancel" | "stop" }
  /** The input is no longer needed. */
  | { type: "eraseInput" }
  /** Forget everything. */
  | { type: "erase" };

/** Why an event changed nothing. */
export type Refusal =
  /** The runner's token is not the current one: it must stop. */
  | "FENCED"
  /** The state does not allow it: already done, already claimed, not yet due. */
  | "NOT_ALLOWED"
  /** Deleted. */
  | "GONE";
