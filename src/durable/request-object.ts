// RequestObject: one requestId of one caller, method and parent, and the operation it stands for (AIP-155).
import { DurableObject } from "cloudflare:workers";
import type { Env } from "../env";
import { REQUEST_ID_TTL_MS } from "../limits";
import type { Reservation } from "../operation/reservation";

const RESERVATION_KEY = "reservation";

export class RequestObject extends DurableObject<Env> {
  /** The reservation that stands: the first that was made. */
  async reserve(reservation: Reservation): Promise<Reservation> {
    const existing = this.#reservation();
    if (existing) return existing;
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
    // Armed first: should the operation not be reached, this is looked at again.
    await this.ctx.storage.setAlarm(Date.now() + REQUEST_ID_TTL_MS);
    const { OPERATIONS } = this.env;
    if (await OPERATIONS.get(OPERATIONS.idFromString(reservation.operationId)).exists()) return;
    await Promise.all([this.ctx.storage.deleteAlarm(), this.ctx.storage.deleteAll()]);
  }

  #reservation(): Reservation | undefined {
    return this.ctx.storage.kv.get<Reservation>(RESERVATION_KEY);
  }
}
