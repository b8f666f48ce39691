// The simulated platform: the service's real objects, consumer and sweep, with everything around them under the control
// of one seed.
import { type Code, deployed, replaced } from "./code";
import type { ClaimAnswer } from "../../src/contract/direct-run";
import type { OperationContext } from "../../src/method/method";
import { type Random, randomFromSeed } from "../support/random";
import { type Fault, type FaultOptions, Faults } from "./faults";
import { SimulatedKv } from "./kv";
import { Network } from "./network";
import { CODE_UPDATED, Instance, Namespace, type ObjectHost, type Stub } from "./objects";
import { PlatformError, connectionLost, objectOverloaded, objectReset } from "./platform-errors";
import { Consumer } from "./consumer";
import { Queues } from "./queue";
import { Receivers, SIGNING_KEY } from "./receivers";
import { ClaimSession, Runners } from "./runners";
import { Actor, type FailedCall, Scheduler } from "./scheduler";
import type { SimulatedSocket } from "./sockets";

/** The checks get these. */
export interface Observer {
  committed(host: ObjectHost): void;
  snapshotPut(key: string, value: string): void;
  sent(socket: SimulatedSocket, data: string): void;
  received(socket: SimulatedSocket, data: string): void;
  /** The far end of a channel hears that it is closed. */
  lost(socket: SimulatedSocket): void;
  /** An object has called a runner with this claim; the runner has the answer to a call of its own. */
  runnerCalled(runner: Consumer, fence: string): void;
  runnerAnswered(runner: Consumer, call: { sentTime: number; answer: unknown }): void;
  /** A runner has the answer to its claim. A call of the session of its claim has failed. */
  claimed(runner: Consumer, fence: string): void;
  sessionLost(runner: Consumer): void;
  handlerStarted(operation: OperationContext, runner: Consumer): void;
  stepStarted(operation: OperationContext, step: string, runner: Consumer): void;
  /** A handler writes a line. */
  wrote(operation: OperationContext, line: string): void;
  stepTried(operation: OperationContext, by: { step: string; attempt: number; runner: Consumer }): void;
  decided(operation: OperationContext, what: string, by: { outcome: string; runner: Consumer }): void;
  answered(operation: OperationContext, id: string, by: { outcome: string; runner: Consumer }): void;
  childStarted(operation: OperationContext, key: string, child: string): void;
  sleepCalled(
    operation: OperationContext,
    sleep: { name: string | undefined; seconds: number; runner: Consumer },
  ): () => void;
  /** Work that was left to the runtime failed: nobody would ever know. */
  rejected(who: string, error: unknown): void;
  called(caller: Actor, host: ObjectHost, method: string): void;
  /** A call failed, and its caller gets the error. */
  failed(caller: Actor, call: FailedCall): void;
  /** The platform cut somebody off, for more than anybody has. */
  exceeded(who: string, what: string): void;
}

export const START_TIME = Date.UTC(2026, 0, 31, 12);
export const SWEEP_INTERVAL_MS = 300_000;
/** https://developers.cloudflare.com/workers/platform/limits/#subrequests */
const MAX_SUBREQUESTS = 1_000;
/** The platform notices within this that the answer of a call has not reached its caller. */
const UNANSWERED_NOTICED_MS = 5_000;

export interface WorldOptions extends FaultOptions {
  seed: number;
  observer: Observer;
  count(this: void, fault: Fault): void;
  /** Variables of the deployment. */
  variables: Record<string, string>;
  /** Queues that carry work. */
  lanes: number;
  /** Where lines of the trace go; undefined: nobody reads them. */
  trace: ((line: string) => void) | undefined;
}

export class World {
  readonly random: Random;
  readonly scheduler = new Scheduler(START_TIME);
  readonly faults: Faults;
  readonly network: Network;
  readonly observer: Observer;
  /** The events that happen by themselves. */
  readonly nature = new Actor("nature");
  readonly operations: Namespace;
  readonly index: Namespace;
  readonly requests: Namespace;
  readonly slots: Namespace;
  readonly directory: Namespace;
  readonly kv: SimulatedKv;
  readonly queues: Queues;
  readonly runners: Runners;
  readonly receivers: Receivers;
  readonly env: Record<string, unknown>;
  autoResponse = { request: "", response: "" };
  indexDownUntil = 0;
  /** Alarms that objects have set. */
  alarmsSet = 0;
  /** Calls that Workers, consumers and objects have made to objects. */
  calls = 0;
  /** The code of invocations and objects that begin now. */
  code: Code;
  /** Whether an earlier version takes part. */
  readonly mixesVersions: boolean;
  /** Until then consumers do not know every method that the door starts: a deploy that is on its way. */
  deployTime = 0;
  /** Resets of a deploy that have not come to their objects yet. */
  readonly lateResets = new Set<() => void>();
  readonly #trace: ((line: string) => void) | undefined;

  constructor({ seed, observer, count, variables, lanes, isCalm, without, trace }: WorldOptions) {
    this.random = randomFromSeed(seed);
    this.observer = observer;
    this.#trace = trace;
    this.faults = new Faults(this.random, { isCalm, without }, (fault) => {
      count(fault);
      this.trace(() => `FAULT ${fault}`);
    });
    this.code = this.faults.has("a deploy") ? replaced : deployed;
    this.mixesVersions = this.code.isEarlier;
    this.network = new Network(this.random, this.faults);
    const namespace = (kind: string, className: string): Namespace => new Namespace(this, kind, className);
    this.operations = namespace("operation", "OperationObject");
    this.index = namespace("index", "OperationIndex");
    this.requests = namespace("request", "RequestObject");
    this.slots = namespace("slots", "SlotsObject");
    this.directory = namespace("directory", "DirectoryObject");
    this.kv = new SimulatedKv(this);
    this.queues = new Queues(this, lanes);
    this.runners = new Runners(this);
    this.receivers = new Receivers(this);
    this.env = {
      ...variables,
      AUTH: "open",
      WEBHOOK_SIGNING_KEYS: SIGNING_KEY,
      OPERATIONS: this.operations,
      INDEX: this.index,
      REQUESTS: this.requests,
      SLOTS: this.slots,
      DIRECTORY: this.directory,
      ...this.queues.bindings(),
      SNAPSHOTS: this.kv,
    };
  }

  trace(line: () => string): void {
    if (!this.#trace) return;
    const seconds = ((this.scheduler.now - START_TIME) / 1_000).toFixed(3).padStart(10);
    this.#trace(`${seconds} s  ${line()}`);
  }

  logged(level: string, parts: readonly unknown[]): void {
    if (!this.#trace || level === "log" || level === "info") return;
    this.trace(() => `${this.scheduler.current.name} logs ${JSON.stringify(parts[0]).slice(0, 200)}`);
  }

  /** An invocation of a Worker has a thousand. An object's events are not told apart here. */
  countSubrequest(caller: Actor): void {
    caller.subrequests += 1;
    if (caller.subrequests > MAX_SUBREQUESTS && !(caller instanceof Instance)) {
      this.observer.exceeded(caller.name, `makes more than ${MAX_SUBREQUESTS} subrequests`);
    }
  }

  /** A call from whoever runs to an object, over a network that loses it on the way there or back. */
  call(stub: Stub, method: string, parameters: unknown[]): Promise<unknown> {
    const { scheduler, faults, network, nature } = this;
    const { host } = stub;
    const caller = scheduler.current;
    if (stub.brokenBy) return Promise.reject(stub.brokenBy);
    this.countSubrequest(caller);
    this.calls += 1;
    this.observer.called(caller, host, method);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const beginTime = scheduler.now;
    const fail = (error: Error): void =>
      scheduler.after(network.latency(), caller, () => {
        if (error instanceof PlatformError) stub.brokenBy = error;
        this.observer.failed(caller, { callee: host, method, beginTime, time: scheduler.now, error });
        reject(error);
      });
    if (caller instanceof Consumer) caller.askedTime = scheduler.now;
    caller.output(() => {
      if (host.kind === "index" && scheduler.now < this.indexDownUntil) return fail(connectionLost());
      if (faults.strikes("a request to an object is lost")) return fail(connectionLost());
      const isNeverAnswered = faults.strikes("a call is never answered");
      if (isNeverAnswered && this.random.chance(0.5)) return;
      if (faults.strikes("an object is overloaded")) return fail(objectOverloaded(this.random.chance(0.5)));
      scheduler.after(network.latency(), nature, () => {
        if (scheduler.now < host.restartTime) return fail(objectReset(CODE_UPDATED));
        this.trace(() => `${host.label} is asked to ${method} by ${caller.name}`);
        host.invoke((object) => called(object, method, parameters), {
          resolve: (value) => {
            const session = this.#sessionOf(value, host, caller);
            if (isNeverAnswered) return session?.abandoned(UNANSWERED_NOTICED_MS);
            if (faults.strikes("an object's answer is lost")) {
              session?.abandoned(UNANSWERED_NOTICED_MS);
              return fail(connectionLost());
            }
            scheduler.after(network.latency(), caller, () => {
              if (method === "fetch") this.#handOver(value as { webSocket: SimulatedSocket | null }, caller);
              resolve(session ? session.handedOver() : value);
            });
          },
          reject: fail,
        });
      });
    });
    return promise;
  }

  /** The session that begins with the answer to a claim. */
  #sessionOf(value: unknown, { instance }: ObjectHost, caller: Actor): ClaimSession | undefined {
    if (!isClaimAnswer(value) || !(caller instanceof Consumer) || !instance) return undefined;
    this.observer.runnerCalled(caller, value.claimed.fence);
    return new ClaimSession(this, instance, { runner: caller, answer: value });
  }

  /** A socket that comes with an answer belongs to whoever asked. */
  #handOver({ webSocket }: { webSocket: SimulatedSocket | null }, caller: Actor): void {
    if (!webSocket) return;
    webSocket.owner = caller;
    if (caller instanceof Consumer) caller.sockets.add(webSocket);
  }

  /** Runs cron until `endTime`, the first time after `firstMs`. */
  startCron(endTime: number, firstMs: number): void {
    const { scheduler, faults, nature } = this;
    if (scheduler.now >= endTime) return;
    scheduler.after(firstMs, nature, () => {
      this.startCron(endTime, SWEEP_INTERVAL_MS);
      if (faults.strikes("the sweep does not run")) return;
      this.#sweep();
      if (faults.strikes("the sweep runs twice at once")) this.#sweep();
    });
  }

  #sweep(): void {
    const cron = new Actor("cron");
    this.scheduler.current = cron;
    this.code.scheduled({} as ScheduledController, this.env as never).catch((error: unknown) => {
      this.trace(() => `the sweep failed: ${String(error)}`);
    });
  }

  *hosts(): Generator<ObjectHost> {
    for (const namespace of [this.operations, this.index, this.requests, this.slots, this.directory]) {
      yield* namespace.hosts.values();
    }
  }

  dispose(): void {
    for (const host of this.hosts()) host.state.dispose();
  }
}

/** Calls a method of an object; the platform itself rejects one that its code does not have. */
function called(object: object, method: string, parameters: unknown[]): unknown {
  const code = object as Record<string, ((...values: unknown[]) => unknown) | undefined>;
  if (code[method] === undefined) throw new TypeError(`The RPC receiver does not implement the method "${method}".`);
  return code[method](...parameters);
}

function isClaimAnswer(value: unknown): value is ClaimAnswer {
  return typeof value === "object" && value !== null && "calls" in value && "claimed" in value;
}
