// What a filter sees of an operation: the row of the list's index, and nothing else.
import type { JsonObject } from "../../rpc/any";
import { Code } from "../../rpc/code";

/** One operation as a filter sees it. Times are milliseconds since 1970. */
export interface FilterRow {
  name: string;
  done: boolean;
  createTime: number;
  startTime?: number;
  endTime?: number;
  expireTime?: number;
  target: string;
  verb: string;
  /** The id of the method that runs it; absent in rows that were written before methods were. */
  method?: string;
  /** Where it stands in the lifecycle; absent likewise, of operations that were not done by then. */
  state?: string;
  requestedCancellation: boolean;
  /** Both of `Operation.error`, and both absent where it is. */
  errorCode?: number;
  errorMessage?: string;
  /** The Any; only its `@type` where it was too large for the index, and `metadataTruncated` says so. */
  metadata?: JsonObject;
  metadataTruncated: boolean;
  response?: JsonObject;
  responseTruncated: boolean;
}

/** An index row as it is stored: `operation` and `facts` are JSON, as `IndexRow` describes them. */
export interface StoredIndexRow {
  createTime: number;
  operation: string;
  facts: string;
}

/** The facts of a stored row, as far as a filter reads them. */
interface StoredFacts {
  startTime?: number;
  endTime?: number;
  expireTime?: number;
  target: string;
  verb: string;
  method?: string;
  state?: string;
  requestedCancellation: boolean;
  metadataTruncated?: boolean;
  responseTruncated?: boolean;
}

interface StoredOperation {
  name: string;
  done: boolean;
  metadata?: JsonObject;
  error?: { code: number; message: string };
  response?: JsonObject;
}

/** Reads what {@link StoredIndexRow} holds: both texts were written by this service, so they are not checked again. */
export function filterRowFromIndexRow(row: StoredIndexRow): FilterRow {
  const operation = JSON.parse(row.operation) as StoredOperation;
  const { metadataTruncated = false, responseTruncated = false, ...facts } = JSON.parse(row.facts) as StoredFacts;
  const { name, done, metadata, error, response } = operation;
  const state = facts.state ?? (done ? finalState(error?.code) : undefined);
  return {
    ...facts,
    ...(state === undefined ? {} : { state }),
    name,
    done,
    createTime: row.createTime,
    metadataTruncated,
    responseTruncated,
    ...(error === undefined ? {} : { errorCode: error.code, errorMessage: error.message }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(response === undefined ? {} : { response }),
  };
}

/** The state of a finished operation whose row does not name it, as the columns of SQL tell it too. */
export function finalState(errorCode: number | undefined): string {
  if (errorCode === undefined) return "SUCCEEDED";
  return errorCode === Code.CANCELLED ? "CANCELLED" : "FAILED";
}
