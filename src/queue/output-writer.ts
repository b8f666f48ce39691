// op.write: the output of an operation, stored in parts twice a second, and written once although the handler is called again.
import { MAX_OUTPUT_BYTES, MAX_OUTPUT_PART_CHARACTERS, OUTPUT_INTERVAL_MS } from "../limits";
import type { Claimed } from "../contract/run-channel";
import { misuse } from "../method/misuse";
import { utf8Length } from "../rpc/utf8";
import type { RunPorts } from "./run-ports";

export class OutputWriter {
  readonly #ports: OutputWriterPorts;
  /** Where the next text begins; undefined: the object takes none. */
  #offset: number | undefined;
  #pending = "";
  #isDue = false;
  #saving: Promise<unknown> = Promise.resolve();
  /** Calls that an earlier invocation has made, and this one has not made again. Until then its text is a repetition. */
  readonly #remembered: Set<string>;
  /** Calls that have no name, by their kind. */
  readonly #counts = { sleep: 0, start: 0 };

  constructor(
    claimed: Pick<Claimed, "outputBytes" | "steps" | "sleeps" | "suspensions" | "children">,
    ports: OutputWriterPorts,
  ) {
    this.#ports = ports;
    this.#offset = claimed.outputBytes;
    const { steps, sleeps, suspensions = [], children = [] } = claimed;
    this.#remembered = new Set([
      ...steps.map(({ name }) => `step ${name}`),
      ...sleeps.map(({ name, ordinal }) => `sleep ${name ?? ordinal}`),
      ...children.map((_, index) => `start ${index}`),
      ...suspensions.flatMap(({ id, reached }) => (reached ? [`suspension ${id}`] : [])),
    ]);
  }

  /**
   * The handler made a call. A new one says that everything before it was made again. A new sleep does not say it: sleeps of
   * an attempt that failed are forgotten, while steps behind them are not.
   */
  called(kind: "step" | "sleep" | "suspension" | "start", name?: unknown): void {
    if (this.#remembered.size === 0) return;
    const isCounted = kind === "start" || (kind === "sleep" && name === undefined);
    const isRemembered = this.#remembered.delete(`${kind} ${isCounted ? this.#counts[kind]++ : String(name)}`);
    if (!isRemembered && kind !== "sleep") this.#remembered.clear();
  }

  /** A handler that continues from a cursor does not make its earlier calls again. */
  goesOn(): void {
    this.#remembered.clear();
  }

  write(text: unknown): void {
    if (typeof text !== "string") throw misuse(`op.write takes a text, not a value of type ${typeof text}`);
    if (this.#offset === undefined || this.#remembered.size > 0 || text === "") return;
    this.#pending += text.toWellFormed();
    this.#drop();
    if (this.#isDue) return;
    this.#isDue = true;
    // Texts of one moment go together.
    this.#ports.after(0, () => this.#flush());
  }

  /** Text that comes faster than it is stored takes the place of the oldest. Its bytes count. */
  #drop(): void {
    if (this.#pending.length <= MAX_OUTPUT_BYTES) return;
    const cut = cutAt(this.#pending, this.#pending.length - MAX_OUTPUT_BYTES);
    this.#offset = (this.#offset ?? 0) + utf8Length(this.#pending.slice(0, cut));
    this.#pending = this.#pending.slice(cut);
  }

  #flush(): void {
    this.#isDue = this.#pending !== "";
    if (!this.#isDue) return;
    this.#save();
    this.#ports.after(OUTPUT_INTERVAL_MS, () => this.#flush());
  }

  #save(): void {
    const text = this.#pending.slice(0, cutAt(this.#pending, MAX_OUTPUT_PART_CHARACTERS));
    const offset = this.#offset ?? 0;
    this.#pending = this.#pending.slice(text.length);
    this.#offset = offset + utf8Length(text);
    const saved = this.#ports.save({ type: "saveOutput", offset, text });
    this.#saving = Promise.all([this.#saving, saved]).catch((error: unknown) => {
      this.#ports.log({ message: "output not stored", error: String(error) });
    });
  }

  /** Resolves when all text is stored, or the work is lost. */
  async finished(): Promise<void> {
    while (this.#pending !== "") this.#save();
    await this.#saving;
  }
}

export type OutputWriterPorts = Pick<RunPorts, "save" | "after" | "log">;

/** A place at or before `index` that is not within a surrogate pair. */
function cutAt(text: string, index: number): number {
  const unit = text.charCodeAt(index - 1);
  return index < text.length && unit >= 0xd800 && unit <= 0xdbff ? index - 1 : index;
}
