// The events of an operation, and the effects that follow. Both are values: nothing here acts.
import type { JsonObject } from "../rpc/any";
import type { Policy } from "../iam/policy";
import type { Status } from "../rpc/status";
import type { Start } from "./new-operation";
import type { AttemptMemory, Completion, Outcome, Slot, StoredStep, WaitCondition, WebhookDeliveries } from "./record";

/** Progress as the work reports it: fields to be merged into the metadata. */
export interface Progress {
  metadata?: JsonObject | undefined;
  statusMessage?: string | undefined;
}

export type SuccessfulOutcome = Exclude<Outcome, { error: Status }>;

/** A report of the system that does the work elsewhere: its own metadata, an outcome, or both; one of them at least. */
export interface Update {
  metadata?: { type: string; fields: JsonObject } | undefined;
  outcome?: { value: Outcome; responseType?: string | undefined; completion: Completion } | undefined;
}

/** The deliverer's report on the events that it was given. PERSISTED CONTRACT. */
export interface WebhookReport extends WebhookDeliveries {
  /** When something is next to be tried; absent: nothing is left. Milliseconds since 1970. */
  nextTime?: number | undefined;
}

/** An input of `step`. Those with a `fence` come from a runner and count only while it is the current one. */
export type OperationEvent =
  /** The start: what is not one of the facts of the new record. */
  | ({ type: "start" } & Start)
  | { type: "claim"; fence: string }
  /** A consumer came for the work, but no slot was free. */
  | { type: "hold" }
  /** A slot may be free now. */
  | { type: "slotFreed" }
  | { type: "progress"; fence: string; progress: Progress }
  | { type: "keepAlive"; fence: string; receivedTime: number }
  /** The runner has no open channel any more: it has died, or must open another. */
  | { type: "channelLost"; fence: string }
  | ({
      type: "sleep";
      fence: string;
      ordinal: number;
      wakeTime: number;
      progress?: Progress | undefined;
      /** The revision that the index has received ahead of it. */
      toldRevision?: number | undefined;
    } & AttemptMemory)
  /** The handler can do nothing until it has what it waits for, or, where it awaits a durable timer too, until `wakeTime`. */
  | ({
      type: "suspend";
      fence: string;
      waitsFor: WaitCondition;
      wakeTime?: number | undefined;
      progress?: Progress | undefined;
      toldRevision?: number | undefined;
    } & AttemptMemory)
  /** The handler reached suspensions, which are to be seen while it does something else. */
  | ({ type: "saveSuspensions"; fence: string } & AttemptMemory)
  | ({ type: "saveStep"; fence: string; step: StoredStep } & AttemptMemory)
  | ({ type: "saveCheckpoint"; fence: string; cursor: string } & AttemptMemory)
  /** The handler is about to start child operations, which the object has written down. */
  | ({ type: "saveChildren"; fence: string; count: number } & AttemptMemory)
  /** Enough children have ended of those that the work stands still for. */
  | { type: "childrenEnded" }
  /**
   * The runner waits for sleeps, or to try steps again, and goes on as the same invocation. `restsUntil`: it does nothing else
   * until then.
   */
  | ({ type: "saveSleeps"; fence: string; restsUntil?: number } & AttemptMemory)
  /** The invocation ends, by its limit or well before it, and another continues from what is stored. */
  | ({
      type: "yield";
      fence: string;
      /** How long an invocation may be, for the message of one that got nowhere. */
      invocationMs: number;
      random: number;
      progress?: Progress | undefined;
    } & AttemptMemory)
  /** The consumer has no such method or version: it gives the work back. */
  | { type: "release"; fence: string; statusMessage: string }
  | { type: "succeed"; fence: string; outcome: SuccessfulOutcome; progress?: Progress | undefined }
  | {
      type: "attemptFailed";
      fence: string;
      error: Status;
      retryable: boolean;
      /** 0 ≤ random < 1, for the jitter. */
      random: number;
      progress?: Progress | undefined;
    }
  /** The external worker reports or completes (UpdateOperation). */
  | { type: "update"; update: Update }
  /** Somebody outside answers a suspension. The payload is JSON text, and was checked. */
  | { type: "resolve"; id: string; payload: string; digest: string; resolver?: string | undefined }
  /** Its access policy was set; nothing that the operation shows changes. */
  | { type: "setPolicy"; policy: Policy }
  /** An operator has retried it, as the operation of this name; nothing that the operation shows changes. */
  | { type: "noteRetry"; by: string }
  /** A client under test has asked for it: only where it is emulated. */
  | { type: "poll" }
  | { type: "cancel" }
  /** `requestId`: of the HTTP request, so that a repeated try is told from another caller's. */
  | { type: "delete"; requestId?: string }
  /** Nothing but time: whatever is due is settled. */
  | { type: "timePasses"; random: number }
  /** Webhooks have received events, or have not. */
  | { type: "webhooksTold"; webhooks: WebhookDeliveries; nextTime?: number | undefined }
  | { type: "effectDone"; effect: OutboxEffect; revision: number }
  | { type: "effectFailed"; effect: OutboxEffect };

/** Effects that are written into the outbox and retried until they are done. */
export const OUTBOX_EFFECTS = ["index", "snapshot", "parent", "children", "webhooks"] as const;
export type OutboxEffect = (typeof OUTBOX_EFFECTS)[number];

/** An action of the object after it has saved the record. */
export type Effect =
  /** Store the request beside the record, because it is too large to stand in it. */
  | { type: "storeRequest" }
  /** Send the queue message; re-sent on the alarm until it is claimed. */
  | { type: "send" }
  /** Call the runner with the claim that the record holds. */
  | { type: "run" }
  | { type: OutboxEffect }
  /** Answer everyone who waits. */
  | { type: "notifyWaiters" }
  /** Tell the runner that holds the lease to stop working: for good, or because a client asked. */
  | { type: "tellRunner"; message: "cancel" | "stop" }
  /** Tell the runner that suspensions were answered or have expired. */
  | { type: "tellAnswers"; ids: string[] }
  /** Another operation may have the slot. Should it be lost, the slots find out by themselves. */
  | { type: "releaseSlot"; slot: Slot }
  /** The input, the steps and all else that only the work needed may go. */
  | { type: "eraseWork" }
  /** Forget everything. */
  | { type: "erase" };

export type Refusal =
  /** The runner's token is not the current one: it must stop. */
  | "FENCED"
  /** The state does not allow it: already done, already claimed, not yet due. */
  | "NOT_ALLOWED"
  | "GONE";
