// The record of one operation. PERSISTED CONTRACT (stored-record.ts): fields are only ever added, and added ones are optional.
import type { Json, JsonObject } from "../rpc/any";
import type { CodeName } from "../rpc/code";
import type { Status } from "../rpc/status";
import type { Policy } from "../iam/policy";
import type { Emulation } from "./emulation";
import type { EnteredState } from "./state";

/** How a method wants its operations run; copied into each at its start, so that a deploy changes none under way. */
export interface RunPolicy {
  /** From a cancel request to giving the handler up. */
  graceMs: number;
  /** From the end to expiry. */
  retentionMs: number;
  maxAttempts: number;
  /** From an attempt's first claim to its end, durable sleeps not counted; absent: the deadline alone. */
  attemptTimeoutMs?: number;
  initialBackoffMs: number;
  maxBackoffMs: number;
  backoffMultiplier: number;
  /** How long a claim holds without a keep-alive. */
  leaseMs: number;
  /** How long a queue message may stay unclaimed. */
  resendMs: number;
  /** A response, and each step's result, in UTF-8; absent where an earlier version started it: as much as any may have. */
  maxResultBytes?: number;
  /** Whether the finished operation is put into KV. */
  snapshot: boolean;
  /** From creation to the end, as the method's declaration expects it of this operation; absent: it says nothing. */
  usualDurationMs?: number;
}

/** How work comes to a runner other than by the queue. PERSISTED CONTRACT. */
export type Dispatch = "direct";

/** How an operation ended. A response is the JSON text of its Any, in the record or, if large, in rows of its own. */
export type Outcome =
  | { error: Status }
  | { response: string }
  | {
      responseChunks: number;
      /** Its size in UTF-8. */
      responseBytes: number;
    };

/** Updates that index and KV have not received yet, each with the time of its next try. */
export interface Outbox {
  /** The row in OperationIndex: the present operation, or a tombstone once it is deleted. */
  index?: OutboxEntry;
  /** The snapshot in KV: put once done, removed once deleted. */
  snapshot?: OutboxEntry;
  /** Events that webhooks have not received: until their deliverer reports. */
  webhooks?: OutboxEntry;
  /** The parent of a child operation, which is told that the child has ended or was deleted. */
  parent?: OutboxEntry;
  /** The child operations, which are cancelled. */
  children?: OutboxEntry;
}

export interface OutboxEntry {
  /** Milliseconds since 1970. */
  dueTime: number;
  failures: number;
  /** Once done it is to be done once more, later: it may have overtaken what it is to undo. */
  again?: boolean;
  /** It was begun more than once: what was begun first may still be under way when it is done. */
  repeated?: boolean;
}

/** A place among those that may run, or be under way, at the same time. PERSISTED CONTRACT. */
export interface Slot {
  /** Names the SlotsObject: of a method and parent, or of a caller. */
  key: string;
  limit: number;
}

/** A durable timer that the work set. PERSISTED CONTRACT: it also crosses from runner to object and back. */
export interface Sleep {
  /** Counts the calls of sleep without a name from 0, so that a replay knows which it is; -1 for one with a name. */
  ordinal: number;
  wakeTime: number;
  name?: string;
  /** The length that it was asked for, in milliseconds; absent where it was set to a time. */
  ms?: number;
  /** The attempt that set it; absent where an earlier version stored it. */
  attempt?: number;
  /** It means nothing to a later attempt. */
  isOfAttempt?: true;
  /** Its place among the outcomes that the handler was given, where something else was under way beside it. */
  order?: number;
}

/** The error of a step that the handler caught. It is of the present attempt. PERSISTED CONTRACT. */
export interface StepFailure {
  name: string;
  /** Its place among the outcomes that the handler was given. */
  order: number;
  error: StoredError;
}

/** Failed tries of a step that is to be retried. PERSISTED CONTRACT: they also cross from runner to object and back. */
export interface StepTries {
  name: string;
  failures: number;
  /** When the next try may begin. */
  retryTime: number;
}

/** A thrown value, in as far as a replay can throw it again. */
export type StoredError =
  | { type: "RpcError"; code: CodeName; message: string; reason: string; details: JsonObject[] }
  | {
      type: "error";
      name: string;
      message: string;
      isDomException?: boolean;
      /** Its own properties. */
      fields?: JsonObject;
      cause?: StoredError;
    }
  | { type: "value"; value?: Json };

/** The memory of an attempt beside its steps, which a runner sends with each stored value. */
export interface AttemptMemory {
  sleeps?: Sleep[];
  stepFailures?: StepFailure[];
  stepTries?: StepTries[];
  suspensions?: SuspensionReport[];
  joins?: StoredJoin[];
  /** How many child operations, from the first one on, were certainly started. */
  startedChildren?: number;
}

/** A join that the handler was given the outcomes of. PERSISTED CONTRACT. */
export interface StoredJoin {
  /** Its place among the joins of the handler, and a digest of its children. */
  id: string;
  /** Its place among the outcomes that the handler was given. */
  order: number;
  /** The number of the last end that it includes: a replay is given the same ones. */
  lastEnd: number;
}

/** Children for which the work waits. PERSISTED CONTRACT: it crosses from runner to object. */
export interface JoinCondition {
  /** Places of children: from the first to the second, both included. */
  places: [number, number][];
  /** How many of them have to end. */
  atLeast: number;
}

/** The facts of an operation that another operation's work has started. PERSISTED CONTRACT. */
export interface ChildFacts {
  /** The name of the operation whose work has started it. */
  parentOperation: string;
  /** Its place among the children of that one, from 0. */
  place: number;
  /** 1 for the child of an operation that a client has started. */
  level: number;
}

/** The child operations of an operation; their table is beside the record. */
export interface Children {
  /** How many were reserved. */
  count: number;
  /** How many of them, from the first one on, were certainly started. */
  started: number;
}

/** A runner's report of a suspension. PERSISTED CONTRACT. */
export interface SuspensionReport {
  id: string;
  /** The work has come to it. */
  reached?: ReachedSuspension;
  /** Its place among the outcomes that the handler was given. */
  order?: number;
  /** The number of a resolution whose answer the method's schema does not accept. */
  refusedAnswer?: number;
}

/** The handler's part of a suspension. */
export interface ReachedSuspension {
  prompt?: string;
  expireTime: number;
  /** The JSON Schema of its payload. */
  payloadSchema?: StoredText;
  /** The secret of its link, where the handler asked for one. */
  linkToken?: string;
}

/** JSON text in the record, or, where it is large, in a row of its own. */
export type StoredText = { json: string } | { bytes: number };

/** A point at which the work waits for somebody outside. PERSISTED CONTRACT. */
export interface StoredSuspension {
  id: string;
  /** When the work came to it; of one that it has not come to, when its answer came. */
  createTime: number;
  /** Absent until the work reaches it. */
  reached?: ReachedSuspension;
  resolution?: SuspensionResolution;
  /** Its place among the outcomes that the handler was given. */
  order?: number;
}

/** How a suspension was resolved: by an answer, or by the end of its time. */
export interface SuspensionResolution {
  time: number;
  /** Counts the resolutions of the operation, from 1. */
  number: number;
  answer?: SuspensionAnswer;
}

export interface SuspensionAnswer {
  /** SHA-256 of the payload as canonical JSON, hex: the same answer again is no other one. */
  digest: string;
  /** Until the end. */
  payload?: StoredText;
  /** The member who answered, or `link`; absent where the deployment is open. */
  resolver?: string;
}

/** Webhooks of one start (operationOptions.webhookConfig). PERSISTED CONTRACT. */
export interface WebhookConfig {
  uris?: readonly string[];
  /** The caller's own data, a JSON object. */
  userMetadata?: unknown;
}

/** An event that webhooks receive. PERSISTED CONTRACT: it crosses from object to deliverer and back. */
export interface WebhookEvent {
  /** Counts the events of the operation from 1. */
  number: number;
  /** `operation.` and the state in which the operation came to rest, in lower case. */
  type: string;
  time: number;
}

/** The events for webhooks, and how their deliveries stand. PERSISTED CONTRACT. */
export interface WebhookDeliveries {
  /** The events so far. */
  count: number;
  /** Those that some webhook has not received, and that are not given up. */
  pending: readonly WebhookEvent[];
  /** The deliverer's own notes: of each pending event and webhook, and the latest of others, as `:explain` shows them. */
  deliveries?: readonly JsonObject[];
}

/** The condition of suspended work. While SUSPENDED. */
export interface Suspended {
  waitsFor: WaitCondition;
}

/** The work goes on as soon as any part of it holds. PERSISTED CONTRACT: it crosses from runner to object. */
export interface WaitCondition {
  /** Ids of suspensions: one of them is answered or expires. */
  answersTo?: string[];
  /** Joins: enough children of one of them have ended. */
  joins?: JoinCondition[];
}

/** A finished step: its result is stored beside the record until the end. */
export interface StoredStep {
  name: string;
  /** Under which number its rows stand. */
  place: number;
  /** The result's JSON in UTF-8: its size, and the rows it takes. */
  bytes: number;
  chunks: number;
  /** Its place among the outcomes that the handler was given; absent: behind the step before it. */
  order?: number;
}

/** Why an attempt ended without ending the operation's work well. */
export type AttemptEnd =
  /** The handler threw. */
  | "FAILED"
  /** It took longer than its method's attemptTimeout. */
  | "TIMED_OUT"
  /** Its invocations reached their limit and stored nothing. */
  | "IDLE"
  /** Its lease expired: the platform ended it, or nobody could reach the object. */
  | "LOST";

export interface EndedAttempt {
  /** 1 for the first. */
  number: number;
  /** When it was first claimed; absent where a version that did not write it down began it. */
  startTime?: number;
  endTime: number;
  end: AttemptEnd;
  /** Its error, with a cut message; absent if the attempt was lost. */
  error?: Pick<Status, "code" | "message">;
  /** Whether such an error is retried. */
  isRetryable: boolean;
}

/** How work elsewhere ended: what a repetition of the same completion is told by. */
export interface Completion {
  updateMask: string;
  /** SHA-256 of the completing value as canonical JSON, hex. */
  digest: string;
}

/** The attempts so far, and how far the work has come. Without attempts in work that another system does. */
export interface Attempts {
  /** Attempts that ended with a failure that the handler reported; bounded by the method's maxAttempts. */
  failures: number;
  /** Attempts that ended with their platform: leases that expired. */
  deaths: number;
  /** Of those, the ones since the work last stored a step, a checkpoint or a sleep; bounded apart from failures. */
  platformDeaths: number;
  /** When the present attempt was first claimed; absent between attempts. */
  attemptStartTime?: number;
  /** The latest attempts that ended, in their order. */
  attempts?: EndedAttempt[];
  /** Steps, checkpoints and sleeps saved so far, and how many it were at the last claim: whether an invocation got on. */
  marks?: number;
  marksAtClaim?: number;
  /** Invocations in a row that reached their limit and got nowhere. */
  idleInvocations?: number;
}

/** The claim of the runner that owns the work. */
export interface Lease {
  /** The token by which the runner is known. */
  fence: string;
  leaseEndTime: number;
  /** Since when the runner has no open channel. */
  channelLostTime?: number;
  /** When the attempt fails, under an attemptTimeoutMs. */
  attemptEndTime?: number;
}

/** An attempt that the next claim continues with. */
export interface Pause {
  resumes: true;
  /** The rest of its attemptTimeoutMs. */
  attemptRemainingMs?: number;
}

/** The message that brings queued work to a consumer. */
export interface QueueMessage {
  resendTime: number;
  /** How often that was. */
  resends?: number;
  /** No deployment that received it has the method in its version. */
  undeployed?: true;
}

/** The state from which the work continues. */
export interface StoredWork {
  sleeps?: Sleep[];
  steps?: StoredStep[];
  /** Failures of steps that the present attempt's handler caught. */
  stepFailures?: StepFailure[];
  /** Failed tries of steps that have no outcome yet. They outlive an attempt that died with its platform. */
  stepTries?: StepTries[];
  checkpoint?: string;
  joins?: StoredJoin[];
}

/** Work that another system does, by UpdateOperation. */
export interface External {
  /** Whether the metadata is its own, given in create or by PATCH. */
  hasOwnMetadata: boolean;
  /** How long it may be silent, and until when it may be. */
  heartbeatMs?: number;
  heartbeatDueTime?: number;
  completion?: Completion;
}

/** A client has asked to stop. */
export interface Cancellation {
  cancelRequestTime: number;
  /** When the work is given up, where it has to stop first. */
  graceEndTime?: number;
}

/**
 * The parts of a record. In storage their fields stand side by side. A part that ends becomes undefined, because an object that
 * loses a property is slow from then on.
 */
export interface RecordParts {
  attempt: Readonly<Attempts>;
  /** While RUNNING or CANCELLING. */
  lease?: Readonly<Lease> | undefined;
  pause?: Readonly<Pause> | undefined;
  suspension?: Readonly<Suspended> | undefined;
  /** While QUEUED. */
  queueMessage?: Readonly<QueueMessage> | undefined;
  /** Until the end. */
  work?: Readonly<StoredWork> | undefined;
  external?: Readonly<External>;
  cancellation?: Readonly<Cancellation>;
}

/** The facts that the start decides and that never change. All times are milliseconds since 1970. */
export interface OperationFacts {
  /** The object's id: 64 hex digits. */
  id: string;
  /** The full resource name, as assigned. */
  name: string;
  parent: string;
  /** Of the starting path; `ui` counts as `v1`. */
  apiVersion: string;
  /** The method's id (`tables:profile`) and version, for the consumer that runs it. */
  method: string;
  methodVersion: string;
  verb: string;
  target: string;
  policy: RunPolicy;
  createTime: number;
  /** When it ends with DEADLINE_EXCEEDED, if it has not ended before. It counts from `scheduleTime`, if there is one. */
  deadline: number;
  /** Bytes of the streamed input, stored in chunks beside the record until the end. */
  inputBytes?: number;
  /** SHA-256 of the streamed input, hex, where a requestId asks for it. */
  inputDigest?: string;
  /** `direct`: its object calls a runner; the queue carries only what is lost. Absent: the queue carries all its work. */
  dispatch?: Dispatch;
  /** The queue binding that carries its messages, where the method names one; absent: the lanes. */
  queue?: string;
  /** Held while an attempt runs, where the method bounds how many do. */
  runSlot?: Slot;
  /** Held until the end, where the deployment bounds how many operations a caller may have under way. */
  callerSlot?: Slot;
  /** The id of the caller that started it; absent for an anonymous one. */
  starter?: string | undefined;
  /**
   * The members of policies that this caller was at the start, beside `allUsers` and `allAuthenticatedUsers`; as long as the
   * request is kept. Earlier versions do not store them.
   */
  starterMembers?: string[] | undefined;
  /** Where it is a retry: the name of the operation that failed. */
  retryOf?: string;
  /** Where it failed and was retried: the names of the operations that retry it, the latest last. */
  retriedBy?: readonly string[];
  /** Where another operation's work has started it. */
  child?: ChildFacts;
  labels?: Readonly<Record<string, string>>;
  /** When its work begins, where the start said so. */
  scheduleTime?: number;
  /** The order among operations that wait for the same slot, lower first; 0 where absent. */
  priority?: number;
  /** Webhooks of this start alone. */
  webhookConfig?: Readonly<WebhookConfig>;
  /** Registered webhooks were at or above its parent when it was started. */
  hasWebhooks?: true;
  /** The HTTP request that started it, as its log line names it. */
  startRequestId?: string;
  /** The origin of its URL, for links: `https://api.example.com`. */
  origin?: string;
  /** The trace of that request (W3C `traceparent`, version 00). */
  traceparent?: string;
  /** The shard of its scope in which it is indexed; 0 where absent. */
  indexShard?: number;
  /** Where a requestId started it: the key of its reservation, which is in shard 0. */
  requestKey?: string;
  /** Where a location says so: the jurisdiction in which the object and its index live. */
  jurisdiction?: string;
}

export interface OperationRecord extends OperationFacts, RecordParts {
  schemaVersion: 1;

  /** Written by `move` alone (draft.ts). */
  readonly state: EnteredState;
  /** Grows with every change a client or the index can see. */
  revision: number;
  /** When the first claim was made. */
  startTime?: number;
  endTime?: number;
  /** When it is forgotten; set at its end. */
  expireTime?: number;

  /** While SLEEPING or BACKING_OFF, and while SUSPENDED where a durable timer is awaited too. */
  wakeTime?: number | undefined;
  /** When the snapshot was confirmed, where that took more than one put: an earlier one may arrive a little later. */
  snapshotTime?: number;

  deleteTime?: number;
  /** Of the HTTP request that deleted it: a repeated try of that request is answered as the first one was. */
  deleteRequestId?: string;

  statusMessage: string;
  /** The reports of the method: fields beside the default ones, or the whole of its declared metadata type. */
  metadata: JsonObject;
  /** The type URL of declared metadata; absent for the default metadata (Struct). */
  metadataType?: string;
  responseType: string;
  outcome?: Outcome;
  outbox: Outbox;
  /** It ended before its alarm was armed: if no alarm is armed later, all that its outbox names has been done. */
  endedUnarmed?: true;
  /** Absent until the first event that a webhook may be for. */
  webhooks?: WebhookDeliveries;
  /** The suspensions, and answers that came before the work reached theirs. */
  suspensions?: StoredSuspension[];
  children?: Children;
  /** The request as JSON text, until the end; a larger one has a row of its own. */
  request?: string | undefined;
  iamPolicy?: Policy;
  /** Set where a client under test has scripted what happens. */
  emulation?: Emulation;
}
