// The operations of a page, whole: those too large for the index are read from their objects, within bounds.
import { LIST_READ_CONCURRENCY, MAX_PAGE_BYTES, MAX_PAGE_READS, MAX_PAGE_READ_MS } from "../limits";
import type { PageRow, RowKey } from "../list/page";
import { RpcError } from "../rpc/error";
import { utf8Length } from "../rpc/utf8";
import type { OperationStore } from "./ports";

export interface WholePage {
  /** Operations as JSON. One that is larger than a page is a stream, and alone. */
  operations: (string | ReadableStream<Uint8Array>)[];
  next: RowKey | undefined;
  unreachable: string[];
}

export interface ReadPorts {
  store: Pick<OperationStore, "get">;
  /** Milliseconds since 1970. */
  now(this: void): number;
}

interface Rows {
  rows: readonly PageRow[];
  next: RowKey | undefined;
  returnPartialSuccess: boolean;
}

/**
 * The page ends before the operation that would not fit; one that fits into no page has a page to itself. The index knows
 * sizes as of when it was told: those of running operations may have grown, so what is read is measured again. The page
 * also ends, short, where it would take more reads, or begin them later, than a page may.
 */
export async function readWhole(
  { store, now }: ReadPorts,
  { rows, next, returnPartialSuccess }: Rows,
): Promise<WholePage> {
  const operations: WholePage["operations"] = [];
  const unreachable: string[] = [];
  const fitting = rowsThatFit(rows);
  let bytes = 0;
  let last: RowKey | undefined;
  const endTime = now() + MAX_PAGE_READ_MS;
  for (let offset = 0; offset < fitting.length;) {
    if (last && now() >= endTime) return { operations, next: last, unreachable };
    const part = partFrom(fitting, offset);
    offset += part.length;
    const read = await Promise.all(part.map((row) => wholeJson(store, row, returnPartialSuccess)));
    for (const [index, row] of part.entries()) {
      const { json, unreachable: name } = read[index] ?? {};
      if (name !== undefined) unreachable.push(name);
      if (json !== undefined) {
        bytes += typeof json !== "string" || !row.truncated ? row.size : utf8Length(json);
        // Commas count too.
        if (operations.length > 0 && bytes + operations.length > MAX_PAGE_BYTES)
          return { operations, next: last, unreachable };
        operations.push(json);
      }
      last = row;
    }
  }
  return { operations, next: fitting.length < rows.length ? last : next, unreachable };
}

function rowsThatFit(rows: readonly PageRow[]): readonly PageRow[] {
  let bytes = 0;
  let reads = 0;
  const end = rows.findIndex(({ size, truncated }, index) => {
    bytes += size;
    reads += truncated ? 1 : 0;
    return (bytes > MAX_PAGE_BYTES && index > 0) || reads > MAX_PAGE_READS;
  });
  return end === -1 ? rows : rows.slice(0, end);
}

/** The next rows, of which as many are read from their objects as may be read at the same time. */
function partFrom(rows: readonly PageRow[], offset: number): readonly PageRow[] {
  let reads = 0;
  const length = rows.slice(offset).findIndex(({ truncated }) => {
    reads += truncated ? 1 : 0;
    return reads > LIST_READ_CONCURRENCY;
  });
  return length === -1 ? rows.slice(offset) : rows.slice(offset, offset + length);
}

interface ReadOperation {
  /** undefined: deleted since the index was read, so in no page; or unreachable. */
  json?: string | ReadableStream<Uint8Array> | undefined;
  unreachable?: string;
}

async function wholeJson(
  store: Pick<OperationStore, "get">,
  { operation, truncated, size }: PageRow,
  returnPartialSuccess: boolean,
): Promise<ReadOperation> {
  if (!truncated) return { json: operation };
  const { name } = JSON.parse(operation) as { name: string };
  try {
    const json = (await store.get(name))?.json;
    // Alone on its page, and too large to be held in memory more than once.
    if (json === undefined || typeof json === "string" || size > MAX_PAGE_BYTES) return { json };
    return { json: await new Response(json).text() };
  } catch (error) {
    if (!returnPartialSuccess || RpcError.from(error).code !== "UNAVAILABLE") throw error;
    return { unreachable: name };
  }
}
