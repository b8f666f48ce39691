// Simulated Durable Objects around the real classes: woken, evicted, crashed between any two commits, their alarms late
// or twice, their calls lost on the way there or back.
import type { SQLInputValue } from "node:sqlite";
import { createHash } from "node:crypto";
import { type PlatformError, objectReset, remoteError } from "./platform-errors";
import type { Code } from "./code";
import { Actor } from "./scheduler";
import type { Session } from "./runners";
import { CLOSED, type SimulatedSocket } from "./sockets";
import { StoredState } from "./storage";
import type { World } from "./world";

/** The doors of an object's class, as the platform calls them. */
interface DurableObjectDoors {
  alarm?(): Promise<void>;
  reconcile?(): Promise<unknown>;
  fetch?(request: unknown): Promise<unknown>;
  webSocketMessage?(socket: SimulatedSocket, data: string): Promise<void>;
  webSocketClose?(socket: SimulatedSocket, code: number, reason: string, wasClean: boolean): void | Promise<void>;
  webSocketError?(socket: SimulatedSocket, error: unknown): void | Promise<void>;
}

type ObjectClass = new (ctx: never, env: never) => object;

/** The outcome of a call. */
interface Settle {
  resolve(this: void, value: unknown): void;
  reject(this: void, error: Error): void;
}

export const CODE_UPDATED = "its code was updated";

/** How often the platform repeats an alarm that failed, and how long it waits before the first. */
const MAX_ALARM_RETRIES = 6;
const ALARM_RETRY_MS = 2_000;

/** A way to an object. */
export interface Stub {
  readonly host: ObjectHost;
  brokenBy: Error | undefined;
}

/** One life of an object in memory. */
export class Instance extends Actor {
  readonly host: ObjectHost;
  readonly object: DurableObjectDoors;
  /** Calls that it has not answered yet. */
  readonly pending = new Set<(error: Error) => void>();
  /** Its messages since its last write that is not committed yet. */
  readonly held: (() => void)[] = [];
  /** The sessions with runners that are under way. */
  readonly sessions = new Set<Session>();

  constructor(host: ObjectHost, construct: (instance: Instance) => object) {
    super(host.label);
    this.host = host;
    this.skewMs = host.skewMs;
    this.object = construct(this);
  }

  override output(send: () => void): void {
    if (!this.alive) return;
    if (this.host.state.isDirty) this.held.push(send);
    else send();
  }
}

export class ObjectHost {
  readonly world: World;
  readonly kind: string;
  readonly id: string;
  readonly objectName: string | undefined;
  readonly label: string;
  readonly state = new StoredState();
  readonly sockets = new Set<SimulatedSocket>();
  skewMs = 0;
  /** Calls before then find an object that is being reset. */
  restartTime = 0;
  instance: Instance | undefined;
  readonly #className: string;
  /** The version that it runs, until a deploy comes to it. */
  #code: Code;
  #alarmToken = 0;
  #armedFor: number | null = null;
  #commitIsDue = false;

  constructor(
    world: World,
    className: string,
    { kind, id, name }: { kind: string; id: string; name: string | undefined },
  ) {
    this.world = world;
    this.kind = kind;
    this.id = id;
    this.objectName = name;
    this.label = `${kind} ${name ?? id.slice(0, 6)}`;
    this.#className = className;
    this.#code = world.code;
  }

  // ── Calls ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Lets the object do something; `settle` gets its answer, once the output gate opens. */
  invoke(call: (object: DurableObjectDoors) => unknown, settle: Settle): void {
    const instance = this.wake();
    this.world.scheduler.current = instance;
    const failed = (error: Error): void => settle.reject(error);
    instance.pending.add(failed);
    const answer = async (): Promise<void> => {
      try {
        const value = await call(instance.object);
        if (instance.pending.delete(failed)) instance.output(() => settle.resolve(value));
      } catch (error) {
        if (instance.pending.delete(failed)) instance.output(() => failed(remoteError(error)));
      }
    };
    void answer();
  }

  get code(): Code {
    return this.#code;
  }

  wake(): Instance {
    this.instance ??= new Instance(this, (instance) => {
      const Class = this.#code.classes[this.#className] as ObjectClass;
      return new Class(this.#context(instance) as never, this.world.env as never);
    });
    return this.instance;
  }

  /** The memory is gone, and the sockets with it; what was not committed never was. */
  crash(why: string): void {
    this.world.trace(() => `${this.label} crashes ${why}`);
    this.#reset(objectReset("of an internal error"), () => !this.world.random.chance(0.2));
  }

  /** Its code was updated: every other end notices, and calls fail until the new code runs. */
  redeploy(restartMs: number): void {
    this.world.trace(() => `${this.label} is reset by a deploy`);
    this.#code = this.world.code;
    this.restartTime = this.world.scheduler.now + restartMs;
    this.#reset(objectReset(CODE_UPDATED), () => true);
  }

  #reset(error: PlatformError, peerHears: () => boolean): void {
    const { instance } = this;
    this.state.rollback();
    for (const socket of this.sockets) socket.sever({ hears: false, peerHears: peerHears() });
    for (const socket of this.sockets) socket.readyState = CLOSED;
    this.sockets.clear();
    if (!instance) return;
    instance.alive = false;
    this.instance = undefined;
    for (const reject of instance.pending) reject(error);
    for (const session of instance.sessions) session.objectLost();
  }

  /** The memory is gone; sockets hibernate. Only where nothing is under way: an outgoing call keeps an object in memory. */
  evict(): boolean {
    if (!this.instance || !this.isIdle || this.state.isDirty) return false;
    this.instance.alive = false;
    this.instance = undefined;
    return true;
  }

  get isIdle(): boolean {
    return !this.instance || (this.instance.pending.size === 0 && this.instance.sessions.size === 0);
  }

  jump(ms: number): void {
    this.skewMs = ms;
    if (this.instance) this.instance.skewMs = ms;
    // Its alarm goes by that clock.
    if (this.#armedFor !== null) this.#scheduleAlarm(this.#armedFor - ms, this.#alarmToken);
  }

  // ── Storage ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #write(instance: Instance, write: () => void): void {
    if (!instance.alive) return;
    write();
    if (this.#commitIsDue) return;
    this.#commitIsDue = true;
    queueMicrotask(() => {
      this.#commitIsDue = false;
      if (instance.alive) this.#commit(instance);
      else this.state.rollback();
    });
  }

  #commit(instance: Instance): void {
    const { faults } = this.world;
    if (faults.strikes("an object crashes before it commits")) return this.crash("before it commits");
    this.state.commit();
    this.#armAlarm();
    this.world.observer.committed(this);
    const held = instance.held.splice(0);
    if (faults.strikes("an object crashes after it committed, before its effects"))
      return this.crash("behind its commit");
    if (held.length > 0 && faults.strikes("an object crashes after some of its effects")) {
      for (const send of held.slice(0, 1 + this.world.random.below(held.length))) send();
      return this.crash("in the middle of its effects");
    }
    for (const send of held) send();
  }

  #context(instance: Instance): object {
    const { state } = this;
    const kv = {
      get: (key: string) => state.values.get(key),
      put: (key: string, value: unknown) => this.#write(instance, () => state.put(key, value)),
      delete: (key: string) => {
        const existed = state.values.has(key);
        if (existed) this.#write(instance, () => state.delete(key));
        return existed;
      },
      list: ({
        prefix = "",
        limit = Infinity,
        start = "",
        startAfter = "",
        end,
        reverse = false,
      }: {
        prefix?: string;
        limit?: number;
        start?: string;
        startAfter?: string;
        end?: string;
        reverse?: boolean;
      } = {}) =>
        [...state.values]
          .filter(([key]) => key.startsWith(prefix) && key >= start && key > startAfter)
          .filter(([key]) => end === undefined || key < end)
          .toSorted(([a], [b]) => (a < b === reverse ? 1 : -1))
          .slice(0, limit),
    };
    const rows = (found: Record<string, unknown>[]) => ({
      toArray: () => found,
      one: () => found[0],
      [Symbol.iterator]: () => found.values(),
    });
    return {
      id: { toString: () => this.id, name: this.objectName },
      storage: {
        kv,
        sql: {
          get databaseSize() {
            return state.databaseBytes;
          },
          exec: (query: string, ...values: SQLInputValue[]) => {
            let found: Record<string, unknown>[] = [];
            if (/^\s*SELECT/.test(query)) found = state.sql(query, values);
            else this.#write(instance, () => (found = state.sql(query, values)));
            return rows(found);
          },
        },
        transactionSync: (run: () => unknown) => run(),
        // Resolves behind the commit of what was written before it.
        sync: () => new Promise<void>((resolve) => queueMicrotask(resolve)),
        getAlarm: async () => state.alarmTime,
        setAlarm: async (time: number) => {
          this.world.alarmsSet += 1;
          this.#write(instance, () => state.setAlarm(time));
        },
        deleteAlarm: async () => this.#write(instance, () => state.setAlarm(null)),
        deleteAll: async () => this.#write(instance, () => state.deleteAll()),
      },
      waitUntil: (promise: Promise<unknown>) => {
        promise.catch((error: unknown) => {
          if (instance.alive) this.world.observer.rejected(this.label, error);
        });
      },
      blockConcurrencyWhile: (run: () => unknown) => run(),
      setWebSocketAutoResponse: (pair: World["autoResponse"]) => {
        this.world.autoResponse = pair;
      },
      acceptWebSocket: (socket: SimulatedSocket, tags: readonly string[] = []) => {
        // Code of an object that has crashed: its memory took the socket along.
        if (!instance.alive) return;
        socket.host = this;
        socket.tags = tags;
        this.sockets.add(socket);
      },
      getWebSockets: (tag?: string) =>
        [...this.sockets].filter((socket) => tag === undefined || socket.tags.includes(tag)),
      getWebSocketAutoResponseTimestamp: (socket: SimulatedSocket) => socket.autoResponseTimestamp,
    };
  }

  // ── Alarms ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #armAlarm(): void {
    const { alarmTime } = this.state;
    if (alarmTime === this.#armedFor) return;
    this.#armedFor = alarmTime;
    this.#alarmToken += 1;
    if (alarmTime === null) return;
    const { world } = this;
    // Where operations' alarms are dropped the index has to be in time, or only cron is left.
    const { faults, random } = world;
    const mayBeLate = this.kind !== "index" || !faults.has("an operation's alarm fails on every try, and is dropped");
    const late = mayBeLate && faults.strikes("an alarm is late") ? random.below(40_000) : 0;
    this.#scheduleAlarm(alarmTime - this.skewMs + late, this.#alarmToken);
  }

  #scheduleAlarm(time: number, token: number): void {
    const { world } = this;
    world.scheduler.at(time, world.nature, () => {
      if (token !== this.#alarmToken || this.#armedFor === null) return;
      // By its own clock it is never early.
      const early = this.#armedFor - this.skewMs - world.scheduler.now;
      if (early > 0) return this.#scheduleAlarm(world.scheduler.now + early, token);
      this.state.alarmTime = null;
      this.#armedFor = null;
      const article = this.kind === "index" ? "an index's" : this.kind === "operation" ? "an operation's" : undefined;
      // Behind work that is younger than a second there is the alarm of the index alone.
      const isNeeded = this.kind === "index" && [...world.operations.hosts.values()].some(isUnarmedWork);
      if (article && !isNeeded && world.faults.strikes(`${article} alarm fails on every try, and is dropped`)) return;
      this.fireAlarm(0);
      if (world.faults.strikes("an alarm comes twice"))
        world.scheduler.after(world.network.latency(), world.nature, () => this.fireAlarm(0));
    });
  }

  fireAlarm(retries: number): void {
    const { world } = this;
    world.trace(() => `${this.label} has its alarm`);
    const repeat = (): void => {
      if (retries >= MAX_ALARM_RETRIES) return;
      world.scheduler.after(ALARM_RETRY_MS * 2 ** retries, world.nature, () => this.fireAlarm(retries + 1));
    };
    this.invoke((object) => object.alarm?.(), { resolve: () => {}, reject: repeat });
  }

  // ── Sockets ───────────────────────────────────────────────────────────────────────────────────────────────────────

  socketMessage(socket: SimulatedSocket, data: string): void {
    this.world.trace(() => `${this.label} hears ${data.slice(0, 120)} from ${socket.peer.owner?.name}`);
    this.invoke((object) => object.webSocketMessage?.(socket, data), { resolve: () => {}, reject: () => {} });
  }

  socketClose(socket: SimulatedSocket, code: number): void {
    this.sockets.delete(socket);
    const reason = code === 1006 ? "WebSocket disconnected without sending Close frame." : "";
    this.invoke((object) => object.webSocketClose?.(socket, code, reason, code !== 1006), {
      resolve: () => {},
      reject: () => {},
    });
  }

  socketError(socket: SimulatedSocket): void {
    this.sockets.delete(socket);
    const error = new Error("WebSocket peer disconnected");
    this.invoke((object) => object.webSocketError?.(socket, error), { resolve: () => {}, reject: () => {} });
  }

  autoResponseTime(): number {
    return this.world.scheduler.now + this.skewMs;
  }
}

const ids = new Map<string, string>();

/** An id is 64 hex digits: of a name always the same. */
function idFromName(name: string): string {
  let id = ids.get(name);
  if (id === undefined) {
    id = createHash("sha256").update(name).digest("hex");
    ids.set(name, id);
  }
  return id;
}

interface ObjectId {
  toString(): string;
  name?: string;
}

/** Whether work is queued or under way whose object has no alarm, or may be about to begin. */
function isUnarmedWork({ state, isIdle }: ObjectHost): boolean {
  if (!state.values.has("record")) return !isIdle;
  const record = state.values.get("record") as { fence?: string; resendTime?: number } | undefined;
  return state.alarmTime === null && (record?.fence ?? record?.resendTime) !== undefined;
}

/** A namespace of objects of one class, as a binding. */
export class Namespace {
  readonly hosts = new Map<string, ObjectHost>();
  readonly #world: World;
  readonly #kind: string;
  readonly #className: string;
  readonly #minted = new Set<string>();

  constructor(world: World, kind: string, className: string) {
    this.#world = world;
    this.#kind = kind;
    this.#className = className;
  }

  /** The object of a name, whether or not it was ever called. */
  hostOf(name: string): ObjectHost {
    const id = this.idFromName(name);
    return this.#host(id.toString(), id.name);
  }

  newUniqueId(): ObjectId {
    const id = Array.from({ length: 8 }, () =>
      this.#world.random
        .below(2 ** 32)
        .toString(16)
        .padStart(8, "0"),
    ).join("");
    this.#minted.add(id);
    return { toString: () => id };
  }

  idFromString(id: string): ObjectId {
    if (!this.#minted.has(id) && !this.hosts.has(id)) throw new TypeError("Invalid Durable Object ID");
    return { toString: () => id };
  }

  idFromName(name: string): ObjectId {
    const id = idFromName(`${this.#kind}/${name}`);
    return { toString: () => id, name };
  }

  get(id: ObjectId): object {
    return this.#stub(this.#host(id.toString(), id.name));
  }

  getByName(name: string): object {
    return this.get(this.idFromName(name));
  }

  jurisdiction(): this {
    return this;
  }

  #host(id: string, name: string | undefined): ObjectHost {
    let host = this.hosts.get(id);
    if (!host) {
      host = new ObjectHost(this.#world, this.#className, { kind: this.#kind, id, name });
      this.hosts.set(id, host);
    }
    return host;
  }

  /** One that has thrown an error of the platform stays broken: every later call throws the same. */
  #stub(host: ObjectHost): object {
    const stub: Stub = { host, brokenBy: undefined };
    return new Proxy(
      {},
      {
        get: (_, property) => {
          if (property === "then" || typeof property === "symbol") return undefined;
          if (property === "fetch")
            return (url: string, init?: RequestInit) => this.#world.call(stub, "fetch", [requestFrom(url, init)]);
          return (...parameters: unknown[]) => this.#world.call(stub, property, parameters);
        },
      },
    );
  }
}

function requestFrom(url: string, { method = "GET", headers = {}, body }: RequestInit = {}): object {
  const fields = new Map(
    Object.entries(headers as Record<string, string>).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const get = (name: string): string | null => fields.get(name.toLowerCase()) ?? null;
  return { method, url, body, headers: { get, has: (name: string) => get(name) !== null } };
}
