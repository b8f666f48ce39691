// The effects that reach beyond one operation's object: Queue, OperationIndex, KV. Each may be repeated, none is lost.
import { deleteSnapshot, putSnapshot } from "../../kv/snapshots";
import { parseOperationName } from "../../aip/resource-name";
import { childEnd } from "../../contract/child";
import { CHILD_START_MS, MAX_INNER_CALL_MS } from "../../limits";
import type { OperationEvent, OutboxEffect } from "../../lifecycle/event";
import type { SlotStanding } from "../../operators/facts";
import { indexRowFromRecord, reservationElsewhere, reservationHere } from "../../list/index-row";
import type { OperationRecord, Slot } from "../../lifecycle/record";
import { callObject, inSlices, objectById, objectByName } from "../object-call";
import { doors } from "../webhook-doors";
import { operationIndexAddress, placeOf } from "../index/index-name";
import type { OperationEnv } from "./operation-env";
import { sendWork } from "./queues";

export interface OutboxPort {
  record(): OperationRecord | undefined;
  /** The operation's JSON, as text or as a stream. */
  body(record: OperationRecord): string | ReadableStream<Uint8Array>;
  metadataJson(record: OperationRecord): string;
  /** The child operations that are cancelled with their parent. */
  children(): StoppedChild[];
  /** Reports the outcomes of effects to the core. */
  report(): void;
}

export interface StoppedChild {
  id: string;
  /** false: its start may be under way, or was never made. */
  isStarted: boolean;
}

export class Outbox {
  readonly #env: OperationEnv;
  readonly #port: OutboxPort;
  /** Effects under way, and whether each is to be done once more: of one kind, one at a time, so that the last one wins. */
  readonly #underWay = new Map<OutboxEffect, { again: boolean; settled: Promise<void> }>();
  /** How effects went, until the core knows: while others are under way it waits, so that all are saved as one row. */
  readonly #heard: OperationEvent[] = [];
  /** The last call about a slot: two of them on their way at once might change places. */
  #slotCall: Promise<unknown> = Promise.resolve();

  constructor(env: OperationEnv, port: OutboxPort) {
    this.#env = env;
    this.#port = port;
  }

  /** Performs an effect. It never throws: what fails stays in the outbox, and is retried by the alarm. */
  async perform(effect: "send" | OutboxEffect): Promise<void> {
    if (effect === "send" || effect === "webhooks") return this.#send(effect);
    const current = this.#underWay.get(effect);
    if (current) {
      current.again = true;
      return current.settled;
    }
    const { promise: settled, resolve } = Promise.withResolvers<void>();
    const run = { again: true, settled };
    this.#underWay.set(effect, run);
    while (run.again) {
      run.again = false;
      await this.#performOnce(effect);
    }
    this.#underWay.delete(effect);
    resolve();
    if (this.#underWay.size === 0) this.#port.report();
  }

  /** Tells the index of a record that is not saved yet; whether it has received it. Told of another, it is told of that later. */
  async tellAhead(record: OperationRecord): Promise<boolean> {
    await this.settled("index");
    const { promise: settled, resolve } = Promise.withResolvers<void>();
    const run = { again: false, settled };
    this.#underWay.set("index", run);
    try {
      await this.#tellIndex(record);
      return true;
    } catch (error) {
      this.#log("index", record, error);
      return false;
    } finally {
      this.#underWay.delete("index");
      resolve();
      if (run.again) void this.perform("index");
      else if (this.#underWay.size === 0) this.#port.report();
    }
  }

  /** How effects went that the core does not know of yet; it goes along with whatever is saved next. */
  takeHeard(): OperationEvent[] {
    return this.#heard.splice(0);
  }

  /** Gives a slot back. Should this be lost, its SlotsObject finds out by asking. */
  async releaseSlot({ key }: Slot): Promise<void> {
    const record = this.#port.record();
    if (!record) return;
    try {
      await this.#afterSlotCall(() =>
        callObject(objectByName(this.#env.SLOTS, key), async (stub): Promise<void> => stub.release(record.id)),
      );
    } catch (error) {
      this.#log("releaseSlot", record, error);
    }
  }

  /** Takes a slot to run in, or is put down as waiting for one. */
  async acquireSlot({ key, limit }: Slot, { id: operationId, priority }: OperationRecord): Promise<boolean> {
    return this.#afterSlotCall(() =>
      callObject(
        objectByName(this.#env.SLOTS, key),
        async (stub): Promise<boolean> =>
          stub.acquire({ operationId, limit, waits: true, ...(priority === undefined ? {} : { priority }) }),
        { limitMs: MAX_INNER_CALL_MS },
      ),
    );
  }

  /** How the operation stands with a slot; undefined where that cannot be asked. */
  async slotStanding({ key }: Slot, record: OperationRecord): Promise<SlotStanding | undefined> {
    try {
      return await callObject(
        objectByName(this.#env.SLOTS, key),
        async (stub): Promise<SlotStanding> => stub.standing(record.id),
        { limitMs: MAX_INNER_CALL_MS },
      );
    } catch (error) {
      this.#log("slotStanding", record, error);
      return undefined;
    }
  }

  /** One after another: a release that comes after the next acquisition would take the slot from work that runs. */
  #afterSlotCall<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#slotCall.then(call, call);
    this.#slotCall = result;
    return result;
  }

  /** Resolves when nothing of an effect is under way. */
  async settled(effect: OutboxEffect): Promise<void> {
    await this.#underWay.get(effect)?.settled;
  }

  /** A message that could not be sent is sent again when nobody has claimed the work, or has reported, in time. */
  async #send(effect: "send" | "webhooks"): Promise<void> {
    const record = this.#port.record();
    if (!record) return;
    try {
      await (effect === "send" ? sendWork(this.#env, record) : doors.send?.(this.#env, record));
    } catch (error) {
      this.#log(effect, record, error);
    }
  }

  async #performOnce(effect: Exclude<OutboxEffect, "webhooks">): Promise<void> {
    const record = this.#port.record();
    // Named again while it was under way, it may be done by now: what is under way has an entry, always.
    if (!record?.outbox[effect]) return;
    try {
      await this.#tell[effect](record);
      this.#heard.push({ type: "effectDone", effect, revision: record.revision });
    } catch (error) {
      this.#log(effect, record, error);
      this.#heard.push({ type: "effectFailed", effect });
    }
  }

  readonly #tell: Record<Exclude<OutboxEffect, "webhooks">, (record: OperationRecord) => Promise<void>> = {
    index: (record) => this.#tellIndex(record),
    snapshot: (record) => this.#tellSnapshots(record),
    parent: (record) => this.#tellParent(record),
    children: (record) => this.#stopChildren(record),
  };

  /** A child says that it has ended, or was deleted. */
  async #tellParent(record: OperationRecord): Promise<void> {
    if (!record.child) return;
    const { parentOperation, place } = record.child;
    const address = objectById(this.#env.OPERATIONS, parseOperationName(parentOperation)?.id ?? "");
    await callObject(
      address,
      async (parent): Promise<void> => parent.childEnded(parentOperation, { place, id: record.id }, childEnd(record)),
      { limitMs: MAX_INNER_CALL_MS },
    );
  }

  /** Cancels the children. One whose start may be under way is called again later. */
  async #stopChildren({ endTime = Infinity }: OperationRecord): Promise<void> {
    let missing = 0;
    await inSlices(this.#port.children(), async ({ id, isStarted }) => {
      const isThere = await callObject(
        objectById(this.#env.OPERATIONS, id),
        async (child): Promise<boolean> => child.cancelChild(id),
        { limitMs: MAX_INNER_CALL_MS },
      );
      if (!isThere && !isStarted) missing += 1;
    });
    if (missing > 0 && Date.now() < endTime + CHILD_START_MS)
      throw new Error(`${missing} children may still be on their way`);
  }

  async #tellIndex(record: OperationRecord): Promise<void> {
    // Both or again: the operation is erased after this, and shard 0 must know of it by then.
    await Promise.all([this.#writeRow(record), this.#markReservation(record)]);
  }

  async #writeRow(record: OperationRecord): Promise<void> {
    const { createTime, id, deleteTime } = record;
    await callObject(
      operationIndexAddress(this.#env.INDEX, record),
      async (index): Promise<void> => {
        if (deleteTime !== undefined) return index.remove({ createTime, id }, placeOf(record), reservationHere(record));
        await index.upsert(indexRowFromRecord(record, this.#port.metadataJson(record)), placeOf(record));
      },
      // A deletion is answered when this has been tried.
      { limitMs: MAX_INNER_CALL_MS },
    );
  }

  /** Tells shard 0 that the operation was created, where its own shard is another one. */
  async #markReservation(record: OperationRecord): Promise<void> {
    const reservation = reservationElsewhere(record);
    if (!reservation) return;
    await callObject(
      operationIndexAddress(this.#env.INDEX, { ...placeOf(record), indexShard: 0 }),
      async (index): Promise<void> => index.markReservation(reservation, record.id),
      { limitMs: MAX_INNER_CALL_MS },
    );
  }

  async #tellSnapshots(record: OperationRecord): Promise<void> {
    if (record.deleteTime !== undefined) return deleteSnapshot(this.#env.SNAPSHOTS, record.id);
    await putSnapshot(this.#env.SNAPSHOTS, record, this.#port.body(record), Date.now());
  }

  #log(effect: string, record: OperationRecord, error: unknown): void {
    console.warn({
      message: "effect failed; it will be tried again",
      effect,
      operation: record.name,
      error: String(error),
    });
  }
}
