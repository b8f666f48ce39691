// A page of one index shard. PERSISTED CONTRACT: it crosses between Worker and index.

/** An operation's place in the index, by which lists are ordered: create time, then id, both descending. */
export interface RowKey {
  /** Milliseconds since 1970. */
  createTime: number;
  id: string;
}

export interface PageRequest {
  /** The parent, of which any collection id but the first may be `-`. */
  parent: string;
  /** The filter's text; blank matches everything. */
  filter: string;
  /** The page goes on behind this row. */
  before?: RowKey | undefined;
  /** Matches wanted. */
  limit: number;
}

export interface PageRow extends RowKey {
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
  /** Shard 0 alone knows: the shards that the scope has ever had. */
  shardCount: number;
}

/** Whether `a` stands before `b` in a list: newer, or of the same time and with the greater id. */
export function precedes(a: RowKey, b: RowKey): boolean {
  return a.createTime === b.createTime ? a.id > b.id : a.createTime > b.createTime;
}
