// Schema and statements of OperationIndex (docs/storage-schema.md). PERSISTED CONTRACT.
import type { IndexHints } from "../../aip/filter/index-hints";
import type { IndexRow } from "../../list/index-row";
import type { RowKey } from "../../list/page";

// WITHOUT ROWID: one row write per insert. A tombstone has neither operation nor facts, and counts as done.
const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS operations (
    create_time INTEGER NOT NULL,
    id TEXT NOT NULL,
    parent TEXT NOT NULL,
    done INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    due_time INTEGER NOT NULL,
    operation TEXT,
    facts TEXT,
    PRIMARY KEY (create_time, id)
  ) WITHOUT ROWID`,
  `CREATE INDEX IF NOT EXISTS operations_running ON operations (create_time, id) WHERE done = 0`,
  `CREATE INDEX IF NOT EXISTS operations_due ON operations (due_time)`,
];

export function createSchema(sql: SqlStorage): void {
  for (const statement of SCHEMA) sql.exec(statement);
}

/** Writes a row unless a newer revision, or a tombstone, stands there already; whether it was a tombstone. */
export function upsertRow(sql: SqlStorage, row: IndexRow): boolean {
  // Most starts have no row yet, and most ends find the row of their start: one statement each.
  if (row.revision === 0 ? insertRow(sql, row) : row.done && updateRow(sql, row)) return false;
  const present = presentRow(sql, row);
  if (!present) insertRow(sql, row);
  else if (present.tombstone === 0 && row.revision >= present.revision) updateRow(sql, row, present);
  return present?.tombstone === 1;
}

export function hasLiveRow(sql: SqlStorage, key: RowKey, now: number): boolean {
  const row = presentRow(sql, key);
  return row?.tombstone === 0 && (row.done === 0 || row.due_time > now);
}

interface PresentRow {
  [column: string]: SqlStorageValue;
  done: number;
  due_time: number;
  revision: number;
  tombstone: number;
}

/** The row without its contents. */
export function presentRow(sql: SqlStorage, { createTime, id }: RowKey): PresentRow | undefined {
  return sql
    .exec<PresentRow>(
      `SELECT done, due_time, revision, operation IS NULL AS tombstone FROM operations WHERE create_time = ? AND id = ?`,
      createTime,
      id,
    )
    .toArray()[0];
}

/** Whether there was none. */
function insertRow(sql: SqlStorage, row: IndexRow): boolean {
  const { rowsWritten } = sql.exec(
    `INSERT INTO operations (create_time, id, parent, done, revision, due_time, operation, facts)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    row.createTime,
    row.id,
    row.parent,
    row.done ? 1 : 0,
    row.revision,
    row.dueTime,
    row.operation,
    row.facts,
  );
  return rowsWritten > 0;
}

/**
 * Updates the row that is `present`; without it, only one that is older and not done. Whether there was one. A column of an
 * index that is set is a row written, also to the value that it has: progress changes neither.
 */
function updateRow(sql: SqlStorage, row: IndexRow, present?: PresentRow): boolean {
  const done = row.done ? 1 : 0;
  const { rowsWritten } = sql.exec(
    `UPDATE operations SET revision = ?1, operation = ?2, facts = ?3
       ${done === present?.done ? "" : ", done = ?4"} ${row.dueTime === present?.due_time ? "" : ", due_time = ?5"}
     WHERE create_time = ?6 AND id = ?7 ${present ? "" : "AND done = 0 AND revision <= ?1"}`,
    row.revision,
    row.operation,
    row.facts,
    done,
    row.dueTime,
    row.createTime,
    row.id,
  );
  return rowsWritten > 0;
}

/** Turns a row into a tombstone, or leaves one where there was no row: a late write finds it. */
export function buryRow(sql: SqlStorage, key: RowKey, dueTime: number): void {
  sql.exec(
    `INSERT INTO operations (create_time, id, parent, done, revision, due_time, operation, facts)
     VALUES (?, ?, '', 1, 0, ?, NULL, NULL)
     ON CONFLICT (create_time, id) DO UPDATE SET done = 1, due_time = excluded.due_time, operation = NULL, facts = NULL
     WHERE operations.operation IS NOT NULL`,
    key.createTime,
    key.id,
    dueTime,
  );
}

/** Deletes a row if it still is what it was when it was found due: a tombstone written meanwhile stays. */
export function deleteDueRow(sql: SqlStorage, { createTime, id, tombstone }: DueRow): void {
  sql.exec(
    `DELETE FROM operations WHERE create_time = ? AND id = ? AND (operation IS NULL) = ?`,
    createTime,
    id,
    tombstone ? 1 : 0,
  );
}

export function setDueTime(sql: SqlStorage, key: RowKey, dueTime: number): void {
  sql.exec(`UPDATE operations SET due_time = ? WHERE create_time = ? AND id = ?`, dueTime, key.createTime, key.id);
}

export interface DueRow extends RowKey {
  tombstone: boolean;
  done: boolean;
  revision: number;
  dueTime: number;
}

interface StoredDueRow {
  [column: string]: SqlStorageValue;
  create_time: number;
  id: string;
  tombstone: number;
  done: number;
  revision: number;
  due_time: number;
}

const DUE_COLUMNS = "create_time, id, operation IS NULL AS tombstone, done, revision, due_time";

export function selectDueRows(sql: SqlStorage, now: number, limit: number): DueRow[] {
  return sql
    .exec<StoredDueRow>(
      `SELECT ${DUE_COLUMNS} FROM operations WHERE due_time <= ? ORDER BY due_time LIMIT ?`,
      now,
      limit,
    )
    .toArray()
    .map(dueRowFromStored);
}

/** Running operations, oldest first, after a row. */
export function selectRunningRows(
  sql: SqlStorage,
  { after, createdBefore, limit }: { after: RowKey | undefined; createdBefore: number; limit: number },
): DueRow[] {
  return sql
    .exec<StoredDueRow>(
      `SELECT ${DUE_COLUMNS} FROM operations INDEXED BY operations_running
       WHERE done = 0 AND (create_time, id) > (?, ?) AND create_time <= ?
       ORDER BY create_time, id LIMIT ?`,
      after?.createTime ?? 0,
      after?.id ?? "",
      createdBefore,
      limit,
    )
    .toArray()
    .map(dueRowFromStored);
}

function dueRowFromStored(row: StoredDueRow): DueRow {
  const { create_time: createTime, id, tombstone, done, revision, due_time: dueTime } = row;
  return { createTime, id, tombstone: tombstone === 1, done: done === 1, revision, dueTime };
}

/** When the oldest operation that has not ended was created: one row of the partial index. */
export function oldestRunningTime(sql: SqlStorage): number | undefined {
  const [row] = sql
    .exec<{ create_time: number }>(
      `SELECT create_time FROM operations INDEXED BY operations_running WHERE done = 0 ORDER BY create_time, id LIMIT 1`,
    )
    .toArray();
  return row?.create_time;
}

/** A parent of the shard; undefined where it has no rows. */
export function anyParent(sql: SqlStorage): string | undefined {
  const [row] = sql
    .exec<{ parent: string }>(`SELECT parent FROM operations WHERE parent IS NOT NULL LIMIT 1`)
    .toArray();
  return row?.parent;
}

export function earliestDueTime(sql: SqlStorage): number | undefined {
  const row = sql.exec<{ due_time: number | null }>(`SELECT MIN(due_time) AS due_time FROM operations`).one();
  return row.due_time ?? undefined;
}

/** Which rows are read, newest first. */
export interface Scan {
  /** A parent, or the part of one before its first wildcard. */
  parent: { is: string } | { startsWith: string };
  hints: IndexHints;
}

/** A row that was read. A tombstone, and a row of another parent, comes without its contents. */
export interface ScannedRow extends RowKey {
  done: boolean;
  contents: { revision: number; parent: string; operation: string; facts: string } | undefined;
}

/** Parts the columns of the contents; JSON text and names hold no control character. */
const SEPARATOR = "\u001f";

/**
 * The next rows after `before`, newest first; fewer than `limit` where there are no more. The condition on the parent is
 * in the result and not in WHERE, where SQLite would read on to the next match, however far away that is. All rows are
 * taken, because a cursor that is abandoned half-way holds its snapshot of the database until it is collected.
 */
export function selectRows(
  sql: SqlStorage,
  { parent, hints }: Scan,
  { before, limit }: { before: RowKey | undefined; limit: number },
): ScannedRow[] {
  const { min = 0, max = Number.MAX_SAFE_INTEGER - 1 } = hints.createTimeRange ?? {};
  // The range's upper end belongs to it: one millisecond further, before the first id.
  const start = before && before.createTime <= max ? before : { createTime: max + 1, id: "" };
  const parentIs = "is" in parent ? "parent = ?4" : "substr(parent, 1, length(?4)) = ?4";
  const running = hints.done === false;
  return sql
    .exec<{ create_time: number; id: string; done: number; revision: number; contents: string | null }>(
      `SELECT create_time, id, done, revision,
         CASE WHEN operation IS NOT NULL AND ${parentIs} THEN parent || ?5 || facts || ?5 || operation END AS contents
       FROM operations ${running ? "INDEXED BY operations_running" : ""}
       WHERE (create_time, id) < (?1, ?2) AND create_time >= ?3
         ${running ? "AND done = 0" : ""}
       ORDER BY create_time DESC, id DESC LIMIT ?6`,
      start.createTime,
      start.id,
      min,
      "is" in parent ? parent.is : parent.startsWith,
      SEPARATOR,
      limit,
    )
    .toArray()
    .map(({ create_time: createTime, id, done, revision, contents }) => ({
      createTime,
      id,
      done: done === 1,
      contents: contents === null ? undefined : { revision, ...columnsFromText(contents) },
    }));
}

function columnsFromText(contents: string): { parent: string; facts: string; operation: string } {
  const [parent = "", facts = "", operation = ""] = contents.split(SEPARATOR);
  return { parent, facts, operation };
}
