// The bar on the last line of a terminal while a command waits; without a terminal, a line for each change.
import type { OperationState } from "edge-operations/client";
import { detailOf, plain, stateOf } from "./output.ts";

const BAR_CHARACTERS = 24;

export interface LineStream {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

export class ProgressLine {
  readonly #stream: LineStream;
  readonly #now: () => number;
  readonly #startTime: number;
  #last = "";

  constructor(stream: LineStream = process.stderr, now: () => number = () => Date.now()) {
    this.#stream = stream;
    this.#now = now;
    this.#startTime = now();
  }

  show(state: OperationState): void {
    const text = plain(lineOf(state));
    if (this.#stream.isTTY !== true) {
      if (text !== this.#last) this.#stream.write(`${text}\n`);
      this.#last = text;
      return;
    }
    const seconds = Math.floor((this.#now() - this.#startTime) / 1_000);
    const whole = `${barOf(state)} ${text}  ${seconds}s`;
    // The last column stays free: a full line would be wrapped, and the next one would not replace it.
    this.#stream.write(`\r\u001b[2K${whole.slice(0, (this.#stream.columns ?? 80) - 1)}`);
    this.#last = text;
  }

  /** Ends the line, so that the next text begins on one of its own. */
  end(): void {
    if (this.#stream.isTTY === true && this.#last !== "") this.#stream.write("\n");
  }
}

function lineOf(state: OperationState): string {
  return [stateOf(state), detailOf(state)].filter(Boolean).join("  ");
}

function barOf({ done, metadata: { progressPercent } }: OperationState): string {
  const percent = done ? 100 : typeof progressPercent === "number" ? Math.min(100, Math.max(0, progressPercent)) : 0;
  const filled = Math.round((percent / 100) * BAR_CHARACTERS);
  return `[${"#".repeat(filled)}${".".repeat(BAR_CHARACTERS - filled)}]`;
}
