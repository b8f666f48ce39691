// One page of one shard: SQL finds the rows in their order, and the matcher decides which of them match the filter.
import { type Filter, parseFilter } from "../../aip/filter/filter";
import { IndexFilterRow } from "../../aip/filter/filter-row";
import { matchesParent, parentBeforeWildcard } from "../../aip/resource-name";
import { Work } from "../../aip/filter/work";
import { MAX_PAGE_BYTES, MAX_PAGE_WORK_NS, MAX_SCANNED_ROWS, MAX_STATEMENT_ROWS } from "../../limits";
import type { IndexFacts } from "../../list/index-row";
import type { PageRequest, PageRow, ShardPage } from "../../list/page";
import { utf8Length } from "../../rpc/utf8";
import { type Scan, type ScannedRow, selectRows } from "./index-sql";

/** The cost of reading a row, in the units of {@link Work}. */
const ROW_COST = 1_500;
const READ_COST_PER_CHARACTER = 1;
/** Rows that a statement reads to find its place. */
const STATEMENT_COST = 1;

/** Reads on until there are enough matches, enough bytes, enough rows read, or no more rows. */
export function readPage(sql: SqlStorage, request: PageRequest): Omit<ShardPage, "shardCount"> {
  const { parent, limit } = request;
  const maxRows = Math.min(request.maxRows ?? MAX_SCANNED_ROWS, MAX_SCANNED_ROWS);
  const maxBytes = request.maxBytes ?? MAX_PAGE_BYTES;
  const filter = mustParse(request.filter);
  const prefix = parentBeforeWildcard(parent);
  const scan: Scan = {
    parent: prefix === undefined ? { is: parent } : { startsWith: prefix },
    hints: filter.hints,
  };
  const pattern = prefix === undefined ? undefined : parent;
  const work = new Work(MAX_PAGE_WORK_NS);
  const rows: PageRow[] = [];
  let bytes = 0;
  let scanned = 0;
  let last = request.before;
  // A page that has done its work counts as one that has read its rows: no other round is worth it.
  const spent = (): Omit<ShardPage, "shardCount"> => ({ ...stopped(), scanned: maxRows });
  const stopped = (): Omit<ShardPage, "shardCount"> => ({ rows, scanned, ...(last ? { next: last } : {}) });
  // As many rows at first as matches are wanted; where that was not enough, twice as many.
  for (let size = limit; scanned + STATEMENT_COST < maxRows; size *= 2) {
    const wanted = Math.min(size, MAX_STATEMENT_ROWS, maxRows - scanned - STATEMENT_COST);
    const some = selectRows(sql, scan, { before: last, limit: wanted });
    scanned += some.length + STATEMENT_COST;
    for (const row of some) {
      const found = matchOf(row, { pattern, filter, work });
      bytes += found?.size ?? 0;
      // The row that would not fit begins the next page; one that fits nowhere has a page of its own.
      if (found && rows.length > 0 && bytes > maxBytes) return stopped();
      if (found) rows.push(found);
      last = { createTime: row.createTime, id: row.id };
      if (rows.length >= limit) return stopped();
      if (work.isSpent) return spent();
    }
    if (some.length < wanted) return { rows, scanned };
  }
  return stopped();
}

/** The filter was parsed before, by the Worker that sends it. */
function mustParse(text: string): Filter {
  const parsed = parseFilter(text);
  if (!parsed.ok) throw new TypeError(`the index was sent a malformed filter: ${parsed.error.message}`);
  return parsed.filter;
}

/** The row, if it is of the parent and matches the filter. The cost of the check is taken from `work`. */
function matchOf(
  { createTime, id, done, contents }: ScannedRow,
  { pattern, filter, work }: { pattern: string | undefined; filter: Filter; work: Work },
): PageRow | undefined {
  work.spend(ROW_COST);
  if (!contents || (pattern !== undefined && !matchesParent(contents.parent, pattern))) return undefined;
  const { revision, operation, facts } = contents;
  work.spend(READ_COST_PER_CHARACTER * (operation.length + facts.length));
  if (!filter.matches(new IndexFilterRow({ createTime, done, operation, facts }, work), work)) return undefined;
  const { metadataTruncated, responseTruncated, errorTruncated, size } = JSON.parse(facts) as IndexFacts;
  const truncated = metadataTruncated === true || responseTruncated === true || errorTruncated === true;
  return { createTime, id, revision, operation, truncated, size: size ?? utf8Length(operation) };
}
