// The start of an operation in its object: its input, its index row, its record, in this order.
import { MAX_INLINE_REQUEST_CHARACTERS, MAX_INNER_CALL_MS, UPLOAD_TIMEOUT_MS } from "../../limits";
import type { StartAnswer, StartOptions, StartRefusal, StreamedInput } from "../../contract/answer";
import { type BeginAnswer, type KnownShards, nextShard } from "../../contract/index-start";
import { isVisible } from "../../contract/resource";
import { type Started, started } from "../../lifecycle/advance";
import type { NewOperation } from "../../lifecycle/new-operation";
import type { OperationRecord } from "../../lifecycle/record";
import { startingRow } from "../../list/index-row";
import { operationIndexAddress, placeOf } from "../index/index-name";
import { callObject, orEarlier } from "../object-call";
import { type StoredStream, digestOfStream, storeStream } from "./chunks";
import type { OperationEnv } from "./operation-env";
import { type OperationLife, newDirectFence } from "./operation-life";

export class StartDoor {
  /** The start that is under way. */
  underWay: Promise<StartAnswer> | undefined;
  readonly #life: OperationLife;
  readonly #env: Pick<OperationEnv, "INDEX">;

  constructor(life: OperationLife, env: Pick<OperationEnv, "INDEX">) {
    this.#life = life;
    this.#env = env;
  }

  /** Commits a new operation, its index row first. Repeating it gives the operation that is there. */
  async start(
    operation: NewOperation,
    request: string,
    input?: StreamedInput,
    options?: StartOptions,
  ): Promise<StartAnswer> {
    if (this.underWay) {
      const first = await this.underWay;
      return first.ok ? this.#repeatStart(input) : first;
    }
    if (this.#life.record) return this.#repeatStart(input);
    this.underWay = this.#start(operation, request, input, options).finally(() => {
      this.underWay = undefined;
    });
    return this.underWay;
  }

  async #start(
    operation: NewOperation,
    request: string,
    input: StreamedInput | undefined,
    options: StartOptions | undefined,
  ): Promise<StartAnswer> {
    const stored = input && (await this.#storeInput(input));
    if (stored?.ok === false) {
      await this.#life.erase();
      return { ok: false, refusal: `INPUT_${stored.reason}` };
    }
    const isSmall = request.length <= MAX_INLINE_REQUEST_CHARACTERS;
    const { requestKey } = options ?? {};
    const accepted = {
      ...operation,
      ...(isSmall ? { request } : {}),
      ...(stored === undefined ? {} : { inputBytes: stored.bytes }),
      ...(stored?.digest === undefined ? {} : { inputDigest: stored.digest }),
      ...(requestKey === undefined ? {} : { requestKey }),
    };
    const begun = await this.#beginInIndex(accepted, options);
    if (!begun.ok) {
      if (input) await this.#life.erase();
      return begun;
    }
    const shards = begun.shards && { shards: begun.shards };
    return { ...this.#answer(this.#life.begin(begun.started, request)), ...shards };
  }

  #answer(record: OperationRecord): Extract<StartAnswer, { ok: true }> {
    const { inputDigest, requestKey } = record;
    return {
      ok: true,
      answer: this.#life.answer(record),
      ...(inputDigest === undefined ? {} : { inputDigest }),
      ...(requestKey === undefined ? {} : { marksReservation: true }),
    };
  }

  /** Index first, so that every stored operation has a row. If its shard is near its limit, it gets another shard. */
  async #beginInIndex(operation: NewOperation, options: Partial<StartOptions> = {}): Promise<BegunStart> {
    const { indexShard: preferred = 0 } = operation;
    const { indexShards = preferred + 1, known = { full: [], shardCount: 0 } } = options;
    const full = new Set<number>();
    let { shardCount } = known;
    const shards = (): Pick<BegunStart, "shards"> =>
      full.size === 0 ? {} : { shards: { full: [...full], shardCount } };
    let placed = operation;
    for (;;) {
      // Its client may have repeated the start for minutes: leases and ends count from now.
      const start = started(placed, newDirectFence, Date.now());
      const answer = await this.#beginInShard(start.record);
      if (answer === undefined) return { ok: false, refusal: "INDEX_UNAVAILABLE", ...shards() };
      if (answer.ok) return { ok: true, started: start, ...shards() };
      if (answer.refusal !== "FULL") return { ok: false, refusal: answer.refusal, ...shards() };
      full.add(placed.indexShard ?? 0);
      shardCount = Math.max(shardCount, answer.shardCount);
      const indexShard = nextShard({ preferred, indexShards, shardCount, full: [...full, ...known.full] });
      if (indexShard === undefined) return { ok: false, refusal: "INDEX_FULL", ...shards() };
      placed = { ...operation, indexShard };
    }
  }

  /** undefined: the shard could not be reached. */
  async #beginInShard(record: OperationRecord): Promise<BeginAnswer | undefined> {
    const address = operationIndexAddress(this.#env.INDEX, record);
    const row = startingRow(record, this.#life.metadataJson(record));
    const place = placeOf(record);
    try {
      return await callObject(
        address,
        async (stub): Promise<BeginAnswer> => {
          const call = async (): Promise<BeginAnswer> => stub.begin(row, place);
          return orEarlier("begin", call, async () => {
            // An earlier version knows no limit.
            const isDeleted = await address.newStub().upsert(row, place);
            return isDeleted ? { ok: false, refusal: "DELETED", bytes: 0 } : { ok: true, bytes: 0 };
          });
        },
        { limitMs: MAX_INNER_CALL_MS },
      );
    } catch (error) {
      const message = "index row not written; nothing was started";
      console.error({ message, operation: record.name, error: String(error) });
      return undefined;
    }
  }

  #storeInput({ stream, maxBytes, digest }: StreamedInput): Promise<StoredStream> {
    // Should the client or this object go away in the middle, the alarm erases what came.
    const beforeFirst = (): Promise<void> | undefined => this.#life.alarm.arm(Date.now() + UPLOAD_TIMEOUT_MS);
    return storeStream(this.#life.store.input, stream, { maxBytes, digest, beforeFirst });
  }

  /** The operation that is there already. Its caller is told whether the input sent again is the same. */
  async #repeatStart(input: StreamedInput | undefined): Promise<StartAnswer> {
    const sentDigest = input?.digest ? await digestOfStream(input.stream) : undefined;
    await this.#life.settle();
    const { record } = this.#life;
    // The operation is hidden, even if the index does not know that yet.
    if (!record || !isVisible(record, Date.now())) return { ok: false, refusal: "DELETED" };
    return { ...this.#answer(record), ...(sentDigest === undefined ? {} : { sentDigest }) };
  }
}

/** How a start went in the index. */
type BegunStart = { shards?: KnownShards } & ({ ok: true; started: Started } | { ok: false; refusal: StartRefusal });
