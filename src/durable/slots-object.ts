// SlotsObject: how many operations of one kind run, or of one caller are under way, at the same time. It counts holders,
// not numbers: one that died without a word is found out by asking when its slot is wanted.
import { DurableObject } from "cloudflare:workers";
import type { Env } from "../env";
import { MAX_SLOT_CHECKS, MAX_SLOT_WAITERS, SLOT_CHECK_AFTER_MS } from "../limits";

const HOLDER_PREFIX = "holder/";
const WAITER_PREFIX = "waiter/";

/** Who wants a slot. */
export interface SlotRequest {
  operationId: string;
  limit: number;
  /** Whether it is to be told when one is free. */
  waits: boolean;
}

export class SlotsObject extends DurableObject<Env> {
  /** Gives a slot; one that the operation holds already is its own. */
  async acquire({ operationId, limit, waits }: SlotRequest): Promise<boolean> {
    if (this.#take(operationId, limit)) return true;
    await this.#dropIdleHolders();
    if (this.#take(operationId, limit)) return true;
    if (waits && this.#count(WAITER_PREFIX, MAX_SLOT_WAITERS) < MAX_SLOT_WAITERS) {
      this.ctx.storage.kv.put(WAITER_PREFIX + operationId, Date.now());
    }
    return false;
  }

  /** Gives a slot back, and tells the one who has waited longest. */
  async release(operationId: string): Promise<void> {
    this.ctx.storage.kv.delete(HOLDER_PREFIX + operationId);
    this.ctx.storage.kv.delete(WAITER_PREFIX + operationId);
    const [next] = this.#oldest(WAITER_PREFIX, MAX_SLOT_WAITERS);
    if (next === undefined) return;
    this.ctx.storage.kv.delete(WAITER_PREFIX + next);
    // Should it not be reached, its own re-send brings it back.
    await this.#operation(next).slotFreed();
  }

  /** Takes a slot if one is free. Nothing is awaited between counting and taking. */
  #take(operationId: string, limit: number): boolean {
    const key = HOLDER_PREFIX + operationId;
    const holds = this.ctx.storage.kv.get<number>(key) !== undefined;
    if (!holds && this.#count(HOLDER_PREFIX, limit) >= limit) return false;
    this.ctx.storage.kv.put(key, Date.now());
    this.ctx.storage.kv.delete(WAITER_PREFIX + operationId);
    return true;
  }

  /** Asks those who have held theirs longest whether they still do. */
  async #dropIdleHolders(): Promise<void> {
    const asked = this.#oldest(HOLDER_PREFIX, MAX_SLOT_CHECKS, Date.now() - SLOT_CHECK_AFTER_MS);
    await Promise.all(
      asked.map(async (operationId) => {
        const key = HOLDER_PREFIX + operationId;
        if (!(await this.#operation(operationId).holdsSlot(this.ctx.id.name ?? ""))) this.ctx.storage.kv.delete(key);
        // Asked again only when others have been.
        else this.ctx.storage.kv.put(key, Date.now());
      }),
    );
  }

  #operation(operationId: string) {
    return this.env.OPERATIONS.get(this.env.OPERATIONS.idFromString(operationId));
  }

  #count(prefix: string, limit: number): number {
    return [...this.ctx.storage.kv.list({ prefix, limit })].length;
  }

  /** Operation ids by the time that stands with them, the oldest first. */
  #oldest(prefix: string, limit: number, before = Infinity): string[] {
    return [...this.ctx.storage.kv.list<number>({ prefix })]
      .filter(([, time]) => time < before)
      .toSorted(([, a], [, b]) => a - b)
      .slice(0, limit)
      .map(([key]) => key.slice(prefix.length));
  }
}
