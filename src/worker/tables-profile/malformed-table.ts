// The one error of tables:profile: the input is not a table (RFC 4180) within the limits; says what is wrong, and where.
import { RpcError } from "edge-operations";

export type MalformedTableReason =
  | "TABLE_EMPTY"
  | "TABLE_NOT_TEXT"
  | "TABLE_ROW_TOO_LONG"
  | "TABLE_TOO_MANY_COLUMNS"
  | "TABLE_QUOTE_MALFORMED"
  | "TABLE_SEPARATOR_UNSUPPORTED";

/** A place in the input. `row` counts from 1, the header; `field` from 1; `byteOffset` from 0. Blank lines are no rows. */
export interface TablePlace {
  row?: number;
  field?: number;
  byteOffset?: number;
}

/** INVALID_ARGUMENT: `Row 3, field 2, byte offset 17: a quote …`. The place also stands in the ErrorInfo's metadata. */
export function malformedTable(reason: MalformedTableReason, place: TablePlace, problem: string): RpcError {
  const { row, field, byteOffset } = place;
  const parts = [
    ...(row === undefined ? [] : [`row ${row}`]),
    ...(field === undefined ? [] : [`field ${field}`]),
    ...(byteOffset === undefined ? [] : [`byte offset ${byteOffset}`]),
  ];
  const metadata = Object.fromEntries(Object.entries(place).map(([name, value]) => [name, String(value)]));
  const message = parts.length === 0 ? problem : `${parts.join(", ")}: ${problem}`;
  return new RpcError("INVALID_ARGUMENT", message.charAt(0).toUpperCase() + message.slice(1), { reason, metadata });
}
