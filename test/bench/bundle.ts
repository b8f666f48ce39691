// How large the Worker is that is uploaded: minified, and compressed as the platform counts it.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";

const ROOT = resolve(import.meta.dirname, "../..");

/** A Worker is loaded wherever it is first called: at most so much, compressed. */
export const MAX_BUNDLE_GZIP_BYTES = 150 * 1_024;

/** Bytes of what `wrangler deploy --minify` uploads, source maps left out. */
export async function bundleSize(): Promise<{ bytes: number; gzipBytes: number }> {
  const directory = await mkdtemp(join(tmpdir(), "bundle-"));
  try {
    const wrangler = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
    await promisify(execFile)(process.execPath, [wrangler, "deploy", "--dry-run", "--minify", "--outdir", directory], {
      cwd: ROOT,
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "1" },
    });
    const files = (await readdir(directory)).filter((file) => !file.endsWith(".map") && !file.endsWith(".md"));
    const contents = await Promise.all(files.map((file) => readFile(join(directory, file))));
    return {
      bytes: contents.reduce((sum, content) => sum + content.length, 0),
      gzipBytes: contents.reduce((sum, content) => sum + gzipSync(content).length, 0),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
