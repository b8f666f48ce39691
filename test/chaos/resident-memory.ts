// Resident memory of the runtime that has the Worker, as the kernel counts it, once its garbage is collected. Without
// that, a heap grows until V8 finds it worth its while, and tells of its size nothing but that.
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { eventually } from "../support/eventually.ts";
import type { DevServer } from "../e2e/dev-server.ts";

export async function residentBytes(server: DevServer): Promise<number> {
  // wrangler's inspector turns a connection away now and then.
  await eventually(async () => (await collectGarbage(server), true), { timeoutMs: 60_000, intervalMs: LOOK_MS });
  const [, kilobytes] = /^VmRSS:\s*(\d+) kB/m.exec(readFileSync(`/proc/${workerProcess(server)}/status`, "utf8")) ?? [];
  return 1_024 * Number(kilobytes);
}

const LOOK_MS = 1_000;
/** How long collecting garbage may take. */
const ANSWER_MS = 15_000;
/** The runtime gives idle objects up after ten seconds. */
const CALM_LOOKS = 12;
const MAX_LOOKS = 60;

/** The least that it comes down to once nothing is asked of it any more. */
export async function calmResidentBytes(server: DevServer): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let looks = 0, calmLooks = 0; calmLooks < CALM_LOOKS && looks < MAX_LOOKS; looks += 1) {
    const bytes = await residentBytes(server);
    calmLooks = bytes < 0.99 * least ? 0 : calmLooks + 1;
    least = Math.min(least, bytes);
    await new Promise((resolve) => {
      setTimeout(resolve, LOOK_MS);
    });
  }
  return least;
}

/** wrangler runs two: a proxy of its own, and, with an inspector, the Worker's. */
function workerProcess(server: DevServer): number {
  const pid = runtimes(server).find((one) => commandOf(one).includes("--inspector-addr"));
  if (pid === undefined) throw new Error("no workerd with an inspector is running");
  return pid;
}

function runtimes(server: DevServer): number[] {
  return server.processes().filter((pid) => /workerd\0serve/.test(commandOf(pid)));
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8");
}

/** Of the Worker's isolate, by the Chrome DevTools Protocol, as wrangler passes it on: it holds the only session itself. */
async function collectGarbage(server: DevServer): Promise<void> {
  const ports = runtimes(server).flatMap((pid) => listeningPorts(pid));
  const targets = (await Promise.all(ports.map((port) => inspectorTargets(port)))).flat();
  const url = targets.map(({ webSocketDebuggerUrl }) => webSocketDebuggerUrl).find((one) => one.endsWith("/ws"));
  if (url === undefined) throw new Error("wrangler's inspector was not found");
  await collectGarbageOf(url);
}

interface InspectorTarget {
  webSocketDebuggerUrl: string;
}

/** None, where another server than the inspector listens. */
async function inspectorTargets(port: number): Promise<InspectorTarget[]> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/json`);
    const targets: unknown = await response.json();
    return Array.isArray(targets) ? (targets as InspectorTarget[]) : [];
  } catch {
    // It speaks no HTTP, or no JSON: not the one that is looked for.
    return [];
  }
}

async function collectGarbageOf(url: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // wrangler lets nobody in but pages of its own, and of this machine.
  const socket = new WebSocket(url, { headers: { Origin: "http://localhost" } } as never);
  socket.addEventListener("open", () => socket.send(JSON.stringify({ id: 1, method: "HeapProfiler.collectGarbage" })));
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(String(data)) as { id?: number; error?: object };
    if (message.id !== 1) return;
    if (message.error) reject(new Error(`garbage was not collected: ${String(data)}`));
    else resolve();
  });
  socket.addEventListener("error", () => reject(new Error(`the inspector at ${url} cannot be reached`)));
  const timer = setTimeout(() => reject(new Error(`the inspector at ${url} does not answer`)), ANSWER_MS);
  socket.addEventListener("close", () => reject(new Error(`the inspector at ${url} hung up`)));
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    socket.close();
  }
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
