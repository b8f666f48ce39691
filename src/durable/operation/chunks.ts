// Bytes in rows under the row limit, one row in memory at a time: inputs, step results, large responses.
import { CHUNK_BYTES } from "../../limits";

/** A run of rows under one prefix, in order and without gaps. */
export class Chunks {
  readonly #kv: SyncKvStorage;
  readonly #prefix: string;

  constructor(kv: SyncKvStorage, prefix: string) {
    this.#kv = kv;
    this.#prefix = prefix;
  }

  #key(index: number): string {
    return this.#prefix + String(index).padStart(6, "0");
  }

  put(index: number, bytes: Uint8Array): void {
    this.#kv.put(this.#key(index), bytes);
  }

  /** The n-th row; undefined past the end. */
  get(index: number): Uint8Array | undefined {
    return this.#kv.get<Uint8Array>(this.#key(index));
  }

  /** Stores bytes that are in memory already; gives the number of rows. */
  putAll(bytes: Uint8Array): number {
    let count = 0;
    for (let offset = 0; offset < bytes.length; offset += CHUNK_BYTES) {
      this.put(count, bytes.slice(offset, offset + CHUNK_BYTES));
      count += 1;
    }
    return count;
  }

  /** Erases the rows from `index` on; whether there were any. */
  erase(index = 0): boolean {
    let next = index;
    while (this.#kv.delete(this.#key(next))) next += 1;
    return next > index;
  }

  /** The bytes of the first `count` rows as text, where they are known to be few. */
  text(count: number): string {
    const decoder = new TextDecoder();
    let text = "";
    for (let index = 0; index < count; index += 1) text += decoder.decode(this.#mustGet(index), { stream: true });
    return text + decoder.decode();
  }

  #mustGet(index: number): Uint8Array {
    const bytes = this.get(index);
    if (bytes === undefined) throw new Error(`the row ${this.#key(index)} is missing`);
    return bytes;
  }

  /** The first `count` rows, or all, as a byte stream, each read when it is asked for; `head` and `tail` go around them. */
  stream(around: StreamAround = {}): ReadableStream<Uint8Array> {
    const { readable, writable } = new IdentityTransformStream();
    void this.#writeTo(writable.getWriter(), around);
    return readable;
  }

  async #writeTo(
    writer: WritableStreamDefaultWriter<Uint8Array>,
    { count = Infinity, head, tail }: StreamAround,
  ): Promise<void> {
    try {
      if (head) await writer.write(encoder.encode(head));
      for (let index = 0; index < count; index += 1) {
        const bytes = count === Infinity ? this.get(index) : this.#mustGet(index);
        if (bytes === undefined) break;
        await writer.write(bytes);
        // Read over by then. Freed at once: the collector would let tens of them pile up before it looks.
        (bytes.buffer as ArrayBuffer).transfer(0);
      }
      if (tail) await writer.write(encoder.encode(tail));
      await writer.close();
    } catch (error) {
      // The reader has stopped; or a row is missing, and a part must not pass for the whole.
      console.info({ message: "stream not read to its end", error: String(error) });
      await writer.abort(error).catch(() => undefined);
    }
  }
}

/** The streamed part of the rows, and the text around it. */
interface StreamAround {
  count?: number;
  head?: string;
  tail?: string;
}

const encoder = new TextEncoder();

export type StoredStream = { ok: true; chunks: number; bytes: number; digest: string | undefined } | StreamRefusal;

export interface StreamRefusal {
  ok: false;
  reason: "EMPTY" | "TOO_LARGE" | "INTERRUPTED";
}

export interface StoreStreamOptions {
  maxBytes: number;
  /** Whether its SHA-256 is wanted, hex. */
  digest?: boolean;
  /** Runs in the transaction of the first row, to arm what erases it again. */
  beforeFirst?: () => Promise<void> | undefined;
}

/** Stores a byte stream row by row, through one buffer. A refused input may leave rows: the caller erases them. */
export async function storeStream(
  chunks: Chunks,
  stream: ReadableStream<Uint8Array>,
  { maxBytes, digest = false, beforeFirst }: StoreStreamOptions,
): Promise<StoredStream> {
  const digester = digest ? new StreamDigest() : undefined;
  const reader = stream.getReader({ mode: "byob" });
  let buffer = new ArrayBuffer(CHUNK_BYTES);
  let bytes = 0;
  let count = 0;
  try {
    for (;;) {
      // A row at a time; only the last may be shorter. The buffer is lent to the reader, and comes back with the bytes.
      const { value } = await reader.readAtLeast(CHUNK_BYTES, new Uint8Array(buffer));
      if (value === undefined || value.length === 0) break;
      bytes += value.length;
      if (bytes > maxBytes) {
        await reader.cancel();
        return { ok: false, reason: "TOO_LARGE" };
      }
      await digester?.add(value);
      const armed = count === 0 ? beforeFirst?.() : undefined;
      // A put serialises what it is given before it returns, and of a view all that is behind it.
      chunks.put(count, value.length === CHUNK_BYTES ? value : value.slice());
      count += 1;
      await armed;
      buffer = value.buffer;
    }
  } catch (error) {
    // The sender closed the connection in the middle, so there is no one to answer.
    console.info({ message: "stream interrupted", error: String(error) });
    return { ok: false, reason: "INTERRUPTED" };
  }
  if (bytes === 0) return { ok: false, reason: "EMPTY" };
  return { ok: true, chunks: count, bytes, digest: await digester?.hex() };
}

/** SHA-256 of a stream, hex; the stream is read to its end. */
export async function digestOfStream(stream: ReadableStream<Uint8Array>): Promise<string> {
  const digest = new StreamDigest();
  for await (const part of stream) await digest.add(part);
  return digest.hex();
}

class StreamDigest {
  readonly #stream = new crypto.DigestStream("SHA-256");
  readonly #writer = this.#stream.getWriter();

  async add(bytes: Uint8Array): Promise<void> {
    await this.#writer.write(bytes);
  }

  async hex(): Promise<string> {
    await this.#writer.close();
    return [...new Uint8Array(await this.#stream.digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }
}
