// A client of text/event-stream for tests: reads events as the HTML standard parses them.

export interface ReceivedEvent {
  event: string;
  id: string | undefined;
  data: string;
}

/** The events of an answer. Comments and `retry:` are counted and kept beside them. */
export class EventReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = "";
  comments = 0;
  retryMs: number | undefined;
  lastEventId: string | undefined;

  constructor(body: ReadableStream<Uint8Array> | null) {
    if (!body) throw new Error("the answer has no body");
    this.#reader = body.getReader();
  }

  /** undefined: the server has closed the stream. */
  async next(): Promise<ReceivedEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        const event = this.#eventFrom(block);
        if (event) return event;
        continue;
      }
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#text += this.#decoder.decode(value, { stream: true });
    }
  }

  /** All events up to the end of the stream. */
  async rest(): Promise<ReceivedEvent[]> {
    const events: ReceivedEvent[] = [];
    for (let event = await this.next(); event; event = await this.next()) events.push(event);
    return events;
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }

  #eventFrom(block: string): ReceivedEvent | undefined {
    const fields = new Map<string, string[]>();
    for (const line of block.split("\n")) {
      if (line.startsWith(":")) {
        this.comments += 1;
        continue;
      }
      const [, name = "", value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
      fields.set(name, [...(fields.get(name) ?? []), value]);
    }
    const retry = fields.get("retry")?.at(-1);
    if (retry !== undefined) this.retryMs = Number(retry);
    this.lastEventId = fields.get("id")?.at(-1) ?? this.lastEventId;
    const data = fields.get("data");
    if (!data) return undefined;
    return { event: fields.get("event")?.at(-1) ?? "message", id: this.lastEventId, data: data.join("\n") };
  }
}
