// What memory a runtime holds once nothing is asked of it any more, its idle objects are let go and the garbage of the
// Worker's isolate is collected. Without that a heap grows until V8 finds it worth its while, and its size says only that.
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Runtime } from "./runtime.ts";

/** In bytes. */
export interface Memory {
  /**
   * Of the process, as the kernel counts it, less the heaps of the local runtime's own Workers: its KV and queues are in the
   * process, keep garbage that nobody collects, and are no part of a deployment.
   */
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

/** The least that it comes down to: it has not become notably less for as long as idle objects need to be let go. */
export async function calmMemory(runtime: Runtime): Promise<Memory> {
  const least: Memory = { resident: Number.POSITIVE_INFINITY, heap: Number.POSITIVE_INFINITY };
  const endTime = performance.now() + MAX_MS;
  let calmTime = performance.now();
  while (performance.now() < Math.min(calmTime + CALM_MS, endTime)) {
    const { worker, others } = await isolates(runtime.pid);
    const heap = await inspect(worker, (ask) => usedAfterCollection(ask, runtime.url));
    const ofOthers = await Promise.all(others.map((url) => inspect(url, committedBytes)));
    const resident = runtime.residentBytes() - ofOthers.reduce((sum, bytes) => sum + bytes, 0);
    if (resident < NOTABLE * least.resident || heap < NOTABLE * least.heap) calmTime = performance.now();
    least.resident = Math.min(least.resident, resident);
    least.heap = Math.min(least.heap, heap);
    await sleep(LOOK_MS);
  }
  return least;
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
const ANSWERED = Symbol("an event was answered");
/** Of the isolate that has the Worker and its objects, among those of the local runtime. */
const WORKER_TARGET = /\/core:user:[^/]+$/;

interface HeapUsage {
  usedSize: number;
  totalSize: number;
  embedderHeapUsedSize: number;
  backingStorageSize: number;
}

/** Sends one command, and gives its result. */
type Ask = (method: string) => Promise<unknown>;

async function usedAfterCollection(ask: Ask, url: string): Promise<number> {
  // Collecting is a task of the isolate's, which comes to it with an event.
  const collected = ask("HeapProfiler.collectGarbage");
  while ((await Promise.race([collected, anEvent(url)])) === ANSWERED);
  const { usedSize, embedderHeapUsedSize, backingStorageSize } = (await ask("Runtime.getHeapUsage")) as HeapUsage;
  return usedSize + embedderHeapUsedSize + backingStorageSize;
}

async function committedBytes(ask: Ask): Promise<number> {
  const { totalSize, embedderHeapUsedSize, backingStorageSize } = (await ask("Runtime.getHeapUsage")) as HeapUsage;
  return totalSize + embedderHeapUsedSize + backingStorageSize;
}

/** By the Chrome DevTools Protocol; nobody stays connected, since a session keeps events for its reader. */
async function inspect(url: string, act: (ask: Ask) => Promise<number>): Promise<number> {
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

async function anEvent(url: string): Promise<typeof ANSWERED> {
  await (await fetch(`${url}/healthz`)).arrayBuffer();
  await sleep(EVENT_MS);
  return ANSWERED;
}

/** Where the inspector of each isolate is. */
async function isolates(pid: number): Promise<{ worker: string; others: string[] }> {
  const targets = await Promise.all(listeningPorts(pid).map((port) => inspectorTargets(port)));
  const urls = targets.flat().map(({ webSocketDebuggerUrl }) => webSocketDebuggerUrl);
  const worker = urls.find((url) => WORKER_TARGET.test(url));
  if (worker === undefined) throw new Error("the runtime was started without an inspector");
  return { worker, others: urls.filter((url) => url !== worker) };
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
