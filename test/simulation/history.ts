// One history: a world, clients and faults, all from one seed; then the faults end, time passes, and everything that was
// accepted must be done, agreed upon, and in the end forgotten.
import { DEFAULT_LEASE_MS, MAX_SHARD_BYTES, TOMBSTONE_MS } from "../../src/limits";
import type { Deployment } from "../../src/service/start-operation";
import { indexShardFromId } from "../../src/contract/index-start";
import { indexRowFromRecord } from "../../src/list/index-row";
import { isFinal } from "../../src/lifecycle/state";
import { type StoredRecord, recordFromStored } from "../../src/lifecycle/stored-record";
import type { Random } from "../support/random";
import { accident } from "./accidents";
import { type ClientAction, Clients, PARENT, type Wish } from "./clients";
import type { Coverage } from "./coverage";
import { enter } from "./globals";
import { type Entry, Ledger, type Violation, recordJson } from "./ledger";
import { type Action, TIMEOUT_MS, simulatedMethods } from "./methods";
import type { ObjectHost } from "./objects";
import { runUntil } from "./run";
import { ROW_BYTES } from "./storage";
import { START_TIME, SWEEP_INTERVAL_MS, World } from "./world";

/** More than any history needs: one that has more goes round in circles. */
const MAX_EVENTS = 50_000;
/** Past a deadline, or the end of the faults, by which an operation must be done. */
const STUCK_AFTER_MS = 60_000;
/** Past the end of the faults, by which every start that was under way has been answered. */
const SLOWEST_START_MS = 120_000;
/** Two retries of an effect that failed as often as it could. */
const SETTLED_AFTER_MS = 900_000;
/** 5 s doubled this often is no longer over by then. */
const LATE_PUT_FAILURES = 7;
/** Work done elsewhere exists for 37 days at most. Whether its requestId can be forgotten is asked on the 64th. */
const FORGOTTEN_AFTER_MS = 65 * 86_400_000;

/** Tries of a delivery that fail go on for so long. */
const DAY_MS = 24 * 3_600_000;

/** As wrangler.toml has them. */
const LANES = 4;

export interface History {
  seed: number;
  events: number;
  violations: Violation[];
}

export async function runHistory(
  seed: number,
  coverage: Coverage,
  { without, trace }: { without: readonly string[]; trace?: ((line: string) => void) | undefined },
): Promise<History> {
  const ledger: Ledger = new Ledger(
    () => world,
    (state) => coverage.count("state", state),
  );
  // The least lease of a deployment outlasts what a runner may compute. A shorter one is open mode's.
  const leaseSeconds = seed % 4 === 0 ? DEFAULT_LEASE_MS / 1_000 : 20;
  const variables = { LEASE_SECONDS: String(leaseSeconds), RESEND_SECONDS: "10", INVOCATION_SECONDS: "60" };
  const world: World = new World({
    seed,
    observer: ledger,
    count: (fault) => coverage.count("fault", fault),
    variables,
    lanes: LANES,
    isCalm: false,
    without,
    trace,
  });
  enter(world);
  const history = new Play(world, ledger, coverage, leaseSeconds);
  try {
    await history.play();
    return { seed, events: history.events, violations: ledger.violations };
  } finally {
    coverage.add("zombie steps", ledger.zombieSteps);
    world.dispose();
    enter(undefined);
  }
}

class Play {
  events = 0;
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #coverage: Coverage;
  readonly #random: Random;
  readonly #clients: Clients;
  readonly #deployment: Deployment;

  constructor(world: World, ledger: Ledger, coverage: Coverage, leaseSeconds: number) {
    this.#world = world;
    this.#ledger = ledger;
    this.#coverage = coverage;
    this.#random = world.random;
    this.#deployment = {
      policy: { leaseMs: 1_000 * leaseSeconds, resendMs: 10_000, snapshot: !world.random.chance(0.2) },
      locations: new Map(),
      indexShards: world.random.pick([1, 1, 2]),
      maxOperationsPerCaller: world.random.pick([undefined, undefined, 2]),
    };
    this.#clients = new Clients(world, ledger, this.#deployment);
  }

  async play(): Promise<void> {
    const faultsEnd = START_TIME + 20_000 + this.#random.below(300_000);
    if (this.#random.chance(0.2)) this.#world.deployTime = START_TIME + this.#random.below(120_000);
    this.#world.startCron(faultsEnd + TIMEOUT_MS, this.#random.below(SWEEP_INTERVAL_MS));
    this.#fillShards();
    this.#planClients(faultsEnd);
    this.#planAccidents(faultsEnd);
    const { scheduler } = this.#world;
    const acts: [until: () => number, then: () => void][] = [
      [() => faultsEnd, () => this.#endFaults()],
      // A start that was slow may have been answered since.
      [() => faultsEnd + SLOWEST_START_MS, () => this.#clients.checkAllAnswered()],
      // A detached child that began meanwhile has a deadline of its own.
      [() => this.#latestEnd(faultsEnd), () => {}],
      [() => this.#latestEnd(faultsEnd) + STUCK_AFTER_MS, () => this.#checkAllDone()],
      [() => this.#latestForgetting(), () => this.#lookIn()],
      [() => scheduler.now + SETTLED_AFTER_MS, () => this.#checkAgreement()],
      [() => scheduler.now + FORGOTTEN_AFTER_MS, () => this.#checkForgotten()],
    ];
    for (const [until, then] of acts) {
      await this.#runUntil(until());
      if (this.#ledger.violations.length > 0) return;
      then();
    }
  }

  async #runUntil(time: number): Promise<void> {
    await runUntil(this.#world, time, () => {
      this.events += 1;
      if (this.events > MAX_EVENTS) this.#ledger.violate("bounded", `more than ${MAX_EVENTS} events`);
      return this.#ledger.violations.length === 0;
    });
  }

  // ── The plan of a history ─────────────────────────────────────────────────────────────────────────────────────────

  /** Shards that take no new rows, or only a few. */
  #fillShards(): void {
    const { faults, index } = this.#world;
    for (let shard = 0; shard < 3; shard += 1) {
      if (!faults.strikes("an index shard is near its limit")) continue;
      const { state } = index.hostOf(`${PARENT}#${shard}`);
      state.usedBytes = MAX_SHARD_BYTES - this.#random.below(3) * ROW_BYTES;
    }
  }

  #planClients(faultsEnd: number): void {
    const random = this.#random;
    const count = random.pick([1, 1, 2, 3]);
    for (let number = 0; number < count; number += 1) {
      const wish = this.#wish(number);
      const time = START_TIME + random.below(5_000);
      const racers = wish.requestId === undefined ? 1 : 1 + random.below(3);
      let isFollowed = false;
      for (let racer = 0; racer < racers; racer += 1) {
        this.#clients.startAt(time + random.pick([0, 5, 50, 20_000]), wish, (entry) => {
          if (isFollowed) return;
          isFollowed = true;
          this.#planActions(entry, wish, faultsEnd);
        });
      }
    }
  }

  #wish(number: number): Wish {
    const random = this.#random;
    const requestId = random.chance(0.6) ? `request ${number}` : undefined;
    const method = random.chance(0.25) ? undefined : random.pick(simulatedMethods);
    if (method) {
      const json = { script: this.#script(), parent: PARENT, refuses: random.chance(0.3) };
      const scheduleTime = random.chance(0.15) ? START_TIME + random.below(60_000) : undefined;
      return { method, json, requestId, ...(scheduleTime === undefined ? {} : { scheduleTime }) };
    }
    const json = {
      ttl: `${60 + random.below(240)}s`,
      ...(random.chance(0.5) ? { heartbeatTimeout: "45s" } : {}),
      ...(random.chance(0.3)
        ? { operation: { metadata: { "@type": "type.googleapis.com/acme.Progress", stage: 1 } } }
        : {}),
    };
    return { method: undefined, json, requestId };
  }

  /** Its actions follow one another, so that a handler that is called again knows where it was. */
  #writingScript(): Action[] {
    const random = this.#random;
    const action = (number: number): Action =>
      random.pick<() => Action>([
        () => ({ do: "write", line: `line ${number}`, ms: random.pick([0, 100, 400, 2_000, 20_000]) }),
        () => ({ do: "write", line: `line ${number}`, ms: random.pick([0, 100, 400, 2_000, 20_000]) }),
        () => ({ do: "work", ms: random.pick([100, 2_000, 10_000]), isDeaf: random.chance(0.2) }),
        () => ({ do: "sleep", seconds: 1 + random.below(random.pick([3, 60])) }),
        () => ({ do: "progress", percent: random.below(100) }),
        () => ({ do: "fail", attempts: 1, as: "UNAVAILABLE" }),
      ])();
    return Array.from({ length: 2 + random.below(6) }, (_, number) => action(number));
  }

  #script(): Action[] {
    const random = this.#random;
    if (random.chance(0.15)) return this.#writingScript();
    const ms = (): number => random.pick([0, 100, 2_000, 10_000, 30_000, 90_000]);
    const action = (number: number): Action =>
      random.pick<() => Action>([
        () => ({ do: "step", name: `step ${number}`, ms: ms() }),
        () => ({ do: "step", name: `step ${number}`, ms: ms() }),
        () => ({ do: "steps", names: [`left ${number}`, `right ${number}`], ms: ms() }),
        () => ({ do: "work", ms: ms(), isDeaf: random.chance(0.2) }),
        () => ({ do: "compute", ms: random.pick([200, 1_000, 2_000, 2_400]) }),
        () => ({ do: "sleep", seconds: 1 + random.below(random.pick([3, 60])) }),
        () => ({
          do: "branches",
          names: [`one ${number}`, `two ${number}`],
          seconds: [1 + random.below(60), 1 + random.below(60)],
        }),
        () => ({ do: "race", name: `race ${number}`, ms: ms(), seconds: 1 + random.below(30) }),
        () => ({ do: "caught", name: `caught ${number}` }),
        () => ({
          do: "retried",
          name: `retried ${number}`,
          seconds: random.pick([1, 4, 60]),
          ms: random.pick([0, 2_000]),
        }),
        () => ({
          do: "map",
          names: ["a", "b", "c", "d", "e"].map((item) => `item ${item} ${number}`),
          ms: random.pick([0, 100, 2_000, 10_000]),
          concurrency: 2,
        }),
        () => ({
          do: "approve",
          name: `approval-${number}`,
          ...random.pick([{}, { seconds: 1 }, { seconds: 20 }, { seconds: 90 }]),
          isHalved: random.chance(0.3),
        }),
        () => ({
          do: "approvals",
          names: [`left-${number}`, `right-${number}`],
          ms: ms(),
          by: random.pick(["step", "sleep"]),
        }),
        () => ({
          do: "fanOut",
          name: `pages ${number}`,
          children: Array.from({ length: 1 + random.below(3) }, (_, child) => [
            { do: "step", name: `page ${child}`, ms: ms() },
            ...(random.chance(0.2) ? [{ do: "fail", attempts: 9, as: "FAILED_PRECONDITION" } as const] : []),
          ]),
          ...(random.chance(0.3) ? { atLeast: 1 } : {}),
          ...(random.chance(0.2) ? { race: 1 + random.below(30) } : {}),
          isDetached: random.chance(0.3),
        }),
        () => ({ do: "checkpoint", cursor: number }),
        () => ({ do: "progress", percent: random.below(100) }),
        () => ({
          do: "fail",
          attempts: random.pick([1, 1, 2, 9]),
          as: random.pick(["UNAVAILABLE", "Error", "FAILED_PRECONDITION"]),
        }),
      ])();
    return Array.from({ length: random.below(6) }, (_, number) => action(number));
  }

  #planActions(entry: Entry, { method }: Wish, faultsEnd: number): void {
    const random = this.#random;
    const now = this.#world.scheduler.now;
    const often: ClientAction[] = ["get", "get", "list", "wait", "wait", "watch"];
    const actions: ClientAction[] = Array.from({ length: random.below(6) }, () => random.pick(often));
    if (method && random.chance(0.6))
      actions.push(...Array.from({ length: 1 + random.below(8) }, () => "answer" as const));
    if (random.chance(0.4)) actions.push("cancel");
    if (random.chance(0.2)) actions.push("cancel", "cancel");
    if (random.chance(0.3)) actions.push("delete");
    if (!method) {
      actions.push(...Array.from({ length: random.below(4) }, () => "report" as const));
      if (random.chance(0.6)) actions.push("complete", random.pick(["complete", "fail"]));
    }
    const spread = Math.max(1, random.pick([1_000, 30_000, faultsEnd - now]));
    for (const action of actions) this.#clients.actAt(now + random.below(spread), action, entry);
  }

  /** Accidents of machines. */
  #planAccidents(faultsEnd: number): void {
    const { scheduler, nature } = this.#world;
    const random = this.#random;
    const count = random.pick([0, 3, 8, 16]);
    for (let number = 0; number < count; number += 1) {
      scheduler.at(START_TIME + random.below(faultsEnd - START_TIME), nature, () => accident(this.#world));
    }
  }

  #endFaults(): void {
    this.#world.trace(() => "no more faults from here on");
    this.#world.faults.end();
    this.#world.indexDownUntil = 0;
    this.#world.deployTime = 0;
    // A deploy is a fault until it has come to the last object.
    for (const reset of this.#world.lateResets) reset();
    for (const host of this.#world.hosts()) host.jump(0);
  }

  // ── The state at the end ──────────────────────────────────────────────────────────────────────────────────────────

  #latestEnd(faultsEnd: number): number {
    let latest = faultsEnd;
    for (const { record } of this.#ledger.entries.values()) latest = Math.max(latest, record?.deadline ?? 0);
    return latest;
  }

  /**
   * A deleted operation is hidden, and its row is no running one: where its alarm was lost too, it is the tombstone that asks
   * it, before that goes.
   */
  #latestForgetting(): number {
    let latest = this.#world.scheduler.now;
    for (const { record } of this.#ledger.entries.values()) {
      if (record?.deleteTime !== undefined)
        latest = Math.max(latest, record.deleteTime + TOMBSTONE_MS + STUCK_AFTER_MS);
    }
    return latest;
  }

  /**
   * A finished operation that lost its alarm before its outbox was empty is settled by the next read of it: an alarm
   * that failed seven times in a row is not found out by anybody else.
   */
  #lookIn(): void {
    for (const { id, record } of this.#ledger.entries.values()) {
      const host = this.#world.operations.hosts.get(id);
      if (!record || !host || Object.keys(record.outbox).length === 0 || host.state.alarmTime !== null) continue;
      if (mayHaveTold(record)) continue;
      host.invoke((object) => object.reconcile?.(), { resolve: () => {}, reject: () => {} });
    }
  }

  #checkAllDone(): void {
    this.#clients.checkAllAnswered({ areAllDone: true });
    for (const { id, record } of this.#ledger.entries.values()) {
      if (!record || record.deleteTime !== undefined || isFinal(record.state)) continue;
      this.#ledger.violate(
        "never stuck",
        `${id.slice(0, 6)} is ${record.state} past its deadline: ${JSON.stringify(record)}`,
      );
    }
  }

  /** Record, index and KV say the same. */
  #checkAgreement(): void {
    for (const { id, record, isErased, name } of this.#ledger.entries.values()) {
      const snapshot = this.#world.kv.get(`operation/${id}`);
      const row = this.#rowOf(id, record?.indexShard);
      if (!record) {
        if (snapshot !== undefined)
          this.#ledger.violate("deleted stays deleted", `${id.slice(0, 6)} is gone, its snapshot is not`);
        if (row?.["operation"])
          this.#ledger.violate("deleted stays deleted", `${id.slice(0, 6)} is gone, its row is not`);
        if (name !== undefined && !isErased) this.#ledger.violate("never lost", `${name} was accepted and is nowhere`);
        continue;
      }
      // A put that has failed this often is tried again later than the world is looked at.
      const isPutLate = (record.outbox.snapshot?.failures ?? 0) >= LATE_PUT_FAILURES;
      const isPending = record.outbox.index ?? (record.outbox.snapshot && !isPutLate);
      if (isPending && !mayHaveTold(record)) {
        this.#ledger.violate(
          "never stuck",
          `${id.slice(0, 6)} has still to tell the world: ${JSON.stringify(record.outbox)}`,
        );
      }
      if (record.deleteTime !== undefined)
        this.#ledger.violate("deleted stays deleted", `${id.slice(0, 6)} is deleted and not erased`);
      else if (!this.#world.mixesVersions) this.#ledger.checkOutput(this.#ledger.entry(id));
      const wanted = indexRowFromRecord(recordFromStored(record));
      if (row?.["operation"] !== wanted.operation || row["done"] !== 1) {
        this.#ledger.violate("read your writes", `the index has ${JSON.stringify(row)}, not ${JSON.stringify(wanted)}`);
      }
      if (record.policy.snapshot && !isPutLate && snapshot !== recordJson(record)) {
        this.#ledger.violate("read your writes", `KV has ${snapshot}, the operation is ${recordJson(record)}`);
      }
    }
    this.#checkDelivered();
    this.#clients.finish(this.#world.scheduler.now);
  }

  /** The webhook of each operation that has one was told of its end. */
  #checkDelivered(): void {
    for (const { id, record } of this.#ledger.entries.values()) {
      if (!record?.webhookConfig || record.deleteTime !== undefined) continue;
      // Its alarm was dropped after a try that failed, and the next read of it came a day later: that is given up.
      const isGivenUp = record.webhooks?.deliveries?.some(
        ({ state, firstTryTime, lastTryTime }) =>
          state === "FAILED" && Date.parse(lastTryTime as string) - Date.parse(firstTryTime as string) > DAY_MS,
      );
      if (isGivenUp) continue;
      const types = this.#world.receivers.events.get(id) ?? new Set();
      const type = `operation.${record.state.toLowerCase()}`;
      if (!types.has(type))
        this.#ledger.violate("never lost", `${id.slice(0, 6)}: its webhook was told ${[...types].join()}, not ${type}`);
      if (record.outbox.webhooks)
        this.#ledger.violate(
          "never stuck",
          `${id.slice(0, 6)} has webhooks to tell: ${JSON.stringify(record.webhooks)}`,
        );
      this.#coverage.count("history", "with webhooks");
    }
  }

  #rowOf(id: string, indexShard: number | undefined): Record<string, unknown> | undefined {
    const shard = indexShard ?? indexShardFromId(id, this.#deployment.indexShards);
    const host = [...this.#world.index.hosts.values()].find(({ objectName }) => objectName === `${PARENT}#${shard}`);
    if (!host?.state.hasRows("operations")) return undefined;
    return host.state.sql(`SELECT done, operation FROM operations WHERE id = ?`, [id])[0];
  }

  /** Retention has passed: nothing is left of anything. */
  #checkForgotten(): void {
    const left = [...this.#world.hosts()]
      .filter(isLeftOver)
      .map(({ label, state }) => `${label} ${[...state.values.keys()].join()}`);
    if (left.length > 0) this.#ledger.violate("bounded", `still stored days later: ${left.join("; ")}`);
    const next = this.#world.scheduler.nextTime();
    if (next !== undefined && this.#ledger.violations.length === 0) {
      this.#ledger.violate("bounded", `something is still to happen days later, at ${new Date(next).toISOString()}`);
    }
    this.#coverage.count("history", this.#ledger.entries.size > 0 ? "with operations" : "without operations");
  }
}

/** Short work saves no row to say that index and KV know its end: whether they do is read there. */
function mayHaveTold({ endedUnarmed }: Pick<StoredRecord, "endedUnarmed">): boolean {
  return endedUnarmed === true;
}

/** A slot whose release was lost is found out when it is wanted, and until then takes one row of its object. */
function isLeftOver({ kind, state }: ObjectHost): boolean {
  if (kind === "operation" || kind === "request") return state.values.size > 0;
  return kind === "index" && (state.hasRows("operations") || state.hasRows("reservations"));
}
