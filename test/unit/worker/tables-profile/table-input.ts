// Inputs for the profiler, made of text or bytes.
import { Buffer } from "node:buffer";

/** The bytes of a table, in chunks that end at `cuts` (byte offsets) and at the end. */
export async function* chunksOf(table: string | Uint8Array, cuts: readonly number[] = []): AsyncGenerator<Uint8Array> {
  const bytes = typeof table === "string" ? Buffer.from(table) : table;
  let start = 0;
  for (const end of [...cuts, bytes.length].sort((a, b) => a - b)) {
    yield bytes.subarray(start, end);
    start = Math.max(start, end);
  }
}

/** Rows as CSV: every field quoted, CRLF. */
export function csvFromRows(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map((field) => `"${field.replaceAll('"', '""')}"`).join(",")}\r\n`).join("");
}
