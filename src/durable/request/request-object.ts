// RequestObject: one requestId, as an earlier version kept it. New ones are in the index (reservations.ts); an object's alarm
// moves what it holds there. docs/operations.md says when the class can be deleted.
import { DurableObject } from "cloudflare:workers";
import { MAX_INNER_CALL_MS, REQUEST_ID_TTL_MS } from "../../limits";
import type { Reservation } from "../../list/reservation";
import { withNamespaces } from "../namespaces";
import { callObject, objectById } from "../object-call";
import { type IndexPlace, operationIndexAddress } from "../index/index-name";
import type { OperationIndex } from "../index/operation-index";
import type { OperationObject } from "../operation/operation-object";

/** The bindings that this object uses. */
export interface RequestEnv {
  OPERATIONS: DurableObjectNamespace<OperationObject>;
  INDEX: DurableObjectNamespace<OperationIndex>;
}

const RESERVATION_KEY = "reservation";

export class RequestObject extends DurableObject<RequestEnv> {
  constructor(ctx: DurableObjectState, env: RequestEnv) {
    super(ctx, withNamespaces(env));
  }

  /** The reservation that stands: the first that was made, unless its time is over. */
  async reserve(reservation: Reservation): Promise<Reservation> {
    const existing = this.#reservation();
    if (existing) {
      if (!(await this.#isOver(existing))) return existing;
      // Nothing is awaited from here to the write: of several that found the old one over, the first has it.
      const renewed = this.#reservation();
      if (renewed && renewed.operationId !== existing.operationId) return renewed;
    }
    this.ctx.storage.kv.put(RESERVATION_KEY, reservation);
    await this.ctx.storage.setAlarm(reservation.createTime + REQUEST_ID_TTL_MS);
    return reservation;
  }

  async markCreated(inputDigest: string | undefined): Promise<void> {
    const reservation = this.#reservation();
    if (!reservation || reservation.created) return;
    const created: Reservation = { ...reservation, created: true };
    this.ctx.storage.kv.put(RESERVATION_KEY, inputDigest === undefined ? created : { ...created, inputDigest });
  }

  /** A day after it was reserved, and daily from then on: moves it into the index of its operation, or forgets it. */
  override async alarm(): Promise<void> {
    const reservation = this.#reservation();
    if (!reservation) return;
    const now = Date.now();
    const dayEndTime = reservation.createTime + REQUEST_ID_TTL_MS;
    // Armed first, and nothing is thrown: should the operation not be reached, this is looked at again.
    await this.ctx.storage.setAlarm(now < dayEndTime ? dayEndTime : now + REQUEST_ID_TTL_MS);
    if (now < dayEndTime) return;
    try {
      const operation = objectById(this.env.OPERATIONS, reservation.operationId);
      const limit = { limitMs: MAX_INNER_CALL_MS };
      const place = await callObject(
        operation,
        async (stub): Promise<IndexPlace | undefined> => stub.indexPlace(),
        limit,
      );
      if (place) await this.#move(reservation, place);
      // Not what was reserved again meanwhile.
      if (this.#reservation()?.operationId !== reservation.operationId) return;
      await Promise.all([this.ctx.storage.deleteAlarm(), this.ctx.storage.deleteAll()]);
    } catch (error) {
      console.warn({ message: "requestId not moved; it will be tried again", error: String(error) });
    }
  }

  async #move(reservation: Reservation, place: IndexPlace): Promise<void> {
    // The platform may not tell it to an alarm that was armed before it did so.
    const { name: key } = this.ctx.id;
    if (key === undefined) throw new Error("the object does not know its name");
    const address = operationIndexAddress(this.env.INDEX, { ...place, indexShard: 0 });
    // An operation that is there was created.
    const created = { ...reservation, created: true };
    await callObject(
      address,
      async (stub): Promise<void> => stub.adoptReservation(key, created, { ...place, indexShard: 0 }),
      { limitMs: MAX_INNER_CALL_MS },
    );
  }

  /** Whether a reservation has outlived its day and its operation: where its alarm was lost, nobody is held to it either. */
  async #isOver({ createTime, operationId }: Reservation): Promise<boolean> {
    if (createTime + REQUEST_ID_TTL_MS > Date.now()) return false;
    const operation = objectById(this.env.OPERATIONS, operationId);
    return !(await callObject(operation, async (stub): Promise<boolean> => stub.exists(), {
      limitMs: MAX_INNER_CALL_MS,
    }));
  }

  #reservation(): Reservation | undefined {
    return this.ctx.storage.kv.get<Reservation>(RESERVATION_KEY);
  }
}
