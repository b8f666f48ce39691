// docs/methods.md shows code that is compiled and run, names every option, and has the limits as they are.
import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import * as allLimits from "../../../src/limits";
import { codeBlocks } from "../../e2e/session";

const ROOT = resolve(import.meta.dirname, "../../..");

const document = readFileSync(join(ROOT, "docs/methods.md"), "utf8");
const sourcesOf = (pattern: string): string[] =>
  globSync(pattern, { cwd: ROOT }).map((file) => readFileSync(join(ROOT, file), "utf8"));
const reports = sourcesOf("examples/reports/src/*.ts");
const sources = [...reports, ...sourcesOf("examples/approvals/src/*.ts")];
const blocks = Array.from(document.matchAll(/^```ts\n(.*?)^```$/gms), ([, block = ""]) => block);

describe.each(["clients.md", "testing-methods.md"])("the code of docs/%s", (page) => {
  const files = globSync("examples/{reports,approvals}/{src,test}/*.ts", { cwd: ROOT });
  const examples = files.map((file) => readFileSync(join(ROOT, file), "utf8"));

  // The client of another package is generated first.
  const shown = codeBlocks(readFileSync(join(ROOT, "docs", page), "utf8"), "ts").filter(
    (block) => !block.includes('"openapi-fetch"'),
  );

  test.each(shown)("is part of an example: %s", (block) => {
    expect(examples.some((source) => source.includes(block))).toBe(true);
  });
});

describe("the code of docs/methods.md", () => {
  test.each(blocks.map((block) => [block.split("\n")[0], block]))(
    "is part of the example, which is compiled and run: %s …",
    (_, block) => {
      expect(sources.some((source) => source.includes(block))).toBe(true);
    },
  );

  test("shows every method of the example", () => {
    const shown = blocks.join("\n");

    for (const source of reports) {
      for (const [declaration] of source.matchAll(/^export const \w+ = defineMethod/gm))
        expect(shown).toContain(declaration);
    }
  });
});

test("docs/methods.md names every option of a declaration and everything of `op`", () => {
  const source = readFileSync(join(ROOT, "src/method/method.ts"), "utf8");
  const membersOf = (name: string): string[] => {
    const body = new RegExp(`^export interface ${name}\\b.*?^}`, "ms").exec(source)?.[0] ?? "";
    return Array.from(body.matchAll(/^ {2}(?:readonly )?(\w+)[?<(:]/gm), ([, member = ""]) => member);
  };
  const options = membersOf("MethodDeclaration").filter((option) => option !== "retry");

  expect(options.length).toBeGreaterThan(12);
  for (const option of options) expect(document).toContain(`| \`${option}\` |`);
  for (const option of membersOf("RetryPolicy")) expect(document).toContain(`| \`retry.${option}\` |`);
  for (const member of membersOf("OperationContext")) expect(document).toMatch(new RegExp(`\`(?:op\\.)?${member}\\b`));
});

const MIB = 1_048_576;
const limits: Readonly<Record<string, number>> = { ...allLimits };

test.each<[string, number, string]>([
  ["DEFAULT_TIMEOUT_MS", 3_600_000, '| `timeout` | `"1h"` |'],
  ["MAX_TIMEOUT_MS", 366 * 86_400_000, "at most 366 days"],
  ["DEFAULT_MAX_ATTEMPTS", 5, "| `retry.maxAttempts` | `5` | attempts in all, 1 to 100 |"],
  ["MAX_MAX_ATTEMPTS", 100, "1 to 100"],
  ["DEFAULT_INITIAL_BACKOFF_MS", 1_000, '| `retry.initialBackoff` | `"1s"` |'],
  ["DEFAULT_BACKOFF_MULTIPLIER", 2, "| `retry.backoffMultiplier` | `2` |"],
  ["DEFAULT_MAX_BACKOFF_MS", 600_000, '| `retry.maxBackoff` | `"10m"` |'],
  ["DEFAULT_GRACE_MS", 30_000, '| `gracePeriod` | `"30s"` |'],
  ["MAX_GRACE_MS", 900_000, "at most 15 minutes"],
  ["DEFAULT_RETENTION_MS", 30 * 86_400_000, '| `retention` | `"30d"` |'],
  ["MIN_RETENTION_MS", 60_000, "1 minute (KV's least)"],
  ["MAX_RETENTION_MS", 3_660 * 86_400_000, "3,660 days"],
  ["REQUEST_ID_TTL_MS", 86_400_000, "for a day"],
  ["MAX_BODY_BYTES", MIB, "| JSON body | 1 MiB, 100 levels, 200,000 objects and lists |"],
  ["MAX_JSON_DEPTH", 100, "100 levels"],
  ["MAX_JSON_CONTAINERS", 200_000, "200,000 objects and lists"],
  ["DEFAULT_RESULT_BYTES", 4 * MIB, "| response | 4 MiB of JSON, up to 24 MiB by `maxResultBytes` |"],
  ["MAX_RESPONSE_BYTES", 24 * MIB, "| a step's result | 4 MiB of JSON, up to 24 MiB by `maxResultBytes` |"],
  ["MAX_STEPS", 5_000, "| steps of an operation | 5,000;"],
  ["MAX_STEP_NAMES_CHARACTERS", 262_144, "256 Ki characters of names |"],
  ["DEFAULT_MAP_CONCURRENCY", 6, "at most 6 at a time"],
  ["MAX_STEP_NAME_CHARACTERS", 256, "up to 256 characters"],
  ["MAX_SLEEPS", 1_000, "| sleeps of an operation | 1,000 |"],
  ["MAX_CHECKPOINT_CHARACTERS", 65_536, "| a checkpoint | 65,536 characters of JSON |"],
  ["MAX_METADATA_CHARACTERS", 262_144, "| metadata | 262,144 characters of JSON |"],
  ["MAX_STATUS_MESSAGE_CHARACTERS", 4_096, "| a Status message | 4,096 characters |"],
  ["MAX_STATUS_DETAILS_BYTES", 65_536, "| details of a Status | 65,536 bytes |"],
  ["MAX_FIELD_VIOLATIONS", 50, "| field violations of one answer | 50 |"],
  ["DEFAULT_INVOCATION_MS", 14 * 60_000, "limit of 14 minutes"],
  ["YIELD_AFTER_PART", 1 / 3, "After a third of its time (4 min 40 s)"],
  ["INVOCATION_GRACE_MS", 10_000, "has 10 s to stop"],
  ["MAX_IDLE_INVOCATIONS", 2, "Two invocations in a row that stored nothing"],
  ["MAX_PLATFORM_DEATHS", 5, "the fifth without a new step or checkpoint"],
  ["LOST_CHANNEL_LEASE_MS", 10_000, "is noticed after 10 s"],
  ["DEFAULT_LEASE_MS", 75_000, "after 75 s if its connection stays open"],
  ["PROGRESS_INTERVAL_MS", 500, "twice a second at most"],
])("docs/methods.md has the value of %s", (name, value, text) => {
  expect(limits[name]).toBe(value);
  expect(document).toContain(text);
});
