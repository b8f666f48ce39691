// OperationIndex: the rows of one scope's operations, by which they are listed and looked after. Objects are the truth;
// a row is a copy that never goes back in time.
import { DurableObject } from "cloudflare:workers";
import type { Env } from "../env";
import { MAX_DUE_ROWS, SWEEP_CONCURRENCY, TOMBSTONE_MS, UNAVAILABLE_RETRY_SECONDS } from "../limits";
import type { IndexRow } from "../operation/index-row";
import { Alarm } from "./alarm";
import { DIRECTORY_NAME } from "./directory-object";
import {
  type DueRow,
  type ListedRow,
  type RowKey,
  buryRow,
  createSchema,
  deleteRow,
  earliestDueTime,
  selectDueRows,
  selectPage,
  setDueTime,
  upsertRow,
} from "./operation-index-sql";

/** Which page of a parent's operations. */
export interface PageRequest {
  parent: string;
  /** The last row of the page before. */
  before?: RowKey;
  limit: number;
}

/** How long the index waits before it asks again for an operation that could not be reached. */
const UNREACHABLE_DELAY_MS = 60 * UNAVAILABLE_RETRY_SECONDS * 1_000;

export class OperationIndex extends DurableObject<Env> {
  readonly #sql: SqlStorage;
  readonly #alarm: Alarm;
  #ready: Promise<void> | undefined;
  #created = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#alarm = new Alarm(ctx.storage);
  }

  /** Writes an operation's row, unless it is older than what is there. */
  async upsert(row: IndexRow): Promise<void> {
    await this.#prepare();
    upsertRow(this.#sql, row);
    await this.#alarm.arm(row.dueTime);
  }

  /** Takes a deleted operation's row away, and remembers that for a while. */
  async remove(key: RowKey): Promise<void> {
    await this.#prepare();
    const dueTime = Date.now() + TOMBSTONE_MS;
    buryRow(this.#sql, key, dueTime);
    await this.#alarm.arm(dueTime);
  }

  /** Operations directly under a parent, newest first. */
  async page({ parent, before, limit }: PageRequest): Promise<ListedRow[]> {
    if (!this.#isCreated()) return [];
    return selectPage(this.#sql, parent, before, limit);
  }

  /** Settles rows that are due: what the operations' own alarms missed, expiry, starts that never were. The sweep calls it too. */
  async settleDue(): Promise<void> {
    if (!this.#isCreated()) return;
    await this.#alarm.read();
    const due = selectDueRows(this.#sql, Date.now(), MAX_DUE_ROWS);
    for (let offset = 0; offset < due.length; offset += SWEEP_CONCURRENCY) {
      await Promise.all(due.slice(offset, offset + SWEEP_CONCURRENCY).map((row) => this.#settle(row)));
    }
    await this.#alarm.arm(earliestDueTime(this.#sql));
  }

  async #settle(row: DueRow): Promise<void> {
    if (row.tombstone) return deleteRow(this.#sql, row);
    const object = this.env.OPERATIONS.get(this.env.OPERATIONS.idFromString(row.id));
    let present: IndexRow | undefined;
    try {
      present = await object.reconcile();
    } catch (error) {
      console.warn({ message: "operation not reached; the index will ask again", id: row.id, error: String(error) });
      return setDueTime(this.#sql, row, Date.now() + UNREACHABLE_DELAY_MS);
    }
    if (present) upsertRow(this.#sql, present);
    else deleteRow(this.#sql, row);
  }

  /** It never throws: the platform drops an alarm that keeps failing. */
  override async alarm(): Promise<void> {
    this.#alarm.fired();
    try {
      await this.settleDue();
    } catch (error) {
      console.error({ message: "index alarm failed", error: String(error) });
      await this.#alarm.arm(Date.now() + UNREACHABLE_DELAY_MS);
    }
  }

  /** Creates the tables and enters the shard in the directory, before its first row. */
  async #prepare(): Promise<void> {
    this.#ready ??= this.#create().catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    await this.#ready;
  }

  async #create(): Promise<void> {
    await this.#alarm.read();
    if (this.#isCreated()) return;
    // Directory first: a shard that has rows is always swept.
    await this.env.DIRECTORY.getByName(DIRECTORY_NAME).register(this.ctx.id.toString());
    this.ctx.storage.transactionSync(() => createSchema(this.#sql));
  }

  #isCreated(): boolean {
    this.#created ||= this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'operations'`).toArray().length > 0;
    return this.#created;
  }
}
