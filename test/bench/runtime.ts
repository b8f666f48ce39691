// The local runtime with one Worker, from outside: started, measured, killed as by a power cut, started again on its state.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Target } from "./target.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const READY_MS = 60_000;

export interface RuntimeOptions extends Pick<Target, "config" | "entry" | "vars"> {
  /** Whether its queue is consumed. */
  consumes: boolean;
  /** Whether it has an inspector: nobody is connected to it. */
  inspects?: boolean;
}

/** In memory where the system has a place for that: what is measured is not the disk. */
function newState(): string {
  return mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "bench-"));
}

export class Runtime {
  readonly url: string;
  /** Of the process that runs Worker and objects. */
  readonly pid: number;
  /** Where it stores. */
  readonly state: string;
  readonly #options: RuntimeOptions;
  readonly #process: ChildProcess;

  private constructor(url: string, started: { process: ChildProcess; state: string; options: RuntimeOptions }) {
    this.url = url;
    this.#process = started.process;
    this.state = started.state;
    this.#options = started.options;
    this.pid = workerdOf(this.#process.pid ?? 0);
  }

  /** Starts it, and comes back once it serves; the time that took is until then. */
  static async start(options: RuntimeOptions, state = newState()): Promise<Runtime> {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, "runtime-process.ts"), JSON.stringify({ ...options, state })],
      // A group of its own: Node and workerd die together.
      { cwd: ROOT, detached: true, stdio: ["ignore", "pipe", "inherit"] },
    );
    running.set(child, state);
    const { promise, resolve: ready, reject } = Promise.withResolvers<string>();
    const timer = setTimeout(() => reject(new Error("the runtime did not get ready")), READY_MS);
    child.once("exit", (code) => reject(new Error(`the runtime ended with ${code}`)));
    createInterface({ input: child.stdout }).once("line", (line) => ready((JSON.parse(line) as { url: string }).url));
    try {
      return new Runtime(await promise, { process: child, state, options });
    } catch (error) {
      kill(child);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Kills it as a power cut would, and starts it again on what it had stored. */
  async restart(): Promise<Runtime> {
    await this.kill();
    return Runtime.start(this.#options, this.state);
  }

  async dispose(): Promise<void> {
    await this.kill();
    rmSync(this.state, { recursive: true, force: true });
  }

  /** Kills it as a power cut would, if it still runs. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const { promise, resolve: ended } = Promise.withResolvers<void>();
    this.#process.once("exit", () => ended());
    kill(this.#process);
    await promise;
  }

  /**
   * CPU time that the process has had, user and system, in milliseconds. Its threads live as long as it does, and the kernel counts
   * theirs in nanoseconds, where that of the whole process comes in ticks of ten milliseconds.
   */
  cpuMs(): number {
    const threads = readdirSync(`/proc/${this.pid}/task`);
    const times = threads.map(
      (thread) => readFileSync(`/proc/${this.pid}/task/${thread}/schedstat`, "utf8").split(" ")[0],
    );
    return times.reduce((sum, nanoseconds) => sum + Number(nanoseconds) / 1e6, 0);
  }

  /** Resident memory in bytes. */
  residentBytes(): number {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.pid}/status`, "utf8"))?.[1];
    return Number(kib) * 1_024;
  }
}

/** With where each stores. */
const running = new Map<ChildProcess, string>();

function kill(child: ChildProcess): void {
  running.delete(child);
  if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
}

// However the benchmark ends, nothing of it goes on, or stays in memory.
process.once("exit", () => {
  for (const [child, state] of running) {
    kill(child);
    rmSync(state, { recursive: true, force: true });
  }
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

function workerdOf(parent: number): number {
  const children = readdirSync("/proc").filter((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      return stat.includes("(workerd)") && Number(stat.replace(/^.*\) /s, "").split(" ")[1]) === parent;
    } catch {
      // It has ended since.
      return false;
    }
  });
  if (children.length !== 1) throw new Error(`${children.length} workerd processes instead of one`);
  return Number(children[0]);
}
