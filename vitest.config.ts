// Three layers (docs/testing.md): pure core in plain Node, objects in workerd, the whole from outside.
import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

/** Tests that replace modules need modules of their own; the others share theirs, which halves the time. */
const unit = ["test/unit/**/*.test.ts", "examples/*/test/**/*.test.ts"];
const replacing = globSync(unit).filter((file) => readFileSync(file, "utf8").includes("vi.mock("));

/** Vitest leaves a core to itself, which on two cores is half of what there is. */
const maxWorkers = Math.max(2, availableParallelism() - 1);

/** Sources import the package by its name, as its users do. Here that name means the source, not the build. */
const sources = [
  { find: /^edge-operations$/, replacement: resolve("src/index.ts") },
  { find: /^edge-operations\/([a-z]+)$/, replacement: resolve("src/$1.ts") },
];
const inNode = { alias: [...sources, { find: "cloudflare:workers", replacement: resolve("src/platform/node.ts") }] };

export default defineConfig({
  test: {
    // Much of what is tested is logged as it should be: only a test that fails shows it.
    silent: "passed-only",
    projects: [
      {
        resolve: inNode,
        test: {
          name: "unit",
          include: unit,
          exclude: replacing,
          environment: "node",
          isolate: false,
          maxWorkers,
          setupFiles: ["./test/unit/conditions.ts"],
          // Property tests on a machine that does other work beside.
          testTimeout: 30_000,
        },
      },
      {
        resolve: inNode,
        test: { name: "unit-replacing", include: replacing, environment: "node", maxWorkers, testTimeout: 30_000 },
      },
      {
        // It keeps every core busy by itself.
        test: {
          name: "simulation",
          include: ["test/simulation/**/*.test.ts"],
          environment: "node",
          testTimeout: 240_000,
          // The scenarios beside the histories: one of them has one thread.
          maxWorkers,
          sequence: { groupOrder: 2 },
        },
      },
      {
        resolve: { alias: sources },
        plugins: [
          cloudflareTest({
            // The service of wrangler.toml with methods that do what a test tells them.
            main: "./test/workers/worker.ts",
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: { bindings: { AUTH: "open" } },
          }),
        ],
        test: {
          name: "workers",
          include: ["test/workers/**/*.test.ts"],
          testTimeout: 20_000,
          hookTimeout: 20_000,
          // A runtime for each worker, not for each file: one takes longer to start than most files take to run.
          isolate: false,
          maxWorkers,
          setupFiles: ["./test/workers/new-file.ts"],
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          // The examples, and the tests of the package, import what is built.
          globalSetup: "test/e2e/build.ts",
          environment: "node",
          testTimeout: 120_000,
          hookTimeout: 60_000,
          // One more than there are cores: much of their time is spent waiting for leases and restarts.
          maxWorkers: 3,
          // After the others: it starts whole servers, and has deadlines of its own.
          sequence: { groupOrder: 1 },
        },
      },
      // What this version stores is recorded once, for the versions after it.
      ...(process.env["RECORD"] === undefined
        ? []
        : [
            {
              plugins: [
                cloudflareTest({
                  main: "./test/workers/worker.ts",
                  wrangler: { configPath: "./wrangler.toml" },
                  miniflare: { bindings: { AUTH: "open" } },
                }),
              ],
              test: {
                name: "recorder",
                include: ["test/recorder/**/*.test.ts"],
                env: {
                  RECORD: process.env["RECORD"],
                  COMMIT: execFileSync("git", ["log", "-1", "--format=%h", "--", "src"], { encoding: "utf8" }).trim(),
                },
              },
            },
          ]),
      // Memory is measured, not tested: it belongs to the machine it is measured on.
      ...(process.env["BENCH"] === undefined
        ? []
        : [
            {
              test: { name: "bench", include: ["test/bench/**/*.test.ts"], testTimeout: 120_000, hookTimeout: 60_000 },
            },
          ]),
    ],
  },
});
