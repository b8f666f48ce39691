// The memory that a runtime holds without calls, after its idle objects are evicted and its garbage is
// collected. Without that a heap grows until V8 finds it worth its while, and its size says only that.
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Runtime } from "./runtime.ts";

/** In bytes. */
export interface Memory {
  /** Of the whole process, as the kernel counts it: mostly the local runtime's own. */
  resident: number;
  /** The used heap of the isolate of the Worker and its objects: the service's own, without the allocator's. */
  heap: number;
}

/** An idle object leaves memory after ten seconds, its container after seventy, looked for every seventy. */
const IDLE_MS = 80_000;

/**
 * The memory of a runtime without calls, after its idle objects were evicted and its garbage was collected. `stir` is some
 * call of the service, which causes an event in every isolate whose garbage is to be collected.
 */
export async function calmMemory(
  runtime: Runtime,
  stir: () => Promise<unknown> = () => health(runtime),
): Promise<Memory> {
  await sleep(IDLE_MS);
  const heap = await collectGarbage(runtime, stir);
  await sleep(IDLE_MS);
  return { resident: runtime.residentBytes(), heap };
}

async function health({ url }: Pick<Runtime, "url">): Promise<void> {
  await (await fetch(`${url}/healthz`)).arrayBuffer();
}

/** How much more than before is growth, and not the sway of allocator, compiler and collector. */
const MAX_GROWTH = 1.1;
/** A heap of some ten MiB sways by more: with the tenth this is 19 bytes for each of 160,000 requests, less than any object takes. */
const SLACK_BYTES = { resident: 0, heap: 2 * 1_048_576 };

/**
 * Growth that is not allowed, over looks that lie equally many requests apart. A leak takes the same for every request, so it
 * shows between any two looks. The allocator grows in a few steps and then stays. So the median of the intervals is taken for
 * all of them.
 */
export function growth(looks: readonly Memory[]): string[] {
  const [first] = looks;
  if (!first || looks.length < 2) throw new Error("growth takes two looks");
  return (["resident", "heap"] as const).flatMap((kind) => {
    const intervals = looks.slice(1).map((look, index) => look[kind] - looks[index]![kind]);
    const leaked = median(intervals) * intervals.length;
    if (leaked <= (MAX_GROWTH - 1) * first[kind] + SLACK_BYTES[kind]) return [];
    return [`${kind} memory grows steadily: ${looks.map((look) => look[kind]).join(", ")} bytes`];
  });
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}

/** How long an isolate may take to collect its garbage and tell what is left. */
const ANSWER_MS = 30_000;
/** Between two events. */
const EVENT_MS = 50;
/** An isolate that has not answered for so long, while there were events, has got none of them. */
const STILL_MS = 2_000;
/** Of the isolate that has the Worker and its objects, among those of the local runtime. */
const WORKER_TARGET = /\/core:user:[^/]+$/;

interface HeapUsage {
  usedSize: number;
  embedderHeapUsedSize: number;
  backingStorageSize: number;
}

/** Sends one command, and gives its result. */
type Ask = (method: string) => Promise<unknown>;

/**
 * Has the garbage of the runtime's isolates collected. The native part of a request is freed with its garbage. V8 sees a small
 * part of it only and collects late, and the allocator keeps the highest use. Returns the bytes that the Worker's isolate
 * then uses.
 */
async function collectGarbage(
  { pid, url }: Pick<Runtime, "pid" | "url">,
  stir: () => Promise<unknown> = () => health({ url }),
): Promise<number> {
  const targets = await Promise.all(listeningPorts(pid).map((port) => inspectorTargets(port)));
  const isolates = targets.flat().map(({ webSocketDebuggerUrl }) => webSocketDebuggerUrl);
  const worker = isolates.find((isolate) => WORKER_TARGET.test(isolate));
  if (worker === undefined) throw new Error("the runtime was started without an inspector");
  const done = new AbortController();
  const awaited = new Set(isolates);
  let answerTime = performance.now();
  const used = isolates.map(async (isolate) => {
    try {
      return await inspect(isolate, usedAfterCollection, done.signal);
    } finally {
      awaited.delete(isolate);
      answerTime = performance.now();
    }
  });
  const settled = Promise.allSettled(used);
  // Collecting is a task of an isolate's, which comes to it with an event; those that get none have no garbage either.
  while (awaited.has(worker) || (awaited.size > 0 && performance.now() < answerTime + STILL_MS)) {
    await stir();
    await sleep(EVENT_MS);
  }
  done.abort();
  await settled;
  return used[isolates.indexOf(worker)]!;
}

/** Goes on collecting while `act` is under way, whose events come to the isolates: no garbage piles up meanwhile. */
export async function collecting<T>(runtime: Pick<Runtime, "pid" | "url">, act: () => Promise<T>): Promise<T> {
  const ended = new AbortController();
  const collected = async (): Promise<void> => {
    while (!ended.signal.aborted) await collectGarbage(runtime);
  };
  const [result] = await Promise.all([act().finally(() => ended.abort()), collected()]);
  return result;
}

async function usedAfterCollection(ask: Ask): Promise<number> {
  // The inspector keeps what was logged and thrown, for whoever opens it.
  await ask("Runtime.discardConsoleEntries");
  // An evicted object may have held more.
  await ask("HeapProfiler.collectGarbage");
  await ask("HeapProfiler.collectGarbage");
  const { usedSize, embedderHeapUsedSize, backingStorageSize } = (await ask("Runtime.getHeapUsage")) as HeapUsage;
  return usedSize + embedderHeapUsedSize + backingStorageSize;
}

/** By the Chrome DevTools Protocol; nobody stays connected, since a session keeps events for its reader. */
async function inspect<T>(url: string, act: (ask: Ask) => Promise<T>, signal: AbortSignal): Promise<T> {
  const socket = new WebSocket(url);
  const asked: { resolve: (result: unknown) => void; reject: (error: Error) => void }[] = [];
  const opened = Promise.withResolvers<void>();
  const fail = (reason: string): void => {
    const error = new Error(`the inspector at ${url} ${reason}`);
    for (const { reject } of [opened, ...asked]) reject(error);
  };
  socket.addEventListener("open", () => opened.resolve());
  socket.addEventListener("message", ({ data }) => {
    const { id = 0, result, error } = JSON.parse(String(data)) as { id?: number; result?: unknown; error?: object };
    if (error) asked[id - 1]?.reject(new Error(`the inspector answered ${String(data)}`));
    else asked[id - 1]?.resolve(result);
  });
  socket.addEventListener("error", () => fail("cannot be reached"));
  socket.addEventListener("close", () => fail("hung up"));
  const timer = setTimeout(() => fail("does not answer"), ANSWER_MS);
  signal.addEventListener("abort", () => fail("is not waited for any more"));
  try {
    await opened.promise;
    return await act((method) => {
      const answered = Promise.withResolvers<unknown>();
      asked.push(answered);
      socket.send(JSON.stringify({ id: asked.length, method }));
      return answered.promise;
    });
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}

/** Empty if the Worker listens, because its answer at this path is no list. */
async function inspectorTargets(port: number): Promise<{ webSocketDebuggerUrl: string }[]> {
  const response = await fetch(`http://127.0.0.1:${port}/json`, { signal: AbortSignal.timeout(ANSWER_MS) });
  const text = await response.text();
  return text.startsWith("[") ? (JSON.parse(text) as { webSocketDebuggerUrl: string }[]) : [];
}

/** proc(5): the sockets among its files, looked up among those that listen (0A). */
function listeningPorts(pid: number): number[] {
  const inodes = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => socketInode(`/proc/${pid}/fd/${fd}`)));
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === "0A" && inode !== undefined && inodes.has(inode))
    .map(([, address = ""]) => Number.parseInt(address.slice(address.indexOf(":") + 1), 16));
}

function socketInode(path: string): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.[1];
  } catch {
    // Closed since.
    return undefined;
  }
}
