// The service from outside: `wrangler dev` as a user starts it, on a free port, with state of its own, in a process group
// of its own that can be killed as a whole.
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { eventually } from "../support/eventually.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const READY_MS = 40_000;

export interface DevServerOptions {
  /** Variables of the Worker, over those of `npm start`; undefined takes one away. */
  vars?: Record<string, string | undefined>;
  /** State of a server before, to go on from. */
  state?: string;
  /** Where the Worker's wrangler.toml is, from the repository's root. */
  directory?: string;
  /** Another Worker than the one that wrangler.toml names, with the same bindings; from that directory. */
  main?: string | undefined;
  /** A directory of static files that is served beside the Worker; from that directory. */
  assets?: string | undefined;
}

/** The arguments of `npm start`. */
const START_VARS = { AUTH: "open", RESEND_SECONDS: "3" };

/**
 * Waits until the test process says a word or is gone, however it went, and kills the group $0 then. Without the word
 * nobody wants the state in $1 any more.
 */
const GUARD = 'read -r word; kill -s KILL -- "-$0"; [ "$word" = keep ] || rm -rf -- "$1"';

export class DevServer {
  readonly url: string;
  readonly state: string;
  readonly #process: ChildProcess;
  readonly #guard: ChildProcess;
  readonly #output: string[] = [];

  private constructor(
    port: number,
    {
      state,
      vars,
      directory,
      main,
      assets,
    }: { state: string; vars: Record<string, string>; directory: string } & Pick<DevServerOptions, "main" | "assets">,
  ) {
    this.url = `http://127.0.0.1:${port}`;
    this.state = state;
    this.#process = spawn(
      process.execPath,
      [
        join(ROOT, "node_modules/wrangler/bin/wrangler.js"),
        "dev",
        ...(main === undefined ? [] : [main]),
        ...(assets === undefined ? [] : ["--assets", assets]),
        "--ip",
        "127.0.0.1",
        "--port",
        String(port),
        "--inspector-port",
        "0",
        "--persist-to",
        state,
        "--show-interactive-dev-session=false",
        ...Object.entries(vars).flatMap(([name, value]) => ["--var", `${name}:${value}`]),
      ],
      {
        cwd: resolve(ROOT, directory),
        // A group of its own: wrangler, esbuild and workerd die together.
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...wranglerEnvironment(state), CI: "1" },
      },
    );
    this.#guard = spawn("sh", ["-c", GUARD, String(this.#process.pid), state], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on("data", (data: Buffer) => this.#output.push(data.toString()));
    }
  }

  /** Starts a server and waits until it serves. */
  static async start({ vars = {}, state, directory = ".", ...options }: DevServerOptions = {}): Promise<DevServer> {
    // As `npm start` does.
    const main = options.main ?? (directory === "." ? "src/worker/local.ts" : undefined);
    const stateDirectory = state ?? (await mkdtemp(join(stateRoot(), "edge-operations-")));
    const given = Object.entries({ ...START_VARS, ...vars }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    const server = new DevServer(await freePort(), {
      state: stateDirectory,
      vars: Object.fromEntries(given),
      directory,
      main,
      assets: options.assets,
    });
    try {
      await eventually(() => server.#isReady(), { timeoutMs: READY_MS, intervalMs: 100 });
    } catch (error) {
      await (state === undefined ? server.dispose() : server.kill());
      throw new Error(`wrangler dev did not get ready:\n${server.output}`, { cause: error });
    }
    return server;
  }

  async #isReady(): Promise<boolean> {
    if (this.#process.exitCode !== null) throw new Error(`wrangler dev ended with ${this.#process.exitCode}`);
    // Where the Worker does not build, wrangler keeps the request waiting until it does.
    const response = await fetch(`${this.url}/healthz`, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok;
  }

  /** All that wrangler printed. */
  get output(): string {
    return this.#output.join("");
  }

  /** The requests that wrangler logged, in their order: `POST /v1/echo:wait 200`. */
  get requests(): string[] {
    const lines = this.output.matchAll(/\[wrangler:info\] (\w+ \S+ \d{3})/g);
    return Array.from(lines, ([, request = ""]) => request);
  }

  /** Suspends every process of the group, or resumes them, for a look at the state that a kill would leave. */
  freeze(): void {
    process.kill(-this.#process.pid!, "SIGSTOP");
  }

  thaw(): void {
    process.kill(-this.#process.pid!, "SIGCONT");
  }

  /** Kills the whole tree at once, as a power cut would, and waits until nothing is left of it. */
  async kill(): Promise<void> {
    if (this.#guard.stdin?.writableEnded === false) this.#guard.stdin.end("keep\n");
    await eventually(() => this.processes().length === 0, { timeoutMs: 10_000 });
  }

  /** Kills it and forgets its state. */
  async dispose(): Promise<void> {
    await this.kill();
    await rm(this.state, { recursive: true, force: true });
  }

  /** The process ids of the group that are left; zombies are not. */
  processes(): number[] {
    return readdirSync("/proc")
      .filter((entry) => /^\d+$/.test(entry))
      .map(Number)
      .filter((pid) => {
        const stat = statOf(pid);
        return stat?.group === this.#process.pid && stat?.state !== "Z";
      });
  }
}

/** A registry for each server: with the user's, wrangler connects all servers, and updates each one when another starts. */
export function wranglerEnvironment(state: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    WRANGLER_REGISTRY_PATH: join(state, "registry"),
    WRANGLER_SEND_METRICS: "false",
    NO_COLOR: "1",
  };
}

/** In memory where the system has a place for that: hundreds of objects sync to disk for every step. A kill spares both. */
function stateRoot(): string {
  return existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
}

function statOf(pid: number): { state: string; group: number } | undefined {
  try {
    // proc(5): "pid (comm) state ppid pgrp …"; the command may hold anything, also ")".
    const [state = "", , group] = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return { state, group: Number(group) };
  } catch {
    // It has ended since.
    return undefined;
  }
}

/** Below the ports that the system gives to connections, so that none takes it before the server does. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, END_PORT);
    if (await isFree(port)) return port;
  }
}

const FIRST_PORT = 20_000;
const END_PORT = 32_000;

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const { promise, resolve: settle } = Promise.withResolvers<boolean>();
  server.once("error", () => settle(false));
  server.listen(port, "127.0.0.1", () => server.close(() => settle(true)));
  return promise;
}
