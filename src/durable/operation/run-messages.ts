// Between the run channel's messages and the core's events.
import { attemptNumber } from "../../lifecycle/attempt";
import type { EmulatedWork, Emulation } from "../../lifecycle/emulation";
import type { OperationEvent } from "../../lifecycle/event";
import { MAX_INLINE_RESULT_CHARACTERS, SLEEP_IN_PLACE_MS } from "../../limits";
import type { OperationRecord, StoredStep, StoredSuspension, SuspensionResolution } from "../../lifecycle/record";
import type { Claimed, ClaimedStep, ClaimedSuspension, MessageToObject } from "../../contract/run-channel";
import type { OperationStorage } from "./operation-storage";

/** The event that a runner's message stands for. `random` is 0 ≤ r < 1, for the jitter of a retry. */
export function eventFromMessage(
  message: Exclude<MessageToObject, { type: "saveStep" | "saveChildren" | "saveOutput" }>,
  random: number,
): OperationEvent {
  switch (message.type) {
    case "sleep":
    case "suspend":
      return { ...message, toldRevision: undefined };
    case "progress":
    case "saveSuspensions":
    case "release":
    case "succeed":
    case "saveCheckpoint":
    case "saveSleeps":
      return message;
    case "yield":
      return { ...message, random };
    case "fail":
      return { ...message, type: "attemptFailed", random };
    default:
      return message satisfies never;
  }
}

export function claimedFromRecord(
  record: OperationRecord,
  fence: string,
  store: Pick<OperationStorage, "request" | "step" | "children" | "output">,
): Claimed {
  const { work = {} } = record;
  return {
    type: "claimed",
    fence,
    leaseMs: record.policy.leaseMs,
    name: record.name,
    method: record.method,
    methodVersion: record.methodVersion,
    createTime: record.createTime,
    deadline: record.deadline,
    attempt: attemptNumber(record),
    maxAttempts: record.policy.maxAttempts,
    maxResultBytes: record.policy.maxResultBytes,
    request: store.request(),
    inputBytes: record.inputBytes,
    sleeps: work.sleeps ?? [],
    sleepInPlaceMs: record.runSlot ? undefined : SLEEP_IN_PLACE_MS,
    cancelRequested: record.cancellation !== undefined,
    steps: claimedSteps(work.steps ?? [], store),
    stepFailures: work.stepFailures,
    stepTries: work.stepTries,
    suspensions: record.suspensions && claimedSuspensions(record.suspensions),
    level: record.child?.level ?? 0,
    ...(record.children === undefined
      ? {}
      : { children: store.children.claimed(), startedChildren: record.children.started, joins: work.joins ?? [] }),
    checkpoint: work.checkpoint,
    outputBytes: store.output.end,
    origin: record.origin,
    caller: record.starter === undefined ? undefined : { id: record.starter, members: record.starterMembers ?? [] },
    traceparent: record.traceparent,
    emulation: record.emulation && emulatedWork(record.emulation),
  };
}

/** Small answers go along. */
export function claimedSuspensions(suspensions: readonly StoredSuspension[]): ClaimedSuspension[] {
  return suspensions.map(({ id, reached, order, resolution }) => ({
    id,
    reached: reached && { expireTime: reached.expireTime, linkToken: reached.linkToken },
    order,
    resolution: resolution && claimedResolution(resolution),
  }));
}

function claimedResolution({ time, number, answer }: SuspensionResolution): ClaimedSuspension["resolution"] {
  const payload = answer?.payload && "json" in answer.payload ? { payload: answer.payload.json } : {};
  return { time, number, isAnswered: answer !== undefined, ...payload };
}

function emulatedWork({ progress, end }: Emulation): EmulatedWork {
  return { progress, ...(end === undefined ? {} : { end }) };
}

/** Small results go along, as many as fit; the others are fetched when they are asked for. */
function claimedSteps(steps: readonly StoredStep[], store: Pick<OperationStorage, "step">): ClaimedStep[] {
  let room = MAX_INLINE_RESULT_CHARACTERS;
  return steps.map(({ name, place, bytes, chunks, order }) => {
    const step: ClaimedStep = { name, place, order };
    if (bytes > room) return step;
    room -= bytes;
    return { ...step, result: store.step(place).text(chunks) };
  });
}
