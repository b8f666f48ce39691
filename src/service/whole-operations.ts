// The operations of a page, whole: what is too large for the index is read from its object, within the page's bytes.
import { LIST_READ_CONCURRENCY, MAX_PAGE_BYTES } from "../limits";
import type { PageRow, RowKey } from "../operation/page";
import { RpcError } from "../rpc/error";
import type { OperationStore } from "./ports";

export interface WholePage {
  /** Operations as JSON. One that is larger than a page is a stream, and alone. */
  operations: (string | ReadableStream<Uint8Array>)[];
  /** Where the next page begins; undefined at the end. */
  next: RowKey | undefined;
  /** Names of operations that could not be reached. */
  unreachable: string[];
}

interface Rows {
  rows: readonly PageRow[];
  next: RowKey | undefined;
  returnPartialSuccess: boolean;
}

const encoder = new TextEncoder();

/**
 * The page ends before the operation that would not fit; one that fits into no page has a page to itself. The index knows
 * sizes as of when it was told: those of running operations may have grown, so what is read is measured again.
 */
export async function readWhole(
  store: Pick<OperationStore, "get">,
  { rows, next, returnPartialSuccess }: Rows,
): Promise<WholePage> {
  const operations: WholePage["operations"] = [];
  const unreachable: string[] = [];
  const fitting = rowsThatFit(rows);
  let bytes = 0;
  let last: RowKey | undefined;
  for (let offset = 0; offset < fitting.length; offset += LIST_READ_CONCURRENCY) {
    const part = fitting.slice(offset, offset + LIST_READ_CONCURRENCY);
    const read = await Promise.all(part.map((row) => wholeJson(store, row, returnPartialSuccess)));
    for (const [index, row] of part.entries()) {
      const { json, unreachable: name } = read[index] ?? {};
      if (name !== undefined) unreachable.push(name);
      if (json !== undefined) {
        bytes += typeof json !== "string" || !row.truncated ? row.size : encoder.encode(json).length;
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
  const end = rows.findIndex(({ size }, index) => {
    bytes += size;
    return bytes > MAX_PAGE_BYTES && index > 0;
  });
  return end === -1 ? rows : rows.slice(0, end);
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
