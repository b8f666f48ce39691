// What one operation's object stores, and under which keys (docs/storage-schema.md). PERSISTED CONTRACT.
// The record is read once and kept: an object is the only writer of its storage.
import { INPUT_CHUNK_BYTES, MAX_INLINE_RESPONSE_CHARACTERS } from "../limits";
import type { OperationRecord } from "../operation/record";

const RECORD_KEY = "record";
/** The request as UTF-8 JSON: as bytes, since one letter beyond Latin-1 doubles a stored string. */
const REQUEST_KEY = "request";
const INPUT_PREFIX = "input/";
const RESPONSE_PREFIX = "response/";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class OperationStorage {
  readonly #storage: DurableObjectStorage;
  #record: OperationRecord | undefined;
  #recordIsRead = false;
  #response: string | undefined;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** The record, or undefined where no operation was ever committed here, or it is forgotten. */
  get record(): OperationRecord | undefined {
    if (!this.#recordIsRead) {
      this.#record = this.#storage.kv.get<OperationRecord>(RECORD_KEY);
      this.#recordIsRead = true;
    }
    return this.#record;
  }

  /** Saves a record; a large response moves into rows of its own. Must stand in a synchronous transaction. */
  saveRecord(record: OperationRecord): void {
    const saved = this.#withResponseRows(record);
    this.#storage.kv.put(RECORD_KEY, saved);
    this.#record = saved;
    this.#recordIsRead = true;
  }

  #withResponseRows(record: OperationRecord): OperationRecord {
    const { outcome } = record;
    if (outcome === undefined || !("response" in outcome)) return record;
    this.#response = outcome.response;
    if (outcome.response.length <= MAX_INLINE_RESPONSE_CHARACTERS) return record;
    const responseChunks = this.#putChunks(RESPONSE_PREFIX, encoder.encode(outcome.response));
    return { ...record, outcome: { responseChunks } };
  }

  /** The response's JSON text, where the operation has one. */
  response(): string | undefined {
    const outcome = this.record?.outcome;
    if (outcome === undefined || "error" in outcome) return undefined;
    if ("response" in outcome) return outcome.response;
    this.#response ??= decoder.decode(this.#getChunks(RESPONSE_PREFIX, outcome.responseChunks));
    return this.#response;
  }

  saveRequest(request: string): void {
    this.#storage.kv.put(REQUEST_KEY, encoder.encode(request));
  }

  request(): string {
    const bytes = this.#storage.kv.get<Uint8Array>(REQUEST_KEY);
    if (bytes === undefined) throw new Error("the request of an operation that still runs is missing");
    return decoder.decode(bytes);
  }

  saveInputChunk(index: number, bytes: Uint8Array): void {
    this.#storage.kv.put(chunkKey(INPUT_PREFIX, index), bytes);
  }

  /** The n-th chunk of the streamed input; undefined past its end. */
  inputChunk(index: number): Uint8Array | undefined {
    return this.#storage.kv.get<Uint8Array>(chunkKey(INPUT_PREFIX, index));
  }

  hasInput(): boolean {
    return this.inputChunk(0) !== undefined;
  }

  /** Erases what only the work needed. Must stand in a synchronous transaction. */
  eraseInput(): void {
    this.#storage.kv.delete(REQUEST_KEY);
    for (let index = 0; this.#storage.kv.delete(chunkKey(INPUT_PREFIX, index)); index += 1);
  }

  /** Forgets everything: the object is as if it had never been. */
  async eraseAll(): Promise<void> {
    this.#record = undefined;
    this.#recordIsRead = true;
    this.#response = undefined;
    await Promise.all([this.#storage.deleteAlarm(), this.#storage.deleteAll()]);
  }

  #putChunks(prefix: string, bytes: Uint8Array): number {
    let count = 0;
    for (let offset = 0; offset < bytes.length; offset += INPUT_CHUNK_BYTES) {
      this.#storage.kv.put(chunkKey(prefix, count), bytes.slice(offset, offset + INPUT_CHUNK_BYTES));
      count += 1;
    }
    return count;
  }

  #getChunks(prefix: string, count: number): Uint8Array {
    const chunks = Array.from({ length: count }, (_, index) => {
      const chunk = this.#storage.kv.get<Uint8Array>(chunkKey(prefix, index));
      if (chunk === undefined) throw new Error(`${chunkKey(prefix, index)} is missing`);
      return chunk;
    });
    const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
    let offset = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, offset);
      offset += chunk.length;
    }
    return bytes;
  }
}

function chunkKey(prefix: string, index: number): string {
  return `${prefix}${String(index).padStart(6, "0")}`;
}
