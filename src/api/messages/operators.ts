// Messages of the methods for operators: GET /v1/{name}:explain, POST /v1/{name}:retry.
import { bool, duration, int32, int64, messageField, repeated, string, struct, timestamp } from "../../protobuf/fields";
import { message } from "../../protobuf/message";

export const ExplainOperationRequest = message("edge_operations.v1.ExplainOperationRequest", {
  name: string(1, { description: "The operation: `{parent}/operations/{operation}`." }),
});

export const RetryOperationRequest = message("edge_operations.v1.RetryOperationRequest", {
  name: string(1, { description: "The operation that failed: `{parent}/operations/{operation}`." }),
  requestId: string(2, { description: "Makes the call idempotent (AIP-155)." }),
  validateOnly: bool(3, { description: "Only checks the request (AIP-163)." }),
});

export const ListScopesRequest = message("edge_operations.v1.ListScopesRequest", {
  pageSize: int32(1, { description: "100 by default and at most." }),
  pageToken: string(2),
});

const Scope = message("edge_operations.v1.Scope", {
  name: string(1, { description: "`projects/{project}`; `operations` is the root." }),
  shards: int32(2),
  sizeBytes: int64(3, { description: "Of its index." }),
});

export const ListScopesResponse = message("edge_operations.v1.ListScopesResponse", {
  scopes: repeated(messageField(1, Scope)),
  nextPageToken: string(2),
});

const NextEvent = message(
  "edge_operations.v1.NextEvent",
  {
    event: string(1, {
      description:
        "`passDeadline`, `endGrace`, `missHeartbeat`, `loseLease`, `passAttemptLimit`, `wake`, `resend`, `index`, `snapshot` or `expire`.",
    }),
    time: timestamp(2),
    description: string(3, { description: "The event, as a sentence." }),
  },
  { description: "An event that time alone causes." },
);

const Attempt = message("edge_operations.v1.Attempt", {
  number: int32(1, { description: "1 for the first." }),
  startTime: timestamp(2, { description: "When it was first claimed." }),
  endTime: timestamp(3, { description: "Absent for the one that is under way." }),
  end: string(4, {
    description:
      "`FAILED`, `TIMED_OUT`, `IDLE` (its invocations stored nothing), `LOST` (its lease expired), or the end of the operation during it: `SUCCEEDED`, `CANCELLED`, `DEADLINE_EXCEEDED`.",
  }),
  code: string(5, { description: "The google.rpc.Code of its error." }),
  message: string(6, { description: "At most 512 characters of its error's message." }),
  retryable: bool(7, { description: "Whether such an error is retried." }),
});

const AttemptCounts = message("edge_operations.v1.AttemptCounts", {
  failed: int32(1),
  maxFailed: int32(2, { description: "The method's maxAttempts." }),
  lost: int32(3),
  lostInARow: int32(4, { description: "Since the work last stored a step, a checkpoint or a sleep." }),
  maxLostInARow: int32(5),
});

const Lease = message(
  "edge_operations.v1.Lease",
  {
    endTime: timestamp(1, { description: "Its expiry without keep-alives." }),
    connected: bool(2, { description: "Whether its runner's channel is open." }),
    lastKeepAliveTime: timestamp(3),
    attemptEndTime: timestamp(4, { description: "The time limit of the attempt." }),
    graceEndTime: timestamp(5, { description: "The end of the grace period of a cancel request." }),
    channelLostTime: timestamp(6, { description: "The time at which its runner's channel closed." }),
  },
  { description: "The claim of the runner that does the work." },
);

const QueueStanding = message("edge_operations.v1.QueueStanding", {
  sends: int32(1, { description: "The number of its messages since the last claim." }),
  nextSendTime: timestamp(2),
  lane: string(3, { description: "The binding of the queue that carries its message." }),
});

const StoredProgress = message("edge_operations.v1.StoredProgress", {
  steps: int32(1),
  checkpointed: bool(2),
  sleeps: int32(3),
  inputBytes: int64(4),
});

const OutboxEntry = message(
  "edge_operations.v1.OutboxEntry",
  {
    effect: string(1, { description: "`index`, `snapshot`, `parent` or `children`." }),
    nextTime: timestamp(2),
    failures: int32(3),
  },
  { description: "Updates that index, KV, the parent operation or child operations have not received yet." },
);

const Slot = message("edge_operations.v1.Slot", {
  key: string(1),
  limit: int32(2),
  held: bool(3),
  holders: int32(4),
  waiters: int32(5),
  ahead: int32(6, { description: "The number of waiters before it; absent if it does not wait." }),
});

const Heartbeat = message("edge_operations.v1.Heartbeat", {
  timeout: duration(1),
  dueTime: timestamp(2),
});

export const OperationExplanation = message(
  "edge_operations.v1.OperationExplanation",
  {
    name: string(1),
    state: string(2, { description: "A state of docs/lifecycle.md." }),
    done: bool(3),
    summary: string(4, { description: "The reason for its state." }),
    next: repeated(messageField(5, NextEvent, { description: "The next events, the earliest first." })),
    advice: repeated(string(6, { description: "Hints if it makes no progress." })),
    method: string(7),
    methodVersion: string(8),
    statusMessage: string(9),
    createTime: timestamp(10),
    startTime: timestamp(11),
    endTime: timestamp(12),
    deadline: timestamp(13),
    expireTime: timestamp(14),
    cancelRequestTime: timestamp(15),
    deleteTime: timestamp(16, { description: "Set if it is hidden and its work continues." }),
    alarmTime: timestamp(17, { description: "The time of its object's alarm." }),
    dueTime: timestamp(18, { description: "The time of the next due work." }),
    attempts: repeated(messageField(19, Attempt, { description: "The last 20 attempts, and the present one." })),
    attemptCounts: messageField(20, AttemptCounts),
    lease: messageField(21, Lease),
    queue: messageField(22, QueueStanding),
    progress: messageField(23, StoredProgress),
    outbox: repeated(messageField(24, OutboxEntry)),
    runSlot: messageField(25, Slot),
    callerSlot: messageField(26, Slot),
    heartbeat: messageField(27, Heartbeat),
    waiters: int32(28, { description: "Clients that wait for its end." }),
    starter: string(29, { description: "The id of the caller that started it." }),
    indexShard: int32(30),
    jurisdiction: string(31),
    retryOf: string(33, { description: "The failed operation that it retries." }),
    retry: string(34, { description: "The way to retry a failed operation, or the reason against it." }),
    retriedBy: repeated(string(38, { description: "The operations that retry it, the latest last." })),
    webhookDeliveries: repeated(struct(35)),
    parentOperation: string(40, { description: "The operation whose work started it." }),
    children: int32(41, { description: "The number of operations that its work started." }),
    startRequestId: string(32, { description: "The HTTP request that started it, as its log line names it." }),
  },
  { description: "The reason for an operation's state, and its next events, without payloads." },
);
