// How often the runtime waits for the disk per lifecycle, counted by strace where there is one.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { inParallel } from "./measure.ts";
import { Runtime } from "./runtime.ts";
import type { Target } from "./target.ts";

const CALL = /\bf(?:data)?sync\(/g;

interface Count {
  count: number;
  settleMs: number;
}

/** undefined: there is no strace, or it may not look. */
export async function fsyncsPerLifecycle(target: Target, options: Count): Promise<number | undefined> {
  if (spawnSync("strace", ["-V"]).status !== 0) return undefined;
  const runtime = await Runtime.start({ ...target, consumes: true });
  try {
    return await fsyncsOf(runtime, target, options);
  } finally {
    await runtime.dispose();
  }
}

async function fsyncsOf(runtime: Runtime, target: Target, { count, settleMs }: Count): Promise<number | undefined> {
  const adapter = target.adapter(runtime.url);
  const runOne = async (echo: string): Promise<void> => {
    if ((await adapter.wait(await adapter.start({ echo }))) !== echo) throw new Error("a wrong result");
  };
  // Tables and directories are made once, so they do not count for a lifecycle.
  await runOne("first");
  await sleep(settleMs);
  const strace = spawn("strace", ["-f", "-e", "trace=fsync,fdatasync", "-p", String(runtime.pid)], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let output = "";
  strace.stderr.on("data", (data: Buffer) => (output += data.toString()));
  if (!(await attached(strace, () => output))) return undefined;
  await inParallel(count, 1, (number) => runOne(`sync ${number}`));
  // Writes after the answer and by the alarm that a start arms count for the start.
  await sleep(settleMs);
  strace.kill("SIGINT");
  await once(strace, "exit");
  return (output.match(CALL)?.length ?? 0) / count;
}

async function attached(strace: ChildProcess, output: () => string): Promise<boolean> {
  const endTime = performance.now() + 5_000;
  while (strace.exitCode === null && performance.now() < endTime) {
    if (output().includes("attached")) return true;
    await sleep(20);
  }
  strace.kill("SIGKILL");
  return false;
}
