// The row by which OperationIndex knows an operation: made from its record, and never read back into it.
import {
  INDEX_DUE_SLACK_MS,
  MAX_INDEXED_ANY_BYTES,
  MAX_INDEXED_SUSPENSIONS,
  REQUEST_ID_TTL_MS,
  RESERVATION_SLACK_MS,
  STARTING_CHECK_MS,
} from "../limits";
import type { CreatedReservation } from "./reservation";
import type { OperationRecord } from "../lifecycle/record";
import { metadataAny, metadataJson } from "../contract/resource";
import { pendingSuspensions } from "../lifecycle/suspensions";
import { STRUCT_TYPE_URL, isJsonObject } from "../rpc/any";
import { isFinal } from "../lifecycle/state";
import { fitsUtf8, utf8Length } from "../rpc/utf8";

/** PERSISTED CONTRACT: it crosses from operation to index, and its fields are the index's columns. */
export interface IndexRow {
  /** Milliseconds since 1970; with `id` the key, by which lists are ordered. */
  createTime: number;
  id: string;
  parent: string;
  /** The shard that the row belongs in, where it is not shard 0. */
  indexShard?: number;
  done: boolean;
  /** 0 while STARTING; a row of an older revision never overwrites a newer one. */
  revision: number;
  /** When the index looks after the operation: past its deadline while it runs, its expiry after. */
  dueTime: number;
  /** The Operation as JSON; large metadata and responses are cut down to their `@type`, large errors lose their details. */
  operation: string;
  /** Where a requestId started it and shard 0 has the row: shard 0 notes that the operation was created. Not a column. */
  reservation?: CreatedReservation;
  /** Facts about every operation, whatever its metadata type, as JSON; times in milliseconds since 1970. */
  facts: string;
}

export interface IndexFacts {
  startTime?: number;
  endTime?: number;
  expireTime?: number;
  target: string;
  verb: string;
  /** Both are in rows that were written since a filter may ask for them. */
  method?: string;
  state?: string;
  requestedCancellation: boolean;
  labels?: Readonly<Record<string, string>>;
  scheduleTime?: number;
  parentOperation?: string;
  /** Metadata, or response, did not fit: the operation's object has the whole. */
  metadataTruncated?: true;
  responseTruncated?: true;
  /** The error's details did not fit; its code and message are there. */
  errorTruncated?: true;
  /** Then: bytes of the whole operation as JSON, in UTF-8. */
  size?: number;
}

type Undefinable<T> = { [Field in keyof T]: T[Field] | undefined };

/** The row of a committed record. A response that is stored apart from it is large, and not copied. */
export function indexRowFromRecord(record: OperationRecord, metadataText = metadataJson(record)): IndexRow {
  const done = isFinal(record.state);
  const metadata = fit(metadataText, () => cutMetadata(record));
  const result = resultField(record);
  const isShort = metadata.truncated || result.truncated;
  const isError = record.outcome !== undefined && "error" in record.outcome;
  // JSON leaves out what is undefined.
  const facts: Undefinable<IndexFacts> = {
    startTime: record.startTime,
    endTime: record.endTime,
    expireTime: record.expireTime,
    target: record.target,
    verb: record.verb,
    method: record.method,
    state: record.state,
    requestedCancellation: record.cancellation !== undefined,
    labels: record.labels,
    scheduleTime: record.scheduleTime,
    parentOperation: record.child?.parentOperation,
    metadataTruncated: metadata.truncated || undefined,
    errorTruncated: (result.truncated && isError) || undefined,
    responseTruncated: (result.truncated && !isError) || undefined,
    size: isShort ? metadata.bytes() + result.bytes() + record.name.length : undefined,
  };
  return {
    createTime: record.createTime,
    id: record.id,
    parent: record.parent,
    ...(record.indexShard === undefined ? {} : { indexShard: record.indexShard }),
    done,
    revision: record.revision,
    dueTime: record.expireTime ?? record.deadline + INDEX_DUE_SLACK_MS,
    operation: `{"name":${JSON.stringify(record.name)},"metadata":${metadata.json},"done":${done}${result.json}}`,
    facts: JSON.stringify(facts),
    ...createdReservation(record),
  };
}

/** Only a record says that the operation was created, so a STARTING row does not. */
function createdReservation(record: OperationRecord): Pick<IndexRow, "reservation"> {
  const reservation = reservationHere(record);
  return reservation === undefined ? {} : { reservation };
}

/** The reservation of an operation that has its row in shard 0, which is told with each change and with a deletion. */
export function reservationHere(record: OperationRecord): CreatedReservation | undefined {
  return (record.indexShard ?? 0) === 0 ? reservationOf(record) : undefined;
}

/**
 * The reservation of an operation that has its row in another shard, where shard 0 must be told by a call: the operation is
 * deleted, or will expire while the reservation is still remembered. As long as an operation exists, it answers repetitions
 * itself, so most starts with a requestId never need this call.
 */
export function reservationElsewhere(record: OperationRecord): CreatedReservation | undefined {
  if ((record.indexShard ?? 0) === 0) return undefined;
  const { createTime, expireTime = Infinity, deleteTime } = record;
  const outlives = expireTime >= createTime + REQUEST_ID_TTL_MS + RESERVATION_SLACK_MS;
  return deleteTime === undefined && outlives ? undefined : reservationOf(record);
}

function reservationOf({ requestKey: key, inputDigest }: OperationRecord): CreatedReservation | undefined {
  if (key === undefined) return undefined;
  return inputDigest === undefined ? { key } : { key, inputDigest };
}

/**
 * The row that is written before the record is committed: it stands until the first change, or until it is checked. The check
 * finds work that was lost before its object armed an alarm, so it comes when that alarm would have come: when the lease of a
 * direct run ends, or when the queue message would be sent again.
 */
export function startingRow(record: OperationRecord, metadataText?: string): IndexRow {
  const { reservation: _notCreatedYet, ...row } = indexRowFromRecord(record, metadataText);
  const checkTime = record.createTime + STARTING_CHECK_MS;
  const ownTime = record.lease?.leaseEndTime ?? record.queueMessage?.resendTime ?? checkTime;
  return { ...row, revision: 0, dueTime: Math.min(checkTime, ownTime) };
}

interface Fitted {
  json: string;
  truncated: boolean;
  /** Of the whole, in UTF-8. */
  bytes: () => number;
}

/** The JSON where it is small enough, and what is left of it where it is not. */
function fit(json: string, cut: () => string): Fitted {
  const truncated = !fitsUtf8(json, MAX_INDEXED_ANY_BYTES);
  return { json: truncated ? cut() : json, truncated, bytes: () => utf8Length(json) };
}

/** An inbox lists what can be answered, however large the other metadata are: their names stay. */
function cutMetadata(record: OperationRecord): string {
  const { "@type": type, value } = metadataAny(record);
  if (type !== STRUCT_TYPE_URL || !isJsonObject(value) || !Array.isArray(value["suspensions"])) return typeOnly(type);
  const suspensions = pendingSuspensions(record)
    .slice(0, MAX_INDEXED_SUSPENSIONS)
    .map(({ id }) => ({ id }));
  return JSON.stringify({ "@type": type, value: { suspensions } });
}

function typeOnly(typeUrl: string): string {
  return JSON.stringify({ "@type": typeUrl });
}

/** The result as the field it is, comma included. */
function resultField(record: OperationRecord): Fitted {
  const { outcome, responseType } = record;
  if (outcome === undefined) return { json: "", truncated: false, bytes: () => 0 };
  if ("error" in outcome) {
    const { code, message } = outcome.error;
    const fitted = fit(JSON.stringify(outcome.error), () => JSON.stringify({ code, message }));
    return { ...fitted, json: `,"error":${fitted.json}` };
  }
  const fitted =
    "response" in outcome
      ? fit(outcome.response, () => typeOnly(responseType))
      : { json: typeOnly(responseType), truncated: true, bytes: () => outcome.responseBytes };
  return { ...fitted, json: `,"response":${fitted.json}` };
}
