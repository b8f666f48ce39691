// One of every event that can happen to an operation, in its variants. A new event needs a line here.
import { emptyPolicy } from "../../src/iam/policy";
import type { OperationEvent } from "../../src/lifecycle/event";
import type { SuspensionReport } from "../../src/lifecycle/record";
import { Code } from "../../src/rpc/code";
import type { Status } from "../../src/rpc/status";

export interface EventContext {
  /** The token that a runner believes in. */
  fence: string;
  /** The token that a claim would get. */
  newFence: string;
  now: number;
  /** 0 ≤ random < 1. */
  random: number;
  /** The revision that an effect told the world of. */
  revision: number;
}

export const aResponse = '{"@type":"type.googleapis.com/google.protobuf.Struct","value":{"rows":3}}';
export const anError: Status = { code: Code.FAILED_PRECONDITION, message: "The table is locked." };
const progress = { metadata: { progressPercent: 50 }, statusMessage: "Half of it." };
const completion = { updateMask: "response", digest: "0".repeat(64) };
const ownMetadata = { type: "type.googleapis.com/acme.v1.Metadata", fields: { stage: "two" } };

function aReport(now: number): SuspensionReport {
  return { id: "approval", reached: { prompt: "May it?", expireTime: now + 1_000_000, linkToken: "secret" } };
}

export const everyEvent = {
  start: () => [
    { type: "start" },
    { type: "start", request: "{}" },
    { type: "start", external: { hasOwnMetadata: false } },
    { type: "start", outcome: { response: aResponse } },
    { type: "start", outcome: { error: anError } },
  ],
  claim: ({ newFence: fence }) => [{ type: "claim", fence }],
  hold: () => [{ type: "hold" }],
  slotFreed: () => [{ type: "slotFreed" }],
  progress: ({ fence }) => [
    { type: "progress", fence, progress },
    { type: "progress", fence, progress: {} },
  ],
  keepAlive: ({ fence, now }) => [
    { type: "keepAlive", fence, receivedTime: now },
    { type: "keepAlive", fence, receivedTime: 0 },
  ],
  channelLost: ({ fence }) => [{ type: "channelLost", fence }],
  sleep: ({ fence, now, random }) => [
    { type: "sleep", fence, ordinal: 0, wakeTime: now + Math.floor(random * 600_000), progress },
    { type: "sleep", fence, ordinal: 1, wakeTime: now - 1 },
  ],
  suspend: ({ fence, now, random }) => [
    {
      type: "suspend",
      fence,
      waitsFor: { answersTo: ["approval"] },
      wakeTime: now + 1 + Math.floor(random * 600_000),
      suspensions: [aReport(now), { id: "other", reached: { expireTime: now + 1_200_000 } }],
    },
    { type: "suspend", fence, waitsFor: { answersTo: ["approval"] }, suspensions: [aReport(now)], progress },
    {
      type: "suspend",
      fence,
      waitsFor: { answersTo: ["late"] },
      suspensions: [{ id: "late", reached: { expireTime: now } }],
    },
  ],
  saveSuspensions: ({ fence, now }) => [
    { type: "saveSuspensions", fence, suspensions: [aReport(now)] },
    { type: "saveSuspensions", fence, suspensions: [{ id: "approval", refusedAnswer: 1, order: 1 }] },
  ],
  resolve: () => [
    { type: "resolve", id: "approval", payload: "true", digest: "a" },
    { type: "resolve", id: "other", payload: "true", digest: "a", resolver: "user:ann@example.com" },
  ],
  saveStep: ({ fence }) => [
    { type: "saveStep", fence, step: { name: "parse", place: 0, bytes: 2, chunks: 1 } },
    { type: "saveStep", fence, step: { name: "count", place: 1, bytes: 2, chunks: 1 } },
  ],
  saveCheckpoint: ({ fence, random }) => [
    { type: "saveCheckpoint", fence, cursor: `{"row":${Math.floor(random * 100)}}` },
  ],
  saveSleeps: ({ fence, now, random }) => [
    {
      type: "saveSleeps",
      fence,
      sleeps: [{ ordinal: 7, wakeTime: now + Math.floor(random * 3_000), ms: 3_000, attempt: 1 }],
    },
    {
      type: "saveSleeps",
      fence,
      stepTries: [{ name: "parse", failures: 1, retryTime: now + 2_000 }],
      restsUntil: now + 2_000,
    },
  ],
  yield: ({ fence, random }) => [
    { type: "yield", fence, invocationMs: 840_000, random },
    { type: "yield", fence, invocationMs: 840_000, random, progress },
  ],
  release: ({ fence }) => [{ type: "release", fence, statusMessage: "Waiting for a deployment." }],
  succeed: ({ fence }) => [
    { type: "succeed", fence, outcome: { response: aResponse }, progress },
    { type: "succeed", fence, outcome: { responseChunks: 2, responseBytes: 2_000_000 } },
  ],
  attemptFailed: ({ fence, random }) => [
    { type: "attemptFailed", fence, error: anError, retryable: false, random, progress },
    { type: "attemptFailed", fence, error: anError, retryable: true, random },
  ],
  update: () => [
    { type: "update", update: { metadata: ownMetadata } },
    { type: "update", update: { outcome: { value: { response: aResponse }, completion } } },
    { type: "update", update: { metadata: ownMetadata, outcome: { value: { error: anError }, completion } } },
  ],
  saveChildren: ({ fence }) => [{ type: "saveChildren", fence, count: 3, startedChildren: 2 }],
  childrenEnded: () => [{ type: "childrenEnded" }],
  setPolicy: () => [{ type: "setPolicy", policy: emptyPolicy() }],
  noteRetry: () => [{ type: "noteRetry", by: "projects/p/operations/retry" }],
  poll: () => [{ type: "poll" }],
  cancel: () => [{ type: "cancel" }],
  delete: () => [{ type: "delete" }],
  timePasses: ({ random }) => [{ type: "timePasses", random }],
  effectDone: ({ revision }) => [
    { type: "effectDone", effect: "index", revision },
    { type: "effectDone", effect: "snapshot", revision },
    { type: "effectDone", effect: "parent", revision },
    { type: "effectDone", effect: "children", revision },
  ],
  effectFailed: () => [
    { type: "effectFailed", effect: "index" },
    { type: "effectFailed", effect: "snapshot" },
    { type: "effectFailed", effect: "parent" },
    { type: "effectFailed", effect: "children" },
  ],
  webhooksTold: () => [
    { type: "webhooksTold", webhooks: { count: 1, pending: [] } },
    { type: "webhooksTold", webhooks: { count: 1, pending: [] }, nextTime: 0 },
  ],
} satisfies {
  [Type in OperationEvent["type"]]: (context: EventContext) => Extract<OperationEvent, { type: Type }>[];
};

export function everyEventIn(context: EventContext): OperationEvent[] {
  const all: ((context: EventContext) => OperationEvent[])[] = Object.values(everyEvent);
  return all.flatMap((eventsOf) => eventsOf(context));
}
