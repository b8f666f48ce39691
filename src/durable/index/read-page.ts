// One page of one shard: what of a list's conditions SQL decides, and what is left to the matcher.
import { type Filter, parseFilter } from "../../aip/filter/filter";
import { filterRowFromIndexRow } from "../../aip/filter/filter-row";
import { indexTableColumns } from "../../aip/filter/sql-columns";
import { matchesParent, parentBeforeWildcard } from "../../aip/resource-name";
import { Work } from "../../aip/filter/work";
import {
  MAX_INDEX_ROW_BYTES,
  MAX_PAGE_BYTES,
  MAX_PAGE_WORK_NS,
  MAX_SCANNED_ROWS,
  MAX_STATEMENT_ROWS,
} from "../../limits";
import type { IndexFacts } from "../../list/index-row";
import type { PageRequest, PageRow, ShardPage } from "../../list/page";
import { utf8Length } from "../../rpc/utf8";
import { FIRST_FILTER_PARAMETER, type Scan, type ScannedRow, selectRows } from "./index-sql";

/** What reading a row costs, and parsing one for the matcher, in the units of {@link Work}. */
const ROW_COST = 1_500;
const PARSE_COST_PER_CHARACTER = 10;
/** Rows that a statement reads to find its place. */
const STATEMENT_COST = 1;

/** Reads on until there are enough matches, enough bytes, enough rows read, or no more rows. */
export function readPage(sql: SqlStorage, request: PageRequest): Omit<ShardPage, "shardCount"> {
  const { parent, limit } = request;
  const maxRows = Math.min(request.maxRows ?? MAX_SCANNED_ROWS, MAX_SCANNED_ROWS);
  const maxBytes = request.maxBytes ?? MAX_PAGE_BYTES;
  const filter = mustParse(request.filter);
  const { where, params, exact, costPerByte } = filter.toSql(indexTableColumns, {
    firstParameter: FIRST_FILTER_PARAMETER,
  });
  const prefix = parentBeforeWildcard(parent);
  const scan: Scan = {
    parent: prefix === undefined ? { is: parent } : { startsWith: prefix },
    where,
    params,
    hints: filter.hints,
    isMeasured: costPerByte > 0,
  };
  const work = new Work(MAX_PAGE_WORK_NS);
  // Even where all of its rows are the longest there can be, a statement does no more than one page's work.
  const maxStatementRows = Math.max(1, Math.floor(MAX_PAGE_WORK_NS / (costPerByte * MAX_INDEX_ROW_BYTES)));
  const rows: PageRow[] = [];
  let bytes = 0;
  let scanned = 0;
  let last = request.before;
  // A page that has done its work counts as one that has read its rows: no other round is worth it.
  const spent = (): Omit<ShardPage, "shardCount"> => ({ ...stopped(), scanned: maxRows });
  const stopped = (): Omit<ShardPage, "shardCount"> => ({ rows, scanned, ...(last ? { next: last } : {}) });
  // As many rows at first as matches are wanted; where that was not enough, twice as many.
  for (let size = limit; scanned + STATEMENT_COST < maxRows; size *= 2) {
    const wanted = Math.min(size, MAX_STATEMENT_ROWS, maxStatementRows, maxRows - scanned - STATEMENT_COST);
    const some = selectRows(sql, scan, { before: last, limit: wanted });
    scanned += some.length + STATEMENT_COST;
    for (const row of some) {
      work.spend(ROW_COST + costPerByte * row.bytes);
      const found = matchOf(row, {
        pattern: prefix === undefined ? undefined : parent,
        filter: exact ? undefined : filter,
        work,
      });
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

/** The row, if what SQL could not decide holds of it too. */
function matchOf(
  { createTime, id, match }: ScannedRow,
  { pattern, filter, work }: { pattern: string | undefined; filter: Filter | undefined; work: Work },
): PageRow | undefined {
  if (!match || (pattern !== undefined && !matchesParent(match.parent, pattern))) return undefined;
  const { revision, operation, facts } = match;
  if (filter) {
    work.spend(PARSE_COST_PER_CHARACTER * (operation.length + facts.length));
    if (!filter.matches(filterRowFromIndexRow({ createTime, operation, facts }), work)) return undefined;
  }
  const { metadataTruncated, responseTruncated, errorTruncated, size } = JSON.parse(facts) as IndexFacts;
  const truncated = metadataTruncated === true || responseTruncated === true || errorTruncated === true;
  return { createTime, id, revision, operation, truncated, size: size ?? utf8Length(operation) };
}
