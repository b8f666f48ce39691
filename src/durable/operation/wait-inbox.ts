// The Worker's end of a waiter's socket: the messages of the operation's object, and the output that comes with them.
import type { OperationAnswer, OutputPart, WaitMessage } from "../../contract/answer";
import { KEEP_ALIVE_REQUEST, KEEP_ALIVE_RESPONSE } from "../../contract/run-channel";
import { MAX_OUTPUT_PART_CHARACTERS } from "../../limits";
import { utf8Length } from "../../rpc/utf8";

/** undefined: the object runs a later version. */
export function answerFrom(message: Exclude<WaitMessage, { type: "output" }>) {
  switch (message.type) {
    case "operation":
      return message.answer;
    case "gone":
      return "NOT_FOUND";
    case "done":
      return "comeAndGet";
    case "known":
      return message.type;
    default:
      message satisfies never;
      return undefined;
  }
}

/** The output of a watched operation: the parts that came, and its end, up to which the others are fetched. */
export class HeardOutput {
  end = 0;
  #parts: OutputPart[] = [];
  #characters = 0;

  reaches(end: number): void {
    this.end = Math.max(this.end, end);
  }

  add(part: OutputPart): void {
    this.reaches(part.offset + utf8Length(part.text));
    this.#characters += part.text.length;
    // A client that is slow fetches what it has not taken.
    if (this.#characters <= MAX_OUTPUT_PART_CHARACTERS) this.#parts.push(part);
  }

  /** The text from an offset on, where that has come; undefined: it is to be fetched. */
  take(offset: number): string | undefined {
    const parts = this.#parts.filter((part) => part.offset >= offset);
    this.#parts = [];
    this.#characters = 0;
    let text = "";
    let next = offset;
    for (const part of parts) {
      if (part.offset !== next) break;
      text += part.text;
      next += utf8Length(part.text);
    }
    return text === "" ? undefined : text;
  }
}

type Heard = OperationAnswer | "NOT_FOUND" | "comeAndGet" | "known" | "output" | "cut";

interface InboxOptions {
  signal: AbortSignal | undefined;
  hasOwnRight: boolean;
  output: HeardOutput;
}

/** A message that comes while an earlier one is unread replaces it: each is a whole state. */
export class Inbox {
  readonly hasOwnRight: boolean;
  readonly #socket: WebSocket;
  #heard: Heard | undefined;
  #hasOutput = false;
  #isOver = false;
  #isProbed = false;
  #wake: () => void = () => {};

  constructor(socket: WebSocket, { signal, hasOwnRight, output }: InboxOptions) {
    this.hasOwnRight = hasOwnRight;
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      this.#isProbed = false;
      if (data === KEEP_ALIVE_RESPONSE) return;
      const message = JSON.parse(data as string) as WaitMessage;
      if (message.type !== "output") return this.#hear(answerFrom(message));
      if ("text" in message) output.add(message);
      else output.reaches(message.endOffset);
      this.#hasOutput = true;
      this.#wake();
    });
    socket.addEventListener("close", () => this.#hear("cut"));
    socket.addEventListener("error", () => this.#hear("cut"));
    // A wait whose client has gone is over.
    signal?.addEventListener("abort", () => this.#hear("cut"), { once: true });
    socket.accept();
  }

  #hear(heard: Heard | undefined): void {
    if (heard === undefined) return;
    // A message that came before the end is read before it.
    if (heard === "cut") this.#isOver = true;
    else this.#heard = heard;
    this.#wake();
  }

  /** undefined: nothing was heard by `time`. */
  async next(time: number): Promise<Heard | undefined> {
    if (this.#heard === undefined && !this.#hasOutput && !this.#isOver) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(0, time - Date.now()));
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    if (this.#hasOutput) {
      this.#hasOutput = false;
      return "output";
    }
    const heard = this.#heard ?? (this.#isOver ? "cut" : undefined);
    this.#heard = undefined;
    return heard;
  }

  probe(): void {
    if (this.#isProbed) return this.#hear("cut");
    this.#isProbed = true;
    if (this.#socket.readyState === WebSocket.READY_STATE_OPEN) this.#socket.send(KEEP_ALIVE_REQUEST);
  }

  close(): void {
    this.#hear("cut");
    if (this.#socket.readyState === WebSocket.READY_STATE_OPEN) this.#socket.close(1000);
  }
}
