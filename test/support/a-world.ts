// The world outside an operation's object, as a model: an index and KV that are told of the operation, late and in part.
import type { Effect, OperationEvent, OutboxEffect } from "../../src/lifecycle/event";
import { type IndexRow, indexRowFromRecord } from "../../src/list/index-row";
import type { OperationRecord } from "../../src/lifecycle/record";

type Row = IndexRow | "tombstone" | undefined;

interface Telling {
  effect: OutboxEffect;
  record: OperationRecord;
}

export class World {
  /** The rows of the index. */
  row: Row;
  /** The revision that stands in KV. */
  snapshot: number | undefined;
  /** Effects that were named and not yet performed: a later one of a kind takes the place of an earlier. */
  readonly #underWay = new Map<OutboxEffect, Telling>();

  take(record: OperationRecord, effects: readonly Effect[]): void {
    for (const { type } of effects) {
      if (type === "index" || type === "snapshot" || type === "parent" || type === "children")
        this.#underWay.set(type, { effect: type, record });
    }
  }

  isBusy(): boolean {
    return this.#underWay.size > 0;
  }

  /** Performs an effect that is under way, and returns its report, if any. */
  perform(effect: OutboxEffect): OperationEvent | undefined {
    const telling = this.#underWay.get(effect);
    if (!telling) return undefined;
    this.#underWay.delete(effect);
    const { record } = telling;
    if (effect === "snapshot") this.snapshot = record.deleteTime === undefined ? record.revision : undefined;
    if (effect === "index") this.#tellIndex(record);
    return { type: "effectDone", effect, revision: record.revision };
  }

  /** Loses an effect that is under way: the write may have failed. */
  fail(effect: OutboxEffect): OperationEvent | undefined {
    return this.#underWay.delete(effect) ? { type: "effectFailed", effect } : undefined;
  }

  // As the index does: a tombstone stays, and an older revision never overwrites a newer one.
  #tellIndex(record: OperationRecord): void {
    if (this.row === "tombstone") return;
    if (record.deleteTime !== undefined) this.row = "tombstone";
    else if (this.row === undefined || this.row.revision <= record.revision) this.row = indexRowFromRecord(record);
  }
}
