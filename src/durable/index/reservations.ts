// The requestIds of a scope (AIP-155), reserved in shard 0 of its index: an object under a new name costs too much.
import { MAX_EXISTENCE_CHECKS, MAX_INNER_CALL_MS, MAX_WALKED_RESERVATIONS, REQUEST_ID_TTL_MS } from "../../limits";
import type { CreatedReservation, Reservation } from "../../list/reservation";
import { callObject, inSlices, objectById, objectByName } from "../object-call";
import { hasLiveRow } from "./index-sql";
import {
  type StoredReservation,
  createReservations,
  deleteReservation,
  hasReservations,
  insertReservation,
  markReservation,
  selectReservation,
  selectReservations,
} from "./reservations-sql";

const WALK_KEY = "reservations";
const EARLIER_KEY = "earlierRequests";

/** The walk over all reservations that forgets those whose time is over. PERSISTED CONTRACT: it is stored. */
interface Walk {
  /** When its next part is due, in milliseconds since 1970. */
  dueTime: number;
  /** When it began; absent before. */
  startTime?: number;
  after?: string;
}

/** An operation's object, and one of an earlier version's requestId, as the reservations call them. */
interface ReservedOperation extends Rpc.DurableObjectBranded {
  exists(): Promise<boolean>;
}
interface EarlierRequest extends Rpc.DurableObjectBranded {
  reserve(reservation: Reservation): Promise<Reservation>;
}

export interface ReservationsEnv {
  OPERATIONS: DurableObjectNamespace<ReservedOperation>;
  /** Where a version before wrote requestIds into objects of their own (docs/operations.md, Upgrading). */
  REQUESTS?: DurableObjectNamespace<EarlierRequest>;
}

export class Reservations {
  readonly #storage: DurableObjectStorage;
  readonly #env: ReservationsEnv;
  #isCreated = false;
  /** undefined: not read yet; null: none. */
  #walk: Walk | null | undefined;

  constructor(storage: DurableObjectStorage, env: ReservationsEnv) {
    this.#storage = storage;
    this.#env = env;
  }

  /** Makes the table. A scope that has had operations before may have requestIds that an earlier version reserved. */
  create({ isNewScope }: { isNewScope: boolean }): void {
    createReservations(this.#storage.sql);
    if (!isNewScope) this.#storage.kv.put(EARLIER_KEY, true);
    this.#isCreated = true;
  }

  get isCreated(): boolean {
    this.#isCreated ||= hasReservations(this.#storage.sql);
    return this.#isCreated;
  }

  /** The reservation that stands under the key: an earlier one, or `mine`, which is stored now. */
  async reserve(key: string, mine: Reservation): Promise<Reservation> {
    const first = await this.#standing(key);
    if (first) return first;
    const earlier = await this.#reservedEarlier(key, mine);
    // Nothing is awaited from here on: of several that come at once, the first has it.
    const standing = selectReservation(this.#storage.sql, key);
    if (standing) return reservationFrom(standing);
    this.#insert(key, earlier);
    return earlier;
  }

  has(key: string): boolean {
    return selectReservation(this.#storage.sql, key) !== undefined;
  }

  adopt(key: string, reservation: Reservation): void {
    if (!selectReservation(this.#storage.sql, key)) this.#insert(key, reservation);
  }

  /** The operation was created. `isHere`: its row is in this shard. */
  markCreated({ key, inputDigest }: CreatedReservation, operationId: string, isHere: boolean): void {
    if (this.isCreated) markReservation(this.#storage.sql, { key, operationId, inputDigest, isHere });
  }

  #insert(key: string, reservation: Reservation): void {
    insertReservation(this.#storage.sql, key, reservation);
    if (!this.#readWalk()) this.#saveWalk({ dueTime: reservation.createTime + REQUEST_ID_TTL_MS });
  }

  async #standing(key: string): Promise<Reservation | undefined> {
    const found = selectReservation(this.#storage.sql, key);
    if (!found) return undefined;
    // An expired requestId can be used again, whether or not the walk has reached it.
    if (await this.#isOver(found)) deleteReservation(this.#storage.sql, found);
    const standing = selectReservation(this.#storage.sql, key);
    return standing && reservationFrom(standing);
  }

  /**
   * While the objects of an earlier version are bound, one of them decides: Workers of that version may ask it at the same
   * time. It keeps `mine` where it has no other, and forgets it as it forgets all that it keeps.
   */
  async #reservedEarlier(key: string, mine: Reservation): Promise<Reservation> {
    const { REQUESTS } = this.#env;
    if (!REQUESTS || !this.#storage.kv.get(EARLIER_KEY)) return mine;
    return callObject(objectByName(REQUESTS, key), async (stub): Promise<Reservation> => stub.reserve(mine), {
      limitMs: MAX_INNER_CALL_MS,
    });
  }

  async #isOver(reservation: StoredReservation): Promise<boolean> {
    const { operationId, createTime, isHere } = reservation;
    if (createTime + REQUEST_ID_TTL_MS > Date.now()) return false;
    if (isHere) return !hasLiveRow(this.#storage.sql, { createTime, id: operationId }, Date.now());
    const operation = objectById(this.#env.OPERATIONS, operationId);
    return !(await callObject(operation, async (stub): Promise<boolean> => stub.exists(), {
      limitMs: MAX_INNER_CALL_MS,
    }));
  }

  // ── The walk ──────────────────────────────────────────────────────────────────────────────────────────────────────

  get dueTime(): number | undefined {
    return this.isCreated ? this.#readWalk()?.dueTime : undefined;
  }

  /** Takes the next part of the walk, if it is due: a day after the last walk began there is another. */
  async walk(): Promise<void> {
    const walk = this.isCreated ? this.#readWalk() : undefined;
    const now = Date.now();
    if (!walk || walk.dueTime > now) return;
    const { startTime = now, after = "" } = walk;
    const { part, isLast } = this.#nextPart(after, now);
    await inSlices(part, (reservation) => this.#forget(reservation, now));
    const last = part.at(-1);
    if (!isLast && last) return this.#saveWalk({ dueTime: now, startTime, after: last.key });
    const isEmpty = selectReservations(this.#storage.sql, "", 1).length === 0;
    this.#saveWalk(isEmpty ? null : { dueTime: startTime + REQUEST_ID_TTL_MS });
  }

  /** The next reservations, of which only so many have operations that must be asked. */
  #nextPart(after: string, now: number): { part: StoredReservation[]; isLast: boolean } {
    const rows = selectReservations(this.#storage.sql, after, MAX_WALKED_RESERVATIONS);
    let checks = 0;
    const end = rows.findIndex((reservation) => {
      if (!reservation.isHere && isWalkedDay(reservation, now)) checks += 1;
      return checks > MAX_EXISTENCE_CHECKS;
    });
    if (end !== -1) return { part: rows.slice(0, end), isLast: false };
    return { part: rows, isLast: rows.length < MAX_WALKED_RESERVATIONS };
  }

  async #forget(reservation: StoredReservation, now: number): Promise<void> {
    if (!reservation.isHere && !isWalkedDay(reservation, now)) return;
    try {
      if (await this.#isOver(reservation)) deleteReservation(this.#storage.sql, reservation);
    } catch (error) {
      const { operationId } = reservation;
      console.warn({ message: "requestId not settled; it will be tried again", operationId, error: String(error) });
    }
  }

  #readWalk(): Walk | null {
    if (this.#walk === undefined) this.#walk = this.#storage.kv.get<Walk>(WALK_KEY) ?? null;
    return this.#walk;
  }

  #saveWalk(walk: Walk | null): void {
    this.#walk = walk;
    if (walk) this.#storage.kv.put(WALK_KEY, walk);
    else this.#storage.kv.delete(WALK_KEY);
  }
}

/**
 * Whether a walk asks the operation of another shard: after 1, 2, 4, 8, … days. A reservation that outlives its operation
 * takes a row and does no harm, and a call a day for each would cost more than the start did.
 */
function isWalkedDay({ createTime }: StoredReservation, now: number): boolean {
  const days = Math.floor((now - createTime) / REQUEST_ID_TTL_MS);
  return days > 0 && Number.isInteger(Math.log2(days));
}

/** The part that crosses to the Worker. */
function reservationFrom({ key: _key, isHere: _isHere, ...reservation }: StoredReservation): Reservation {
  return reservation;
}
