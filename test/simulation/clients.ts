// Simulated clients of the real services: starts that race under one requestId, reads, waits, watches, cancellations,
// deletions, and workers elsewhere that race to complete.
import {
  newTokenKeyCache,
  operationLists,
  operationStore,
  requestStore,
  slotStore,
} from "../../src/durable/operation/operation-client";
import { readSnapshot } from "../../src/kv/snapshots";
import type { ReadAnswer } from "../../src/contract/answer";
import type { Method } from "../../src/method/define-method";
import { RpcError } from "../../src/rpc/error";
import { orSilence, withoutFailure } from "../../src/http/event-stream";
import type { JsonObject } from "../../src/rpc/any";
import { PolicyCache } from "../../src/iam/policy-cache";
import type { Principal } from "../../src/iam/principal";
import { Authorizer, type AuthorizerPorts } from "../../src/service/authorizer";
import { UpdateOperationRequest } from "../../src/api/messages/longrunning";
import { decodeMessage } from "../../src/http/decode-message";
import { createOperation, selectUpdate, updateOperation } from "../../src/service/external-operations";
import { type FinishedReads, operationReads } from "../../src/service/operation-reads";
import { watchOperation } from "../../src/service/operations";
import { listOperations } from "../../src/service/list-operations";
import type { OperationStore, WatchEvent, Watching } from "../../src/service/ports";
import { type Deployment, startOperation } from "../../src/service/start-operation";
import { FullShards } from "../../src/service/full-shards";
import type { StartedOperation } from "../../src/service/start-once";
import { type Entry, type Ledger, Watcher, idIn } from "./ledger";
import { RETENTION_MS } from "./methods";
import { deployed, replaced } from "./code";
import { HOOK } from "./receivers";
import { Actor } from "./scheduler";
import type { World } from "./world";

export const PARENT = "projects/p";
const START_TRIES = 6;
/** Work that is done elsewhere may last for a month. A client leaves what is not done by then. */
const WATCH_PATIENCE_MS = 1_800_000;

/** A start that a client asks for: of a method with a script, or of work that is done elsewhere. */
export interface Wish {
  method: Method | undefined;
  json: JsonObject;
  requestId: string | undefined;
  /** When its work begins; at once where absent. */
  scheduleTime?: number;
}

export type ClientAction =
  | "get"
  | "wait"
  | "watch"
  | "cancel"
  | "delete"
  | "list"
  | "report"
  | "complete"
  | "fail"
  | "answer";

/** The calls that a caller of the object may repeat, because a repetition changes nothing. */
const IDEMPOTENT: ReadonlySet<ClientAction> = new Set(["get", "cancel", "delete"]);

/** A version that serves none would keep events for ever. */
const SERVES_WEBHOOKS = deployed.servesWebhooks && replaced.servesWebhooks;

export class Clients {
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #deployment: Deployment;
  readonly #finishedReads: FinishedReads;
  readonly #fullShards = new FullShards();
  readonly #tokenKeys = newTokenKeyCache();
  /** The operation that each requestId has started. */
  readonly #byRequestId: Map<string, string>;
  /** The subjects of the calls that are not answered yet. */
  readonly #underWay = new Map<Actor, string>();
  #count = 0;

  constructor(world: World, ledger: Ledger, deployment: Deployment, byRequestId = new Map<string, string>()) {
    this.#world = world;
    this.#ledger = ledger;
    this.#deployment = deployment;
    this.#byRequestId = byRequestId;
    this.#finishedReads = world.random.pick(["strong", "strong", "edge"]);
  }

  /** The same clients at another place: in an isolate that remembers nothing, of a deployment that differs. */
  elsewhere(changed: Partial<Deployment>): Clients {
    return new Clients(this.#world, this.#ledger, { ...this.#deployment, ...changed }, this.#byRequestId);
  }

  /** Lets another client do something at a time. An error that the contract does not know is a violation. */
  #at(time: number, what: string, act: (client: Actor) => Promise<void>): void {
    this.#count += 1;
    const client = new Actor(`client ${this.#count}`);
    this.#world.scheduler.at(time, client, () => {
      this.#world.trace(() => `${client.name}: ${what}`);
      this.#underWay.set(client, what);
      client.beginTime = this.#world.scheduler.now;
      const settled = act(client).finally(() => this.#underWay.delete(client));
      settled.then(
        () => this.#world.trace(() => `${client.name} is done`),
        (error: unknown) => {
          this.#world.trace(() => `${client.name} is told ${String(error)}`);
          if (!(error instanceof RpcError) || error.code === "INTERNAL")
            this.#ledger.rejected(`${client.name}: ${what}`, error);
        },
      );
    });
  }

  /** Starts an operation, again and again where the answer does not come; `then` gets it. */
  startAt(time: number, wish: Wish, then: (entry: Entry) => void): void {
    this.#at(time, `start ${wish.method?.id ?? "elsewhere"} ${wish.requestId ?? ""}`, async (client) => {
      for (let tries = 1; ; tries += 1) {
        client.beginTime = this.#world.scheduler.now;
        try {
          const started = await this.#start(wish);
          const entry = this.#accepted(wish, started);
          return then(entry);
        } catch (error) {
          const mayRepeat = error instanceof RpcError && error.code === "UNAVAILABLE" && wish.requestId !== undefined;
          if (!mayRepeat || tries === START_TRIES) throw error;
          const { scheduler, random } = this.#world;
          const retryAfterMs = Number(error.headers["Retry-After"] ?? 0) * 1_000;
          await new Promise<void>((resolve) => {
            scheduler.after(retryAfterMs + random.below(10_000), client, resolve);
          });
        }
      }
    });
  }

  async #start({ method, json, requestId, scheduleTime }: Wish): Promise<StartedOperation> {
    const { env } = this.#world;
    const ports = {
      store: this.#store(),
      requests: requestStore(env as never),
      slots: slotStore(env["SLOTS"] as never),
      fullShards: this.#fullShards,
    };
    const common = {
      parent: PARENT,
      json,
      requestId,
      validateOnly: false,
      operationOptions: {
        ...(scheduleTime === undefined ? {} : { scheduleTime }),
        // The same in each try of a start.
        ...(SERVES_WEBHOOKS && JSON.stringify(json).length % 2 === 0 ? { webhookConfig: { uris: [HOOK] } } : {}),
      },
      apiVersion: "v1",
      caller: { id: "user:ada", members: [], mayUseRequestId: true, httpRequestId: "" },
      now: Date.now(),
      deployment: this.#deployment,
    };
    const started = method
      ? await startOperation(ports, { ...common, method, target: PARENT, input: undefined, script: undefined })
      : await createOperation(ports, common);
    if (!started) throw new Error("a start that was not only to be checked started nothing");
    return started;
  }

  #accepted({ requestId }: Wish, { name, answer }: StartedOperation): Entry {
    if (requestId !== undefined) {
      const first = this.#byRequestId.get(requestId) ?? name;
      this.#byRequestId.set(requestId, first);
      if (first !== name) this.#ledger.violate("idempotent start", `${requestId} started both ${first} and ${name}`);
    }
    return this.#ledger.accepted(name, answer);
  }

  actAt(time: number, action: ClientAction, entry: Entry): void {
    const name = entry.name ?? "";
    const what = `${action} ${entry.id.slice(0, 6)}`;
    this.#at(time, what, async (client) => {
      try {
        await this.#act(action, { entry, name, client });
      } catch (error) {
        const isUnavailable = error instanceof RpcError && error.code === "UNAVAILABLE";
        if (isUnavailable && IDEMPOTENT.has(action)) this.#ledger.unavailable(what, client);
        throw error;
      }
    });
  }

  async #act(
    action: ClientAction,
    { entry, name, client }: { entry: Entry; name: string; client: Actor },
  ): Promise<void> {
    const store = this.#store();
    switch (action) {
      case "get":
        return this.#ledger.asked(entry)(await asText(this.#reads().get(name)));
      case "wait":
        return this.#wait(entry, name, client);
      case "watch":
        return this.#watch(entry, name, client);
      case "cancel":
        return this.#cancel(entry, name);
      case "delete": {
        entry.deleteBegun = true;
        if (await store.delete(name)) entry.deleteAnswered = true;
        return;
      }
      case "list":
        return this.#list(entry, name);
      case "answer": {
        const id = await this.#suspensionOf(name);
        const payload = JSON.stringify(client.name);
        const { ok } = await store.resolve(name, { id, payload, digest: payload });
        if (ok) this.#ledger.answerAccepted(entry, id, payload);
        return;
      }
      case "report":
        return this.#report(entry, name, {
          metadata: { "@type": "type.googleapis.com/acme.Progress", by: client.name },
        });
      case "complete":
        return this.#report(entry, name, {
          response: { "@type": "type.googleapis.com/google.protobuf.Struct", value: { by: client.name } },
        });
      case "fail":
        return this.#report(entry, name, { error: { code: 9, message: `${client.name} gives up` } });
      default:
        action satisfies never;
    }
  }

  /** One that waits for an answer, or one that the work may still reach. */
  async #suspensionOf(name: string): Promise<string> {
    const { random } = this.#world;
    if (random.chance(0.3)) return `${random.pick(["approval", "left", "right"])}-${random.below(3)}`;
    const json = (await this.#store().suspensions(name)) ?? '{"suspensions":[]}';
    const { suspensions } = JSON.parse(json) as { suspensions: { name: string; state: string }[] };
    const pending = suspensions.filter(({ state }) => state === "PENDING").map((one) => one.name);
    return pending.length > 0 ? idIn(random.pick(pending)) : "approval-0";
  }

  async #wait(entry: Entry, name: string, client: Actor): Promise<void> {
    const { scheduler, faults, random } = this.#world;
    const answered = this.#ledger.asked(entry);
    const timeoutMs = 1_000 + random.below(59_000);
    const begun = scheduler.now;
    const isCalm = faults.isCalm;
    const answer = await this.#waitOn(name, timeoutMs, client);
    answered(answer);
    const { doneTime } = entry;
    if (!answer?.done || doneTime === undefined || !isCalm) return;
    if (scheduler.now > Math.max(begun, doneTime) + 1_000) {
      this.#ledger.violate("read your writes", `a waiter gets the end ${scheduler.now - doneTime} ms after it`);
    }
  }

  /** A wait outlives whatever cuts it: it is UNAVAILABLE when its time is over, or its object is overloaded. */
  async #waitOn(name: string, timeoutMs: number, client: Actor): Promise<ReadAnswer | undefined> {
    const { scheduler } = this.#world;
    const endTime = scheduler.now + timeoutMs;
    try {
      return await asText(this.#reads().wait(name, timeoutMs, undefined));
    } catch (error) {
      const isOverloaded = client.failedCalls.some((call) => call.error.overloaded === true);
      if (scheduler.now < endTime && !isOverloaded) {
        this.#ledger.violate(
          "no unforeseen error",
          `a wait ends ${endTime - scheduler.now} ms early: ${String(error)}`,
        );
      }
      throw error;
    }
  }

  /** Follows an operation as an EventSource does: over one watch after another, each from the last event on. */
  async #watch(entry: Entry, name: string, client: Actor): Promise<void> {
    const { scheduler, random } = this.#world;
    const watcher = new Watcher(this.#ledger, entry);
    const leaveTime = scheduler.now + WATCH_PATIENCE_MS;
    const hasLeft = (): boolean => scheduler.now >= leaveTime && entry.doneTime === undefined;
    while (!hasLeft()) {
      // Each watch is a request of its own.
      client.subrequests = 0;
      client.beginTime = scheduler.now;
      let retryMs = random.below(3_000);
      const answered = this.#ledger.asked(entry);
      try {
        const watching = await watchOperation(this.#reads(), { name, lastEventId: watcher.lastEventId });
        if (!watching)
          return this.#ledger.violate("never lost", `${client.name} is told that it has the end of ${name}`);
        ({ retryMs } = watching);
        if (await this.#followed(watching, { watcher, answered, hasLeft })) return;
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        if (error.code === "NOT_FOUND") return answered(undefined);
        if (error.code !== "UNAVAILABLE") throw error;
        retryMs += Number(error.headers["Retry-After"] ?? 0) * 1_000;
      }
      await new Promise<void>((resolve) => {
        scheduler.after(retryMs, client, resolve);
      });
    }
  }

  /** Whether the operation's end has come; otherwise the watch is over, or its client was cut off from it. */
  async #followed(
    watching: Watching,
    {
      watcher,
      answered,
      hasLeft,
    }: { watcher: Watcher; answered: (answer: ReadAnswer | undefined) => void; hasLeft: () => boolean },
  ): Promise<boolean> {
    const { scheduler, faults, random } = this.#world;
    const { entry } = watcher;
    const begun = scheduler.now;
    const isCalm = faults.isCalm;
    const cutTime = random.chance(0.3) ? begun + random.below(60_000) : Infinity;
    const isGone = (): boolean => scheduler.now >= cutTime || hasLeft();
    while (!isGone()) {
      const event = await nextEvent(watching, isGone);
      if (event === undefined || event === "END") break;
      if (event === "GONE") {
        answered(undefined);
        return true;
      }
      watcher.lastEventId = watching.id;
      if ("text" in event) {
        watcher.heard(event);
        continue;
      }
      const state = await asText(Promise.resolve(event));
      answered(state);
      watcher.saw(state!);
      if (!event.done) continue;
      if (isCalm && scheduler.now > Math.max(begun, entry.doneTime ?? 0) + 1_000)
        this.#ledger.violate(
          "read your writes",
          `a watcher gets the end ${scheduler.now - entry.doneTime!} ms after it`,
        );
      return true;
    }
    watching.close();
    return false;
  }

  async #cancel(entry: Entry, name: string): Promise<void> {
    const { scheduler, faults } = this.#world;
    const isCalm = faults.isCalm;
    if (!(await this.#store().cancel(name))) return;
    entry.cancelAnswered = true;
    const graceMs = entry.record?.policy.graceMs ?? 0;
    const time = scheduler.now;
    if (!isCalm) return;
    const isAtWork = entry.record?.state === "CANCELLING";
    const runner = entry.record?.fence === undefined ? undefined : this.#ledger.ownerOf(entry.record.fence);
    scheduler.at(time + 1_000, this.#world.nature, () => {
      const { abortTime, doneTime } = entry;
      // One that computes hears nothing meanwhile.
      const mayHear = runner?.isHandling === true && runner.alive && runner.frozenUntil <= time;
      if (isAtWork && mayHear && abortTime === undefined && doneTime === undefined) {
        this.#ledger.violate(
          "cancel reaches the work",
          `${name} was cancelled and its handler does not know a second later`,
        );
      }
    });
    // Work elsewhere has its own time: it settles when its heartbeat or deadline says so.
    scheduler.at(time + graceMs + 2_000, this.#world.nature, () => {
      if (isAtWork && entry.doneTime === undefined && !entry.isErased) {
        this.#ledger.violate("cancel reaches the work", `${name} is not settled when its grace period has passed`);
      }
    });
  }

  async #list(entry: Entry, name: string): Promise<void> {
    const { env } = this.#world;
    const { deleteBegun, deleteAnswered, goneFromList } = entry;
    const { locations, indexShards } = this.#deployment;
    const lists = operationLists(env["INDEX"] as never, this.#tokenKeys);
    const ports = {
      lists,
      locations,
      indexShards,
      store: this.#store(),
      tokenKeys: undefined,
      now: () => this.#world.scheduler.now,
    };
    const request = { parent: PARENT, filter: "", returnPartialSuccess: false };
    const list = JSON.parse((await listOperations(ports, request)) as string) as { operations: { name: string }[] };
    const isListed = list.operations.some((operation) => operation.name === name);
    const isExpired = entry.expireTime !== undefined && entry.expireTime <= this.#world.scheduler.now + 60_000;
    if (!isListed && !deleteBegun && !entry.deleteBegun && !isExpired) {
      this.#ledger.violate("read your writes", `${name} was answered and is not in the list`);
    }
    if (isListed && goneFromList) this.#ledger.violate("deleted stays deleted", `${name} is in the list again`);
    if (!isListed && deleteAnswered) entry.goneFromList = true;
  }

  async #report(entry: Entry, name: string, sent: JsonObject): Promise<void> {
    const answered = this.#ledger.asked(entry);
    try {
      const { operation, updateMask } = decodeMessage(UpdateOperationRequest, selectUpdate({ operation: sent }, name));
      const request = { name, operation: operation ?? {}, updateMask: updateMask ?? "", sent, ifMatch: undefined };
      answered(await updateOperation(this.#store(), request));
    } catch (error) {
      if (error instanceof RpcError && error.code === "NOT_FOUND") return answered(undefined);
      throw error;
    }
  }

  /** A watch lasts as long as its operation. */
  checkAllAnswered({ areAllDone = false } = {}): void {
    for (const [{ name }, what] of this.#underWay) {
      if (areAllDone || !what.startsWith("watch"))
        this.#ledger.violate("bounded", `${name} is not answered yet: ${what}`);
    }
  }

  /** The answers in the end, after the last fault; most of what would be kept for a month is deleted. */
  finish(time: number): void {
    for (const entry of this.#ledger.entries.values()) {
      if (entry.name === undefined) continue;
      this.actAt(time, "get", entry);
      this.actAt(time, "list", entry);
      const isKept = entry.record !== undefined && entry.record.policy.retentionMs > RETENTION_MS;
      if (isKept && this.#world.random.chance(0.9)) this.actAt(time + 1_000, "delete", entry);
    }
  }

  /** As the deployment reads: from objects, from snapshots where those cannot be reached, or from snapshots first. */
  #reads() {
    const { scheduler, env } = this.#world;
    if (!this.#deployment.policy.snapshot) return this.#store();
    return operationReads({
      store: this.#store(),
      snapshots: { read: (name) => readSnapshot(env["SNAPSHOTS"] as never, name, scheduler.clock()) },
      finishedReads: this.#finishedReads,
      isGranted: async () => true,
    });
  }

  #store() {
    return operationsOf(this.#world);
  }
}

export function operationsOf({ env }: World): OperationStore {
  const principal: Principal = { id: "user:ada", members: [], grants: [], isAdmin: true };
  const ports: AuthorizerPorts = {
    authenticate: async () => principal,
    now: () => Date.now(),
    cache: new PolicyCache(),
    read: () => Promise.reject(new Error("no policy is read for an administrator")),
  };
  const authorizer = new Authorizer(principal, ports, "");
  return operationStore(env["OPERATIONS"] as never, authorizer, "longrunning.operations.get");
}

/** As the stream of events has it: from time to time a silent watch is probed. undefined: its client has gone meanwhile. */
async function nextEvent(watching: Watching, isGone: () => boolean): Promise<WatchEvent | undefined> {
  const next = withoutFailure(watching);
  for (;;) {
    const event = await orSilence(next);
    if (event !== undefined || isGone()) return event;
    watching.probe();
  }
}

/** A snapshot comes as a stream. */
async function asText(read: Promise<ReadAnswer | undefined>): Promise<ReadAnswer | undefined> {
  const answer = await read;
  if (!answer || typeof answer.json === "string") return answer;
  let json = "";
  for await (const part of answer.json) json += new TextDecoder().decode(part);
  return { ...answer, json };
}
