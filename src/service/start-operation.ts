// Starting an operation of a declared method (AIP-151). Nothing that is rejected here leaves a trace.
import type { StreamedInput } from "../contract/answer";
import { boundedStatus } from "../method/bounded-status";
import { responseJson } from "../method/response-json";
import type { NewOperation } from "../lifecycle/new-operation";
import type { Method, PreparedStart } from "../method/define-method";
import type { Emulation } from "../lifecycle/emulation";
import type { ImmediateResult } from "../method/method";
import type { Outcome, RunPolicy, Slot } from "../lifecycle/record";
import { type JsonObject, typeUrlFromMessageName } from "../rpc/any";
import { type DecodeScript, type Emulated, emulatedError } from "./emulation";
import { type Locations, placeFromParent } from "./locations";
import { slotKey } from "./start-quota";
import type { StartSettings } from "./start-settings";
import {
  type Caller,
  type Minted,
  type StartOnce,
  type StartPorts,
  type StartedOperation,
  bodyTooLarge,
  emptyInput,
  startOnce,
} from "./start-once";

export interface Deployment {
  policy: Pick<RunPolicy, "leaseMs" | "resendMs" | "snapshot">;
  locations: Locations;
  /** Over how many index shards new operations of a scope are spread. */
  indexShards: number;
  /** How many operations one caller may have under way; undefined: no bound. */
  maxOperationsPerCaller: number | undefined;
  /** Whether callers may script what happens, to test their clients. */
  /** Absent: scripts are ignored. */
  emulation?: DecodeScript | undefined;
}

export interface StartRequest {
  method: Method;
  /** The fields of the request, path variables included; the parameters of every start are not among them. */
  json: JsonObject;
  requestId: string | undefined;
  validateOnly: boolean;
  operationOptions: StartSettings;
  parent: string;
  target: string;
  apiVersion: string;
  input: StreamedInput | undefined;
  /** The script that replaces the method's work, if the deployment emulates. */
  script: string | undefined;
  caller: Caller;
  /** Milliseconds since 1970. */
  now: number;
  deployment: Deployment;
  retryOf?: StartOnce["retryOf"];
}

/** Starts an operation, durable before this answers; undefined where the request was only to be checked, and is right. */
export async function startOperation(ports: StartPorts, start: StartRequest): Promise<StartedOperation | undefined> {
  const { method, json, parent, deployment } = start;
  const place = placeFromParent(deployment.locations, parent);
  const prepared = await method.prepare(json, { createTime: new Date(start.now) });
  const script =
    start.script === undefined ? undefined : deployment.emulation?.(start.script, emulated(start, prepared));
  if (start.validateOnly) {
    if (start.input) await checkInput(start.input);
    return undefined;
  }
  const { httpError, untilMs = 0, delayMs = 0 } = script?.start ?? {};
  if (httpError && start.now < untilMs) throw emulatedError(httpError);
  const emulation = script?.emulation;
  const runSlot = await runSlotOf(method, parent);
  const started = await startOnce(ports, {
    ...start,
    method: method.id,
    place,
    indexShards: deployment.indexShards,
    maxOperationsPerCaller: deployment.maxOperationsPerCaller,
    operation: (minted) => newOperation(start, minted, { ...prepared, emulation, runSlot }),
  });
  // Durable by now: a client that gives up meanwhile finds it when it comes again.
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  return started;
}

export async function runSlotOf({ id, maxConcurrent }: Method, parent: string): Promise<Slot | undefined> {
  if (maxConcurrent === undefined) return undefined;
  return { key: await slotKey("run", `${id}/${parent}`), limit: maxConcurrent };
}

function emulated({ method }: StartRequest, { metadata }: PreparedStart): Emulated {
  return { method, initialMetadata: metadata };
}

export function newOperation(
  {
    method,
    parent,
    target,
    apiVersion,
    deployment,
    operationOptions,
  }: Pick<StartRequest, "method" | "parent" | "target" | "apiVersion" | "deployment" | "operationOptions">,
  { id, name, createTime, indexShard }: Minted,
  {
    metadata,
    immediate,
    usualDurationMs,
    emulation,
    runSlot,
  }: PreparedStart & { emulation: Emulation | undefined; runSlot: Slot | undefined },
): NewOperation {
  const { jurisdiction, placementHint } = placeFromParent(deployment.locations, parent);
  const { scheduleTime } = operationOptions;
  const beginTime = Math.max(createTime, scheduleTime ?? 0);
  // A snapshot would leave the place that the location promises.
  const isPlaced = jurisdiction !== undefined || placementHint !== undefined;
  return {
    id,
    name,
    parent,
    apiVersion,
    method: method.id,
    methodVersion: method.version,
    verb: method.verb,
    target,
    policy: {
      ...method.policy,
      ...deployment.policy,
      snapshot: deployment.policy.snapshot && !isPlaced,
      ...(usualDurationMs === undefined ? {} : { usualDurationMs }),
    },
    createTime,
    ...operationOptions,
    deadline: beginTime + method.timeoutMs,
    metadata: metadata as JsonObject,
    ...(method.metadataType === undefined ? {} : { metadataType: typeUrlFromMessageName(method.metadataType) }),
    responseType: typeUrlFromMessageName(method.responseType),
    ...(method.dispatch === undefined ? {} : { dispatch: method.dispatch }),
    ...(method.queue === undefined ? {} : { queue: method.queue }),
    ...(runSlot === undefined ? {} : { runSlot }),
    indexShard,
    ...(jurisdiction === undefined ? {} : { jurisdiction }),
    ...(emulation
      ? { emulation }
      : immediate && beginTime === createTime
        ? { outcome: outcomeFromImmediate(method, immediate) }
        : {}),
  };
}

/** The checks of storing, without storing. */
async function checkInput({ stream, maxBytes }: StreamedInput): Promise<void> {
  let bytes = 0;
  for await (const part of stream) {
    bytes += part.length;
    if (bytes > maxBytes) throw bodyTooLarge(maxBytes);
  }
  if (bytes === 0) throw emptyInput();
}

function outcomeFromImmediate(method: Method, result: ImmediateResult<object>): Outcome {
  if ("error" in result) return { error: boundedStatus(result.error.toStatus()) };
  return { response: responseJson(method.responseType, result.response) };
}
