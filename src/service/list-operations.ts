// ListOperations (operations.proto, AIP-158, 159, 160, 217): pages merged over the shards of a scope, newest first.
import { parseFilter } from "../aip/filter/filter";
import { DEFAULT_PAGE_SIZE, LIST_READ_CONCURRENCY, MAX_PAGE_BYTES, MAX_PAGE_SIZE } from "../limits";
import { type PageRequest, type PageRow, type RowKey, type ShardPage, precedes } from "../operation/page";
import { RpcError, invalidArgument } from "../rpc/error";
import { type Locations, jurisdictionsOfParent } from "./locations";
import { type TokenKeys, openPageToken, sealPageToken } from "./page-token";
import type { IndexSource, OperationLists, OperationStore } from "./ports";

export interface ListOperationsRequest {
  /** Each collection id but the first may be `-`. */
  parent: string;
  filter: string;
  pageSize?: number | undefined;
  pageToken?: string | undefined;
  returnPartialSuccess: boolean;
}

export interface ListPorts {
  lists: OperationLists;
  store: Pick<OperationStore, "get">;
  locations: Locations;
  /** The deployment's own token keys; undefined: the scope's. */
  tokenKeys: TokenKeys | undefined;
}

/** A page, as the JSON text of a ListOperationsResponse. */
export async function listOperations(ports: ListPorts, request: ListOperationsRequest): Promise<string> {
  const { parent, filter, pageToken } = request;
  checkFilter(filter);
  const limit = pageLimit(request.pageSize);
  const keys = async (): Promise<TokenKeys> => ports.tokenKeys ?? [await ports.lists.tokenKey(parent)];
  const before = pageToken ? await openPageToken(pageToken, { parent, filter }, await keys()) : undefined;
  const { pages, unreachable } = await readShards(ports, request, { parent, filter, before, limit });
  const merged = mergePages(pages, limit);
  const page = await readWhole(ports.store, merged);
  const nextPageToken = page.next && (await sealPageToken(page.next, { parent, filter }, await keys()));
  const fields = [
    `"operations":[${page.operations.join(",")}]`,
    ...(nextPageToken === undefined ? [] : [`"nextPageToken":${JSON.stringify(nextPageToken)}`]),
    ...(unreachable.length === 0 ? [] : [`"unreachable":${JSON.stringify(unreachable)}`]),
  ];
  return `{${fields.join(",")}}`;
}

function checkFilter(filter: string): void {
  const parsed = parseFilter(filter);
  if (parsed.ok) return;
  const { offset, expected, message } = parsed.error;
  throw invalidArgument([{ field: "filter", description: message }], {
    reason: "FILTER_INVALID",
    metadata: { offset: String(offset), expected },
  });
}

function pageLimit(pageSize = 0): number {
  if (pageSize >= 0) return pageSize === 0 ? DEFAULT_PAGE_SIZE : Math.min(pageSize, MAX_PAGE_SIZE);
  throw invalidArgument([{ field: "pageSize", description: `must not be negative, but is ${pageSize}` }]);
}

// ── The shards ──────────────────────────────────────────────────────────────────────────────────────────────────────

interface ShardPages {
  pages: ShardPage[];
  /** The parts of the collection that did not answer. */
  unreachable: string[];
}

/** A page of every shard of every place where the parent's operations may be. Shard 0 knows how many there are. */
async function readShards(
  { lists, locations }: ListPorts,
  { parent, returnPartialSuccess }: ListOperationsRequest,
  request: PageRequest,
): Promise<ShardPages> {
  const unreachable = new Set<string>();
  const read = async (source: IndexSource): Promise<ShardPage | undefined> => {
    try {
      return await lists.page(source, request);
    } catch (error) {
      if (!returnPartialSuccess || RpcError.from(error).code !== "UNAVAILABLE") throw error;
      unreachable.add(parent === "" ? "operations" : `${parent}/operations`);
      return undefined;
    }
  };
  const readPlace = async (jurisdiction: string | undefined): Promise<(ShardPage | undefined)[]> => {
    const first = await read({ parent, jurisdiction, shard: 0 });
    const others: Promise<ShardPage | undefined>[] = [];
    for (let shard = 1; shard < (first?.shardCount ?? 1); shard += 1)
      others.push(read({ parent, jurisdiction, shard }));
    return [first, ...(await Promise.all(others))];
  };
  const pages = await Promise.all(jurisdictionsOfParent(locations, parent).map(readPlace));
  return { pages: pages.flat().filter((page) => page !== undefined), unreachable: [...unreachable] };
}

interface Merged {
  rows: PageRow[];
  /** Where the next page begins; undefined at the end. */
  next: RowKey | undefined;
}

/**
 * Merges the shards' pages. A shard that stopped early has told of its rows down to its `next`: what lies behind the
 * first such place is another page's, since that shard may yet have something to say about it.
 */
export function mergePages(pages: readonly ShardPage[], limit: number): Merged {
  const stops = pages.flatMap(({ next }) => (next ? [next] : []));
  const [frontier] = stops.toSorted(byPlace);
  const known = pages
    .flatMap(({ rows }) => rows)
    .filter((row) => frontier === undefined || !precedes(frontier, row))
    .toSorted(byPlace);
  if (known.length > limit) return { rows: known.slice(0, limit), next: known[limit - 1] };
  return { rows: known, next: frontier };
}

function byPlace(a: RowKey, b: RowKey): number {
  if (precedes(a, b)) return -1;
  return precedes(b, a) ? 1 : 0;
}

// ── Operations that the index does not hold whole ───────────────────────────────────────────────────────────────────

interface WholePage {
  operations: string[];
  next: RowKey | undefined;
}

/**
 * Reads what is too large for the index from its object. The page ends before the operation that would not fit; one that
 * fits into no page has a page to itself.
 */
async function readWhole(store: Pick<OperationStore, "get">, { rows, next }: Merged): Promise<WholePage> {
  const fitting = rowsThatFit(rows);
  const operations: string[] = [];
  for (let offset = 0; offset < fitting.length; offset += LIST_READ_CONCURRENCY) {
    const part = fitting.slice(offset, offset + LIST_READ_CONCURRENCY);
    const texts = await Promise.all(part.map((row) => wholeJson(store, row)));
    // Deleted since the index was read: it is in no page.
    operations.push(...texts.filter((text) => text !== undefined));
  }
  const last = fitting.at(-1);
  return { operations, next: fitting.length < rows.length && last ? last : next };
}

function rowsThatFit(rows: readonly PageRow[]): readonly PageRow[] {
  let bytes = 0;
  const end = rows.findIndex(({ size }, index) => {
    bytes += size;
    return bytes > MAX_PAGE_BYTES && index > 0;
  });
  return end === -1 ? rows : rows.slice(0, end);
}

async function wholeJson(
  store: Pick<OperationStore, "get">,
  { operation, truncated }: PageRow,
): Promise<string | undefined> {
  if (!truncated) return operation;
  const { name } = JSON.parse(operation) as { name: string };
  const json = (await store.get(name))?.json;
  return json === undefined || typeof json === "string" ? json : new Response(json).text();
}
