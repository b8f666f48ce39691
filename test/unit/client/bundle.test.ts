// The size of the download of a page that imports edge-operations/client.
import { gzipSync } from "node:zlib";
import { resolve } from "node:path";
import { build } from "esbuild";
import { expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "../../..");

it("the client's bundle is small and has no code of the service", async () => {
  const { metafile, outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: ["src/client.ts"],
    bundle: true,
    minify: true,
    format: "esm",
    metafile: true,
    write: false,
  });
  const outside = Object.keys(metafile.inputs).filter((path) => !/^src\/client[./]/.test(path));
  const [output] = outputFiles;

  // The vocabulary of google.rpc: two files without imports.
  expect(outside.toSorted()).toEqual(["src/rpc/any.ts", "src/rpc/code.ts"]);
  expect(gzipSync(output?.contents ?? "").length).toBeLessThan(6 * 1_024);
});
