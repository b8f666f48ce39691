// Schema and statements of OperationIndex (docs/storage-schema.md). PERSISTED CONTRACT.
import type { IndexRow } from "../operation/index-row";

// WITHOUT ROWID: one row write per insert. A tombstone has neither operation nor facts.
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
  `CREATE INDEX IF NOT EXISTS operations_running ON operations (create_time, id) WHERE done = 0 AND operation IS NOT NULL`,
  `CREATE INDEX IF NOT EXISTS operations_due ON operations (due_time)`,
];

export function createSchema(sql: SqlStorage): void {
  for (const statement of SCHEMA) sql.exec(statement);
}

/** Writes a row unless a newer revision, or a tombstone, stands there already. */
export function upsertRow(sql: SqlStorage, row: IndexRow): void {
  sql.exec(
    `INSERT INTO operations (create_time, id, parent, done, revision, due_time, operation, facts)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (create_time, id) DO UPDATE SET
       done = excluded.done, revision = excluded.revision, due_time = excluded.due_time,
       operation = excluded.operation, facts = excluded.facts
     WHERE operations.operation IS NOT NULL AND excluded.revision >= operations.revision`,
    row.createTime,
    row.id,
    row.parent,
    row.done ? 1 : 0,
    row.revision,
    row.dueTime,
    row.operation,
    row.facts,
  );
}

/** An operation's place in the index. */
export interface RowKey {
  createTime: number;
  id: string;
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

export function deleteRow(sql: SqlStorage, key: RowKey): void {
  sql.exec(`DELETE FROM operations WHERE create_time = ? AND id = ?`, key.createTime, key.id);
}

export function setDueTime(sql: SqlStorage, key: RowKey, dueTime: number): void {
  sql.exec(`UPDATE operations SET due_time = ? WHERE create_time = ? AND id = ?`, dueTime, key.createTime, key.id);
}

export interface DueRow extends RowKey {
  tombstone: boolean;
}

export function selectDueRows(sql: SqlStorage, now: number, limit: number): DueRow[] {
  return sql
    .exec<{ create_time: number; id: string; tombstone: number }>(
      `SELECT create_time, id, operation IS NULL AS tombstone FROM operations WHERE due_time <= ? ORDER BY due_time LIMIT ?`,
      now,
      limit,
    )
    .toArray()
    .map((row) => ({ createTime: row.create_time, id: row.id, tombstone: row.tombstone === 1 }));
}

export function earliestDueTime(sql: SqlStorage): number | undefined {
  const row = sql.exec<{ due_time: number | null }>(`SELECT MIN(due_time) AS due_time FROM operations`).one();
  return row.due_time ?? undefined;
}

export interface ListedRow extends RowKey {
  operation: string;
  facts: string;
}

/** The rows of a parent before a key, newest first. */
export function selectPage(sql: SqlStorage, parent: string, before: RowKey | undefined, limit: number): ListedRow[] {
  return sql
    .exec<{ create_time: number; id: string; operation: string; facts: string }>(
      `SELECT create_time, id, operation, facts FROM operations
       WHERE (create_time, id) < (?, ?) AND parent = ? AND operation IS NOT NULL
       ORDER BY create_time DESC, id DESC LIMIT ?`,
      before?.createTime ?? Number.MAX_SAFE_INTEGER,
      before?.id ?? "",
      parent,
      limit,
    )
    .toArray()
    .map((row) => ({ createTime: row.create_time, id: row.id, operation: row.operation, facts: row.facts }));
}
