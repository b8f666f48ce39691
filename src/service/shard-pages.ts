// One page of a list out of many: the shards of a scope, in every jurisdiction where it may have operations, merged.
import { scopeFromParent } from "../aip/resource-name";
import {
  MAX_DIRECTORY_SHARDS,
  MAX_PAGE_BYTES,
  MAX_PAGE_ROUNDS,
  MAX_SCANNED_ROWS,
  MAX_SHARDS_ACROSS,
  MIN_ROUND_ROWS,
} from "../limits";
import {
  type PageAllowance,
  type PageRequest,
  type PageRow,
  type RowKey,
  type ShardPage,
  precedes,
  shareOf,
} from "../list/page";
import { RpcError, invalidArgument } from "../rpc/error";
import { type Locations, jurisdictionsOfParent, resourcesOutOfReach } from "./locations";
import type { IndexSource, OperationLists } from "./ports";

export interface ShardPorts {
  lists: Pick<OperationLists, "page">;
  locations: Locations;
  /** Shards that the deployment writes to: looked for where shard 0, which knows better, does not answer. */
  indexShards: number;
}

export interface ShardsRequest extends Pick<PageRequest, "parent" | "filter" | "before" | "limit"> {
  /** Whether shards that cannot be reached are left out, and told of. */
  returnPartialSuccess: boolean;
  /** The ids of the shards, where the directory names them; undefined: those of the parent's scope. */
  shardIds?: readonly string[] | undefined;
}

export interface MergedPage {
  rows: PageRow[];
  next: RowKey | undefined;
  unreachable: string[];
  /** About how many rows were read. */
  scanned: number;
}

/** A shard, and what it has told of so far: of its rows down to `next`, or of all. */
interface Reader {
  source: IndexSource;
  rows: PageRow[];
  next: RowKey | undefined;
  isAtEnd: boolean;
}

/** The next rows of all shards. Together they read no more rows and bytes than one shard would (but for a row each). */
export async function readShards(ports: ShardPorts, request: ShardsRequest): Promise<MergedPage> {
  const walk = new Walk(ports, request);
  await walk.begin();
  while (walk.mayGoOn()) await walk.goOn();
  return walk.page();
}

class Walk {
  readonly #ports: ShardPorts;
  readonly #request: ShardsRequest;
  readonly #readers: Reader[] = [];
  readonly #unreachable = new Set<string>();
  #rounds = 0;
  #rowsLeft = MAX_SCANNED_ROWS;
  #bytesLeft = MAX_PAGE_BYTES;

  constructor(ports: ShardPorts, request: ShardsRequest) {
    this.#ports = ports;
    this.#request = request;
  }

  /** The first round: shard 0 of each place, which knows how many there are, then the others. */
  async begin(): Promise<void> {
    const { parent, shardIds } = this.#request;
    this.#rounds = 1;
    if (shardIds) {
      const even = shareOf(this.#allowance(), shardIds.length);
      const named = shardIds.map((shardId) => ({ parent, jurisdiction: undefined, shard: 0, shardId }));
      await Promise.all(named.map((source) => this.#readFirst(source, even)));
      return;
    }
    const places = jurisdictionsOfParent(this.#ports.locations, parent);
    const share = shareOf(this.#allowance(), places.length);
    const others = await Promise.all(
      places.map(async (jurisdiction) => {
        const request = { ...share, isForAllShards: true };
        const first = await this.#readFirst({ parent, jurisdiction, shard: 0 }, request);
        const count = first?.shardCount ?? this.#ports.indexShards;
        return Array.from({ length: count - 1 }, (_, index) => ({ parent, jurisdiction, shard: index + 1 }));
      }),
    );
    const sources = others.flat();
    const { limit } = shareOf(share, sources.length / places.length + 1);
    const left = { ...shareOf(this.#allowance(), sources.length), limit };
    await Promise.all(sources.map((source) => this.#readFirst(source, left)));
  }

  /** Whether the page has room for more than is known, and there may be more. */
  mayGoOn(): boolean {
    const open = this.#open().length;
    const isFull = this.#known().rows.length > this.#request.limit;
    return (
      !isFull &&
      open > 0 &&
      this.#rowsLeft >= open * MIN_ROUND_ROWS &&
      this.#bytesLeft > 0 &&
      this.#rounds < MAX_PAGE_ROUNDS
    );
  }

  /** Another round. A failure here is left to the next page, because this page has operations already. */
  async goOn(): Promise<void> {
    const open = this.#open();
    const share = shareOf(this.#allowance(this.#known().rows.length), open.length);
    const results = await Promise.allSettled(open.map((reader) => this.#read(reader, share)));
    this.#rounds = results.every(({ status }) => status === "fulfilled") ? this.#rounds + 1 : MAX_PAGE_ROUNDS;
  }

  page(): MergedPage {
    const { limit } = this.#request;
    const { rows, frontier } = this.#known();
    const read = { unreachable: [...this.#unreachable], scanned: MAX_SCANNED_ROWS - this.#rowsLeft };
    if (rows.length > limit) return { ...read, rows: rows.slice(0, limit), next: rows[limit - 1] };
    return { ...read, rows, next: frontier };
  }

  /** One more match than the page takes: then it is known whether there is another page. */
  #allowance(known = 0): PageAllowance {
    return { limit: this.#request.limit + 1 - known, maxRows: this.#rowsLeft, maxBytes: this.#bytesLeft };
  }

  #open(): Reader[] {
    return this.#readers.filter(({ isAtEnd }) => !isAtEnd);
  }

  #known(): Known {
    return knownRows(this.#readers);
  }

  async #readFirst(
    source: IndexSource,
    request: PageAllowance & { isForAllShards?: boolean },
  ): Promise<ShardPage | undefined> {
    const reader: Reader = { source, rows: [], next: this.#request.before, isAtEnd: false };
    try {
      const page = await this.#read(reader, request);
      this.#readers.push(reader);
      return page;
    } catch (error) {
      const { parent, returnPartialSuccess } = this.#request;
      if (!returnPartialSuccess || RpcError.from(error).code !== "UNAVAILABLE") throw error;
      for (const name of resourcesOutOfReach(this.#ports.locations, parent, source.jurisdiction)) {
        this.#unreachable.add(name);
      }
      return undefined;
    }
  }

  async #read(reader: Reader, request: PageAllowance & { isForAllShards?: boolean }): Promise<ShardPage> {
    const { parent, filter } = this.#request;
    const page = await this.#ports.lists.page(reader.source, { parent, filter, before: reader.next, ...request });
    reader.rows.push(...page.rows);
    reader.next = page.next;
    reader.isAtEnd = page.next === undefined;
    this.#rowsLeft -= page.scanned;
    for (const { size } of page.rows) this.#bytesLeft -= size;
    return page;
  }
}

interface Known {
  rows: PageRow[];
  /** The newest place at which a shard stopped; undefined where all have told of all. */
  frontier: RowKey | undefined;
}

/**
 * The rows of which nothing can come between. A shard that stopped early has told of its rows down to its `next`: what
 * lies behind the first such place is not known, since that shard may yet have something to say about it.
 */
export function knownRows(readers: readonly Pick<Reader, "rows" | "next">[]): Known {
  const stops = readers.flatMap(({ next }) => (next ? [next] : []));
  const [frontier] = stops.toSorted(byPlace);
  const rows = readers
    .flatMap((reader) => reader.rows)
    .filter((row) => frontier === undefined || !precedes(frontier, row))
    .toSorted((a, b) => byPlace(a, b) || b.revision - a.revision)
    .filter(isFirstOfItsPlace);
  return { rows, frontier };
}

/**
 * An operation has rows in two shards where its start was begun by one deployment and repeated by the next, until the
 * older row is checked. The one that knows more stands first.
 */
function isFirstOfItsPlace(row: RowKey, index: number, rows: readonly RowKey[]): boolean {
  const previous = rows[index - 1];
  return previous === undefined || byPlace(previous, row) !== 0;
}

function byPlace(a: RowKey, b: RowKey): number {
  if (precedes(a, b)) return -1;
  return precedes(b, a) ? 1 : 0;
}

// ── Across scopes ───────────────────────────────────────────────────────────────────────────────────────────────────

/** Whether the first collection id of a parent is the wildcard. */
export function isAcrossScopes(parent: string): boolean {
  return scopeFromParent(parent).endsWith("/-");
}

/** The ids of all shards in which a parent such as `projects/-` may have operations. */
export async function shardsAcross(lists: Pick<OperationLists, "shards">, parent: string): Promise<string[]> {
  const collection = scopeFromParent(parent).slice(0, -1);
  const known = await lists.shards(MAX_DIRECTORY_SHARDS);
  const ids = known.filter(({ scope = collection }) => scope.startsWith(collection)).map(({ id }) => id);
  if (known.length < MAX_DIRECTORY_SHARDS && ids.length <= MAX_SHARDS_ACROSS) return ids;
  const description =
    `"-" as the first collection id stands for more than ${MAX_SHARDS_ACROSS} index shards here; ` +
    "write an id: GET /v1/scopes names them";
  throw invalidArgument([{ field: "parent", description }]);
}
