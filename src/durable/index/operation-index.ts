// OperationIndex: the rows by which one scope's operations are listed and looked after. A row never goes back in time.
import { DurableObject } from "cloudflare:workers";
import { scopeFromParent } from "../../aip/resource-name";
import {
  INDEX_ALARM_GRID_MS,
  INDEX_UNREACHABLE_DELAY_MS,
  MAX_DUE_ROWS,
  MAX_INNER_CALL_MS,
  MAX_PAGE_BYTES,
  MAX_RESERVING_BYTES,
  MAX_SCANNED_ROWS,
  MAX_SHARD_BYTES,
  MAX_SHARD_GROWTH_BYTES,
  SHARD_WARNING_BYTES,
  SHARD_WARNING_INTERVAL_MS,
  TOMBSTONE_MS,
} from "../../limits";
import type { IndexRow } from "../../list/index-row";
import type { BeginAnswer } from "../../contract/index-start";
import type { CreatedReservation, Reservation, ReserveAnswer } from "../../list/reservation";
import { type Patrol, nextPatrolPart, patrolBehind } from "../../list/patrol";
import { type PageRequest, type RowKey, type ShardPage, shareOf } from "../../list/page";
import { Alarm } from "../alarm";
import { DIRECTORY_NAME, type DirectoryObject } from "../directory/directory-object";
import { withNamespaces } from "../namespaces";
import { callObject, objectByName } from "../object-call";
import { type IndexPlace, operationIndexAddress } from "./index-name";
import {
  anyParent,
  buryRow,
  createSchema,
  earliestDueTime,
  oldestRunningTime,
  presentRow,
  selectDueRows,
  selectRunningRows,
  upsertRow,
} from "./index-sql";
import { readPage } from "./read-page";
import { Reservations, type ReservationsEnv } from "./reservations";
import { type IndexedOperation, RowChecks } from "./row-checks";

/** The bindings that this object uses. */
export interface IndexEnv extends Pick<ReservationsEnv, "REQUESTS"> {
  OPERATIONS: DurableObjectNamespace<IndexedOperation>;
  INDEX: DurableObjectNamespace<OperationIndex>;
  DIRECTORY: DurableObjectNamespace<DirectoryObject>;
  /** Where it is bound: counters of what happens (docs/operations.md). */
  METRICS?: AnalyticsEngineDataset;
}

const SHARD_COUNT_KEY = "shardCount";
const TOKEN_KEY = "tokenKey";
const SHARD_KEY = "shard";
const PATROL_KEY = "patrol";
/** Set when the directory has the shard's scope for certain. */
const ENTERED_KEY = "entered";
/** AES-256. */
const TOKEN_KEY_BYTES = 32;

/** The outcome of one visit of the sweep. PERSISTED CONTRACT: it crosses from the index to the cron door. */
export interface Swept {
  /** Rows that were checked with their operations. */
  settled: number;
  hasMore: boolean;
  /** Of the checked rows, those that said "running" of an operation that had ended, or is not there. */
  repaired?: number;
  /** When the oldest operation that has not ended was created (milliseconds since 1970). */
  oldestRunningTime?: number;
  bytes?: number;
}

export class OperationIndex extends DurableObject<IndexEnv> {
  readonly #sql: SqlStorage;
  readonly #alarm: Alarm;
  #ready: Promise<void> | undefined;
  #created = false;
  readonly #checks: RowChecks;
  readonly #reservations: Reservations;
  #nextWarningTime = 0;
  /** Its size when it was last asked for. */
  #bytes = Infinity;
  /** Calls since then that may have written something. */
  #writes = 0;
  /** Tests lower it: a shard of this size takes no new rows. */
  protected readonly maxBytes: number = MAX_SHARD_BYTES;
  /** Tests lower it: a shard of this size reserves no more requestIds. */
  protected readonly maxReservingBytes: number = MAX_RESERVING_BYTES;

  constructor(ctx: DurableObjectState, env: IndexEnv) {
    super(ctx, withNamespaces(env));
    this.#sql = ctx.storage.sql;
    this.#alarm = new Alarm(ctx.storage);
    this.#reservations = new Reservations(ctx.storage, this.env);
    this.#checks = new RowChecks(this.#sql, this.env.OPERATIONS, {
      shard: () => this.#shard(),
      markCreated: (reservation, id) => this.#reservations.markCreated(reservation, id, true),
    });
  }

  /** Writes a new operation's row. A shard near its limit rejects new rows alone: rows in it change and end as ever. */
  async begin(row: IndexRow, place: IndexPlace): Promise<BeginAnswer> {
    await this.#prepare(place);
    this.#checks.end(row.id);
    const answer = this.#begin(row);
    if (!answer.ok && answer.refusal === "FULL") {
      return { ...answer, shardCount: await this.#scopeShardCount(place) };
    }
    await this.#lookAfter(row.dueTime);
    return answer;
  }

  #begin(row: IndexRow): BeginAnswer {
    const bytes = this.#watchSize();
    const full: BeginAnswer = { ok: false, refusal: "FULL", bytes, shardCount: 0 };
    if (bytes >= this.maxBytes && !presentRow(this.#sql, row)) return full;
    try {
      return upsertRow(this.#sql, row) ? { ok: false, refusal: "DELETED", bytes } : { ok: true, bytes };
    } catch (error) {
      if (!isStorageFull(error)) throw error;
      return full;
    }
  }

  /**
   * Its size, or what that was a while ago: the question is a statement of its own, which is left out far from every limit. From
   * 70 % of an object's capacity on, operators are warned once an hour.
   */
  #watchSize(isExact = false): number {
    const warningBytes = Math.min(SHARD_WARNING_BYTES, this.maxBytes, this.maxReservingBytes);
    if (!isExact && this.#bytes + this.#writes * MAX_SHARD_GROWTH_BYTES < warningBytes) return this.#bytes;
    const bytes = this.#sql.databaseSize;
    this.#bytes = bytes;
    this.#writes = 0;
    const now = Date.now();
    if (bytes < warningBytes || now < this.#nextWarningTime) return bytes;
    this.#nextWarningTime = now + SHARD_WARNING_INTERVAL_MS;
    const takesNewRows = bytes < this.maxBytes;
    console.warn({ message: "index shard is filling", shard: this.ctx.id.name, bytes, takesNewRows });
    // The layout is a contract with queries and dashboards (docs/operations.md): fields are only ever added at the end.
    this.env.METRICS?.writeDataPoint({
      indexes: ["index"],
      blobs: ["shardFilling", takesNewRows ? "open" : "full"],
      doubles: [1, bytes, bytes / MAX_SHARD_BYTES],
    });
    return bytes;
  }

  /** Shard 0 alone knows it. */
  async #scopeShardCount(place: IndexPlace): Promise<number> {
    if (this.#shard() === 0) return this.#shardCount();
    const first = operationIndexAddress(this.env.INDEX, { ...place, indexShard: 0 });
    return callObject(first, async (stub): Promise<number> => stub.shardCount(), { limitMs: MAX_INNER_CALL_MS });
  }

  /** Shard 0: the shards that the scope has ever had. */
  async shardCount(): Promise<number> {
    return this.#shardCount();
  }

  /** Writes an operation's row, unless it is older than what is there. True: the operation was deleted, and stays so. */
  async upsert(row: IndexRow, place: IndexPlace): Promise<boolean> {
    await this.#prepare(place);
    this.#checks.end(row.id);
    const isDeleted = upsertRow(this.#sql, row);
    if (row.reservation) this.#reservations.markCreated(row.reservation, row.id, true);
    await this.#lookAfter(row.dueTime);
    return isDeleted;
  }

  async remove({ createTime, id }: RowKey, place: IndexPlace, reservation?: CreatedReservation): Promise<void> {
    await this.#prepare(place);
    const dueTime = Date.now() + TOMBSTONE_MS;
    this.#checks.end(id);
    buryRow(this.#sql, { createTime, id }, dueTime);
    if (reservation) this.#reservations.markCreated(reservation, id, true);
    await this.#lookAfter(dueTime);
  }

  // ── requestIds, in shard 0 ────────────────────────────────────────────────────────────────────────────────────────

  /** The reservation that stands under the key: an earlier one, or `mine`, which is stored now. */
  async reserve(key: string, mine: Reservation, place: IndexPlace): Promise<ReserveAnswer> {
    await this.#prepareReservations(place);
    const bytes = this.#watchSize();
    if (bytes >= this.maxReservingBytes && !this.#reservations.has(key)) return { ok: false, refusal: "FULL" };
    try {
      const reservation = await this.#reservations.reserve(key, mine);
      await this.#lookAfter(this.#reservations.dueTime);
      return { ok: true, reservation };
    } catch (error) {
      if (!isStorageFull(error)) throw error;
      return { ok: false, refusal: "FULL" };
    }
  }

  /** The reserved operation was created, and is indexed in another shard. */
  async markReservation(reservation: CreatedReservation, operationId: string): Promise<void> {
    this.#reservations.markCreated(reservation, operationId, false);
  }

  /** Takes over what an object of an earlier version reserved. */
  async adoptReservation(key: string, reservation: Reservation, place: IndexPlace): Promise<void> {
    await this.#prepareReservations(place);
    this.#reservations.adopt(key, reservation);
    await this.#lookAfter(this.#reservations.dueTime);
  }

  async #prepareReservations(place: IndexPlace): Promise<void> {
    await this.#prepare(place);
    if (!this.#reservations.isCreated) this.#reservations.create({ isNewScope: false });
  }

  /** The matches among the next rows, newest first. It looks at a bounded number of rows, whatever the filter. */
  async page(request: PageRequest): Promise<ShardPage> {
    const shardCount = this.#shardCount();
    if (!this.#isCreated()) return { rows: [], scanned: 0, shardCount };
    const { limit, maxRows = MAX_SCANNED_ROWS, maxBytes = MAX_PAGE_BYTES, isForAllShards = false } = request;
    const share = isForAllShards ? shareOf({ limit, maxRows, maxBytes }, shardCount) : {};
    return { ...readPage(this.#sql, { ...request, ...share }), shardCount };
  }

  /** Shard 0: the secret that the scope's page tokens are sealed with, base64; undefined where it was never wanted. */
  async existingTokenKey(): Promise<string | undefined> {
    return this.#tokenKey();
  }

  /** Shard 0: the same, made when it is first wanted. */
  async tokenKey(): Promise<string> {
    const existing = this.#tokenKey();
    if (existing !== undefined) return existing;
    const key = btoa(String.fromCodePoint(...crypto.getRandomValues(new Uint8Array(TOKEN_KEY_BYTES))));
    this.ctx.storage.kv.put(TOKEN_KEY, key);
    return key;
  }

  // Read and made in one go: two callers at once get one key.
  #tokenKey(): string | undefined {
    return this.ctx.storage.kv.get<string>(TOKEN_KEY);
  }

  /** Shard 0: another shard is about to have its first row. The number of shards only grows. */
  async registerShard(shard: number): Promise<void> {
    if (shard >= this.#shardCount()) this.ctx.storage.kv.put(SHARD_COUNT_KEY, shard + 1);
  }

  #shardCount(): number {
    return this.ctx.storage.kv.get<number>(SHARD_COUNT_KEY) ?? 1;
  }

  /** Settles rows that are due: what the operations' own alarms missed, expiry, starts that never were. */
  async settleDue(): Promise<void> {
    await this.#settleDue();
  }

  /**
   * For the sweep: settles what is due, and checks some running operations. It writes nothing where nothing has
   * changed.
   */
  async sweep(): Promise<Swept> {
    this.#checks.repaired = 0;
    const settled = await this.#settleDue();
    const patrolled = await this.#patrol();
    await this.#enterScope();
    const oldest = this.#isCreated() ? oldestRunningTime(this.#sql) : undefined;
    return {
      settled: settled + patrolled,
      hasMore: settled === MAX_DUE_ROWS,
      repaired: this.#checks.repaired,
      bytes: this.#watchSize(true),
      ...(oldest === undefined ? {} : { oldestRunningTime: oldest }),
    };
  }

  async #settleDue(): Promise<number> {
    if (!this.#isCreated()) return 0;
    await this.#alarm.read();
    const due = selectDueRows(this.#sql, Date.now(), MAX_DUE_ROWS);
    await this.#checks.check(due);
    await this.#reservations.walk();
    await this.#lookAfter(this.#nextDueTime());
    return due.length;
  }

  /** An operation whose alarm was lost arms it again when it is asked, whatever is overdue: its row is due much later. */
  async #patrol(): Promise<number> {
    if (!this.#isCreated()) return 0;
    const stored = this.ctx.storage.kv.get<Patrol>(PATROL_KEY);
    const part = nextPatrolPart(stored, Date.now());
    if (!part) return 0;
    const { after } = part.patrol;
    const rows = selectRunningRows(this.#sql, { after, createdBefore: part.createdBefore, limit: part.limit });
    // Where nothing runs for long there is nothing to remember.
    if (rows.length > 0 || after) this.ctx.storage.kv.put(PATROL_KEY, patrolBehind(part, rows));
    await this.#checks.check(rows);
    await this.#lookAfter(this.#nextDueTime());
    return rows.length;
  }

  /** It never throws: the platform drops an alarm that keeps failing. */
  override async alarm(): Promise<void> {
    this.#alarm.fired();
    try {
      await this.settleDue();
    } catch (error) {
      console.error({ message: "index alarm failed", error: String(error) });
      await this.#alarm.arm(Date.now() + INDEX_UNREACHABLE_DELAY_MS);
    }
  }

  #nextDueTime(): number | undefined {
    const times = [earliestDueTime(this.#sql), this.#reservations.dueTime].filter((time) => time !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Arms the alarm for what is due at `time`, on a grid: what is due a little later goes along, and arms no alarm of its own. */
  #lookAfter(time: number | undefined): Promise<void> | undefined {
    return this.#alarm.arm(time && Math.ceil(time / INDEX_ALARM_GRID_MS) * INDEX_ALARM_GRID_MS);
  }

  /** Creates the tables and enters the shard in the directory, before its first row. */
  async #prepare(place: IndexPlace): Promise<void> {
    this.#ready ??= this.#create(place).catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    this.#writes += 1;
    await this.#ready;
  }

  async #create(place: IndexPlace): Promise<void> {
    await this.#alarm.read();
    if (this.#isCreated()) return;
    // Shard 0 and the directory first: a shard that has rows is always listed, and always swept.
    const { indexShard = 0 } = place;
    const limit = { limitMs: MAX_INNER_CALL_MS };
    if (indexShard > 0) {
      const first = operationIndexAddress(this.env.INDEX, { ...place, indexShard: 0 });
      await callObject(first, async (stub): Promise<void> => stub.registerShard(indexShard), limit);
    }
    await this.#enter(place.parent);
    this.ctx.storage.transactionSync(() => {
      createSchema(this.#sql);
      if (indexShard === 0) this.#reservations.create({ isNewScope: true });
      if (indexShard > 0) this.ctx.storage.kv.put(SHARD_KEY, indexShard);
    });
  }

  /** Enters the shard in the directory. */
  async #enter(parent: string): Promise<void> {
    const directory = objectByName(this.env.DIRECTORY, DIRECTORY_NAME);
    const register = async (stub: DurableObjectStub<DirectoryObject>): Promise<void> =>
      stub.register(this.ctx.id.toString(), scopeFromParent(parent));
    await callObject(directory, register, { limitMs: MAX_INNER_CALL_MS });
  }

  /** An earlier version entered the shard without its scope. */
  async #enterScope(): Promise<void> {
    if (!this.#isCreated() || this.ctx.storage.kv.get(ENTERED_KEY) !== undefined) return;
    const parent = anyParent(this.#sql);
    if (parent === undefined) return;
    await this.#enter(parent);
    this.ctx.storage.kv.put(ENTERED_KEY, true);
  }

  /** Bytes of its storage. */
  async size(): Promise<number> {
    return this.#sql.databaseSize;
  }

  #shard(): number {
    return this.ctx.storage.kv.get<number>(SHARD_KEY) ?? 0;
  }

  #isCreated(): boolean {
    this.#created ||= this.#sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'operations'`).toArray().length > 0;
    return this.#created;
  }
}

function isStorageFull(error: unknown): boolean {
  return /SQLITE_FULL|database or disk is full/.test(String(error));
}
