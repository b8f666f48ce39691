// The cost of each call, in units that do not depend on the machine: test/workers/cost.test.ts holds the service to it, and
// docs/performance.md makes prices of it.

/** Of all objects of one class together. */
export interface ObjectCounts {
  /** Calls that reach an object: RPC and fetch, opening a socket included. */
  requests?: number;
  /** Messages that come over a socket: twenty are billed as a request. */
  messages?: number;
  /** Alarms that fire: billed as a request each. */
  alarms?: number;
  rowsRead?: number;
  /** Rows of indexes, deletions and set alarms included. */
  rowsWritten?: number;
  alarmsSet?: number;
}

const KINDS = ["operation", "index", "request", "policy", "slots", "directory", "key"] as const;
export type ObjectKind = (typeof KINDS)[number];

export interface Counts extends Partial<Record<ObjectKind, ObjectCounts>> {
  /** Messages: each is written, read and deleted. */
  queueMessages?: number;
  kvReads?: number;
  /** Puts and deletions. */
  kvWrites?: number;
}

export type CountedCall = keyof typeof COUNTS;

/** Everything that a call sets off, in a scope that has had an operation before. */
export const COUNTS = {
  start: {
    operation: { requests: 1, rowsRead: 1, rowsWritten: 1 },
    index: { requests: 1, rowsWritten: 3 },
    queueMessages: 1,
  },
  /** In a scope that has had a requestId before, by a deployment of one shard. */
  startWithRequestId: {
    operation: { requests: 1, rowsRead: 1, rowsWritten: 1 },
    index: { requests: 2, rowsRead: 1, rowsWritten: 4 },
    queueMessages: 1,
  },
  /** The same of an operation that has its row in another shard. */
  startWithRequestIdElsewhere: {
    operation: { requests: 1, rowsRead: 1, rowsWritten: 1 },
    index: { requests: 2, rowsRead: 1, rowsWritten: 4 },
    queueMessages: 1,
  },
  /** From the delivery of the message to the end of a function that does nothing, within the first second. */
  run: {
    operation: { requests: 1, rowsWritten: 2 },
    index: { requests: 1, rowsRead: 1, rowsWritten: 2 },
    kvWrites: 1,
  },
  /** From the start to the end of a direct function that does nothing: no message, and three requests of objects. */
  startDirectly: {
    operation: { requests: 1, rowsRead: 1, rowsWritten: 2 },
    index: { requests: 2, rowsRead: 1, rowsWritten: 5 },
    kvWrites: 1,
  },
  /** The run of the queue, and its event delivered to one webhook. Its tries need the alarm. */
  runWithWebhook: {
    operation: { requests: 3, rowsWritten: 5, alarmsSet: 1 },
    index: { requests: 1, rowsRead: 1, rowsWritten: 2 },
    queueMessages: 1,
    kvWrites: 1,
  },
  /** The run of an operation that a requestId started: the index notes that it was created. */
  runWithRequestId: {
    operation: { requests: 1, rowsWritten: 2 },
    index: { requests: 1, rowsRead: 2, rowsWritten: 3 },
    kvWrites: 1,
  },
  /** The same in another shard: the operation itself answers repetitions, so shard 0 is told nothing. */
  runWithRequestIdElsewhere: {
    operation: { requests: 1, rowsWritten: 2 },
    index: { requests: 1, rowsRead: 1, rowsWritten: 2 },
    kvWrites: 1,
  },
  /** A start that repeats the requestId of a finished operation. */
  repeatedRequestId: {
    operation: { requests: 1 },
    index: { requests: 1, rowsRead: 2 },
  },
  /** Of an object that is in memory; one that is not reads a row. */
  get: { operation: { requests: 1 } },
  /** Of a finished operation where FINISHED_READS is `edge`. */
  getAtEdge: { kvReads: 1 },
  /** A page of 100. */
  list: { index: { requests: 1, rowsRead: 102 } },
  /** Of any length, answered by the end. One that has ended, or ends while its object holds the first call, needs no second. */
  wait: { operation: { requests: 2 } },
  /** Of any length, from its first state on, while nothing happens. Each change comes over the socket, and costs nothing more. */
  watch: { operation: { requests: 1 } },
  /** The run of a function that writes a text. Each further half second in which it writes is a message and a row. */
  runWithOutput: {
    operation: { requests: 1, rowsRead: 16, rowsWritten: 3 },
    index: { requests: 1, rowsRead: 1, rowsWritten: 2 },
    kvWrites: 1,
  },
  /** Of an operation that was queued a moment ago. */
  cancel: {
    operation: { requests: 1, rowsWritten: 1 },
    index: { requests: 1, rowsRead: 1, rowsWritten: 2 },
    kvWrites: 1,
  },
  /** Of a finished operation whose alarm was never armed: now it is. */
  delete: {
    operation: { requests: 1, rowsRead: 1, rowsWritten: 3, alarmsSet: 1 },
    index: { requests: 1, rowsWritten: 2 },
    kvWrites: 1,
  },
  /** Of a finished operation that a requestId started and that has its row in another shard: shard 0 is told first. */
  deleteWithRequestIdElsewhere: {
    operation: { requests: 1, rowsRead: 1, rowsWritten: 3, alarmsSet: 1 },
    index: { requests: 2, rowsRead: 1, rowsWritten: 3 },
    kvWrites: 1,
  },
  create: {
    operation: { requests: 1, rowsRead: 1, rowsWritten: 2, alarmsSet: 1 },
    index: { requests: 1, rowsWritten: 3 },
  },
  patchMetadata: {
    operation: { requests: 1, alarms: 1, rowsWritten: 4, alarmsSet: 2 },
    index: { requests: 1, rowsRead: 2, rowsWritten: 2 },
  },
  patchResponse: {
    operation: { requests: 1, rowsWritten: 3, alarmsSet: 1 },
    index: { requests: 1, rowsRead: 1, rowsWritten: 2 },
    kvWrites: 1,
  },
  /**
   * A run that takes longer than a quarter of a second opens a socket, once, and the alarm is armed. Each value that it stores from
   * then on is a message.
   */
  longerRun: { operation: { requests: 1, rowsWritten: 1, alarmsSet: 1 } },
  step: { operation: { messages: 1, rowsWritten: 2 } },
  checkpoint: { operation: { messages: 1, rowsWritten: 1 } },
  /** One report of a function, and the index that follows it. */
  progress: {
    operation: { messages: 1, alarms: 1, rowsWritten: 1, alarmsSet: 1 },
    index: { requests: 1, rowsRead: 2, rowsWritten: 2 },
  },
  /** A sleep of a few seconds, for which the runner waits. */
  sleepInPlace: { operation: { messages: 1, rowsWritten: 1 } },
  /** Run, asleep, woken, run to the end. The alarm that wakes the work is at work for a second, or until the end. */
  sleep: {
    operation: { requests: 2, alarms: 1, rowsWritten: 5, alarmsSet: 1 },
    index: { requests: 2, rowsRead: 3, rowsWritten: 4 },
    queueMessages: 1,
    kvWrites: 1,
  },
  /** The same by direct dispatch, from its start on. */
  sleepDirectly: {
    operation: { requests: 1, alarms: 1, rowsRead: 1, rowsWritten: 5, alarmsSet: 1 },
    index: { requests: 3, rowsRead: 3, rowsWritten: 7 },
    kvWrites: 1,
  },
  /** Run, suspended, answered, run to the end. */
  suspend: {
    operation: { requests: 3, rowsWritten: 8, alarmsSet: 2 },
    index: { requests: 2, rowsRead: 3, rowsWritten: 4 },
    queueMessages: 1,
    kvWrites: 1,
  },
} as const satisfies Record<string, Counts>;

/**
 * From the start to the expiry of the last of so many operations, a second apart: the index's alarms serve many. Each ends
 * before its alarm is armed.
 */
export const LIFECYCLES = {
  1: {
    operation: { requests: 3, rowsRead: 2, rowsWritten: 4 },
    index: { requests: 2, alarms: 2, rowsRead: 6, rowsWritten: 8, alarmsSet: 2 },
    queueMessages: 1,
    kvWrites: 1,
  },
  20: {
    operation: { requests: 60, rowsRead: 40, rowsWritten: 80 },
    index: { requests: 40, alarms: 4, rowsRead: 67, rowsWritten: 124, alarmsSet: 4 },
    queueMessages: 20,
    kvWrites: 20,
  },
} as const satisfies Record<number, Counts>;

/** The same of direct operations, whose attempts no queue message begins. */
export const DIRECT_LIFECYCLES = {
  1: {
    operation: { requests: 2, rowsRead: 2, rowsWritten: 3 },
    index: { requests: 2, alarms: 2, rowsRead: 6, rowsWritten: 8, alarmsSet: 2 },
    kvWrites: 1,
  },
  20: {
    operation: { requests: 40, rowsRead: 40, rowsWritten: 60 },
    index: { requests: 40, alarms: 4, rowsRead: 67, rowsWritten: 124, alarmsSet: 4 },
    kvWrites: 20,
  },
} as const satisfies Record<number, Counts>;

/** The same of all classes together. */
export function totals(counts: Counts): Required<ObjectCounts> {
  const sum = (field: keyof ObjectCounts): number =>
    KINDS.reduce((total, kind) => total + (counts[kind]?.[field] ?? 0), 0);
  return {
    requests: sum("requests"),
    messages: sum("messages"),
    alarms: sum("alarms"),
    rowsRead: sum("rowsRead"),
    rowsWritten: sum("rowsWritten"),
    alarmsSet: sum("alarmsSet"),
  };
}

/** In words: what is billed. */
export function summary(counts: Counts): string {
  const { requests, messages, alarms, rowsRead, rowsWritten } = totals(counts);
  const parts: [count: number | undefined, one: string, more: string][] = [
    [requests, "request", "requests"],
    [messages, "message", "messages"],
    [alarms, "alarm", "alarms"],
    [rowsWritten, "row written", "rows written"],
    [rowsRead, "row read", "rows read"],
    [counts.queueMessages, "queue message", "queue messages"],
    [counts.kvReads, "KV read", "KV reads"],
    [counts.kvWrites, "KV write", "KV writes"],
  ];
  return parts
    .filter(([count = 0]) => count > 0)
    .map(([count, one, more]) => `${count} ${count === 1 ? one : more}`)
    .join(", ");
}

/**
 * Lines in the log of an operation that succeeds at its first attempt, from its start to its expiry, with LOG=transitions;
 * with `all`, its expiry and each request are one more.
 */
export const LOG_LINES = { queue: 3, direct: 2 } as const;
