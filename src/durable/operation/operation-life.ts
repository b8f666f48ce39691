// Load, advance, save, act: how an operation's object lets things happen. The rules are in lifecycle/.
import {
  FIRST_ALARM_DELAY_MS,
  INDEX_PROGRESS_DELAY_MS,
  LATE_SNAPSHOT_PUT_MS,
  MAX_EFFECT_RETRY_MS,
  MAX_HELD_MS,
  MAX_PUSHED_CHARACTERS,
  MAX_UNSAVED_REVISIONS,
} from "../../limits";
import { type OperationAnswer, type WaitMessage, answerFromRecord } from "../../contract/answer";
import { dataPointsFromTransition } from "../../operators/data-points";
import { type Channel, channelEvents, hasLostChannel } from "../../lifecycle/channel";
import { isAnythingDue, isTransitionDue, nextDueTime } from "../../lifecycle/due";
import type { Effect, OperationEvent, OutboxEffect } from "../../lifecycle/event";
import type { EndedChild } from "../../contract/child";
import type { MessageToRunner } from "../../contract/run-channel";
import type { LiveFacts } from "../../operators/facts";
import type { OperationRecord } from "../../lifecycle/record";
import { isFinal, isResting } from "../../lifecycle/state";
import { isVisible, metadataJson, operationJsonParts } from "../../contract/resource";
import { without } from "../../lifecycle/draft";
import { type Advance, type Started, advance } from "../../lifecycle/advance";
import { type HappenedTransition, transitionFromStep } from "../../lifecycle/transition";
import { Alarm } from "../alarm";
import { DirectRuns } from "./direct-runs";
import { exportedRunner } from "./exported-runner";
import type { OperationEnv } from "./operation-env";
import { OperationStorage } from "./operation-storage";
import { Outbox, type StoppedChild } from "./outbox";
import { laneFromEnv } from "./queues";
import { claimedSuspensions } from "./run-messages";
import { RunnerSockets, WaiterSockets } from "./sockets";
import { logTransition } from "./transition-log";

/** The context of an event. */
interface Circumstances {
  /** Of the HTTP request that they came with. */
  requestId?: string | undefined;
  /** false: the alarm is armed later. */
  arms?: boolean;
  /** false: a consumer has come for the work, so a message that wakes it is not sent. It is due again if the claim fails. */
  sends?: boolean;
}

/** The part of a change that has to be stored. */
type Saves = "record" | "step" | "nothing" | "memory";

export class OperationLife {
  readonly store: OperationStorage;
  readonly runner: RunnerSockets;
  readonly direct = new DirectRuns();
  readonly waiters: WaiterSockets;
  readonly alarm: Alarm;
  readonly #ctx: DurableObjectState;
  readonly #env: OperationEnv;
  readonly #outbox: Outbox;
  readonly #runDirectly: () => Promise<void>;

  #latest: { record: OperationRecord; metadata: string } | undefined;
  /** The revision of a rest of which the index is being told before it is saved. */
  #toldAhead: number | undefined;

  constructor(ctx: DurableObjectState, env: OperationEnv, runDirectly: () => Promise<void>) {
    this.#runDirectly = runDirectly;
    this.#ctx = ctx;
    this.#env = env;
    this.store = new OperationStorage(ctx.storage, (record) => this.runner.restored(record));
    this.alarm = new Alarm(ctx.storage);
    this.runner = new RunnerSockets(ctx);
    this.waiters = new WaiterSockets(ctx);
    this.#outbox = new Outbox(env, {
      record: () => this.store.record,
      body: (record) => this.#body(record),
      metadataJson: (record) => this.metadataJson(record),
      children: () => this.#childrenToStop(),
      report: () => this.#applyAll(this.#outbox.takeHeard()),
    });
  }

  get record(): OperationRecord | undefined {
    return this.store.record;
  }

  /** Whether the work may end within {@link MAX_HELD_MS}: it is new, or a runner is at work that has opened no socket. */
  mayEndSoon({ lease, state, createTime }: OperationRecord): boolean {
    return lease ? this.direct.isConnected(lease.fence) : state === "QUEUED" && Date.now() < createTime + MAX_HELD_MS;
  }

  mustHaveRecord(): OperationRecord {
    const { record } = this.store;
    if (!record) throw new Error("no operation");
    return record;
  }

  /** Deadlines, leases and wake-ups hold on every read, not only when their alarm comes. To be awaited before any event. */
  async settle({
    sends = true,
    isIndexCheck = false,
  }: { sends?: boolean; isIndexCheck?: boolean } = {}): Promise<void> {
    await this.alarm.read();
    const { record } = this;
    const now = Date.now();
    if (!record) return;
    if (isTransitionDue(record, now) || hasLostChannel(record, this.#channel(record)))
      this.#letTimePass(record, { sends });
    // The index asks, so it was not told.
    if (isIndexCheck && this.record?.endedUnarmed) return this.armDeferred();
    if (this.#hasToldUnarmed()) return;
    // Any call arms a lost alarm again. The alarm fires at once if something is overdue.
    const armed = this.record && this.alarm.arm(nextDueTime(this.record));
    if (!armed) return;
    console.warn({ message: "a lost alarm was armed anew", operation: record.name });
    await armed;
  }

  /**
   * Short work ends without an alarm, and saves no row to say that index and KV know its end: had one of them not been
   * told, the alarm would be armed. The index itself checks the operations whose end was cut off in between.
   */
  #hasToldUnarmed(): boolean {
    return this.record?.endedUnarmed === true && this.alarm.time === undefined;
  }

  /** Work that begins now will probably end at once. Where none begins, the commit arms the alarm all the same. */
  #deferAlarm(): void {
    this.alarm.defer(FIRST_ALARM_DELAY_MS, () => this.armDeferred());
  }

  /** The alarm may wait no longer. An operation that has ended by now is stored as one that still has something to do. */
  armDeferred(): void {
    this.alarm.endDeferral();
    const { record } = this;
    if (!record) return;
    if (record.endedUnarmed) this.#commit(record, [], { saves: "record", request: undefined, arms: true });
    else void this.alarm.arm(nextDueTime(record));
  }

  /** The work of the alarm: all that is due, the outbox included. Never throws: a failing alarm is dropped. */
  async settleAtAlarm(): Promise<void> {
    try {
      // One that came early finds nothing due, and writes nothing.
      const { record } = this;
      if (record && isAnythingDue(record, Date.now())) {
        // A crash in the time of the deferral cuts the present alarm off.
        if (isResting(record.state)) this.#deferAlarm();
        this.#letTimePass(record, { arms: false });
        // An alarm that is cut off comes again, so the next one is armed when it is known what is left to do.
        await this.outboxPerformed("index");
        await this.alarm.deferral;
      }
      await this.alarm.arm(this.record && nextDueTime(this.record));
    } catch (error) {
      console.error({ message: "alarm failed", operation: this.record?.name, error: String(error) });
      await this.alarm.arm(Date.now() + MAX_EFFECT_RETRY_MS);
    }
  }

  #letTimePass(record: OperationRecord, circumstances?: Circumstances): void {
    const told = channelEvents(record, this.#channel(record), Date.now());
    this.#applyAll([...told, { type: "timePasses", random: Math.random() }], circumstances);
  }

  #channel({ lease }: OperationRecord): Channel {
    if (!lease) return { isOpen: false, lastKeepAliveTime: undefined };
    const { fence } = lease;
    const transport = this.direct.isConnected(fence) ? this.direct : this.runner;
    return { isOpen: transport.isConnected(fence), lastKeepAliveTime: transport.lastKeepAliveTime(fence) };
  }

  /** Lets one event happen: decides, saves, acts, tells. `requestId`: of the HTTP request that it came with. */
  apply(event: OperationEvent, requestId?: string): Advance {
    return this.#applyAll([...this.#outbox.takeHeard(), event], { requestId });
  }

  /**
   * Lets a sleep begin, or a suspension. The index is told first, as of a start, so that no row and no alarm have to say that it
   * still is to be told. A rest that is over before lists have to show it needs no row of theirs.
   */
  async rest(event: Extract<OperationEvent, { type: "sleep" | "suspend" }>): Promise<Advance> {
    const { record } = this;
    const now = Date.now();
    const ahead = record && advance(record, event, now);
    const isShort = (event.wakeTime ?? Infinity) < now + INDEX_PROGRESS_DELAY_MS;
    if (!ahead?.ok || isShort || !isResting(ahead.record.state)) return this.apply(event);
    const { revision } = ahead.record;
    this.#toldAhead = revision;
    const isTold = await this.#outbox.tellAhead(ahead.record);
    this.#toldAhead = undefined;
    const rested = this.apply({ ...event, toldRevision: isTold ? revision : undefined });
    // Children may have ended while the runner did not know it yet.
    this.childrenEnded([]);
    return rested;
  }

  /** Children have ended: the work goes on if it stands still for them, and a runner is told. */
  childrenEnded(children: readonly EndedChild[]): void {
    const { record } = this;
    const joins = record?.suspension?.waitsFor.joins;
    if (joins && this.store.children.isAnyMet(joins)) this.apply({ type: "childrenEnded" });
    if (record?.lease && children.length > 0) this.#tellRunner({ type: "answers", suspensions: [], children });
  }

  /** The children that are cancelled with their parent. Whether the last ones were started is not known. */
  #childrenToStop(): StoppedChild[] {
    const started = this.record?.children?.started ?? 0;
    return this.store.children.children.flatMap(({ id, isDetached }, place) =>
      isDetached || this.store.children.endOf(place) ? [] : [{ id, isStarted: place < started }],
    );
  }

  #tellRunner(message: Extract<MessageToRunner, { type: "answers" | "cancel" | "stop" }>): void {
    this.runner.tell(message);
    this.direct.tell(message);
  }

  /** Lets an operation begin. `request`: for one whose request is too large to stand in the record. */
  begin({ before, record, effects }: Started, request: string): OperationRecord {
    this.alarm.isNew();
    this.#deferAlarm();
    this.#commit(record, effects, { saves: "record", request, arms: true });
    const { createTime, startRequestId } = record;
    this.#tell(record, transitionFromStep(before, record, { type: "start" }, createTime), startRequestId);
    return this.mustHaveRecord();
  }

  /** An event that comes while the index is told of a rest has a later revision than the one that the index may have by then. */
  #advanced(...[record, event, now, directFence]: Parameters<typeof advance>): Advance {
    const result = advance(record, event, now, directFence);
    const toldAhead = this.#toldAhead ?? 0;
    if (!result.ok || result.record.revision === record.revision || result.record.revision > toldAhead) return result;
    return advance({ ...record, revision: toldAhead }, event, now, directFence);
  }

  /** Lets events happen in turn and saves once, because each commit is a row. Returns the outcome of the last one. */
  #applyAll(events: readonly OperationEvent[], { requestId, arms = true, sends = true }: Circumstances = {}): Advance {
    const first = this.record;
    const now = Date.now();
    let record = first;
    // A deletion would undo once more a put of which it is not known that it ended. After a crash it may still be on its way.
    const isPutOver = first?.endTime && first.endTime + LATE_SNAPSHOT_PUT_MS < now;
    if (isPutOver && this.#hasToldUnarmed() && events.at(-1)?.type === "delete") record = { ...first, outbox: {} };
    let result: Advance = { ok: false, refusal: "GONE" };
    const effects: Effect[] = [];
    let saves = "nothing" as Saves;
    const transitions: [OperationRecord, HappenedTransition | undefined][] = [];
    for (const event of events) {
      if (!record) break;
      result = this.#advanced(record, event, now, newDirectFence);
      if (!result.ok) continue;
      transitions.push([result.record, transitionFromStep(record, result.record, event, now)]);
      effects.push(...result.effects);
      if (result.mustSave) saves = result.isStep && saves !== "record" ? "step" : "record";
      ({ record } = result);
    }
    if (record && transitions.length > 0) {
      const isChanged = first !== undefined && record.revision !== first.revision;
      const wanted = sends ? effects : effects.filter(({ type }) => type !== "send");
      const isTold = events.every(({ type }) => type === "effectDone") && this.#isEndedUnarmed(record);
      if (events.some(({ type }) => type === "effectFailed")) this.alarm.endDeferral();
      this.#commit(record, wanted, { saves: isTold ? "memory" : saves, request: undefined, arms });
      if (isChanged) this.waiters.changed(() => this.record && this.waitMessage(this.record));
    }
    for (const [after, transition] of transitions) this.#tell(after, transition, requestId);
    return result;
  }

  /** Whether it has ended before its alarm was armed. */
  #isEndedUnarmed({ state }: OperationRecord): boolean {
    return this.alarm.deferral !== undefined && isFinal(state);
  }

  #tell(record: OperationRecord, transition: HappenedTransition | undefined, requestId: string | undefined): void {
    if (!transition) return;
    logTransition(this.#env, record, transition, requestId);
    const { METRICS } = this.#env;
    if (METRICS) for (const point of dataPointsFromTransition(record, transition)) METRICS.writeDataPoint(point);
  }

  /** Saves record, request and alarm, committed together: nothing is awaited between their writes. Then acts. */
  #commit(
    record: OperationRecord,
    effects: readonly Effect[],
    { saves, request, arms }: { saves: Saves; request: string | undefined; arms: boolean },
  ): void {
    const has = (type: Effect["type"]): boolean => effects.some((effect) => effect.type === type);
    if (has("erase")) {
      // The runner, and the waiter for the slot, are told before everything is erased.
      for (const effect of effects)
        if (effect.type === "tellRunner" || effect.type === "releaseSlot") this.#act(effect);
      this.waiters.push(() => ({ type: "gone" }));
      this.#ctx.waitUntil(this.erase());
      return;
    }
    const { lease, queueMessage } = record;
    const isRunning = lease ? !lease.channelLostTime : queueMessage;
    const mayWait = isFinal(record.state) ? !record.outbox.webhooks : isRunning && !has("index");
    if (!mayWait || record.deleteTime !== undefined) this.alarm.endDeferral();
    if (saves === "memory") this.store.hold(record);
    else if (!this.#savesApart(record, saves)) {
      this.store.save(this.#withDeferral(record), {
        request: has("storeRequest") ? request : undefined,
        erasesWork: has("eraseWork"),
      });
    }
    const armed = arms ? this.alarm.arm(nextDueTime(record)) : undefined;
    if (armed) this.#ctx.waitUntil(armed);
    const isLast = ({ type }: Effect): boolean => type === "index" && this.#isEndedUnarmed(record);
    for (const effect of effects) if (!isLast(effect)) this.#act(effect);
    if (effects.some(isLast)) this.#ctx.waitUntil(this.#tellIndexLast());
  }

  /** The index checks a row that it was not told the end of, so after a crash all the rest is done then too. */
  async #tellIndexLast(): Promise<void> {
    await this.#outbox.settled("snapshot");
    await this.#outbox.perform("index");
  }

  #withDeferral(record: OperationRecord): OperationRecord {
    if (this.#isEndedUnarmed(record)) return { ...record, endedUnarmed: true };
    return record.endedUnarmed ? without(record, "endedUnarmed") : record;
  }

  /**
   * Keeps a change in memory, and where a runner's socket outlives that, with the socket. Stores a step apart. False: the record
   * has to be saved.
   */
  #savesApart(record: OperationRecord, saves: Saves): boolean {
    const { savedRevision } = this.store;
    if (saves === "record" || record.revision - savedRevision >= MAX_UNSAVED_REVISIONS) return false;
    if (!this.runner.keepUnsaved(record, savedRevision)) return false;
    if (saves === "step") return this.store.saveSteps(record);
    this.store.hold(record);
    return true;
  }

  /** Another channel of the same runner keeps what the previous one kept. */
  channelOpened(): void {
    const { record, store } = this;
    if (record) this.runner.keepUnsaved(record, store.savedRevision);
  }

  /** Forgets everything, the alarm included: what is stored here later arms it again. */
  erase(): Promise<void> {
    this.alarm.fired();
    return this.store.eraseAll();
  }

  #act(effect: Effect): void {
    switch (effect.type) {
      case "send":
      case "index":
      case "snapshot":
      case "webhooks":
      case "parent":
      case "children":
        this.#ctx.waitUntil(this.#outbox.perform(effect.type));
        return;
      case "notifyWaiters":
        this.waiters.push(() => this.waitMessage(this.mustHaveRecord()));
        return;
      case "tellRunner":
        this.#tellRunner({ type: effect.message });
        return;
      case "run":
        this.#ctx.waitUntil(this.#runDirectly());
        return;
      case "tellAnswers": {
        const resolved = (this.record?.suspensions ?? []).filter(({ id }) => effect.ids.includes(id));
        this.#tellRunner({ type: "answers", suspensions: claimedSuspensions(resolved) });
        return;
      }
      case "releaseSlot":
        this.#ctx.waitUntil(this.#outbox.releaseSlot(effect.slot));
        return;
      case "storeRequest":
      case "eraseWork":
      case "erase":
        // Done with the record, in its transaction.
        return;
      default:
        effect satisfies never;
    }
  }

  /** Takes the slot that the work needs to run, if it needs one. */
  async acquireRunSlot(): Promise<boolean> {
    const { record } = this;
    return !record?.runSlot || this.#outbox.acquireSlot(record.runSlot, record);
  }

  async releaseRunSlot(): Promise<void> {
    const { record } = this;
    if (record?.runSlot) await this.#outbox.releaseSlot(record.runSlot);
  }

  /** Resolves when an effect that was begun has been performed once, whether it succeeded or stays in the outbox. */
  outboxPerformed(effect: OutboxEffect): Promise<void> {
    return this.#outbox.settled(effect);
  }

  /** How things stand around the operation, for whoever asks why. */
  async liveFacts(record: OperationRecord): Promise<LiveFacts> {
    const { runSlot } = record;
    const { isOpen, lastKeepAliveTime } = this.#channel(record);
    return {
      alarmTime: this.alarm.time,
      isConnected: isOpen,
      // A channel that was just opened has received none yet.
      lastKeepAliveTime: lastKeepAliveTime === 0 ? undefined : lastKeepAliveTime,
      lane: laneFromEnv(this.#env, record),
      waiters: this.waiters.count(),
      endedChildren: record.children ? this.store.children.endsAt([[0, record.children.count]]).length : 0,
      runSlot: runSlot && (await this.#outbox.slotStanding(runSlot, record)),
    };
  }

  answer(record: OperationRecord): OperationAnswer {
    return answerFromRecord(record, this.#body(record));
  }

  /** The text of the metadata of the last record: the index, answers and messages all have it. */
  metadataJson(record: OperationRecord): string {
    if (this.#latest?.record !== record) this.#latest = { record, metadata: metadataJson(record) };
    return this.#latest.metadata;
  }

  /** An operation's JSON: as text, or as a stream where its response has rows of its own. */
  #body(record: OperationRecord): string | ReadableStream<Uint8Array> {
    const { head, response, tail } = operationJsonParts(record, this.metadataJson(record));
    if (response !== undefined) return head + response + tail;
    const count = record.outcome && "responseChunks" in record.outcome ? record.outcome.responseChunks : 0;
    return this.store.response.stream({ count, head, tail });
  }

  /**
   * The message for waiters. A large operation is not sent to thousands of waiters. They receive a message to fetch it.
   */
  waitMessage(record: OperationRecord): Exclude<WaitMessage, { type: "output" }> {
    if (!isVisible(record, Date.now())) return { type: "gone" };
    // Its stream would have no reader.
    if (record.outcome && "responseChunks" in record.outcome) return { type: "done" };
    const answer = this.answer(record);
    const isSmall = typeof answer.json === "string" && answer.json.length <= MAX_PUSHED_CHARACTERS;
    return isSmall ? { type: "operation", answer } : { type: "done" };
  }
}

/** A token for the runner that the object calls itself; undefined: the work goes through the queue. */
export function newDirectFence(): string | undefined {
  return exportedRunner() && crypto.randomUUID();
}
