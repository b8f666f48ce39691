// What memory a runtime holds once nothing is asked of it any more, its idle objects are let go and its garbage is
// collected. Without that a heap grows until V8 finds it worth its while, and its size says only that.
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Runtime } from "./runtime.ts";

/** In bytes. */
export interface Memory {
  /** Of the whole process, as the kernel counts it: mostly the local runtime's own. */
  resident: number;
  /** What the isolate of the Worker and its objects has in use: it is the service's own, and no allocator's. */
  heap: number;
}

const LOOK_MS = 2_000;
/** An idle object leaves memory after ten seconds, its container after seventy, looked for every seventy. */
const CALM_MS = 80_000;
const MAX_MS = 300_000;
/** Less than this is not less: what the allocator sways by. */
const NOTABLE = 0.99;

/**
 * The least that it comes down to: it has not become notably less for as long as idle objects need to be let go. `stir` is
 * some call of the service, which gives an event to each isolate whose garbage is to be collected.
 */
export async function calmMemory(
  runtime: Runtime,
  stir: () => Promise<unknown> = () => health(runtime),
): Promise<Memory> {
  const least: Memory = { resident: Number.POSITIVE_INFINITY, heap: Number.POSITIVE_INFINITY };
  const endTime = performance.now() + MAX_MS;
  let calmTime = performance.now();
  while (performance.now() < Math.min(calmTime + CALM_MS, endTime)) {
    const heap = await usedAfterCollection(runtime.pid, stir);
    const resident = runtime.residentBytes();
    if (resident < NOTABLE * least.resident || heap < NOTABLE * least.heap) calmTime = performance.now();
    least.resident = Math.min(least.resident, resident);
    least.heap = Math.min(least.heap, heap);
    await sleep(LOOK_MS);
  }
  return least;
}

async function health(runtime: Runtime): Promise<void> {
  await (await fetch(`${runtime.url}/healthz`)).arrayBuffer();
}

/** How much more than before is growth, and not the sway of allocator, compiler and collector. */
const MAX_GROWTH = 1.1;
/** A heap of some ten MiB sways by more: this is thirteen bytes for each of 160,000 requests, less than any object takes. */
const SLACK_BYTES = { resident: 0, heap: 2 * 1_048_576 };

/** What has grown from one calm to a later one, and may not. */
export function growth(before: Memory, after: Memory): string[] {
  const kinds = ["resident", "heap"] as const;
  return kinds
    .filter((kind) => after[kind] > MAX_GROWTH * before[kind] + SLACK_BYTES[kind])
    .map((kind) => `${kind} memory grew from ${before[kind]} to ${after[kind]} bytes`);
}

/** How long an isolate may take to collect its garbage and tell what is left. */
const ANSWER_MS = 30_000;
/** Between two events. */
const EVENT_MS = 50;
const STIRRED = Symbol("an event was given, and time for what it sets off");
/** Of the isolate that has the Worker and its objects, among those of the local runtime. */
const WORKER_TARGET = /\/core:user:[^/]+$/;

interface HeapUsage {
  usedSize: number;
  embedderHeapUsedSize: number;
  backingStorageSize: number;
}

/** Sends one command, and gives its result. */
type Ask = (method: string) => Promise<unknown>;

/** Bytes in use of the Worker's isolate, when its garbage is collected, and that of the runtime's own isolates with it. */
async function usedAfterCollection(pid: number, stir: () => Promise<unknown>): Promise<number> {
  const targets = await Promise.all(listeningPorts(pid).map((port) => inspectorTargets(port)));
  const urls = targets.flat().map(({ webSocketDebuggerUrl }) => webSocketDebuggerUrl);
  const worker = urls.find((url) => WORKER_TARGET.test(url));
  if (worker === undefined) throw new Error("the runtime was started without an inspector");
  const done = new AbortController();
  // Collecting is a task of an isolate's, which comes to it with an event; those that get none have no garbage either.
  const others = urls.filter((url) => url !== worker).map((url) => inspect(url, collected, done.signal));
  const settled = Promise.allSettled(others);
  try {
    const used = inspect(worker, usedOf, done.signal);
    do await stir();
    while ((await Promise.race([used, sleep(EVENT_MS, STIRRED)])) === STIRRED);
    await stir();
    return await used;
  } finally {
    done.abort();
    await settled;
  }
}

async function collected(ask: Ask): Promise<void> {
  await ask("HeapProfiler.collectGarbage");
}

async function usedOf(ask: Ask): Promise<number> {
  await collected(ask);
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

/** None, where it is the Worker that listens: what it says of this path is no list. */
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
