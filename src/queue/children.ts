// The child operations of a handler: it starts them, each once for its key, and waits for their ends.
import { operationName } from "../aip/resource-name";
import type { ClaimedChild, EndedChild, ReservedChild, StoredEnd } from "../contract/child";
import { fnv1a32 } from "../iam/etag";
import type { Claimed } from "../contract/run-channel";
import type { AttemptMemory, JoinCondition, StoredJoin } from "../lifecycle/record";
import {
  CHILD_STARTS_AT_ONCE,
  MAX_CHILDREN,
  MAX_CHILD_LEVELS,
  MAX_JOINED_CHARACTERS,
  MAX_RESERVED_AT_ONCE,
  MAX_STEP_NAME_CHARACTERS,
} from "../limits";
import type { Child, ChildMethod, ChildOptions, ChildOutcome, JoinOptions } from "../method/child";
import type { Method } from "../method/define-method";
import { jsonText } from "../method/json-text";
import { misuse } from "../method/misuse";
import { type Any, type JsonObject, messageFromAny } from "../rpc/any";
import { rpcErrorFromStatus } from "../rpc/decode";
import { type RpcError, notFound, unavailable } from "../rpc/error";
import { type AskedChild, type PreparedChild, parentOf } from "../service/start-child";
import { AnswerWait } from "./answer-wait";
import type { ChildStarts } from "./child-starts";
import type { Replay } from "./replay";
import type { RunPorts } from "./run-ports";
import type { RunSignal } from "./run-signal";

/** The parts of an invocation that children need. */
interface ChildInvocation {
  readonly claimed: Pick<
    Claimed,
    "name" | "level" | "children" | "startedChildren" | "joins" | "caller" | "origin" | "traceparent"
  >;
  readonly ports: Pick<RunPorts, "now" | "children" | "save" | "largeValues" | "checkLease">;
  readonly replay: Replay;
  readonly signal: RunSignal;
  readonly isLate: boolean;
  fail(error: unknown): void;
  orMisuse<T>(act: () => T): T;
  takeMemory(): AttemptMemory;
}

/** A wait for child operations. */
export class JoinWait extends AnswerWait<ChildOutcome[]> {
  readonly condition: JoinCondition;

  constructor(id: string, condition: JoinCondition, options: ConstructorParameters<typeof AnswerWait>[1]) {
    super(id, options);
    this.condition = condition;
  }
}

/** A call of `op.start` that has not been answered. */
interface Call {
  asked: AskedChild & { key: string; isDetached: boolean };
  child: ClaimedChild | undefined;
  prepared?: PreparedChild;
  /** It cannot be started. */
  error?: unknown;
  resolve(this: void, child: Child): void;
  reject(this: void, error: unknown): void;
}

interface OpenJoin {
  wait: JoinWait;
  /** In the order in which the handler has them. */
  places: number[];
  /** The number of the last end that counts, where a call before was given the outcomes. */
  lastEnd: number | undefined;
  isRead: boolean;
}

export class Children {
  readonly #invocation: ChildInvocation;
  readonly #starts: ChildStarts;
  /** By their places. */
  readonly #children: ClaimedChild[];
  readonly #placeByKey = new Map<string, number>();
  /** The children of this call of the handler, by their names. */
  readonly #placeByName = new Map<string, number>();
  readonly #startedHere = new Set<number>();
  #calls: Call[] = [];
  #isStarting = false;
  #reportedStarts: number;
  readonly #joins: OpenJoin[] = [];
  #reports: StoredJoin[] = [];

  constructor(invocation: ChildInvocation) {
    const { children = [], startedChildren = 0 } = invocation.claimed;
    this.#invocation = invocation;
    this.#starts = invocation.ports.children;
    this.#children = [...children];
    this.#reportedStarts = startedChildren;
    for (const [place, { key }] of children.entries()) this.#placeByKey.set(key, place);
  }

  // ── Starting ──────────────────────────────────────────────────────────────────────────────────────────────────────

  start(method: ChildMethod, request: unknown, options: ChildOptions): Promise<Child> {
    return new Promise((resolve, reject) => {
      const { replay, signal } = this.#invocation;
      if (replay.isClosed) return;
      const asked = this.#invocation.orMisuse(() => this.#asked(method as Method, request, Object(options)));
      const place = this.#placeByKey.get(asked.key);
      if (place === undefined || !this.#isStarted(place)) {
        if (this.#invocation.isLate) return replay.hold();
        if (signal.aborted) return reject(signal.reason);
      }
      // As a checkpoint: the handler continues from it before anything else is delivered, in a replay as at first.
      replay.checkpointBegins();
      this.#calls.push({ asked, child: undefined, resolve, reject });
      if (!this.#isStarting) void this.#startAll();
    });
  }

  #asked(method: Method, request: unknown, { key, labels, parent, detached = false }: ChildOptions): Call["asked"] {
    const { claimed } = this.#invocation;
    if (typeof (method as Partial<Method> | undefined)?.prepare !== "function")
      throw misuse("op.start takes a method that defineMethod has returned, a request, and { key }");
    if (method.input) throw misuse(`op.start: ${method.id} takes a raw body, which no child operation has`);
    if (typeof key !== "string" || key === "" || key.length > MAX_STEP_NAME_CHARACTERS || !key.isWellFormed())
      throw misuse(`op.start: a key has 1 to ${MAX_STEP_NAME_CHARACTERS} characters of Unicode: { key: "page 1" }`);
    if (claimed.level === undefined) throw unavailable("The operation's object runs an earlier version.", 1);
    if (claimed.level >= MAX_CHILD_LEVELS)
      throw misuse(`op.start: operations start one another over at most ${MAX_CHILD_LEVELS} levels`);
    const json = JSON.parse(jsonText("the request of op.start", request ?? {})) as JsonObject;
    return { method, json, parent: parent ?? parentOf(claimed.name), labels: labels ?? {}, key, isDetached: detached };
  }

  #isStarted(place: number): boolean {
    const { startedChildren = 0 } = this.#invocation.claimed;
    return place < startedChildren || this.#startedHere.has(place) || this.#children[place]?.end !== undefined;
  }

  /** Calls that are made side by side are answered in their order. */
  async #startAll(): Promise<void> {
    this.#isStarting = true;
    try {
      // Those that are made side by side are written down together.
      await Promise.resolve();
      while (this.#calls.length > 0) await this.#startSome(this.#calls.splice(0, MAX_RESERVED_AT_ONCE));
    } catch (error) {
      this.#invocation.fail(error);
    }
    this.#isStarting = false;
  }

  async #startSome(calls: readonly Call[]): Promise<void> {
    await Promise.all(calls.map((call) => this.#prepare(call)));
    if ((await this.#reserve(calls.filter(({ prepared }) => prepared))) === "stopped") return;
    const waiting = [...calls];
    const startNext = async (): Promise<void> => {
      for (let call = waiting.shift(); call; call = waiting.shift()) await this.#startOne(call);
    };
    await Promise.all(Array.from({ length: CHILD_STARTS_AT_ONCE }, startNext));
    for (const call of calls) {
      const deliver = (): void =>
        call.error === undefined ? call.resolve(this.#handle(call)) : call.reject(call.error);
      this.#invocation.replay.checkpointEnds({ isLate: this.#invocation.isLate, deliver });
    }
  }

  async #prepare(call: Call): Promise<void> {
    const place = this.#placeByKey.get(call.asked.key);
    if (place !== undefined) call.child = this.#children[place];
    if (place !== undefined && this.#isStarted(place)) return;
    try {
      call.prepared = await this.#starts.prepare(call.asked);
    } catch (error) {
      call.error = error;
    }
  }

  /** Writes the new ones down, before anything is started. */
  async #reserve(calls: readonly Call[]) {
    const { ports, claimed } = this.#invocation;
    const reserved: ReservedChild[] = [];
    for (const call of calls) {
      const { method, key, isDetached } = call.asked;
      const known = this.#placeByKey.get(key);
      call.child = known === undefined ? undefined : this.#children[known];
      if (call.child) continue;
      const { parent } = call.prepared!;
      call.child = {
        key,
        id: this.#starts.newId(call.prepared!),
        ...(parent === parentOf(claimed.name) ? {} : { parent }),
        method: method.id,
        createTime: ports.now(),
        ...(isDetached ? { isDetached } : {}),
      };
      reserved.push(call.child);
      this.#placeByKey.set(key, this.#children.push(call.child) - 1);
    }
    if (this.#children.length > MAX_CHILDREN)
      throw misuse(`op.start: an operation has at most ${MAX_CHILDREN} children. Let children start others.`);
    if (reserved.length === 0) return "settled";
    return ports.save({ type: "saveChildren", children: reserved, ...this.#invocation.takeMemory() });
  }

  async #startOne(call: Call): Promise<void> {
    const { claimed, signal, ports } = this.#invocation;
    const { asked, prepared, child } = call;
    if (!child) return;
    const place = this.#placeByKey.get(asked.key) ?? 0;
    if (child.method !== asked.method.id)
      throw misuse(`op.start: the key ${JSON.stringify(asked.key)} is that of a child of ${child.method}`);
    if (!prepared || this.#isStarted(place)) return;
    await ports.checkLease();
    if (signal.aborted) {
      call.error = signal.reason;
      return;
    }
    await this.#starts.start(prepared, {
      id: child.id,
      createTime: child.createTime,
      parentOperation: claimed.name,
      place,
      level: (claimed.level ?? 0) + 1,
      ...(claimed.caller ? { starter: claimed.caller.id, starterMembers: [...claimed.caller.members] } : {}),
      ...(claimed.origin === undefined ? {} : { origin: claimed.origin }),
      ...(claimed.traceparent === undefined ? {} : { traceparent: claimed.traceparent }),
    });
    this.#startedHere.add(place);
  }

  #handle({ asked: { key }, child }: Call): Child {
    const place = this.#placeByKey.get(key) ?? 0;
    const name = this.#nameOf(child!);
    this.#placeByName.set(name, place);
    return { name, key };
  }

  #nameOf({ parent = parentOf(this.#invocation.claimed.name), id }: ReservedChild): string {
    return operationName({ parent, id });
  }

  // ── Joining ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @throws RpcError, a misuse. */
  join(children: readonly Pick<Child, "name">[], options: JoinOptions): Promise<ChildOutcome[]> {
    // In JavaScript it may be anything.
    const places = [children]
      .flat()
      .map((child?: Partial<Child>) => this.#placeByName.get(child?.name as string) ?? -1);
    if (places.includes(-1)) throw misuse("op.join takes children that op.start has returned");
    const unique = [...new Set(places)].toSorted((a, b) => a - b);
    const { atLeast = unique.length } = Object(options) as JoinOptions;
    if (!Number.isInteger(atLeast) || atLeast < 0 || atLeast > unique.length)
      throw misuse(`op.join: atLeast is a whole number up to that of the children, ${unique.length}`);
    const condition = { places: rangesOf(unique), atLeast };
    const digest = fnv1a32(new TextEncoder().encode(JSON.stringify(condition)));
    const id = `${this.#joins.length}/${digest.toString(36)}`;
    const stored = this.#invocation.claimed.joins?.find((one) => one.id === id);
    const join: OpenJoin = {
      wait: new JoinWait(id, condition, {
        order: stored?.order,
        onAwaited: () => this.#invocation.replay.reconsider(),
        onOrder: (order) => this.#reports.push({ id, order, lastEnd: join.lastEnd ?? 0 }),
      }),
      places,
      lastEnd: stored?.lastEnd,
      isRead: false,
    };
    this.#joins.push(join);
    this.#invocation.replay.addWait(join.wait as AnswerWait);
    this.#consider(join);
    return join.wait.promise;
  }

  /** Children have ended since the claim, or a new channel says once more that they have. */
  receive(ended: readonly EndedChild[]): void {
    for (const { place, time, number } of ended) {
      const child = this.#children[place];
      if (child && !child.end) this.#children[place] = { ...child, end: { time, number } };
    }
    for (const join of this.#joins) this.#consider(join);
  }

  #consider(join: OpenJoin): void {
    const { atLeast } = join.wait.condition;
    const ends = [...new Set(join.places)].flatMap((place) => this.#children[place]?.end ?? []);
    if (join.isRead || ends.length < atLeast) return;
    join.isRead = true;
    join.lastEnd ??= Math.max(0, ...ends.map(({ number }) => number));
    const last = ends.toSorted((a, b) => a.number - b.number)[atLeast - 1];
    void this.#read(join, join.lastEnd, last ?? { time: 0, number: 0 });
  }

  /** Never throws. */
  async #read({ wait, places }: OpenJoin, lastEnd: number, { time, number }: { time: number; number: number }) {
    const { replay, ports } = this.#invocation;
    const checkEnds = replay.checkBegins();
    try {
      const ends = new Map((await ports.largeValues.childEnds(wait.condition.places)).map((end) => [end.place, end]));
      const outcomes: ChildOutcome[] = [];
      const budget = { characters: MAX_JOINED_CHARACTERS };
      for (const place of places) {
        const end = ends.get(place);
        if (end && end.number <= lastEnd) outcomes.push(await this.#outcome(this.#children[place]!, end, budget));
      }
      wait.isOverBy({ time, number, settle: () => wait.resolve(outcomes) });
    } catch (error) {
      this.#invocation.fail(error);
    }
    checkEnds();
  }

  async #outcome(child: ReservedChild, end: StoredEnd, budget: { characters: number }): Promise<ChildOutcome> {
    const name = this.#nameOf(child);
    const { error, isDeleted, expireTime = Infinity } = end;
    if (error) return { name, key: child.key, error: rpcErrorFromStatus(error) };
    const isGone = isDeleted || expireTime <= this.#invocation.ports.now();
    if (end.response !== undefined && !isGone) return { name, key: child.key, response: messageOf(end.response) };
    const operation = isGone ? undefined : await this.#starts.read(name);
    if (operation === undefined) return { name, key: child.key, error: gone(name) };
    budget.characters -= operation.length;
    if (budget.characters < 0)
      throw misuse(
        `op.join: large responses of more than ${MAX_JOINED_CHARACTERS} characters. Join fewer children at a time.`,
      );
    const { response } = JSON.parse(operation) as { response: Any };
    return { name, key: child.key, response: messageFromAny(response) as JsonObject };
  }

  // ── For the attempt ───────────────────────────────────────────────────────────────────────────────────────────────

  /** The starts that were made and the joins that were delivered, if they are not stored yet. */
  takeReports(): { joins?: StoredJoin[]; startedChildren?: number } {
    let started = this.#reportedStarts;
    while (started < this.#children.length && this.#isStarted(started)) started += 1;
    const joins = this.#reports.splice(0);
    const isNew = started > this.#reportedStarts;
    this.#reportedStarts = started;
    return { ...(joins.length > 0 ? { joins } : {}), ...(isNew ? { startedChildren: started } : {}) };
  }
}

function messageOf(json: string): JsonObject {
  return messageFromAny(JSON.parse(json) as Any) as JsonObject;
}

function gone(name: string): RpcError {
  return notFound("google.longrunning.Operation", name);
}

/** `[0, 1, 2, 5]` → `[[0, 2], [5, 5]]` */
function rangesOf(places: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const place of places) {
    const last = ranges.at(-1);
    if (last && last[1] === place - 1) last[1] = place;
    else ranges.push([place, place]);
  }
  return ranges;
}
