// The size of what is deployed has a limit: a Worker is loaded wherever it is first called.
import { expect, test } from "vitest";
import { MAX_BUNDLE_GZIP_BYTES, bundleSize } from "../bench/bundle";

test("the Worker, minified and compressed, is not larger than 150 KiB", async () => {
  const { bytes, gzipBytes } = await bundleSize();

  // It is the whole Worker that was measured.
  expect(bytes).toBeGreaterThan(100_000);
  expect(gzipBytes).toBeLessThanOrEqual(MAX_BUNDLE_GZIP_BYTES);
});
