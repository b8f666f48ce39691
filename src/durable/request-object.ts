// RequestObject: one requestId of one caller, method and parent, and the operation it stands for (AIP-155).
import { DurableObject } from "cloudflare:workers";
import type { Env } from "../env";
import { MAX_INNER_CALL_MS, REQUEST_ID_TTL_MS } from "../limits";
import type { Reservation } from "../operation/reservation";
import { callObject, objectById } from "./object-call";

const RESERVATION_KEY = "reservation";

export class RequestObject extends DurableObject<Env> {
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

  /** Forgets the requestId a day after it was first used, or when its operation is gone, whichever is later. */
  override async alarm(): Promise<void> {
    const reservation = this.#reservation();
    if (!reservation) return;
    // Armed first, and nothing is thrown: should the operation not be reached, this is looked at again.
    await this.ctx.storage.setAlarm(Date.now() + REQUEST_ID_TTL_MS);
    try {
      if (!(await this.#isOver(reservation))) return;
      // Not what was reserved anew meanwhile.
      if (this.#reservation()?.operationId !== reservation.operationId) return;
      await Promise.all([this.ctx.storage.deleteAlarm(), this.ctx.storage.deleteAll()]);
    } catch (error) {
      console.warn({ message: "requestId not settled; it will be tried again", error: String(error) });
    }
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
