// The controls of the tests: the worker under test runs in the tests' own isolate and reads them here.
import { MAX_SHARD_BYTES } from "../../src/limits";
import type { OperationContext, WorkMessage } from "../../src/index";
import type { JsonObject } from "../../src/rpc/any";

/** The work of a scripted method. */
export type Script = (operation: OperationContext, request: JsonObject) => Promise<object>;

/** A call that reached an object: `GET`-like ones by the method's name, sockets by their path. */
export interface ObjectCall {
  id: string;
  call: string;
}

/** A place where calls can be held up or made to fail. */
export class Gate {
  #error: Error | undefined;
  #held: PromiseWithResolvers<void> | undefined;
  /** The number of passages, held up or not. */
  passed = 0;

  /** From now on every passage fails. */
  fail(message: string): void {
    this.#error = new Error(message);
  }

  /** From now on every passage waits until it is opened. */
  hold(): void {
    this.#held ??= Promise.withResolvers<void>();
  }

  /** Holds up those that come from now on; the function that is returned releases these, and no others. */
  holdNext(): () => void {
    const held = Promise.withResolvers<void>();
    this.#held = held;
    return () => {
      if (this.#held === held) this.#held = undefined;
      held.resolve();
    };
  }

  open(): void {
    this.#error = undefined;
    this.#held?.resolve();
    this.#held = undefined;
  }

  async pass(): Promise<void> {
    this.passed += 1;
    if (this.#error) throw this.#error;
    await this.#held?.promise;
  }
}

/** Where the run channel is cut: on the way to the object, which then knows nothing, or on the way back. */
export type Cut = "lost" | "unanswered";

class Controls {
  readonly scripts = new Map<string, Script>();
  /** Queue messages sent and not yet delivered. */
  readonly sent: WorkMessage[] = [];
  /** The bindings through which messages went, in their order. */
  readonly sentThrough: string[] = [];
  /** Every call that reached an OperationObject; alarms are not calls. */
  readonly calls: ObjectCall[] = [];
  /** KV writes, in their order. */
  readonly snapshotWrites: { write: "put" | "delete"; key: string; expirationTtl?: number | undefined }[] = [];
  /** Counters, in their order. */
  readonly dataPoints: AnalyticsEngineDataPoint[] = [];
  readonly queueSend = new Gate();
  /** Before an index row is written, or a tombstone. */
  readonly indexWrite = new Gate();
  /** After an index row was written, before its writer gets the answer. */
  readonly indexWritten = new Gate();
  readonly snapshotWrite = new Gate();
  /** Before a runner that an object has called begins, and before its answer leaves it. */
  readonly directRun = new Gate();
  readonly directAnswer = new Gate();
  /** Calls of objects to runners. */
  directRuns = 0;
  /** Calls of those runners that wait for notices. */
  listens = 0;
  /** Before the index asks an operation how it stands. */
  readonly reconcile = new Gate();
  /** Starts of operations that have come to their objects. */
  readonly start = new Gate();
  readonly cancelChild = new Gate();
  /** Ends of children that have come to their parents. */
  readonly childEnded = new Gate();

  /** The size from which on an index shard takes no new rows. */
  maxShardBytes = MAX_SHARD_BYTES;

  /** The message at which the run channel is cut, once: `claim`, or a message by its type. */
  readonly cuts = new Map<string, Cut>();

  /** Whether this is where the channel is cut. */
  takeCut(what: string): Cut | undefined {
    const cut = this.cuts.get(what);
    this.cuts.delete(what);
    return cut;
  }

  /** Calls that reached one operation's object, in their order. */
  callsOf(id: string): string[] {
    return this.calls.filter((call) => call.id === id).map(({ call }) => call);
  }

  reset(): void {
    const { queueSend, indexWrite, indexWritten, snapshotWrite, directRun, directAnswer, reconcile } = this;
    const { start, cancelChild, childEnded } = this;
    const family = [start, cancelChild, childEnded];
    for (const gate of [
      queueSend,
      indexWrite,
      indexWritten,
      snapshotWrite,
      directRun,
      directAnswer,
      reconcile,
      ...family,
    ]) {
      gate.open();
      gate.passed = 0;
    }
    this.directRuns = 0;
    this.listens = 0;
    this.maxShardBytes = MAX_SHARD_BYTES;
    this.cuts.clear();
    this.scripts.clear();
    this.sent.length = 0;
    this.sentThrough.length = 0;
    this.calls.length = 0;
    this.snapshotWrites.length = 0;
    this.dataPoints.length = 0;
  }
}

export const controls = new Controls();
