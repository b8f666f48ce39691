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
import type { NewOperation } from "../lifecycle/create-record";
import type { Update } from "../lifecycle/event";
import type { UpdateRefusal } from "../contract/update";
import { type Any, type Json, type JsonObject, STRUCT_TYPE_URL } from "../rpc/any";
import { decodeAny, decodeStatus } from "../protobuf/decode-status";
import { Violations, isJsonObject } from "../rpc/decode";
import { RpcError, notFound } from "../rpc/error";
import { canonicalJson, sha256Hex } from "./digest";
import { placeFromParent } from "./locations";
import type { OperationStore } from "./ports";
import type { Deployment } from "./start-operation";
import { type Caller, type Minted, type StartPorts, type StartedOperation, startOnce } from "./start-once";

/** The pseudo-method of operations that are created: requestIds and consumers tell it from declared ones. */
const CREATE_OPERATION = "google.longrunning.Operations.CreateOperation";

export interface CreateOperationRequest {
  parent: string;
  /** The body without requestId and validateOnly: `operation`, `ttl`, `heartbeatTimeout`. */
  json: JsonObject;
  requestId: string | undefined;
  validateOnly: boolean;
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
  const decoded = decodeCreate(request.json);
  const place = placeFromParent(request.deployment.locations, request.parent);
  if (request.validateOnly) return undefined;
  return startOnce(ports, {
    ...request,
    method: CREATE_OPERATION,
    place,
    indexShards: request.deployment.indexShards,
    maxOperationsPerCaller: request.deployment.maxOperationsPerCaller,
    input: undefined,
    operation: (minted) => newExternalOperation(request, minted, decoded),
  });
}

interface CreateFields {
  metadata: Any | undefined;
  ttlMs: number;
  heartbeatMs: number | undefined;
}

function decodeCreate(json: JsonObject): CreateFields {
  const violations = new Violations();
  const { operation, ttl, heartbeatTimeout, heartbeat_timeout, ...unknown } = json;
  if ((heartbeatTimeout ?? null) !== null && (heartbeat_timeout ?? null) !== null) {
    violations.add("heartbeatTimeout", "is given twice, under both of its names");
  }
  for (const key of Object.keys(unknown)) {
    violations.add(key, "unknown field; the request has operation, ttl, heartbeatTimeout, requestId and validateOnly");
  }
  const fields: CreateFields = {
    metadata: decodeNewOperation(operation ?? {}, violations),
    ttlMs: decodeMs(ttl, { field: "ttl", minMs: 1, maxMs: MAX_TTL_MS }, violations) ?? DEFAULT_TTL_MS,
    heartbeatMs: decodeMs(
      heartbeatTimeout ?? heartbeat_timeout,
      { field: "heartbeatTimeout", minMs: MIN_HEARTBEAT_MS, maxMs: MAX_TTL_MS },
      violations,
    ),
  };
  violations.throwIfAny();
  return fields;
}

/** The fields of an Operation beside its metadata, and their defaults in proto3 JSON. */
const OPERATION_DEFAULTS: Readonly<Record<string, Json>> = { name: "", done: false, error: null, response: null };

/** Of a new operation only its metadata is its creator's to say. */
function decodeNewOperation(json: Json, violations: Violations): Any | undefined {
  if (!isJsonObject(json)) return violations.add("operation", "must be an Operation");
  const { metadata, ...others } = json;
  for (const [key, value] of Object.entries(others)) {
    // Emitters that print every field print defaults.
    if (Object.hasOwn(OPERATION_DEFAULTS, key) && (value === null || value === OPERATION_DEFAULTS[key])) continue;
    violations.add(`operation.${key}`, "may not be given: a new operation has metadata alone");
  }
  return metadata === undefined || metadata === null
    ? undefined
    : decodeMetadata(metadata, "operation.metadata", violations);
}

function decodeMetadata(json: Json, field: string, violations: Violations): Any | undefined {
  if (JSON.stringify(json).length > MAX_METADATA_CHARACTERS) {
    return violations.add(field, `has more than ${MAX_METADATA_CHARACTERS} characters of JSON`);
  }
  return decodeAny(json, field, violations);
}

function decodeMs(
  json: Json | undefined,
  { field, minMs, maxMs }: { field: string; minMs: number; maxMs: number },
  violations: Violations,
): number | undefined {
  if (json === undefined || json === null) return undefined;
  const duration = typeof json === "string" ? parseDuration(json) : undefined;
  const ms = duration && durationToMs(duration);
  if (ms !== undefined && ms >= minMs && ms <= maxMs) return ms;
  return violations.add(field, `must be a Duration from ${minMs / 1_000}s to ${maxMs / 1_000}s, like "3600s"`);
}

function newExternalOperation(
  { parent, apiVersion, deployment }: CreateOperationRequest,
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

export interface UpdateOperationRequest {
  name: string;
  /** The Operation in the body. */
  json: JsonObject;
  /** `metadata`, `response`, `error`, comma-separated; undefined: those that the body has. */
  updateMask: string | undefined;
  ifMatch: string | undefined;
}

/** Reports progress, which is the heartbeat, or completes the operation. */
export async function updateOperation(
  store: Pick<OperationStore, "update">,
  { name, json, updateMask, ifMatch }: UpdateOperationRequest,
): Promise<OperationAnswer> {
  const update = await decodeUpdate(name, json, updateMask);
  const updated = await store.update(name, { update, ifMatch });
  if (updated.ok) return updated.answer;
  throw updateError(updated.refusal, name);
}

async function decodeUpdate(name: string, json: JsonObject, updateMask: string | undefined): Promise<Update> {
  const violations = new Violations();
  const { name: nameInBody, done: _ignored, metadata, response, error, ...unknown } = json;
  for (const key of Object.keys(unknown))
    violations.add(key, "unknown field; an Operation has name, metadata, done, error and response");
  if (!isDefault(nameInBody) && nameInBody !== name) violations.add("name", "differs from the name in the path");
  const given = { metadata, response, error };
  const paths = decodeMask(updateMask, given, violations);
  for (const path of paths) {
    if (given[path] === undefined || given[path] === null) violations.add(path, "is in updateMask but not in the body");
  }
  violations.throwIfAny();
  const any = paths.includes("metadata") ? decodeMetadata(metadata ?? null, "metadata", violations) : undefined;
  const outcome = decodeOutcome(paths, { response, error }, violations);
  violations.throwIfAny();
  const own = any && ownMetadata(any);
  if (!outcome) return { metadata: own };
  const digest = await sha256Hex(canonicalJson(Object.fromEntries(paths.map((path) => [path, given[path] ?? null]))));
  return { metadata: own, outcome: { ...outcome, completion: { updateMask: paths.join(","), digest } } };
}

/** "null is an accepted value for all field types and treated as the default value" (proto3 JSON): absent. */
function isDefault(text: Json | undefined): boolean {
  return text === undefined || text === null || text === "";
}

function decodeMask(
  updateMask: string | undefined,
  given: Record<MaskPath, Json | undefined>,
  violations: Violations,
): MaskPath[] {
  const isNamed = updateMask !== undefined && updateMask !== "";
  const named = isNamed ? updateMask.split(",").map((path) => path.trim()) : [];
  const unknown = named.find((path) => !MASK_PATHS.some((known) => known === path));
  if (unknown !== undefined) {
    const quoted = JSON.stringify(unknown.slice(0, MAX_QUOTED_CHARACTERS));
    violations.add("updateMask", `has the unknown path ${quoted}; it may have ${MASK_PATHS.join(", ")}`);
    return [];
  }
  const paths = MASK_PATHS.filter((path) =>
    isNamed ? named.includes(path) : given[path] !== undefined && given[path] !== null,
  );
  if (paths.includes("response") && paths.includes("error")) {
    violations.add("updateMask", "may not have both response and error: an operation ends with one of them");
  }
  if (paths.length === 0)
    violations.add("updateMask", "names nothing, and the body has none of metadata, response and error");
  return paths;
}

type DecodedOutcome = Pick<NonNullable<Update["outcome"]>, "value" | "responseType">;

function decodeOutcome(
  paths: readonly MaskPath[],
  { response, error }: { response: Json | undefined; error: Json | undefined },
  violations: Violations,
): DecodedOutcome | undefined {
  if (paths.includes("response")) {
    const any = decodeAny(response ?? null, "response", violations);
    return any && { value: { response: JSON.stringify(any) }, responseType: any["@type"] };
  }
  if (!paths.includes("error")) return undefined;
  const status = decodeStatus(error ?? null, "error", violations);
  if (!status) return undefined;
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
      return new RpcError(
        "ABORTED",
        "The operation has changed since the ETag in If-Match. Get it again and decide anew.",
        {
          reason: "ETAG_MISMATCH",
          metadata: { resource: name },
        },
      );
    case "ALREADY_DONE":
      return new RpcError("FAILED_PRECONDITION", "The operation is done; nothing about it changes any more.", {
        reason: "OPERATION_DONE",
        metadata: { resource: name },
      });
    case "RUN_BY_METHOD":
      return new RpcError(
        "FAILED_PRECONDITION",
        "The operation is run by a method of this service, which alone reports on it.",
        {
          reason: "OPERATION_RUN_BY_METHOD",
          metadata: { resource: name },
        },
      );
    default:
      return refusal satisfies never;
  }
}
