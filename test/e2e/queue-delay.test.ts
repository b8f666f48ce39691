// The script that docs/platform.md has people run on a real account runs, here against the local runtime.
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { DevServer } from "./dev-server";

test("npm run queue-delay › prints how long operations waited for a consumer", async () => {
  const server = await DevServer.start({ main: "test/account/worker.ts" });
  try {
    const script = resolve(import.meta.dirname, "../account/queue-delay.ts");
    const options = ["--url", server.url, "--count", "6", "--seconds", "1"];
    const { stdout } = await promisify(execFile)(process.execPath, [script, ...options], { timeout: 60_000 });
    const counts = Array.from(stdout.matchAll(/^ *\d+ (?:to \d+ s|s and more) +(\d+)/gm), ([, count]) => Number(count));

    expect(counts).toHaveLength(8);
    expect(counts.reduce((sum, one) => sum + one, 0)).toBe(6);
    expect(stdout).toContain("0 failed, 0 needed more than one attempt");
    // Four lanes, each of which hands out one message at a time here: two of the six wait for a second.
    expect(stdout).toMatch(/longest [1-9]/);
  } finally {
    await server.dispose();
  }
});
