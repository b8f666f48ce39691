// The size of what is deployed has a limit, and so has its start: a Worker is loaded wherever it is first called.
import { expect, test } from "vitest";
import { MAX_BUNDLE_GZIP_BYTES, MAX_STARTUP_MS, bundleSize, startupTime } from "../bench/bundle";

test("the Worker, minified and compressed, is not larger than 150 KiB", async () => {
  const { bytes, gzipBytes } = await bundleSize();

  // It is the whole Worker that was measured.
  expect(bytes).toBeGreaterThan(100_000);
  expect(gzipBytes).toBeLessThanOrEqual(MAX_BUNDLE_GZIP_BYTES);
});

test("the Worker starts within a fifth of what the platform allows", async () => {
  const ms = await startupTime();

  expect(ms).toBeGreaterThan(0);
  expect(ms).toBeLessThanOrEqual(MAX_STARTUP_MS);
});
