// Work done elsewhere: operations whose work another system does, under the same resource and the same rules.
import { durationToMs, parseDuration } from "../aip/duration";
import {
  DEFAULT_GRACE_MS,
  DEFAULT_RETENTION_MS,
  DEFAULT_TTL_MS,
  MAX_METADATA_CHARACTERS,
  MAX_QUOTED_CHARACTERS,
  MAX_STATUS_DETAILS_BYTES,
  MAX_STATUS_MESSAGE_CHARACTERS,
  MAX_TTL_MS,
  MIN_HEARTBEAT_MS,
} from "../limits";
import type { OperationAnswer } from "../contract/answer";
import type { NewOperation } from "../lifecycle/new-operation";
import type { Update } from "../lifecycle/event";
import type { UpdateRefusal } from "../contract/update";
import { type Any, type Json, type JsonObject, STRUCT_TYPE_URL } from "../rpc/any";
import { fieldPathText } from "../protobuf/field-path";
import { type RpcStatus, errorStatus } from "../protobuf/rpc-status";
import { Violations } from "../rpc/decode";
import { RpcError, notFound } from "../rpc/error";
import { canonicalJson, sha256Hex } from "./digest";
import { placeFromParent } from "./locations";
import type { OperationStore } from "./ports";
import type { Deployment } from "./start-operation";
import type { StartSettings } from "./start-settings";
import { type Caller, type Minted, type StartPorts, type StartedOperation, startOnce } from "./start-once";

/** The pseudo-method of operations that are created: requestIds and consumers tell it from declared ones. */
const CREATE_OPERATION = "google.longrunning.Operations.CreateOperation";

export interface SentOperation {
  name?: string;
  metadata?: Any;
  done?: boolean;
  error?: RpcStatus | undefined;
  response?: Any | undefined;
}

export interface CreateOperationRequest {
  parent: string;
  operation?: SentOperation | undefined;
  /** google.protobuf.Duration in JSON. */
  ttl?: string | undefined;
  heartbeatTimeout?: string | undefined;
  /** The body as it was sent, without the parameters of every start: repetitions are told by it. */
  json: JsonObject;
  requestId: string | undefined;
  validateOnly: boolean;
  operationOptions: StartSettings;
  apiVersion: string;
  caller: Caller;
  /** Milliseconds since 1970. */
  now: number;
  deployment: Deployment;
}

/** Creates an operation that is never queued; undefined where the request was only to be checked, and is right. */
export async function createOperation(
  ports: StartPorts,
  request: CreateOperationRequest,
): Promise<StartedOperation | undefined> {
  const fields = checkedFields(request);
  const place = placeFromParent(request.deployment.locations, request.parent);
  if (request.validateOnly) return undefined;
  return startOnce(ports, {
    ...request,
    method: CREATE_OPERATION,
    place,
    indexShards: request.deployment.indexShards,
    maxOperationsPerCaller: request.deployment.maxOperationsPerCaller,
    input: undefined,
    operation: (minted) => newExternalOperation(request, minted, fields),
  });
}

interface CreateFields {
  metadata: Any | undefined;
  ttlMs: number;
  heartbeatMs: number | undefined;
}

function checkedFields(request: CreateOperationRequest): CreateFields {
  const { operation = {}, ttl, heartbeatTimeout, operationOptions } = request;
  const violations = new Violations();
  if (operationOptions.scheduleTime !== undefined) {
    violations.add("operationOptions.scheduleTime", "may not be given: the work is done elsewhere, and begins there");
  }
  checkNewOperation(operation, violations);
  const fields: CreateFields = {
    metadata: operation.metadata,
    ttlMs: msFrom(ttl, { field: "ttl", minMs: 1, maxMs: MAX_TTL_MS }, violations) ?? DEFAULT_TTL_MS,
    heartbeatMs: msFrom(
      heartbeatTimeout,
      { field: "heartbeatTimeout", minMs: MIN_HEARTBEAT_MS, maxMs: MAX_TTL_MS },
      violations,
    ),
  };
  violations.throwIfAny();
  return fields;
}

/** Of a new operation only its metadata is its creator's to say. Emitters that print every field print defaults. */
function checkNewOperation({ name, done, error, response, metadata }: SentOperation, violations: Violations): void {
  const given = { name: name || undefined, done: done || undefined, error, response };
  for (const [field, value] of Object.entries(given)) {
    if (value === undefined) continue;
    violations.add(`operation.${field}`, "may not be given: a new operation has metadata alone");
  }
  checkMetadata(metadata, "operation.metadata", violations);
}

function checkMetadata(metadata: Any | undefined, field: string, violations: Violations): void {
  if (metadata === undefined || JSON.stringify(metadata).length <= MAX_METADATA_CHARACTERS) return;
  violations.add(field, `has more than ${MAX_METADATA_CHARACTERS} characters of JSON`);
}

function msFrom(
  text: string | undefined,
  { field, minMs, maxMs }: { field: string; minMs: number; maxMs: number },
  violations: Violations,
): number | undefined {
  if (text === undefined) return undefined;
  const duration = parseDuration(text);
  const ms = duration && durationToMs(duration);
  if (ms !== undefined && ms >= minMs && ms <= maxMs) return ms;
  return violations.add(field, `must be a Duration from ${minMs / 1_000}s to ${maxMs / 1_000}s, like "3600s"`);
}

function newExternalOperation(
  { parent, apiVersion, deployment, operationOptions }: CreateOperationRequest,
  { id, name, createTime, indexShard }: Minted,
  { metadata, ttlMs, heartbeatMs }: CreateFields,
): NewOperation {
  const { jurisdiction, placementHint } = placeFromParent(deployment.locations, parent);
  const isPlaced = jurisdiction !== undefined || placementHint !== undefined;
  const own = metadata && ownMetadata(metadata);
  return {
    id,
    name,
    parent,
    apiVersion,
    method: CREATE_OPERATION,
    methodVersion: "1",
    verb: "create",
    target: parent,
    policy: {
      graceMs: DEFAULT_GRACE_MS,
      retentionMs: DEFAULT_RETENTION_MS,
      // Nothing is run here, so nothing is run again.
      maxAttempts: 1,
      initialBackoffMs: 0,
      maxBackoffMs: 0,
      backoffMultiplier: 1,
      ...deployment.policy,
      snapshot: deployment.policy.snapshot && !isPlaced,
    },
    ...operationOptions,
    createTime,
    deadline: createTime + ttlMs,
    metadata: own?.fields ?? {},
    ...(own ? { metadataType: own.type } : {}),
    responseType: STRUCT_TYPE_URL,
    indexShard,
    ...(jurisdiction === undefined ? {} : { jurisdiction }),
    external: { hasOwnMetadata: own !== undefined, ...(heartbeatMs === undefined ? {} : { heartbeatMs }) },
  };
}

function ownMetadata({ "@type": type, ...fields }: Any): { type: string; fields: JsonObject } {
  return { type, fields };
}

// ── UpdateOperation ─────────────────────────────────────────────────────────────────────────────────────────────────

const MASK_PATHS = ["metadata", "response", "error"] as const;
type MaskPath = (typeof MASK_PATHS)[number];

/**
 * Of an UpdateOperationRequest in JSON what its mask names, or, without a mask, what of the three its body has: then the
 * mask names that. `done`, and what the mask does not name, is ignored whatever it is.
 */
export function selectUpdate({ operation: body = {}, updateMask, ...others }: JsonObject, name: string): JsonObject {
  const { name: nameInBody, done: _ignored, metadata, response, error, ...unknown } = body as JsonObject;
  const given = { metadata, response, error };
  const violations = new Violations();
  if (!isDefault(nameInBody) && nameInBody !== name) violations.add("name", "differs from the name in the path");
  const paths = maskPaths(typeof updateMask === "string" ? updateMask : "", given, violations);
  for (const path of paths) {
    if (isDefault(given[path])) violations.add(path, "is in updateMask but not in the body");
  }
  violations.throwIfAny();
  const named = Object.fromEntries(paths.map((path) => [path, given[path] ?? null]));
  return { ...others, operation: { ...unknown, ...named }, updateMask: paths.join(",") };
}

/** "null is an accepted value for all field types and treated as the default value" (proto3 JSON): absent. */
function isDefault(json: Json | undefined): boolean {
  return json === undefined || json === null || json === "";
}

function maskPaths(mask: string, given: Record<MaskPath, Json | undefined>, violations: Violations): MaskPath[] {
  const named = mask === "" ? undefined : mask.split(",").map((path) => path.trim());
  const unknown = named?.find((path) => !MASK_PATHS.some((known) => known === path));
  if (unknown !== undefined) {
    const quoted = JSON.stringify(unknown.slice(0, MAX_QUOTED_CHARACTERS));
    violations.add("updateMask", `has the unknown path ${quoted}; it may have ${MASK_PATHS.join(", ")}`);
    return [];
  }
  const paths = MASK_PATHS.filter((path) => (named ? named.includes(path) : (given[path] ?? null) !== null));
  if (paths.includes("response") && paths.includes("error")) {
    violations.add("updateMask", "may not have both response and error: an operation ends with one of them");
  }
  if (paths.length === 0) violations.add("updateMask", "is empty, and the body has no metadata, response or error");
  return paths;
}

export interface UpdateOperationRequest {
  name: string;
  /** The fields of the Operation in the body that `updateMask` names. */
  operation: SentOperation;
  /** `metadata`, `response`, `error`, comma-separated. */
  updateMask: string;
  /** The body as it was sent: a repetition of a completion is told by it. */
  sent: JsonObject;
  ifMatch: string | undefined;
}

/** Reports progress, which is the heartbeat, or completes the operation. */
export async function updateOperation(
  store: Pick<OperationStore, "update">,
  request: UpdateOperationRequest,
): Promise<OperationAnswer> {
  const { name, ifMatch } = request;
  const updated = await store.update(name, { update: await updateFrom(request), ifMatch });
  if (updated.ok) return updated.answer;
  throw updateError(updated.refusal, name);
}

async function updateFrom({ operation, updateMask, sent }: UpdateOperationRequest): Promise<Update> {
  const violations = new Violations();
  checkMetadata(operation.metadata, "metadata", violations);
  const outcome = outcomeFrom(operation, violations);
  violations.throwIfAny();
  const metadata = operation.metadata && ownMetadata(operation.metadata);
  if (!outcome) return { metadata };
  const completing = updateMask.split(",").map((path) => [path, sent[path] ?? null]);
  const digest = await sha256Hex(canonicalJson(Object.fromEntries(completing)));
  return { metadata, outcome: { ...outcome, completion: { updateMask, digest } } };
}

function outcomeFrom(
  { response, error }: SentOperation,
  violations: Violations,
): Pick<NonNullable<Update["outcome"]>, "value" | "responseType"> | undefined {
  if (response) return { value: { response: JSON.stringify(response) }, responseType: response["@type"] };
  if (!error) return undefined;
  const status = errorStatus(error, ["error"], (path, problem) => violations.add(fieldPathText(path), problem));
  if (status.message.length > MAX_STATUS_MESSAGE_CHARACTERS) {
    violations.add("error.message", `has more than ${MAX_STATUS_MESSAGE_CHARACTERS} characters`);
  }
  if (JSON.stringify(status.details ?? []).length > MAX_STATUS_DETAILS_BYTES) {
    violations.add("error.details", `has more than ${MAX_STATUS_DETAILS_BYTES} characters of JSON`);
  }
  return { value: { error: status } };
}

function updateError(refusal: UpdateRefusal, name: string): RpcError {
  switch (refusal) {
    case "NOT_FOUND":
      return notFound("google.longrunning.Operation", name);
    case "ETAG_MISMATCH":
      return new RpcError("ABORTED", "The operation has changed since the ETag in If-Match. Get it again.", {
        reason: "ETAG_MISMATCH",
        metadata: { resource: name },
      });
    case "ALREADY_DONE":
      return new RpcError("FAILED_PRECONDITION", "The operation is done and never changes.", {
        reason: "OPERATION_DONE",
        metadata: { resource: name },
      });
    case "RUN_BY_METHOD":
      return new RpcError(
        "FAILED_PRECONDITION",
        "A method of this service runs the operation, so only the method reports on it.",
        {
          reason: "OPERATION_RUN_BY_METHOD",
          metadata: { resource: name },
        },
      );
    default:
      return refusal satisfies never;
  }
}
