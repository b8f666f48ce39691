// The command line as a user runs it: a process, its output and its exit code.
import { execFile } from "node:child_process";
import { join, resolve } from "node:path";

const MAIN = join(resolve(import.meta.dirname, "../.."), "dist/cli/main.js");

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs it with these variables alone, beside PATH: what the machine has set decides nothing. */
export function commandLine(environment: Record<string, string>, input = "") {
  return (...args: string[]): Promise<Ran> =>
    new Promise((done) => {
      const child = execFile(
        process.execPath,
        [MAIN, ...args],
        { env: { PATH: process.env["PATH"] ?? "", ...environment }, maxBuffer: 64 * 1_048_576 },
        (error, stdout, stderr) => done({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
      );
      child.stdin?.end(input);
    });
}
