// The child operations of an operation, in rows of their own that are only ever added: 100 children in a row, and the ends that
// came together in another. The record stays small, however many there are.
import type { ClaimedChild, EndedChild, ReservedChild, StoredEnd } from "../../contract/child";
import type { JoinCondition } from "../../lifecycle/record";

/** PERSISTED CONTRACT. */
type Row = { reserved: ReservedChild[] } | { ends: StoredEnd[] };

const PREFIX = "children/";

export type ChildRows = Pick<SyncKvStorage, "list" | "put" | "delete">;

interface Table {
  children: ReservedChild[];
  /** By the place of the child. */
  ends: Map<number, StoredEnd>;
  rows: number;
}

export class ChildTable {
  readonly #kv: ChildRows;
  #read: Table | undefined;

  constructor(kv: ChildRows) {
    this.#kv = kv;
  }

  get #table(): Table {
    if (this.#read) return this.#read;
    const table: Table = { children: [], ends: new Map(), rows: 0 };
    for (const [key, row] of this.#kv.list<Row>({ prefix: PREFIX })) {
      if ("reserved" in row) table.children.push(...row.reserved);
      else for (const end of row.ends) table.ends.set(end.place, end);
      table.rows = Number(key.slice(PREFIX.length)) + 1;
    }
    this.#read = table;
    return table;
  }

  #add(row: Row): void {
    this.#kv.put(PREFIX + String(this.#table.rows).padStart(6, "0"), row);
    this.#table.rows += 1;
  }

  get children(): readonly ReservedChild[] {
    return this.#table.children;
  }

  /** Those with a key that is known are the same, sent once more. */
  reserve(sent: readonly ReservedChild[]): void {
    const { children } = this.#table;
    const reserved = sent.filter(({ key }) => !children.some((known) => known.key === key));
    if (reserved.length === 0) return;
    this.#add({ reserved });
    children.push(...reserved);
  }

  endOf(place: number): StoredEnd | undefined {
    return this.#table.ends.get(place);
  }

  /**
   * Stores ends in one row; gives those of children that had not ended. The end of a deletion replaces another, unless the
   * handler may have been given that: it is one of the first `deliveredEnds`.
   */
  end(told: readonly Omit<StoredEnd, "number">[], deliveredEnds: number): EndedChild[] {
    const { ends } = this.#table;
    const stored: StoredEnd[] = [];
    const ended: EndedChild[] = [];
    for (const one of told) {
      const known = ends.get(one.place);
      if (known && (!one.isDeleted || known.isDeleted || known.number <= deliveredEnds)) continue;
      const end = { ...one, number: known?.number ?? ends.size + 1 };
      ends.set(one.place, end);
      stored.push(end);
      if (!known) ended.push({ place: end.place, time: end.time, number: end.number });
    }
    if (stored.length > 0) this.#add({ ends: stored });
    return ended;
  }

  /** Whether enough children of any of the joins have ended. */
  isAnyMet(joins: readonly JoinCondition[]): boolean {
    return joins.some(({ places, atLeast }) => this.endsAt(places).length >= atLeast);
  }

  endsAt(places: JoinCondition["places"]): StoredEnd[] {
    return [...this.#table.ends.values()].filter(({ place }) =>
      places.some(([first, last]) => first <= place && place <= last),
    );
  }

  claimed(): ClaimedChild[] {
    const { children, ends } = this.#table;
    return children.map((child, place) => {
      const end = ends.get(place);
      return end ? Object.assign({ end: { time: end.time, number: end.number } }, child) : child;
    });
  }

  /** The outcomes are the work's; the names are kept as long as children may have to be cancelled. */
  eraseEnds(): void {
    for (const [key, row] of this.#kv.list<Row>({ prefix: PREFIX })) if ("ends" in row) this.#kv.delete(key);
  }
}
