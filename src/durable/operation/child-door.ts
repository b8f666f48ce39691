// The requests of child operations to their parent's object: they have ended.
import type { ChildEnd, StoredEnd } from "../../contract/child";
import { isFinal } from "../../lifecycle/state";
import type { OperationLife } from "./operation-life";

export class ChildDoor {
  readonly #life: OperationLife;
  #arrived: Omit<StoredEnd, "number">[] = [];
  #next: Promise<void> | undefined;
  #last: Promise<void> | undefined;

  constructor(life: OperationLife) {
    this.#life = life;
  }

  /** Resolves when the end is stored. An end that means nothing here any more is dropped. */
  async ended(name: string, { place, id }: { place: number; id: string }, end: ChildEnd): Promise<void> {
    if (this.#isOver(name) || this.#life.store.children.children[place]?.id !== id) return;
    this.#arrived.push({ ...end, place });
    await (this.#next ??= this.#storeArrived(name));
  }

  /** Ends that come while others are being written to the disk are one row. */
  async #storeArrived(name: string): Promise<void> {
    await this.#last;
    this.#next = undefined;
    const arrived = this.#arrived.splice(0);
    if (this.#isOver(name)) return;
    const { store } = this.#life;
    const joins = this.#life.record?.work?.joins ?? [];
    const ended = store.children.end(arrived, Math.max(0, ...joins.map(({ lastEnd }) => lastEnd)));
    this.#last = store.written();
    this.#life.childrenEnded(ended);
  }

  #isOver(name: string): boolean {
    const { record } = this.#life;
    return !record || record.name !== name || isFinal(record.state);
  }
}
