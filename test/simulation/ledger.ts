// The answers that clients were given and the acts of handlers, recorded outside the service and compared with it after
// every event.
import type { OperationContext } from "../../src/index";
import { LOST_CHANNEL_LEASE_MS } from "../../src/limits";
import type { OperationAnswer, OutputPart, ReadAnswer } from "../../src/contract/answer";
import { attemptNumber } from "../../src/lifecycle/attempt";
import { type StoredRecord, recordFromStored } from "../../src/lifecycle/stored-record";
import { operationJsonParts } from "../../src/contract/resource";
import { MAX_CALL_MS } from "../../src/limits";
import { isFinal, nextState } from "../../src/lifecycle/state";
import type { ObjectHost } from "./objects";
import type { Consumer } from "./consumer";
import { stepBehind } from "./methods";
import { type Actor, type FailedCall, MAX_CLOCK_AHEAD_MS } from "./scheduler";
import type { SimulatedSocket } from "./sockets";
import type { World } from "./world";

/** An invariant that was broken: its number in the architecture, and how. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly invariant: Invariant;

  constructor(invariant: Invariant, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

export type Invariant =
  | "durable before answered"
  | "never lost"
  | "never stuck"
  | "done once"
  | "fenced"
  | "cancel reaches the work"
  | "deleted stays deleted"
  | "read your writes"
  | "idempotent start"
  | "no finished step twice"
  | "no try forgotten"
  | "decided once"
  | "not before its time"
  | "bounded"
  | "no unforeseen error";

/** Calls of one idempotent action that fail before it is given up, and how long an overloaded object is left alone. */
const MIN_TRIES = 3;
const OVERLOAD_PAUSE_MS = 5_000;

/** One operation as the outside knows it. */
export interface Entry {
  id: string;
  /** Its start was answered. */
  name: string | undefined;
  deleteBegun: boolean;
  deleteAnswered: boolean;
  /** A list that was asked for after the deletion was answered did not have it. */
  goneFromList: boolean;
  cancelAnswered: boolean;
  /** The children that handlers were given, by their keys. */
  children: Map<string, string>;
  /** The highest revision that was answered. */
  revision: number;
  /** The answer once it was done. */
  final: string | undefined;
  doneTime: number | undefined;
  expireTime: number | undefined;
  isErased: boolean;
  storedSteps: Set<string>;
  /** The lines that handlers wrote, and how often while the step behind was not stored. */
  lines: Map<string, number>;
  /** The values that handlers were given, by name and attempt. */
  decisions: Map<string, string>;
  /** The answers to suspensions that were accepted, and the outcomes that handlers were given, by their ids. */
  answers: Map<string, string>;
  /** When each sleep was first called. */
  sleeps: Map<string, number>;
  /** The record as it was last committed. */
  record: StoredRecord | undefined;
  /** When handlers began to work on it, and how many did. */
  runTimes: number[];
  runners: number;
  /** When a handler that was at work was last told to stop. */
  abortTime: number | undefined;
}

export class Ledger {
  readonly entries = new Map<string, Entry>();
  readonly violations: Violation[] = [];
  /** Whether runners were cut off and ran what another had stored, which nobody can prevent: how often. */
  zombieSteps = 0;
  /** When clients asked objects. */
  readonly callTimes: number[] = [];
  readonly #world: () => World;
  /** The far end of the channel that each token was handed out over. */
  readonly #channels = new Map<string, SimulatedSocket>();
  /** The runner that an object called with each token. */
  readonly #runners = new Map<string, Consumer>();
  readonly #statesSeen: (state: string) => void;

  constructor(world: () => World, statesSeen: (state: string) => void) {
    this.#world = world;
    this.#statesSeen = statesSeen;
  }

  violate(invariant: Invariant, message: string): void {
    this.violations.push(new Violation(invariant, message));
    this.#world().trace(() => `VIOLATION of ${invariant}: ${message}`);
  }

  entry(id: string): Entry {
    let entry = this.entries.get(id);
    if (!entry) {
      entry = {
        id,
        name: undefined,
        deleteBegun: false,
        deleteAnswered: false,
        goneFromList: false,
        cancelAnswered: false,
        children: new Map(),
        revision: 0,
        final: undefined,
        doneTime: undefined,
        expireTime: undefined,
        isErased: false,
        storedSteps: new Set(),
        lines: new Map(),
        decisions: new Map(),
        answers: new Map(),
        sleeps: new Map(),
        record: undefined,
        runTimes: [],
        runners: 0,
        abortTime: undefined,
      };
      this.entries.set(id, entry);
    }
    return entry;
  }

  rejected(who: string, error: unknown): void {
    this.violate(
      "no unforeseen error",
      `${who}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }

  exceeded(who: string, what: string): void {
    this.violate("bounded", `${who} ${what}`);
  }

  called(caller: Actor, callee: ObjectHost, method: string): void {
    if (!isClient(caller)) return;
    const { now } = this.#world().scheduler;
    this.callTimes.push(now);
    // A call that was given up may fail much later, without an effect.
    const overloaded = caller.failedCalls.findLast(
      (call) =>
        call.callee === callee &&
        call.method === method &&
        call.error.overloaded === true &&
        call.beginTime >= caller.beginTime &&
        call.time < call.beginTime + MAX_CALL_MS,
    );
    if (overloaded && now < overloaded.time + OVERLOAD_PAUSE_MS) {
      this.violate(
        "bounded",
        `${caller.name} asks ${callee.label} again to ${method}, which has just said that it is overloaded`,
      );
    }
  }

  failed(caller: Actor, call: FailedCall): void {
    caller.failedCalls.push(call);
  }

  /** A client is told UNAVAILABLE: not where a call that may be repeated failed once, or twice, and there was time. */
  unavailable(action: string, { name, failedCalls, beginTime }: Actor): void {
    if (this.#world().scheduler.now >= beginTime + MAX_CALL_MS) return;
    if (failedCalls.length >= MIN_TRIES || failedCalls.some(({ error }) => !mayRepeat(error))) return;
    this.violate("no unforeseen error", `${name}: ${action} is UNAVAILABLE after ${failedCalls.length} failed calls`);
  }

  // ── The storage of the objects ────────────────────────────────────────────────────────────────────────────────────

  committed(host: ObjectHost): void {
    if (host.kind !== "operation") return;
    const entry = this.entry(host.id);
    const before = entry.record;
    const after = host.state.values.get("record") as StoredRecord | undefined;
    if (after === before) return;
    entry.record = after;
    if (!after) return this.#erased(entry, before);
    if (entry.isErased)
      this.violate("deleted stays deleted", `${host.label} stores a record again after it was erased`);
    this.#statesSeen(after.state);
    if (before) this.#changed(host, { entry, before, after });
    else if (after.child) this.#childBegan(host, after.child);
    for (const { name } of after.steps ?? []) entry.storedSteps.add(name);
    if (!isFinal(after.state) || before?.endTime !== undefined) return;
    entry.doneTime = this.#world().scheduler.now;
    entry.expireTime = after.expireTime;
  }

  /** A key is that of one child for ever. */
  #childBegan({ id, label }: ObjectHost, { parentOperation, place }: NonNullable<StoredRecord["child"]>): void {
    const isTwin = (entry: Entry): boolean =>
      entry.id !== id && entry.record?.child?.parentOperation === parentOperation && entry.record.child.place === place;
    if (![...this.entries.values()].some(isTwin)) return;
    this.violate("idempotent start", `${label} is another child ${place} of ${parentOperation}`);
  }

  /** A handler was given a child. */
  childStarted({ name }: OperationContext, key: string, child: string): void {
    const { children } = this.entry(idIn(name));
    const before = children.get(key) ?? child;
    children.set(key, before);
    if (before !== child) this.violate("idempotent start", `the child ${key} of ${name} was ${before} and is ${child}`);
    const entry = this.entry(idIn(child));
    if (!entry.record && !entry.isErased)
      this.violate("durable before answered", `the child ${key} of ${name} was given, and is not stored`);
  }

  #erased(entry: Entry, before: StoredRecord | undefined): void {
    if (!before) return;
    entry.isErased = true;
    const isExpired = before.expireTime !== undefined && before.expireTime <= this.#world().scheduler.clock();
    if (isExpired || before.deleteTime !== undefined) return;
    this.violate("never lost", `${entry.id.slice(0, 6)} was erased while ${before.state}`);
  }

  #changed(
    host: ObjectHost,
    { entry, before, after }: { entry: Entry; before: StoredRecord; after: StoredRecord },
  ): void {
    if (isFinal(before.state) && recordJson(before) !== recordJson(after)) {
      this.violate("done once", `${host.label} was ${recordJson(before)} and is ${recordJson(after)}`);
    }
    if (
      before.deleteTime !== undefined &&
      (after.deleteTime !== before.deleteTime || after.outcome !== before.outcome)
    ) {
      this.violate("deleted stays deleted", `${host.label} is ${recordJson(after)}`);
    }
    const says = (what: string, by: string | undefined): void => {
      const owner = before.fence === undefined ? undefined : this.ownerOf(before.fence)?.name;
      if (by !== undefined && by !== owner) {
        this.violate("fenced", `${host.label} took ${what} from ${by}, but its token was ${owner ?? "nobody"}'s`);
      }
    };
    // The clock that woke it may have been ahead.
    const { scheduleTime = 0 } = after;
    const latestClock = this.#world().scheduler.now + MAX_CLOCK_AHEAD_MS;
    if (after.fence !== undefined && before.fence === undefined && latestClock < scheduleTime) {
      this.violate("not before its time", `${host.label} was claimed before ${scheduleTime}`);
    }
    // Work elsewhere has no token.
    const isRunByMethod = nextState(before.state, "update") === undefined;
    if (isRunByMethod && after.outcome !== before.outcome && "response" in after.outcome!) {
      says("its outcome", byIn(after.outcome.response));
    }
    // A socket gives back as a copy what it kept.
    if (isRunByMethod && JSON.stringify(after.metadata) !== JSON.stringify(before.metadata))
      says("progress", after.metadata["by"] as string | undefined);
    if (after.checkpoint !== before.checkpoint && after.checkpoint !== undefined)
      says("a checkpoint", byIn(after.checkpoint));
    for (const step of after.steps ?? []) {
      if (entry.storedSteps.has(step.name)) {
        if (before.steps?.some(({ name, place }) => name === step.name && place === step.place)) continue;
        this.violate("no finished step twice", `${host.label} stored the step ${step.name} again`);
        continue;
      }
      const bytes = host.state.values.get(`step/${String(step.place).padStart(6, "0")}/000000`) as
        | Uint8Array
        | undefined;
      if (bytes) says(`the step ${step.name}`, byIn(new TextDecoder().decode(bytes)));
      else this.violate("durable before answered", `${host.label} names the step ${step.name} but has not its result`);
    }
  }

  snapshotPut(key: string, value: string): void {
    const entry = this.entries.get(key.replace("operation/", ""));
    const record = entry?.record;
    if (record && isFinal(record.state) && recordJson(record) !== value) {
      this.violate("done once", `the snapshot ${key} is ${value}, the operation ${recordJson(record)}`);
    }
  }

  // ── Messages to runners, and their work ───────────────────────────────────────────────────────────────────────────

  sent(socket: SimulatedSocket, data: string): void {
    if (data.startsWith('{"type":"claimed"')) this.#channels.set(fenceIn(data), socket.peer);
    const { owner } = socket;
    if (data === this.#world().autoResponse.request && isConsumer(owner))
      owner.pingTime ??= this.#world().scheduler.now;
  }

  received({ owner }: SimulatedSocket, data: string): void {
    if (!isConsumer(owner)) return;
    if (data === this.#world().autoResponse.response) {
      if (owner.pingTime !== undefined) owner.confirmedTime = owner.pingTime;
      owner.pingTime = undefined;
    } else if (data.startsWith('{"type":"claimed"')) {
      owner.fence = fenceIn(data);
      // A later channel under the same token may be opened without reaching its runner.
      this.#runners.set(owner.fence, owner);
      owner.confirmedTime = owner.askedTime;
      owner.pingTime = undefined;
      owner.lostTime = undefined;
    } else if (data === '{"type":"stop"}') {
      owner.isStopped = true;
    }
  }

  runnerCalled(runner: Consumer, fence: string): void {
    this.#runners.set(fence, runner);
  }

  runnerAnswered(runner: Consumer, { sentTime, answer }: { sentTime: number; answer: unknown }): void {
    const { type = answer } = Object(answer) as { type?: unknown };
    runner.isStopped ||= type === "stop";
    runner.confirmedTime = Math.max(runner.confirmedTime, sentTime);
  }

  claimed(runner: Consumer, fence: string): void {
    runner.fence = fence;
    runner.confirmedTime = runner.askedTime;
  }

  sessionLost(runner: Consumer): void {
    runner.lostTime ??= this.#world().scheduler.now;
  }

  lost(socket: SimulatedSocket): void {
    const { owner } = socket;
    // An earlier channel's end says nothing of the present one.
    if (!isConsumer(owner) || owner.fence === undefined || this.#channels.get(owner.fence) !== socket) return;
    owner.lostTime ??= this.#world().scheduler.now;
  }

  ownerOf(fence: string): Consumer | undefined {
    const owner = this.#channels.get(fence)?.owner ?? this.#runners.get(fence);
    return isConsumer(owner) ? owner : undefined;
  }

  handlerStarted({ name, signal }: OperationContext, runner: Consumer): void {
    const entry = this.entry(idIn(name));
    entry.runners += 1;
    const { record } = entry;
    runner.attempt = record && record.fence === runner.fence ? attemptNumber(recordFromStored(record)) : undefined;
    entry.runTimes.push(this.#world().scheduler.now);
    this.#world().trace(() => `${runner.name} begins to work on ${idIn(name).slice(0, 6)}`);
    signal.addEventListener("abort", () => {
      entry.abortTime = this.#world().scheduler.now;
    });
  }

  /** A value that a handler was given stays the same for all invocations of an attempt. */
  decided({ name }: OperationContext, what: string, { outcome, runner }: { outcome: string; runner: Consumer }): void {
    const { attempt } = runner;
    // An earlier version remembers less.
    if (attempt === undefined || this.#world().mixesVersions) return;
    const { decisions, id } = this.entry(idIn(name));
    const key = `${what} in attempt ${attempt}`;
    const before = decisions.get(key) ?? outcome;
    decisions.set(key, before);
    if (before === outcome) return;
    this.violate("decided once", `${id.slice(0, 6)}: ${key} was ${before}, and ${runner.name} is given ${outcome}`);
  }

  /** A handler was given the outcome of a suspension: the same for all attempts, and what was accepted. */
  answered({ name }: OperationContext, id: string, { outcome, runner }: { outcome: string; runner: Consumer }): void {
    this.#oneAnswer(this.entry(idIn(name)), id, `${runner.name} is given ${outcome}`, outcome);
  }

  /** An answer was accepted: it is the only one, and survives any crash. */
  answerAccepted(entry: Entry, id: string, payload: string): void {
    this.#oneAnswer(entry, id, `${payload} is accepted`, payload);
  }

  #oneAnswer({ answers, id: operation }: Entry, id: string, what: string, outcome: string): void {
    const before = answers.get(id) ?? outcome;
    answers.set(id, before);
    if (before !== outcome) this.violate("done once", `${operation.slice(0, 6)}: ${id} was ${before}, and ${what}`);
  }

  /** To be called when the sleep is over. Clocks that are wrong may cut it. */
  sleepCalled(
    { name }: OperationContext,
    { name: what, seconds, runner }: { name: string | undefined; seconds: number; runner: Consumer },
  ): () => void {
    const { scheduler, faults } = this.#world();
    const { sleeps, id } = this.entry(idIn(name));
    const key = `${what ?? seconds}`;
    const firstCalled = sleeps.get(key) ?? scheduler.now;
    sleeps.set(key, firstCalled);
    return () => {
      const slept = scheduler.now - firstCalled;
      if (what === undefined || !faults.isCalm || slept >= 1_000 * seconds) return;
      this.violate("not before its time", `${id.slice(0, 6)}: ${runner.name} wakes ${key} after ${slept} ms`);
    };
  }

  stepStarted({ name }: OperationContext, step: string, runner: Consumer): void {
    const entry = this.entry(idIn(name));
    const { now } = this.#world().scheduler;
    this.#world().trace(() => `${runner.name} runs the step ${step} of ${entry.id.slice(0, 6)}`);
    const leaseMs = entry.record?.policy.leaseMs ?? Infinity;
    if (now >= runner.confirmedTime + leaseMs && !runner.wasSetBack) {
      this.violate(
        "fenced",
        `${runner.name} begins the step ${step} ${now - runner.confirmedTime} ms after its last keep-alive`,
      );
    }
    const shortLeaseMs = Math.min(leaseMs, LOST_CHANNEL_LEASE_MS);
    if (runner.lostTime !== undefined && now >= runner.lostTime + shortLeaseMs && !runner.wasSetBack) {
      this.violate(
        "fenced",
        `${runner.name} begins the step ${step} ${now - runner.lostTime} ms after its channel was lost`,
      );
    }
    // A machine that stood still reads its own clock before it reads the messages of the meantime.
    if (runner.isStopped && !runner.wasSetBack)
      this.violate("fenced", `${runner.name} was told to stop and begins the step ${step}`);
    if (!entry.storedSteps.has(step)) return;
    if (entry.record?.fence !== undefined && this.ownerOf(entry.record.fence) === runner) {
      this.violate("no finished step twice", `${runner.name} runs the step ${step}, whose result is stored`);
    } else this.zombieSteps += 1;
  }

  wrote({ name }: OperationContext, line: string): void {
    const { lines, storedSteps } = this.entry(idIn(name));
    lines.set(line, (lines.get(line) ?? 0) + (storedSteps.has(stepBehind(line)) ? 0 : 1));
  }

  /** The output in the end: in order, no line again behind which a finished step stands, and all of it where no runner was lost. */
  checkOutput(entry: Entry): void {
    const { id, lines, record, runners } = entry;
    const written = this.outputOf(entry).split("\n").slice(0, -1);
    const wanted = [...lines.keys()];
    const say = (invariant: Invariant, what: string): void =>
      this.violate(invariant, `${id.slice(0, 6)} ${what}: the output is ${written.join()}`);
    for (const [line, times] of lines) {
      if (written.filter((one) => one === line).length > times)
        say("no finished step twice", `wrote ${line} again, behind which a finished step stands`);
    }
    const places = written.map((line) => wanted.indexOf(line));
    if (places.some((place, index) => place < (places[index - 1] ?? 0))) say("never lost", "wrote in another order");
    if (record?.state === "SUCCEEDED" && runners === 1 && written.join() !== wanted.join())
      say("never lost", `was written ${wanted.join()} by one runner`);
  }

  /** The owner of the work continues the count of tries that is stored. */
  stepTried(
    { name }: OperationContext,
    { step, attempt, runner }: { step: string; attempt: number; runner: Consumer },
  ): void {
    const { id, record } = this.entry(idIn(name));
    if (record?.fence === undefined || this.ownerOf(record.fence) !== runner) return;
    const failures = record.stepTries?.find((stored) => stored.name === step)?.failures ?? 0;
    if (attempt > failures) return;
    const what = `${runner.name} begins try ${attempt} of the step ${step} after ${failures} failures`;
    this.violate("no try forgotten", `${id.slice(0, 6)}: ${what}`);
  }

  // ── Answers to clients ────────────────────────────────────────────────────────────────────────────────────────────

  /** The start of an operation was answered. */
  accepted(name: string, answer: OperationAnswer): Entry {
    const entry = this.entry(idIn(name));
    entry.name = name;
    if (!entry.record && !entry.isErased)
      this.violate("durable before answered", `${name} was answered and is not stored`);
    this.#answered(entry, answer);
    return entry;
  }

  /** The knowledge at the beginning of a read: its answer may not be older. */
  asked(entry: Entry): (answer: ReadAnswer | undefined) => void {
    const { deleteAnswered, cancelAnswered, revision, final } = entry;
    return (answer) => {
      if (!answer) return this.#absent(entry);
      // Of a deleted operation a snapshot may be left for a while, from before the deletion.
      const isLeft = entry.deleteBegun && "snapshot" in answer;
      if (deleteAnswered && !isLeft) this.violate("deleted stays deleted", `${entry.name} was deleted and is answered`);
      if (revisionOf(answer) < revision && !isLeft) {
        this.violate(
          "read your writes",
          `${entry.name} is answered with revision ${revisionOf(answer)} after ${revision}`,
        );
      }
      if (final !== undefined && !answer.done) this.violate("done once", `${entry.name} was done and is not`);
      if (cancelAnswered && !answer.done && !text(answer).includes('"requestedCancellation":true')) {
        this.violate("read your writes", `${entry.name} was cancelled and does not say so: ${text(answer)}`);
      }
      this.#answered(entry, answer);
    };
  }

  /** The end comes behind all of the output. */
  outputWatched(entry: Entry, heard: string): void {
    if (entry.isErased || entry.deleteBegun) return;
    const stored = this.outputOf(entry);
    if (stored === heard) return;
    const what = `a watcher has the output ${JSON.stringify(heard)} at its end, not ${JSON.stringify(stored)}`;
    this.violate("read your writes", `${entry.name}: ${what}`);
  }

  /** The stored output of an operation: its rows do not overlap. */
  outputOf({ id }: Entry): string {
    const values = this.#world().operations.hosts.get(id)?.state.values ?? new Map<string, unknown>();
    let output = "";
    let end = 0;
    for (const [key, row] of [...values].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      if (!key.startsWith("output/")) continue;
      const offset = Number(key.slice("output/".length));
      if (offset < end)
        this.violate("never lost", `${id.slice(0, 6)}: the output ends at ${end} and goes on at ${offset}`);
      output += row as string;
      end = offset + (row as string).length;
    }
    return output;
  }

  #absent(entry: Entry): void {
    const isExpired = entry.expireTime !== undefined && entry.expireTime <= this.#world().scheduler.now + 60_000;
    if (!entry.deleteBegun && !isExpired) this.violate("never lost", `${entry.name} is not found`);
  }

  #answered(entry: Entry, answer: ReadAnswer): void {
    entry.revision = Math.max(entry.revision, revisionOf(answer));
    if (!answer.done) return;
    entry.final ??= text(answer);
    if (entry.final !== text(answer)) {
      this.violate("done once", `${entry.name} was answered as ${entry.final} and then as ${text(answer)}`);
    }
  }
}

/** The events that one client of an operation was sent by its watches. */
export class Watcher {
  readonly entry: Entry;
  lastEventId: string | undefined;
  readonly #ledger: Ledger;
  #revision = -1;
  #text = "";
  /** Where the last part ended. */
  #end = 0;

  constructor(ledger: Ledger, entry: Entry) {
    this.#ledger = ledger;
    this.entry = entry;
  }

  /** Each state once, in order. */
  saw(state: ReadAnswer): void {
    const revision = revisionOf(state);
    if (revision <= this.#revision) {
      const what = `a watcher is sent revision ${revision} after ${this.#revision}`;
      this.#ledger.violate("read your writes", `${this.entry.name}: ${what}`);
    }
    this.#revision = revision;
    // A snapshot has no output.
    if (state.done && !("snapshot" in state)) this.#ledger.outputWatched(this.entry, this.#text);
  }

  /**
   * Each part of the output once, in order. The texts are ASCII. A gap is text that a runner took with it when it died; at the
   * end, what was heard is compared with what is stored.
   */
  heard({ offset, text: part }: OutputPart): void {
    if (offset < this.#end) {
      const what = `a watcher is sent the output from ${offset} on after ${this.#end}`;
      this.#ledger.violate("read your writes", `${this.entry.name}: ${what}`);
    }
    this.#text += part;
    this.#end = offset + part.length;
  }
}

export function recordJson(record: StoredRecord): string {
  const { head, response, tail } = operationJsonParts(recordFromStored(record));
  return head + (response ?? "") + tail;
}

export function idIn(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

function byIn(json: string): string | undefined {
  return /"by":"([^"]*)"/.exec(json)?.[1];
}

function fenceIn(claimed: string): string {
  return /"fence":"([^"]*)"/.exec(claimed)?.[1] ?? "";
}

/** Each is too small to be a stream. */
function text({ json: answered }: ReadAnswer): string {
  if (typeof answered !== "string") throw new TypeError("a simulated operation is answered as a stream");
  return answered;
}

function revisionOf({ etag }: ReadAnswer): number {
  if (etag === undefined) throw new TypeError("a simulated snapshot has no revision");
  return Number.parseInt(etag.slice(1, -1), 36);
}

function isConsumer(actor: unknown): actor is Consumer {
  return typeof actor === "object" && actor !== null && "confirmedTime" in actor;
}

function mayRepeat({ retryable, overloaded }: FailedCall["error"]): boolean {
  return retryable === true && overloaded !== true;
}

function isClient({ name }: Actor): boolean {
  return name.startsWith("client ") || name.startsWith("waiter ");
}
