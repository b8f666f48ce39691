// The Operation resource as clients see it (google/longrunning/operations.proto, JSON mapping): exactly five fields.
import { formatTimestampMs } from "../aip/timestamp";
import { STRUCT_TYPE_URL, type Any, type JsonObject } from "../rpc/any";
import type { OperationRecord, StoredSuspension } from "../lifecycle/record";
import { pendingSuspensions } from "../lifecycle/suspensions";

/** The operation as JSON text, where its response stands in its record. The same record gives the same bytes. */
export function operationJson(record: OperationRecord): string {
  const { head, response, tail } = operationJsonParts(record);
  if (response === undefined) throw new TypeError("the response of this operation is stored apart from its record");
  return head + response + tail;
}

/** How the JSON text of every operation of this name begins. PERSISTED CONTRACT: snapshots are told by it. */
export function operationJsonStart(name: string): string {
  return `{"name":${JSON.stringify(name)},`;
}

/** The JSON text around a response; `response` is undefined where the response is stored apart from the record. */
export interface OperationJsonParts {
  head: string;
  response: string | undefined;
  tail: string;
}

export function operationJsonParts(record: OperationRecord, metadata = metadataJson(record)): OperationJsonParts {
  const head = `${operationJsonStart(record.name)}"metadata":${metadata}`;
  const { outcome } = record;
  if (outcome === undefined) return { head: `${head},"done":false}`, response: "", tail: "" };
  if ("error" in outcome) {
    return { head: `${head},"done":true,"error":${JSON.stringify(outcome.error)}}`, response: "", tail: "" };
  }
  const response = "response" in outcome ? outcome.response : undefined;
  return { head: `${head},"done":true,"response":`, response, tail: "}" };
}

export function metadataJson(record: OperationRecord): string {
  return JSON.stringify(metadataAny(record));
}

/** The metadata: the declared type's own fields, or a Struct of the default fields and what the method reports. */
export function metadataAny(record: OperationRecord): Any {
  const type = record.metadataType;
  if (type !== undefined) {
    // No field passes for the type. Spread, because an assignment loses a field named `__proto__`.
    const { "@type": _, ...fields } = record.metadata;
    return { "@type": type, ...fields };
  }
  return { "@type": STRUCT_TYPE_URL, value: defaultMetadata(record) };
}

/** Fields of the default metadata that are the service's own. */
export const RESERVED_METADATA_FIELDS: ReadonlySet<string> = new Set([
  "createTime",
  "startTime",
  "endTime",
  "target",
  "verb",
  "requestedCancellation",
  "apiVersion",
  "suspensions",
]);

function defaultMetadata(record: OperationRecord): JsonObject {
  return {
    createTime: formatTimestampMs(record.createTime),
    ...(record.startTime === undefined ? {} : { startTime: formatTimestampMs(record.startTime) }),
    ...(record.endTime === undefined ? {} : { endTime: formatTimestampMs(record.endTime) }),
    target: record.target,
    verb: record.verb,
    statusMessage: record.statusMessage,
    requestedCancellation: record.cancellation !== undefined,
    apiVersion: record.apiVersion,
    progressPercent: 0,
    ...(record.retryOf === undefined ? {} : { retryOf: record.retryOf }),
    ...record.metadata,
    // A method's report of the same name yields.
    ...(record.child === undefined ? {} : { parentOperation: record.child.parentOperation }),
    ...(record.labels === undefined ? {} : { labels: record.labels }),
    ...(record.scheduleTime === undefined ? {} : { scheduleTime: formatTimestampMs(record.scheduleTime) }),
    ...(record.priority === undefined ? {} : { priority: record.priority }),
    ...pendingField(record),
  };
}

/** Those that can be answered now. */
function pendingField(record: OperationRecord): JsonObject {
  const pending = pendingSuspensions(record).map(pendingJson);
  return pending.length > 0 ? { suspensions: pending } : {};
}

function pendingJson({ id, createTime, reached }: StoredSuspension): JsonObject {
  return {
    id,
    ...(reached?.prompt === undefined ? {} : { prompt: reached.prompt }),
    createTime: formatTimestampMs(createTime),
    ...(reached ? { expireTime: formatTimestampMs(reached.expireTime) } : {}),
  };
}

/** Whether the operation is there for clients: neither deleted nor expired. */
export function isVisible(record: OperationRecord, now: number): boolean {
  return record.deleteTime === undefined && (record.expireTime === undefined || now < record.expireTime);
}

/** Whether a client has a state by its If-None-Match (RFC 9110). */
export function matchesEtag(ifNoneMatch: string | null | undefined, tag: string): boolean {
  return (ifNoneMatch ?? "").split(",").some((candidate) => {
    const known = candidate.trim().replace(/^W\//, "");
    return known === "*" || known === tag;
  });
}

/** The revision of a tag; undefined for a text that is no tag of this service. */
export function revisionFromEtag(tag: string): number | undefined {
  const digits = /^"([0-9a-z]{1,10})"$/.exec(tag)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 36);
}

export function etag({ revision }: Pick<OperationRecord, "revision">): string {
  return `"${revision.toString(36)}"`;
}
