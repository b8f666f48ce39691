// The storage of one operation's object (docs/storage-schema.md). PERSISTED CONTRACT. The record is read once and kept.
import type { OperationRecord, Outcome, StoredStep, StoredSuspension, StoredText } from "../../lifecycle/record";
import { type StoredRecord, recordFromStored, storedFromRecord } from "../../lifecycle/stored-record";
import { withSteps } from "../../lifecycle/runner-events";
import { keepsRequest } from "../../lifecycle/retry";
import {
  MAX_INLINE_RESPONSE_CHARACTERS,
  MAX_INLINE_SUSPENSION_CHARACTERS,
  MAX_STEP_GAP,
  MAX_STEPS_APART,
  STEPS_IN_RECORD,
} from "../../limits";
import { ChildTable } from "./child-table";
import { Chunks } from "./chunks";
import { Output } from "./output";

const RECORD_KEY = "record";
/** The request as UTF-8 JSON: as bytes, since one letter beyond Latin-1 doubles a stored string. */
const REQUEST_KEY = "request";
/** The steps since the record was written last. */
const STEPS_KEY = "steps";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Whether a response is too large to stand in the record. */
function isLarge(outcome: Outcome): outcome is Extract<Outcome, { response: string }> {
  return "response" in outcome && outcome.response.length > MAX_INLINE_RESPONSE_CHARACTERS;
}

/** Texts of suspensions that are too large to stand in the record, as UTF-8 JSON. */
const ANSWER_PREFIX = "answer/";
const answerKey = (id: string): string => ANSWER_PREFIX + id;
const schemaKey = (id: string): string => `payloadSchema/${id}`;

function isLargeText(text: StoredText): text is Extract<StoredText, { json: string }> {
  return "json" in text && text.json.length > MAX_INLINE_SUSPENSION_CHARACTERS;
}

function hasLargeText({ reached, resolution }: StoredSuspension): boolean {
  return [reached?.payloadSchema, resolution?.answer?.payload].some((text) => text !== undefined && isLargeText(text));
}

export class OperationStorage {
  readonly input: Chunks;
  /** A large response, as the JSON of its Any. */
  readonly response: Chunks;
  readonly children: ChildTable;
  readonly output: Output;
  readonly #storage: DurableObjectStorage;
  /** For every row but the record's. */
  readonly #rows: SyncKvStorage;
  /** Whether the record is the only row, as far as is known: it was new in this memory, and no other row has been written. */
  #isAlone: boolean | undefined;
  #record: OperationRecord | undefined;
  #recordIsRead = false;
  /** The revision of the stored record. */
  #savedRevision = 0;
  /** The number of its steps. */
  #savedSteps = 0;
  readonly #restore: (record: OperationRecord) => OperationRecord;

  /** `restore`: the stored record with the changes that were held in memory while the object hibernated. */
  constructor(storage: DurableObjectStorage, restore: (record: OperationRecord) => OperationRecord) {
    this.#storage = storage;
    this.#restore = restore;
    const { kv } = storage;
    this.#rows = {
      get: (key) => (this.#isAlone ? undefined : kv.get(key)),
      list: (options) => (this.#isAlone ? [] : kv.list(options)),
      delete: (key) => kv.delete(key),
      put: (key, value) => {
        this.#isAlone = false;
        kv.put(key, value);
      },
    };
    this.input = new Chunks(this.#rows, "input/");
    this.response = new Chunks(this.#rows, "response/");
    this.children = new ChildTable(this.#rows);
    this.output = new Output(this.#rows);
  }

  /** The result of the n-th step, as JSON. */
  step(place: number): Chunks {
    return new Chunks(this.#rows, `step/${String(place).padStart(6, "0")}/`);
  }

  /** The record, or undefined where no operation was ever committed here, or it is forgotten. */
  get record(): OperationRecord | undefined {
    if (!this.#recordIsRead) {
      const stored = this.#storage.kv.get<StoredRecord>(RECORD_KEY);
      this.#savedRevision = stored?.revision ?? 0;
      this.#savedSteps = stored?.steps?.length ?? 0;
      this.#record = stored && this.#restore(this.#withStepsApart(recordFromStored(stored)));
      this.#recordIsRead = true;
    }
    return this.#record;
  }

  #withStepsApart(record: OperationRecord): OperationRecord {
    if (this.#savedSteps < STEPS_IN_RECORD || record.lease === undefined) return record;
    return withSteps(record, this.#rows.get<StoredStep[]>(STEPS_KEY) ?? []);
  }

  get savedRevision(): number {
    return this.#savedRevision;
  }

  /** Keeps a record in memory alone. The next save stores it. */
  hold(record: OperationRecord): void {
    this.#record = record;
  }

  /** Stores the steps that the stored record does not have, apart from it; false: there are so many that it is to be saved. */
  saveSteps(record: OperationRecord): boolean {
    const apart = (record.work?.steps ?? []).slice(this.#savedSteps);
    if (apart.length > MAX_STEPS_APART) return false;
    this.#rows.put(STEPS_KEY, apart);
    this.#record = record;
    return true;
  }

  /**
   * Saves a record, with a request too large for it; a response too large for it moves into rows of its own. `erasesWork`:
   * what only the work needed goes. Of several writes all happen or none, whatever one of them throws.
   */
  save(record: OperationRecord, { request, erasesWork }: { request: string | undefined; erasesWork: boolean }): void {
    const hasLargeResponse = record.outcome !== undefined && isLarge(record.outcome);
    // Most work leaves nothing behind, and most events write one row, which needs no transaction.
    const hasLargeSuspension = record.suspensions?.some(hasLargeText) ?? false;
    const isOneRow =
      request === undefined && !hasLargeResponse && !hasLargeSuspension && !(erasesWork && this.#hasMoreThanRecord());
    if (this.record === undefined) this.#isAlone ??= true;
    const saved = isOneRow
      ? this.#put(record)
      : this.#storage.transactionSync(() => {
          const put = this.#put(record);
          if (request !== undefined) this.#rows.put(REQUEST_KEY, encoder.encode(request));
          if (erasesWork) this.#eraseWork(put);
          return put;
        });
    // Only now: a write that throws rolls storage back, and memory must not be ahead of it.
    this.#record = saved;
    this.#recordIsRead = true;
    this.#savedRevision = saved.revision;
    this.#savedSteps = saved.work?.steps?.length ?? 0;
  }

  /** Writes the record; gives it as it is stored: the same object where nothing moved, since texts are kept by it. */
  #put(record: OperationRecord): OperationRecord {
    const { outcome, suspensions } = record;
    let saved = record;
    if (outcome && isLarge(outcome)) saved = { ...saved, outcome: this.#inRows(outcome) };
    if (suspensions?.some(hasLargeText))
      saved = { ...saved, suspensions: suspensions.map((one) => this.#textsInRows(one)) };
    this.#storage.kv.put(RECORD_KEY, storedFromRecord(saved));
    return saved;
  }

  #inRows({ response }: { response: string }): Outcome {
    const bytes = encoder.encode(response);
    return { responseChunks: this.response.putAll(bytes), responseBytes: bytes.length };
  }

  #textsInRows(suspension: StoredSuspension): StoredSuspension {
    const { id, reached, resolution } = suspension;
    const { payloadSchema } = reached ?? {};
    const { answer } = resolution ?? {};
    return {
      ...suspension,
      ...(reached && payloadSchema && isLargeText(payloadSchema)
        ? { reached: { ...reached, payloadSchema: this.#textInRow(schemaKey(id), payloadSchema) } }
        : {}),
      ...(resolution && answer?.payload && isLargeText(answer.payload)
        ? {
            resolution: {
              ...resolution,
              answer: { ...answer, payload: this.#textInRow(answerKey(id), answer.payload) },
            },
          }
        : {}),
    };
  }

  #textInRow(key: string, { json }: { json: string }): StoredText {
    const bytes = encoder.encode(json);
    this.#rows.put(key, bytes);
    return { bytes: bytes.length };
  }

  /** The JSON text of a suspension's answer, or of its payload's schema; undefined without one. */
  suspensionText({ id, reached, resolution }: StoredSuspension, which: "answer" | "payloadSchema"): string | undefined {
    const isAnswer = which === "answer";
    const text = isAnswer ? resolution?.answer?.payload : reached?.payloadSchema;
    if (text === undefined || "json" in text) return text?.json;
    const bytes = this.#rows.get<Uint8Array>(isAnswer ? answerKey(id) : schemaKey(id));
    if (bytes === undefined) throw new Error(`a row of the suspension ${id} is missing`);
    return decoder.decode(bytes);
  }

  /** Resolves when all that was written is on the disk. */
  written(): Promise<void> {
    return this.#storage.sync();
  }

  request(): string {
    const request = this.keptRequest();
    if (request === undefined) throw new Error("the request of an operation that still runs is missing");
    return request;
  }

  keptRequest(): string | undefined {
    if (this.record?.request !== undefined) return this.record.request;
    const bytes = this.#rows.get<Uint8Array>(REQUEST_KEY);
    return bytes && decoder.decode(bytes);
  }

  /** Erases what only the work needed, and responses of attempts that came to nothing. */
  #eraseWork(record: OperationRecord): void {
    if (!keepsRequest(record) && this.#rows.get(REQUEST_KEY) !== undefined) this.#rows.delete(REQUEST_KEY);
    this.#rows.delete(STEPS_KEY);
    this.input.erase();
    // A place is left empty by a step whose storing was interrupted, never more of them than may be stored side by side.
    for (let place = 0, gap = 0; gap <= MAX_STEP_GAP; place += 1) gap = this.step(place).erase() ? 0 : gap + 1;
    for (const [key] of this.#rows.list({ prefix: ANSWER_PREFIX })) this.#rows.delete(key);
    if (record.children) this.children.eraseEnds();
    const { outcome } = record;
    this.response.erase(outcome && "responseChunks" in outcome ? outcome.responseChunks : 0);
  }

  #hasMoreThanRecord(): boolean {
    return [...this.#rows.list({ limit: 2 })].some(([key]) => key !== RECORD_KEY);
  }

  /** Forgets everything: the object is as if it had never been. */
  async eraseAll(): Promise<void> {
    this.#record = undefined;
    this.#recordIsRead = true;
    this.#isAlone = undefined;
    await Promise.all([this.#storage.deleteAlarm(), this.#storage.deleteAll()]);
  }
}
