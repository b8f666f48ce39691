// The work of tables:profile: reads a CSV file once, from beginning to end, and says what is in each column.
import { setImmediate as nextTurn } from "node:timers/promises";
import { ColumnProfiler } from "./column-profile";
import { malformedTable } from "./malformed-table";
import { piecesFromChunks } from "./pieces";
import { readRows } from "./rows";
import { MAX_COLUMNS, PIECE_BYTES, PROGRESS_INTERVAL_BYTES } from "./table-limits";
import type { ColumnProfile, TableProfile } from "./table-profile";
import { TableValueCounts } from "./value-counts";

export interface TableProgress {
  rowsDone: number;
  bytesDone: number;
  /** 0 to 100, whole; absent where the input's length is not known. */
  progressPercent?: number;
}

export interface ProfileTableOptions {
  /** The input's length in bytes, if known: for `progressPercent` alone. */
  totalBytes?: number;
  /** Looked at between pieces of 64 KiB. It does not end a wait for `input`: let it abort the input as well. */
  signal?: AbortSignal;
  /** Called after every 256 KiB or so, and at the end. */
  onProgress?: (progress: TableProgress) => void;
}

/**
 * The profile of a CSV file (RFC 4180; UTF-8; LF, CRLF or CR; first row the header), whose bytes come in chunks of any size.
 * Memory is bounded, whatever the length of the input.
 *
 * @throws {RpcError} INVALID_ARGUMENT where the input is not such a file: the message and `metadata` say where.
 * @throws the signal's reason, when it is aborted.
 *
 * @example
 * const profile = await profileTable(response.body, { signal, onProgress: ({ rowsDone }) => console.log(rowsDone) });
 */
export async function profileTable(
  input: AsyncIterable<Uint8Array>,
  options: ProfileTableOptions = {},
): Promise<TableProfile> {
  const { signal, totalBytes, onProgress } = options;
  let table: TableProfiler | undefined;
  let bytesDone = 0;
  let bytesTold = 0;
  const tell = () => onProgress?.(progressOf({ rowsDone: table?.rowCount ?? 0, bytesDone }, totalBytes));

  signal?.throwIfAborted();
  for await (const batch of readRows(piecesFromChunks(input, PIECE_BYTES))) {
    bytesDone = batch.bytesDone;
    for (const row of batch.rows) {
      if (table === undefined) table = new TableProfiler(checkedHeader(row));
      else table.addRow(row);
    }
    if (bytesDone - bytesTold >= PROGRESS_INTERVAL_BYTES) {
      bytesTold = bytesDone;
      tell();
    }
    // An input that is in memory never yields to the event loop, on which the signal and the progress depend.
    await nextTurn();
    signal?.throwIfAborted();
  }
  if (table === undefined)
    throw malformedTable("TABLE_EMPTY", {}, "the input is empty: a table has at least a header row");
  tell();
  return table.profile();
}

function progressOf(done: Omit<TableProgress, "progressPercent">, totalBytes: number | undefined): TableProgress {
  if (totalBytes === undefined || totalBytes <= 0) return done;
  return { ...done, progressPercent: Math.min(100, Math.floor((100 * done.bytesDone) / totalBytes)) };
}

function checkedHeader(header: string[]): string[] {
  if (header.length <= MAX_COLUMNS) return header;
  const problem = `the header has ${header.length} columns; a table may have ${MAX_COLUMNS}`;
  throw malformedTable("TABLE_TOO_MANY_COLUMNS", { row: 1 }, problem);
}

class TableProfiler {
  readonly #header: string[];
  readonly #columns: ColumnProfiler[];
  readonly #valueCounts: TableValueCounts;
  #raggedRowCount = 0;
  rowCount = 0;

  constructor(header: string[]) {
    this.#header = header;
    this.#columns = header.map(() => new ColumnProfiler());
    this.#valueCounts = new TableValueCounts(header.length);
  }

  addRow(row: string[]): void {
    this.rowCount++;
    if (row.length !== this.#columns.length) this.#raggedRowCount++;
    // Only over the fields at hand: a million short rows under a wide header are cheap.
    const fieldCount = Math.min(row.length, this.#columns.length);
    for (let i = 0; i < fieldCount; i++) {
      const text = row[i] as string;
      if (text !== "") this.#addValue(i, text);
    }
  }

  #addValue(i: number, text: string): void {
    const { seenBefore } = this.#valueCounts.add(i, text);
    this.#columns[i]?.addValue(text, seenBefore);
  }

  profile(): TableProfile {
    return {
      rowCount: this.rowCount,
      columnCount: this.#columns.length,
      raggedRowCount: this.#raggedRowCount,
      columns: this.#columns.map((column, i) => this.#columnProfile(column, i)),
    };
  }

  #columnProfile(column: ColumnProfiler, i: number): ColumnProfile {
    const { type, ...facts } = column.facts();
    const emptyCount = this.rowCount - column.valueCount;
    return { name: this.#header[i] ?? "", type, emptyCount, ...facts, ...this.#valueCounts.facts(i) };
  }
}
