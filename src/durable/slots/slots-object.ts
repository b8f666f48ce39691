// SlotsObject: how many operations of one kind run, or of one caller are under way, at the same time. It counts holders,
// not numbers: one that died without a message is found out by asking. Waiters are served in the order of their priority, then of their time.
import { DurableObject } from "cloudflare:workers";
import { MAX_INNER_CALL_MS, MAX_SLOT_CHECKS, MAX_SLOT_WAITERS, SLOT_CHECK_AFTER_MS } from "../../limits";
import type { SlotStanding } from "../../operators/facts";
import { type QuotaLimits, type SpendAnswer, type Spending, spendingWith } from "../../service/start-quota";
import { Alarm } from "../alarm";
import { withNamespaces } from "../namespaces";
import { callObject, objectById } from "../object-call";

/** An operation's object, as its slots call it. */
interface SlotUser extends Rpc.DurableObjectBranded {
  slotFreed(): Promise<boolean>;
  holdsSlot(key: string): Promise<boolean>;
}

/** The bindings that this object uses. */
export interface SlotsEnv {
  OPERATIONS: DurableObjectNamespace<SlotUser>;
}

const HOLDER_PREFIX = "holder/";
const WAITER_PREFIX = "waiter/";
/** How many slots there are, as the last one who asked for one had it. */
const LIMIT_KEY = "limit";
/** The spent part of a quota, in an object without slots. */
const QUOTA_KEY = "quota";

export interface SlotRequest {
  operationId: string;
  limit: number;
  waits: boolean;
  /** Its place among the waiters: lower first; 0 where absent. */
  priority?: number;
}

/** PERSISTED CONTRACT: since when one waits, in milliseconds since 1970, and its priority where that is not 0. */
type Waiter = number | { time: number; priority: number };

export class SlotsObject extends DurableObject<SlotsEnv> {
  /** By operation id, in the order of their times: when each took its slot or was last asked. */
  readonly #holders: Map<string, number>;
  /** By operation id, in the order in which they come. */
  #waiters: Map<string, Waiter>;
  readonly #nextCheck: Alarm;

  constructor(ctx: DurableObjectState, env: SlotsEnv) {
    super(ctx, withNamespaces(env));
    this.#holders = new Map([...this.#stored<number>(HOLDER_PREFIX)].toSorted(([, a], [, b]) => a - b));
    this.#waiters = inTurn(this.#stored<Waiter>(WAITER_PREFIX));
    this.#nextCheck = new Alarm(ctx.storage);
  }

  /** Gives a slot; one that the operation holds already is its own. Of equal priority, the longest waiter comes first. */
  async acquire({ operationId, limit, waits, priority = 0 }: SlotRequest): Promise<boolean> {
    this.#setLimit(limit);
    if (this.#take(operationId)) return true;
    if (waits) this.#wait(operationId, priority);
    await this.#dropIdleHolders();
    await this.#serveWaiters(operationId);
    if (this.#take(operationId)) return true;
    if (this.#waiters.size > 0) await this.#checkLater();
    return false;
  }

  /** Gives a slot back, or a place among those who wait; what is free then goes to the one who has waited longest. */
  async release(operationId: string): Promise<void> {
    this.#forget(operationId);
    await this.#serveWaiters();
  }

  /** Counts a start on a caller's or a parent's quota, in an object of its own, unless that is too much. */
  async spend({ bytes, limits }: { bytes: number; limits: QuotaLimits }): Promise<SpendAnswer> {
    const { kv } = this.ctx.storage;
    const now = Date.now();
    const stored = kv.get<Spending>(QUOTA_KEY);
    const spending = spendingWith(stored, { bytes, limits, now });
    if (!spending) return { ok: false, retryMs: (stored?.endTime ?? now) - now };
    kv.put(QUOTA_KEY, spending);
    // Nothing is left of a caller who does not come again.
    if (spending.endTime !== stored?.endTime) await this.ctx.storage.setAlarm(spending.endTime);
    return { ok: true };
  }

  /** For operators: how an operation stands here. */
  standing(operationId: string): SlotStanding {
    const place = [...this.#waiters.keys()].indexOf(operationId);
    return {
      holders: this.#holders.size,
      waiters: this.#waiters.size,
      isHeld: this.#holders.has(operationId),
      ...(place === -1 ? {} : { ahead: place }),
    };
  }

  /** A release that was lost keeps those who wait no longer than this takes to find it out. */
  override async alarm(): Promise<void> {
    this.#nextCheck.fired();
    const spending = this.ctx.storage.kv.get<Spending>(QUOTA_KEY);
    if (spending && spending.endTime <= Date.now()) return this.ctx.storage.deleteAll();
    if (this.#waiters.size === 0) return;
    // Armed first: should something below fail, it comes back.
    await this.#checkLater();
    await this.#dropIdleHolders();
    await this.#serveWaiters();
  }

  /** Takes a slot if one is free that nobody waits for. Nothing is awaited between counting and taking. */
  #take(operationId: string): boolean {
    const holds = this.#holders.has(operationId);
    if (!holds && (this.#waiters.size > 0 || !this.#isFree())) return false;
    this.#hold(operationId);
    return true;
  }

  #isFree(): boolean {
    return this.#holders.size < (this.ctx.storage.kv.get<number>(LIMIT_KEY) ?? 0);
  }

  /** Gives free slots to those who have waited longest. One that needs none, or cannot be reached, loses it. */
  async #serveWaiters(claimant?: string): Promise<void> {
    for (;;) {
      const next = this.#isFree() ? firstOf(this.#waiters) : undefined;
      if (next === undefined) return;
      // The slot belongs to the waiter from now on. A slot that is only announced could be taken by another request.
      this.#hold(next);
      // The operation that is just asking for it needs no message.
      if (next !== claimant && !(await this.#tellSlotFreed(next))) this.#forget(next);
    }
  }

  async #tellSlotFreed(operationId: string): Promise<boolean> {
    try {
      return await callObject(this.#operation(operationId), async (stub): Promise<boolean> => stub.slotFreed(), {
        limitMs: MAX_INNER_CALL_MS,
      });
    } catch (error) {
      console.warn({ message: "a waiter was not reached", id: operationId, error: String(error) });
      return false;
    }
  }

  /** Asks those who have held theirs longest whether they still do. */
  async #dropIdleHolders(): Promise<void> {
    const before = Date.now() - SLOT_CHECK_AFTER_MS;
    const idle = [...this.#holders].filter(([, time]) => time <= before).slice(0, MAX_SLOT_CHECKS);
    await Promise.all(
      idle.map(async ([operationId, time]) => {
        const holds = await this.#stillHolds(operationId);
        // Taken again, or given back, while it was asked.
        if (this.#holders.get(operationId) !== time) return;
        // Asked again only when others have been.
        if (holds) this.#hold(operationId);
        else this.#forget(operationId);
      }),
    );
  }

  /** One that cannot be reached keeps its slot: it may be at work. */
  async #stillHolds(operationId: string): Promise<boolean> {
    try {
      return await callObject(
        this.#operation(operationId),
        async (stub): Promise<boolean> => stub.holdsSlot(this.ctx.id.name ?? ""),
        { limitMs: MAX_INNER_CALL_MS },
      );
    } catch (error) {
      console.warn({ message: "a holder was not reached", id: operationId, error: String(error) });
      return true;
    }
  }

  #operation(operationId: string) {
    return objectById(this.env.OPERATIONS, operationId);
  }

  async #checkLater(): Promise<void> {
    await this.#nextCheck.read();
    await this.#nextCheck.arm(Date.now() + SLOT_CHECK_AFTER_MS);
  }

  // ── Memory and storage, always the same ───────────────────────────────────────────────────────────────────────────

  #stored<T>(prefix: string): Map<string, T> {
    return new Map(
      [...this.ctx.storage.kv.list<T>({ prefix })].map(([key, value]) => [key.slice(prefix.length), value]),
    );
  }

  #setLimit(limit: number): void {
    const { kv } = this.ctx.storage;
    if (kv.get<number>(LIMIT_KEY) !== limit) kv.put(LIMIT_KEY, limit);
  }

  #hold(operationId: string): void {
    this.#forget(operationId);
    const time = Date.now();
    this.#holders.set(operationId, time);
    this.ctx.storage.kv.put(HOLDER_PREFIX + operationId, time);
  }

  /** Keeps its place if it waits already. */
  #wait(operationId: string, priority: number): void {
    if (this.#waiters.has(operationId) || this.#waiters.size >= MAX_SLOT_WAITERS) return;
    // Later than all others, also where a clock stands still.
    const latest = Math.max(0, ...[...this.#waiters.values()].map(timeOf));
    const time = Math.max(Date.now(), latest + 1);
    const waiter = priority === 0 ? time : { time, priority };
    this.#waiters = inTurn(new Map([...this.#waiters, [operationId, waiter]]));
    this.ctx.storage.kv.put(WAITER_PREFIX + operationId, waiter);
  }

  #forget(operationId: string): void {
    if (this.#holders.delete(operationId)) this.ctx.storage.kv.delete(HOLDER_PREFIX + operationId);
    if (this.#waiters.delete(operationId)) this.ctx.storage.kv.delete(WAITER_PREFIX + operationId);
  }
}

function inTurn(waiters: ReadonlyMap<string, Waiter>): Map<string, Waiter> {
  return new Map([...waiters].toSorted(([, a], [, b]) => priorityOf(a) - priorityOf(b) || timeOf(a) - timeOf(b)));
}

function timeOf(waiter: Waiter): number {
  return typeof waiter === "number" ? waiter : waiter.time;
}

function priorityOf(waiter: Waiter): number {
  return typeof waiter === "number" ? 0 : waiter.priority;
}

function firstOf(map: ReadonlyMap<string, unknown>): string | undefined {
  for (const key of map.keys()) return key;
  return undefined;
}
