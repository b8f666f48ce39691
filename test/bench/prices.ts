// Cloudflare's prices, in dollars per million, and the cost of a lifecycle at these prices. Included amounts are left out.
// Workers, Durable Objects: developers.cloudflare.com/workers/platform/pricing, /durable-objects/platform/pricing; Queues:
// /queues/platform/pricing; KV: /kv/platform/pricing; logs, traces: /workers/observability/logs/workers-logs, /traces.
import { FIRST_ALARM_DELAY_MS } from "../../src/limits.ts";
import { type Counts, COUNTS, DIRECT_LIFECYCLES, LIFECYCLES, LOG_LINES, totals } from "./counts.ts";

export const PRICES_DATE = "2026-11-21";

const DOLLARS_PER_MILLION = {
  workerRequests: 0.3,
  workerCpuMs: 0.02,
  objectRequests: 0.15,
  /** Gigabyte-seconds, of 128 MB for as long as an object works. */
  objectGbSeconds: 12.5,
  rowsRead: 0.001,
  rowsWritten: 1,
  queueOperations: 0.4,
  kvReads: 0.5,
  kvWrites: 5,
  /** Of Workers Logs and of traces: a line, an invocation's own record (which wrangler.toml turns off), or a span. */
  logEvents: 0.6,
} as const;

/** A gigabyte of an object's rows for a month. */
const DOLLARS_PER_GB_MONTH = 0.2;
/** A gigabyte of KV for a month. */
const DOLLARS_PER_KV_GB_MONTH = 0.5;

/** Incoming messages of a socket that are billed as one request. */
const MESSAGES_PER_REQUEST = 20;
/** A message is written, read and deleted. */
const OPERATIONS_PER_MESSAGE = 3;

/** Measured in the local runtime on an ordinary machine: a Worker's CPU for one call, generously. */
const CPU_MS_PER_WORKER_REQUEST = 1;
/** How long an object works for one request, alarm or message: mostly waiting for the disks of others to confirm. */
const OBJECT_MS_PER_EVENT = 10;
const OBJECT_GB = 0.128;
/** A queued operation stays in memory for its first second, unless its work ends or its runner opens a socket before. */
const QUEUED_SECONDS_IN_MEMORY = FIRST_ALARM_DELAY_MS / 1_000;
/** The storage of an operation: its database, which is 12 KB when empty (as the platform's FAQ has it), and its index row. */
const STORED_KB = 20;
const SNAPSHOT_KB = 1;
/** An estimate: some 20 invocations of a lifecycle, each a span with two calls below it. */
const SPANS_PER_LIFECYCLE = 60;
/** `observability.traces.head_sampling_rate` of wrangler.toml. */
const TRACED_PART = 0.01;

type Item = keyof typeof DOLLARS_PER_MILLION | "storedGbMonths" | "kvGbMonths";
/** Of one lifecycle, or of one call. */
export type Bill = Partial<Record<Item, number>>;

/** The cost of object calls, without the Worker that makes them. */
export function billOf(
  counts: Counts,
): Required<Omit<Bill, "workerRequests" | "workerCpuMs" | "logEvents" | "storedGbMonths" | "kvGbMonths">> {
  const { requests, messages, alarms, rowsRead, rowsWritten } = totals(counts);
  const events = requests + messages + alarms;
  return {
    objectRequests: requests + alarms + messages / MESSAGES_PER_REQUEST,
    objectGbSeconds: ((events * OBJECT_MS_PER_EVENT) / 1_000) * OBJECT_GB,
    rowsRead,
    rowsWritten,
    queueOperations: (counts.queueMessages ?? 0) * OPERATIONS_PER_MESSAGE,
    kvReads: counts.kvReads ?? 0,
    kvWrites: counts.kvWrites ?? 0,
  };
}

/** Dollars for a million of what a bill is for. */
export function dollarsPerMillion(bill: Bill): number {
  const { storedGbMonths = 0, kvGbMonths = 0, ...counted } = bill;
  const perMillion = Object.entries(counted).reduce(
    (sum, [item, count]) => sum + count * DOLLARS_PER_MILLION[item as keyof typeof DOLLARS_PER_MILLION],
    0,
  );
  return perMillion + 1e6 * (storedGbMonths * DOLLARS_PER_GB_MONTH + kvGbMonths * DOLLARS_PER_KV_GB_MONTH);
}

function add(...bills: Bill[]): Bill {
  const sum: Bill = {};
  for (const bill of bills) {
    for (const [item, count] of Object.entries(bill)) sum[item as Item] = (sum[item as Item] ?? 0) + count;
  }
  return sum;
}

function times(bill: Bill, count: number): Bill {
  return Object.fromEntries(Object.entries(bill).map(([item, one]) => [item, one * count]));
}

/** A call of the API: the Worker's request besides what its objects cost. */
function apiCall(counts: Counts): Bill {
  return add(billOf(counts), { workerRequests: 1, workerCpuMs: CPU_MS_PER_WORKER_REQUEST });
}

export interface LifecycleOptions {
  dispatch: "queue" | "direct";
  snapshots: boolean;
  polls: number;
  waits: number;
  listPages: number;
  /** How long it is kept: the default of methods is 30 days. */
  retentionDays: number;
  /** The variable LOG. */
  log: "all" | "transitions" | "off";
}

type Usage = Omit<LifecycleOptions, "dispatch" | "snapshots">;

/**
 * The lifecycle that has a budget: five polls, a wait of ten seconds, a tenth of a list page, kept for seven days, with a
 * log of its transitions.
 */
export const BUDGETED: Usage = { polls: 5, waits: 1, listPages: 0.1, retentionDays: 7, log: "transitions" };

/** The same, as a deployment does it that sets nothing. */
export const BY_DEFAULT: Usage = { ...BUDGETED, retentionDays: 30, log: "all" };

export function lifecycleBill(options: LifecycleOptions): Bill {
  const { dispatch, snapshots, polls, waits, listPages, retentionDays, log } = options;
  const many = dispatch === "queue" ? LIFECYCLES[20] : DIRECT_LIFECYCLES[20];
  const own = times(billOf(many), 1 / 20);
  const months = retentionDays / 30;
  // The start and the work. A consumer's invocation is billed as a request, a call within the Worker is not.
  const workerRequests = dispatch === "queue" ? 2 : 1;
  const allLines = log === "all" ? 2 + polls + waits + listPages : 0;
  const lines = allLines + (log === "off" ? 0 : LOG_LINES[dispatch]);
  const objectGbSeconds = dispatch === "queue" ? QUEUED_SECONDS_IN_MEMORY * OBJECT_GB : 0;
  return add(
    snapshots ? own : { ...own, kvWrites: 0 },
    { objectGbSeconds },
    { workerRequests, workerCpuMs: 2 * CPU_MS_PER_WORKER_REQUEST },
    times(apiCall(COUNTS.get), polls),
    times(apiCall(COUNTS.wait), waits),
    times(apiCall(COUNTS.list), listPages),
    { logEvents: lines + SPANS_PER_LIFECYCLE * TRACED_PART },
    { storedGbMonths: (STORED_KB / 1e6) * months, kvGbMonths: snapshots ? (SNAPSHOT_KB / 1e6) * months : 0 },
  );
}

/** Comments of a silent watch in an hour, and the CPU time that each is assumed to take, with the check of its socket. */
const COMMENTS_PER_HOUR = 240;
const CPU_MS_PER_COMMENT = 0.05;

/** Of one who watches an operation for an hour in which nothing happens. */
export function watcherOfAnHour(): number {
  return dollarsPerMillion(add(apiCall(COUNTS.watch), { workerCpuMs: COMMENTS_PER_HOUR * CPU_MS_PER_COMMENT }));
}

/** Of one who learns of an end by a wait, and of one who asks every second for ten. */
export function waiterAndPoller(): { waiter: number; poller: number } {
  return {
    waiter: dollarsPerMillion(apiCall(COUNTS.wait)),
    poller: dollarsPerMillion(times(apiCall(COUNTS.get), 10)),
  };
}
