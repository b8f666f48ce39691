// The storage of one operation's object: its values and their keys (docs/storage-schema.md). PERSISTED CONTRACT. The
// record is read once and kept: an object is the only writer of its storage.
import type { OperationRecord, Outcome } from "../../lifecycle/record";
import { type StoredRecord, recordFromStored, storedFromRecord } from "../../lifecycle/stored-record";
import { keepsRequest } from "../../lifecycle/retry";
import { MAX_INLINE_RESPONSE_CHARACTERS, MAX_STEP_GAP } from "../../limits";
import { Chunks } from "./chunks";

const RECORD_KEY = "record";
/** The request as UTF-8 JSON: as bytes, since one letter beyond Latin-1 doubles a stored string. */
const REQUEST_KEY = "request";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Whether a response is too large to stand in the record. */
function isLarge(outcome: Outcome): outcome is Extract<Outcome, { response: string }> {
  return "response" in outcome && outcome.response.length > MAX_INLINE_RESPONSE_CHARACTERS;
}

export class OperationStorage {
  /** The streamed input. */
  readonly input: Chunks;
  /** A large response, as the JSON of its Any. */
  readonly response: Chunks;
  readonly #storage: DurableObjectStorage;
  #record: OperationRecord | undefined;
  #recordIsRead = false;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.input = new Chunks(storage.kv, "input/");
    this.response = new Chunks(storage.kv, "response/");
  }

  /** The result of the n-th step, as JSON. */
  step(place: number): Chunks {
    return new Chunks(this.#storage.kv, `step/${String(place).padStart(6, "0")}/`);
  }

  /** The record, or undefined where no operation was ever committed here, or it is forgotten. */
  get record(): OperationRecord | undefined {
    if (!this.#recordIsRead) {
      const stored = this.#storage.kv.get<StoredRecord>(RECORD_KEY);
      this.#record = stored && recordFromStored(stored);
      this.#recordIsRead = true;
    }
    return this.#record;
  }

  /**
   * Saves a record, with a request too large for it; a response too large for it moves into rows of its own. `erasesWork`:
   * what only the work needed goes. Of several writes all happen or none, whatever one of them throws.
   */
  save(record: OperationRecord, { request, erasesWork }: { request: string | undefined; erasesWork: boolean }): void {
    const hasLargeResponse = record.outcome !== undefined && isLarge(record.outcome);
    // Most work leaves nothing behind, and most events write one row, which needs no transaction.
    const isOneRow = request === undefined && !hasLargeResponse && !(erasesWork && this.#hasMoreThanRecord());
    const saved = isOneRow
      ? this.#put(record)
      : this.#storage.transactionSync(() => {
          const put = this.#put(record);
          if (request !== undefined) this.#storage.kv.put(REQUEST_KEY, encoder.encode(request));
          if (erasesWork) this.#eraseWork(put);
          return put;
        });
    // Only now: a write that throws rolls storage back, and memory must not be ahead of it.
    this.#record = saved;
    this.#recordIsRead = true;
  }

  /** Writes the record; gives it as it is stored. */
  #put(record: OperationRecord): OperationRecord {
    const { outcome } = record;
    const saved = outcome && isLarge(outcome) ? { ...record, outcome: this.#inRows(outcome) } : record;
    this.#storage.kv.put(RECORD_KEY, storedFromRecord(saved));
    return saved;
  }

  #inRows({ response }: { response: string }): Outcome {
    const bytes = encoder.encode(response);
    return { responseChunks: this.response.putAll(bytes), responseBytes: bytes.length };
  }

  request(): string {
    const request = this.keptRequest();
    if (request === undefined) throw new Error("the request of an operation that still runs is missing");
    return request;
  }

  /** The request, where it is still there. */
  keptRequest(): string | undefined {
    if (this.record?.request !== undefined) return this.record.request;
    const bytes = this.#storage.kv.get<Uint8Array>(REQUEST_KEY);
    return bytes && decoder.decode(bytes);
  }

  /** Erases what only the work needed, and responses of attempts that came to nothing. */
  #eraseWork(record: OperationRecord): void {
    if (!keepsRequest(record) && this.#storage.kv.get(REQUEST_KEY) !== undefined) this.#storage.kv.delete(REQUEST_KEY);
    this.input.erase();
    // A place is left empty by a step whose storing was interrupted, never more of them than may be stored side by side.
    for (let place = 0, gap = 0; gap <= MAX_STEP_GAP; place += 1) gap = this.step(place).erase() ? 0 : gap + 1;
    const { outcome } = record;
    this.response.erase(outcome && "responseChunks" in outcome ? outcome.responseChunks : 0);
  }

  #hasMoreThanRecord(): boolean {
    return [...this.#storage.kv.list({ limit: 2 })].some(([key]) => key !== RECORD_KEY);
  }

  /** Forgets everything: the object is as if it had never been. */
  async eraseAll(): Promise<void> {
    this.#record = undefined;
    this.#recordIsRead = true;
    await Promise.all([this.#storage.deleteAlarm(), this.#storage.deleteAll()]);
  }
}
