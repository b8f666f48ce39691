// How large the Worker is that is uploaded, minified and compressed as the platform counts it, and how long it takes to start.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";

const ROOT = resolve(import.meta.dirname, "../..");

/** A Worker is loaded wherever it is first called: at most so much, compressed. */
export const MAX_BUNDLE_GZIP_BYTES = 150 * 1_024;

/** The platform allows the top level of a Worker a second of CPU; every new isolate waits for it. */
export const MAX_STARTUP_MS = 200;
const STARTUP_RUNS = 7;

/** Bytes of what `wrangler deploy --minify` uploads, source maps left out. */
export async function bundleSize(): Promise<{ bytes: number; gzipBytes: number }> {
  return withBundle(async (directory) => {
    const files = (await readdir(directory)).filter((file) => !file.endsWith(".map") && !file.endsWith(".md"));
    const contents = await Promise.all(files.map((file) => readFile(join(directory, file))));
    return {
      bytes: contents.reduce((sum, content) => sum + content.length, 0),
      gzipBytes: contents.reduce((sum, content) => sum + gzipSync(content).length, 0),
    };
  });
}

/**
 * Milliseconds that the bundle's top level takes, the least of several processes: compiled and run by the V8 of Node, which
 * has a clock where the Workers runtime has none. The platform's modules are replaced by empty ones.
 */
export async function startupTime(): Promise<number> {
  return withBundle(async (directory) => {
    const file = (await readdir(directory)).find((name) => name.endsWith(".js"));
    const source = await readFile(join(directory, file ?? ""), "utf8");
    const alone = source.replaceAll(/(["'])cloudflare:workers\1/g, '"./cloudflare-workers.mjs"');
    await writeFile(join(directory, "worker.mjs"), alone);
    await writeFile(
      join(directory, "cloudflare-workers.mjs"),
      "class Base {} export { Base as DurableObject, Base as RpcTarget, Base as WorkerEntrypoint }; export const env = {};",
    );
    const program = `
      const time = performance.now();
      const { default: worker } = await import(${JSON.stringify(join(directory, "worker.mjs"))});
      const ms = performance.now() - time;
      if (typeof worker.fetch !== "function") throw new Error("this is no Worker");
      console.log(ms);`;
    const times: number[] = [];
    for (let run = 0; run < STARTUP_RUNS; run += 1) {
      const parameters = ["--input-type=module", "--eval", program];
      const { stdout } = await promisify(execFile)(process.execPath, parameters);
      times.push(Number(stdout));
    }
    return Math.min(...times);
  });
}

async function withBundle<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "bundle-"));
  try {
    const wrangler = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
    await promisify(execFile)(process.execPath, [wrangler, "deploy", "--dry-run", "--minify", "--outdir", directory], {
      cwd: ROOT,
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "1" },
    });
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
