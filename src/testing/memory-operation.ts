// One operation in memory: the real lifecycle, with a map for the rows that its object would store.
import { AnswerDoor } from "../durable/operation/answer-door";
import { type ChildRows, ChildTable } from "../durable/operation/child-table";
import { claimedFromRecord, claimedSuspensions, eventFromMessage } from "../durable/operation/run-messages";
import { EVERYONE_MAY } from "../iam/principal";
import { type Advance, advance, startedRecord } from "../lifecycle/advance";
import { nextDueTime } from "../lifecycle/due";
import type { OperationEvent } from "../lifecycle/event";
import type { NewOperation } from "../lifecycle/new-operation";
import type { OperationRecord, StoredSuspension, StoredText } from "../lifecycle/record";
import { isFinal } from "../lifecycle/state";
import { pendingSuspensions } from "../lifecycle/suspensions";
import { operationJsonParts } from "../contract/resource";
import type { StoredEnd } from "../contract/child";
import type { Claimed, MessageToObject, News } from "../contract/run-channel";
import { suspensionName } from "../contract/suspension";
import type { Json } from "../rpc/any";
import { utf8Length } from "../rpc/utf8";
import { resolveSuspension } from "../service/suspensions";

/** Notices to the runner of an operation: to stop, or events that it may wait for. */
export type RunnerNotice = "cancel" | "stop" | News;

export class MemoryOperation {
  record: OperationRecord;
  largeResponse: string | undefined;
  readonly input: Uint8Array | undefined;
  readonly #request: string;
  /** The results of the stored steps by name, as JSON text. */
  readonly results = new Map<string, string>();
  readonly children = new ChildTable(rowsInMemory());
  readonly #now: () => number;
  readonly #notify: (notice: RunnerNotice) => void;

  constructor(
    { operation, request, input }: { operation: NewOperation; request: string; input: Uint8Array | undefined },
    { now, notify }: { now: () => number; notify: (notice: RunnerNotice) => void },
  ) {
    this.record = startedRecord({
      ...operation,
      request,
      ...(input === undefined ? {} : { inputBytes: input.length }),
    });
    this.#request = request;
    this.input = input;
    this.#now = now;
    this.#notify = notify;
  }

  get isDone(): boolean {
    return isFinal(this.record.state);
  }

  /** When time alone brings about the next change. */
  get dueTime(): number | undefined {
    // Index and snapshots are not a part of it.
    return nextDueTime({ ...this.record, outbox: {} });
  }

  /** Lets one event happen; false: the lifecycle rejects it. */
  apply(event: OperationEvent): boolean {
    return this.#advance(event).ok;
  }

  #advance(event: OperationEvent): Advance {
    const result = advance(this.record, event, this.#now());
    if (!result.ok) return result;
    this.record = result.record;
    for (const effect of result.effects) {
      if (effect.type === "tellRunner") this.#notify(effect.message);
      if (effect.type === "tellAnswers")
        this.#notify({ suspensions: claimedSuspensions(this.#suspensions(effect.ids)) });
    }
    return result;
  }

  #suspensions(ids: readonly string[]): StoredSuspension[] {
    return (this.record.suspensions ?? []).filter(({ id }) => ids.includes(id));
  }

  /** The suspensions that wait for an answer. */
  get pending(): StoredSuspension[] {
    return pendingSuspensions(this.record);
  }

  /** Somebody answers a suspension. @throws RpcError as the service answers. */
  async resolve(id: string, payload: Json): Promise<void> {
    const door = new AnswerDoor({
      apply: (event) => this.#advance(event),
      mustHaveRecord: () => this.record,
      store: { suspensionText: ({ reached }) => textOf(reached?.payloadSchema) },
    });
    const { name: operation } = this.record;
    const named = { operation, name: suspensionName(operation, id), payload, linkToken: undefined };
    const store = {
      resolve: async (_: string, request: Parameters<AnswerDoor["resolve"]>[1]) =>
        door.resolve(this.record, request, undefined),
    };
    await resolveSuspension(store, { ...named, principal: EVERYONE_MAY });
  }

  /** The JSON text of an answer. */
  answer(id: string): string {
    const [suspension] = this.#suspensions([id]);
    const text = textOf(suspension?.resolution?.answer?.payload);
    if (text === undefined) throw new Error(`the suspension ${id} has no answer`);
    return text;
  }

  /** Lets time do what is due. A runner that lives keeps its lease. */
  letTimePass(isRunnerAlive: boolean): void {
    const { lease } = this.record;
    if (lease && isRunnerAlive) this.apply({ type: "keepAlive", fence: lease.fence, receivedTime: this.#now() });
    this.apply({ type: "timePasses", random: HALF });
  }

  /** The text that the work has written. */
  output = "";

  /** Claims the work; undefined: the operation has no work to claim. */
  claim(fence: string): Claimed | undefined {
    if (!this.apply({ type: "claim", fence })) return undefined;
    const store = {
      children: this.children,
      request: () => this.#request,
      step: (place: number) => ({ text: () => this.result(place) }),
      output: { end: utf8Length(this.output) },
    } as unknown as Parameters<typeof claimedFromRecord>[2];
    // Text alone crosses.
    return JSON.parse(JSON.stringify(claimedFromRecord(this.record, fence, store))) as Claimed;
  }

  /** Takes a runner's message; false: it must stop. */
  take(sent: MessageToObject): boolean {
    const message = JSON.parse(JSON.stringify(sent)) as MessageToObject;
    if (message.type === "saveOutput") {
      if (this.record.lease?.fence !== message.fence) return false;
      if (message.offset === utf8Length(this.output)) this.output += message.text;
      return true;
    }
    if (message.type === "saveChildren") {
      const { id: _, children, ...rest } = message;
      if (this.record.lease?.fence !== message.fence) return false;
      this.children.reserve(children);
      return this.apply({ ...rest, count: this.children.children.length });
    }
    if (message.type !== "saveStep") {
      const isTaken = this.apply(eventFromMessage(message, HALF));
      this.#wakeJoined();
      return isTaken;
    }
    const { id: _id, type, fence, name, result, order, ...memory } = message;
    if (this.record.lease?.fence !== fence) return false;
    const place = this.results.size;
    if (!this.results.has(name)) this.results.set(name, result);
    const step = { name, place, bytes: utf8Length(result), chunks: 1, ...(order === undefined ? {} : { order }) };
    return this.apply({ ...memory, type, fence, step });
  }

  /** A child has ended. */
  endChild(end: Omit<StoredEnd, "number">): void {
    const children = this.children.end([end], 0);
    this.#wakeJoined();
    if (this.record.lease) this.#notify({ suspensions: [], children });
  }

  #wakeJoined(): void {
    const joins = this.record.suspension?.waitsFor.joins;
    if (joins && this.children.isAnyMet(joins)) this.apply({ type: "childrenEnded" });
  }

  /** The JSON text of a stored step's result. */
  result(place: number): string {
    const text = [...this.results.values()][place];
    if (text === undefined) throw new Error(`no step is stored at place ${place}`);
    return text;
  }

  /** The operation as GetOperation gives it. */
  get json(): string {
    const { head, response, tail } = operationJsonParts(this.record);
    return head + (response ?? this.largeResponse ?? "") + tail;
  }
}

function rowsInMemory(): ChildRows {
  const rows = new Map<string, unknown>();
  return {
    list: <T>() => [...rows] as [string, T][],
    put: (key, value) => void rows.set(key, value),
    delete: (key) => rows.delete(key),
  };
}

/** Nothing has a row of its own here. */
function textOf(text: StoredText | undefined): string | undefined {
  return text && "json" in text ? text.json : undefined;
}

/** The jitter of a backoff, where nothing waits for it. */
export const HALF = 0.5;
