// npm run build: what is published. esbuild makes the scripts, and the compiler the declarations.
import { execFileSync } from "node:child_process";
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type Plugin, build } from "esbuild";
import { build as viteBuild } from "vite";

const OUT = "dist";
/** One for each of package.json's `exports` and `imports`. */
const ENTRIES = [
  "index",
  "client",
  "conditions",
  "emulation",
  "mcp",
  "objects",
  "protobuf",
  "react",
  "testing",
  "webhooks",
  "platform/workers",
  "platform/node",
  "cli/main",
  "describe/proto",
];

/**
 * Plain Node, in which methods are tested, has no module `cloudflare:workers`. So the package imports it as
 * `#cloudflare-workers`, and package.json's `imports` gives Node a stand-in.
 */
const workersByPackageImport: Plugin = {
  name: "workers-by-package-import",
  setup(bundling) {
    bundling.onResolve({ filter: /^cloudflare:workers$/ }, ({ path, importer }) => ({
      path: importer.endsWith("/platform/workers.ts") ? path : "#cloudflare-workers",
      external: true,
    }));
  },
};

rmSync(OUT, { recursive: true, force: true });
await build({
  entryPoints: ENTRIES.map((entry) => ({ in: `src/${entry}.ts`, out: entry })),
  outdir: OUT,
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  packages: "external",
  chunkNames: "chunks/[name]-[hash]",
  sourcemap: true,
  plugins: [workersByPackageImport],
  logLevel: "warning",
});
// The console: static files, which a deployment binds as assets.
await viteBuild({
  configFile: false,
  root: "src/console",
  // Relative addresses: the files work at the root, and below a path.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../../dist/console",
    assetsDir: "console-assets",
    // The Content-Security-Policy allows no data: URI.
    assetsInlineLimit: 0,
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  logLevel: "warn",
});
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], { stdio: "inherit" });
// The sources are written for a bundler, without extensions. Node's resolution asks declarations for them.
for (const file of globSync(`${OUT}/**/*.d.ts`)) {
  const text = readFileSync(file, "utf8");
  writeFileSync(
    file,
    text.replaceAll(/(from |import\()"(\.[^"]*)"/g, (_, before: string, path: string) => {
      const target = /(^|\/)\.\.?$/.test(path) ? `${path}/index.js` : `${path}.js`;
      return `${before}"${target}"`;
    }),
  );
}
