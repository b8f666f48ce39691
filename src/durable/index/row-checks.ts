// The checks of rows with their operations: what the operations' own alarms missed, expiry, starts that never were.
import { INDEX_UNREACHABLE_DELAY_MS, TOMBSTONE_MS } from "../../limits";
import type { IndexRow } from "../../list/index-row";
import type { RowKey } from "../../list/page";
import type { CreatedReservation } from "../../list/reservation";
import { callObject, inSlices, objectById } from "../object-call";
import { type DueRow, deleteDueRow, setDueTime, upsertRow } from "./index-sql";

/** An operation's object, as its index calls it. */
export interface IndexedOperation extends Rpc.DurableObjectBranded {
  exists(): Promise<boolean>;
  reconcile(): Promise<IndexRow | undefined>;
  remainsUntil(): Promise<number | undefined>;
}

export interface RowChecksPort {
  /** The number of this shard. */
  shard(this: void): number;
  markCreated(this: void, reservation: CreatedReservation, operationId: string): void;
}

export class RowChecks {
  readonly #sql: SqlStorage;
  readonly #operations: DurableObjectNamespace<IndexedOperation>;
  readonly #port: RowChecksPort;
  /** The latest check of each row whose operation is being asked. */
  readonly #checks = new Map<string, object>();
  /** Rows put right since the last sweep began. */
  repaired = 0;

  constructor(sql: SqlStorage, operations: DurableObjectNamespace<IndexedOperation>, port: RowChecksPort) {
    this.#sql = sql;
    this.#operations = operations;
    this.#port = port;
  }

  /** A row is written: what its operation was asked before says nothing any more. */
  end(id: string): void {
    this.#checks.delete(id);
  }

  check(rows: readonly DueRow[]): Promise<void> {
    return inSlices(rows, (row) => this.#settle(row));
  }

  async #settle(row: DueRow): Promise<void> {
    if (row.tombstone) return this.#settleTombstone(row);
    const check = {};
    this.#checks.set(row.id, check);
    const answer = await this.#ask(row);
    // A row that was written meanwhile is newer than the answer.
    if (this.#checks.get(row.id) !== check) return;
    this.#checks.delete(row.id);
    // A start that a deployment of other shards repeated has its row in another shard; the one of its first try goes.
    if (!row.done && (answer === "absent" || (answer !== "unreachable" && answer.done))) this.repaired += 1;
    if (answer === "absent" || (answer !== "unreachable" && (answer.indexShard ?? 0) !== this.#port.shard())) {
      return deleteDueRow(this.#sql, row);
    }
    const isKnown = answer !== "unreachable" && answer.revision === row.revision && answer.dueTime === row.dueTime;
    // The object tells the truth: a row of a later revision is of a change that was lost before it was saved.
    if (answer !== "unreachable" && answer.revision < row.revision) deleteDueRow(this.#sql, row);
    if (answer !== "unreachable" && !isKnown) upsertRow(this.#sql, answer);
    if (answer !== "unreachable" && answer.reservation) this.#port.markCreated(answer.reservation, row.id);
    // A row with its old due time would be asked again at once and delay the others.
    if (row.dueTime <= Date.now() && (answer === "unreachable" || answer.dueTime <= Date.now())) {
      setDueTime(this.#sql, row, Date.now() + INDEX_UNREACHABLE_DELAY_MS);
    }
  }

  /** A tombstone goes when nothing is left of its operation: one whose alarm was lost is found out here. */
  async #settleTombstone(row: DueRow): Promise<void> {
    try {
      const remainsUntil = await callObject(this.#operation(row), async (stub): Promise<number | undefined> =>
        stub.remainsUntil(),
      );
      if (remainsUntil === undefined) return deleteDueRow(this.#sql, row);
      setDueTime(this.#sql, row, Math.max(remainsUntil, Date.now() + TOMBSTONE_MS));
    } catch (error) {
      logUnreached(row, error);
      setDueTime(this.#sql, row, Date.now() + INDEX_UNREACHABLE_DELAY_MS);
    }
  }

  async #ask(row: DueRow): Promise<IndexRow | "absent" | "unreachable"> {
    try {
      return (
        (await callObject(this.#operation(row), async (stub): Promise<IndexRow | undefined> => stub.reconcile())) ??
        "absent"
      );
    } catch (error) {
      logUnreached(row, error);
      return "unreachable";
    }
  }

  #operation({ id }: RowKey) {
    return objectById(this.#operations, id);
  }
}

function logUnreached({ id }: RowKey, error: unknown): void {
  console.warn({ message: "operation not reached; the index will ask again", id, error: String(error) });
}
