// Rows for the filter's tests.
import { Work } from "../../../../src/aip/filter/work";
import type { FilterRow, StoredIndexRow } from "../../../../src/aip/filter/filter-row";
import { parseFilter } from "../../../../src/aip/filter/filter";
import type { Json } from "../../../../src/rpc/any";

export const STRUCT = "type.googleapis.com/google.protobuf.Struct";
export const CREATE_TIME = Date.UTC(2026, 10, 20, 12, 0, 0, 500);

/** A running operation that was created at 2026-11-20T12:00:00.500Z, with the changes that a test is about. */
export function row(changes: Partial<FilterRow> = {}): FilterRow {
  return {
    name: "projects/p/locations/l/operations/0a1b",
    done: false,
    createTime: CREATE_TIME,
    startTime: CREATE_TIME + 1_000,
    target: "projects/p/locations/l/tables/t",
    verb: "profile",
    requestedCancellation: false,
    metadataTruncated: false,
    responseTruncated: false,
    ...changes,
  };
}

/** A row whose metadata is a Struct of these fields. */
export function withMetadata(value: { [key: string]: Json }): FilterRow {
  return row({ metadata: { "@type": STRUCT, value } });
}

/** Whether a filter, which must be well formed, matches a row. */
export function matches(text: string, filterRow: FilterRow): boolean {
  const parsed = parseFilter(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error.message}`);
  return parsed.filter.matches(filterRow, new Work(Infinity));
}

/** The row as the index stores it. */
export function stored(filterRow: FilterRow): StoredIndexRow {
  const { name, done, metadata, response, errorCode, errorMessage, createTime } = filterRow;
  const { startTime, endTime, expireTime, target, verb, method, state, requestedCancellation } = filterRow;
  const error = errorCode === undefined ? undefined : { code: errorCode, message: errorMessage, details: [] };
  return {
    createTime,
    done,
    operation: JSON.stringify({ name, metadata, done, error, response }),
    facts: JSON.stringify({
      startTime,
      endTime,
      expireTime,
      target,
      verb,
      method,
      state,
      requestedCancellation,
      ...(filterRow.metadataTruncated ? { metadataTruncated: true } : {}),
      ...(filterRow.responseTruncated ? { responseTruncated: true } : {}),
    }),
  };
}
