// The official inspector's command line, as it is published.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const LAUNCHER = join(import.meta.dirname, "../node_modules/.bin/mcp-inspector");

export interface Inspected {
  exitCode: number;
  /** Its printed result. It prints no result for an error. */
  result: { tools?: { name: string }[]; structuredContent?: Record<string, unknown>; isError?: boolean };
  stderr: string;
}

export async function inspect(url: string, era: "legacy" | "modern", ...options: string[]): Promise<Inspected> {
  // Its files of settings and logins.
  const home = await mkdtemp(join(tmpdir(), "inspector-"));
  const target = ["--cli", `${url}/mcp`, "--transport", "http", "--protocol-era", era, "--format", "json"];
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [LAUNCHER, ...target, ...options], {
      env: { ...process.env, HOME: home },
    });
    return { exitCode: 0, result: resultOf(stdout), stderr };
  } catch (error) {
    const { code = -1, stdout = "", stderr = "" } = error as { code?: number; stdout?: string; stderr?: string };
    return { exitCode: code, result: stdout === "" ? {} : resultOf(stdout), stderr };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

function resultOf(stdout: string): Inspected["result"] {
  return (JSON.parse(stdout) as { result: Inspected["result"] }).result;
}
