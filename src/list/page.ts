// A page of one index shard. PERSISTED CONTRACT: it crosses between Worker and index.

/** An operation's place in the index, by which lists are ordered: create time, then id, both descending. */
export interface RowKey {
  /** Milliseconds since 1970. */
  createTime: number;
  id: string;
}

/** An index shard, as the directory knows it. */
export interface KnownShard {
  /** Its object's id. */
  id: string;
  /** The first pair of its parents, empty for the root; undefined until the sweep has told it of an earlier version's. */
  scope?: string;
}

export interface PageRequest {
  /** The parent, of which any collection id may be `-`. */
  parent: string;
  /** The filter's text; blank matches everything. */
  filter: string;
  /** The page goes on behind this row. */
  before?: RowKey | undefined;
  limit: number;
  /** Rows to be read at most, whether they match or not; as many as any page may unless given. */
  maxRows?: number;
  /** Bytes of matches at most, but for a single one; as many as any page may unless given. */
  maxBytes?: number;
  /** To shard 0: these numbers are for all shards, and it takes its share of them. */
  isForAllShards?: boolean;
}

export type PageAllowance = Required<Pick<PageRequest, "limit" | "maxRows" | "maxBytes">>;

export interface PageRow extends RowKey {
  revision: number;
  /** The Operation as JSON; its metadata or response cut down to `@type` where `truncated`. */
  operation: string;
  truncated: boolean;
  /** Bytes of the whole Operation as JSON, in UTF-8; of one that still runs, as of when its row was written. */
  size: number;
}

export interface ShardPage {
  rows: PageRow[];
  /** The last row that was looked at; absent where there are no more. */
  next?: RowKey;
  /** Rows that were read, whether they match or not. */
  scanned: number;
  /** Shard 0 alone knows: the shards that the scope has ever had. */
  shardCount: number;
}

/** Whether `a` stands before `b` in a list: newer, or of the same time and with the greater id. */
export function precedes(a: RowKey, b: RowKey): boolean {
  return a.createTime === b.createTime ? a.id > b.id : a.createTime > b.createTime;
}

/** Matches asked of a shard beyond twice its even share: then one round is enough wherever operations spread evenly. */
const SPARE_MATCHES = 8;

/** Rows below which a page would find its place and read nothing. */
const MIN_ROWS = 2;

/** An even share of an allowance among `count` shards, or places. */
export function shareOf({ limit, maxRows, maxBytes }: PageAllowance, count: number): PageAllowance {
  return {
    limit: count === 1 ? limit : Math.min(limit, 2 * Math.ceil(limit / count) + SPARE_MATCHES),
    maxRows: Math.max(MIN_ROWS, Math.floor(maxRows / count)),
    maxBytes: Math.floor(maxBytes / count),
  };
}
