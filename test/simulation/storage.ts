// A simulated object's storage. Writes without an await between them are committed together or not at all; a death
// before that loses them all.
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

/** https://developers.cloudflare.com/durable-objects/platform/limits/ */
export const MAX_DATABASE_BYTES = 10 * 1_024 ** 3;
/** In an object that is near its limit a row counts as a hundred thousand, so that few fill the rest. */
export const ROW_BYTES = 128 * 1_024 ** 2;
const FULL = "database or disk is full: SQLITE_FULL";

const ABSENT = Symbol("absent");

/** Databases are used again: opening one takes longer than a history. */
const idleDatabases: Database[] = [];

class Database {
  readonly #database = new DatabaseSync(":memory:");
  readonly #statements = new Map<string, StatementSync>();

  exec(query: string, values: readonly SQLInputValue[]): Record<string, unknown>[] {
    let statement = this.#statements.get(query);
    if (!statement) {
      statement = this.#database.prepare(query);
      this.#statements.set(query, statement);
    }
    return statement.all(...values);
  }

  /** Tables stay for the next owner, who does not see them before it has created them: making them takes long. */
  empty(tables: Iterable<string>): void {
    for (const table of tables) this.exec(`DELETE FROM ${table}`, []);
  }
}

export class StoredState {
  readonly values = new Map<string, unknown>();
  alarmTime: number | null = null;
  /** The size of its rows before the history began. */
  usedBytes = 0;
  #database: Database | undefined;
  /** How to undo what is written and not committed yet. */
  readonly #undo: (() => void)[] = [];
  #hasSqlTransaction = false;
  /** Those that were created here. */
  #tables: ReadonlySet<string> = new Set();

  get isDirty(): boolean {
    return this.#undo.length > 0 || this.#hasSqlTransaction;
  }

  put(key: string, value: unknown): void {
    this.#remember(key);
    this.values.set(key, value);
  }

  delete(key: string): boolean {
    if (!this.values.has(key)) return false;
    this.#remember(key);
    return this.values.delete(key);
  }

  deleteAll(): void {
    for (const key of this.values.keys()) this.delete(key);
    if (!this.#database) return;
    this.#begin();
    this.#database.empty(this.#tables);
    this.#setTables(new Set());
  }

  setAlarm(time: number | null): void {
    const before = this.alarmTime;
    this.#undo.push(() => {
      this.alarmTime = before;
    });
    this.alarmTime = time;
  }

  sql(query: string, values: readonly SQLInputValue[]): Record<string, unknown>[] {
    this.#database ??= idleDatabases.pop() ?? new Database();
    const asked = /FROM sqlite_master WHERE name = '(\w+)'/.exec(query)?.[1];
    if (asked !== undefined) return this.#tables.has(asked) ? [{ 1: 1 }] : [];
    if (!/^\s*SELECT/.test(query)) this.#begin();
    const grows = this.usedBytes > 0 && /^\s*INSERT/.test(query);
    if (grows && this.databaseBytes + ROW_BYTES > MAX_DATABASE_BYTES) throw new Error(FULL);
    const created = /^CREATE TABLE IF NOT EXISTS (\w+)/.exec(query)?.[1];
    if (created !== undefined) this.#setTables(new Set([...this.#tables, created]));
    return this.#database.exec(query, values);
  }

  /** Its size, as SQLite reports it. */
  get databaseBytes(): number {
    if (this.usedBytes === 0 || !this.#tables.has("operations")) return this.usedBytes;
    const [counted] = this.#database?.exec("SELECT count(*) AS count FROM operations", []) ?? [];
    return this.usedBytes + Number(counted?.["count"] ?? 0) * ROW_BYTES;
  }

  /** Lets it take so many bytes with the rows that it has. */
  fillTo(bytes: number): void {
    this.usedBytes = 1;
    this.usedBytes += bytes - this.databaseBytes;
  }

  #setTables(tables: ReadonlySet<string>): void {
    const before = this.#tables;
    this.#undo.push(() => {
      this.#tables = before;
    });
    this.#tables = tables;
  }

  commit(): void {
    this.#undo.length = 0;
    if (this.#hasSqlTransaction) this.#database?.exec("COMMIT", []);
    this.#hasSqlTransaction = false;
  }

  rollback(): void {
    for (const undo of this.#undo.splice(0).toReversed()) undo();
    if (this.#hasSqlTransaction) this.#database?.exec("ROLLBACK", []);
    this.#hasSqlTransaction = false;
  }

  hasRows(table: string): boolean {
    return this.#tables.has(table) && this.sql(`SELECT 1 FROM ${table} LIMIT 1`, []).length > 0;
  }

  dispose(): void {
    if (!this.#database) return;
    this.rollback();
    this.#database.empty(this.#tables);
    idleDatabases.push(this.#database);
    this.#database = undefined;
  }

  #begin(): void {
    if (this.#hasSqlTransaction) return;
    this.#database?.exec("BEGIN", []);
    this.#hasSqlTransaction = true;
  }

  #remember(key: string): void {
    const before = this.values.has(key) ? this.values.get(key) : ABSENT;
    this.#undo.push(() => {
      if (before === ABSENT) this.values.delete(key);
      else this.values.set(key, before);
    });
  }
}
