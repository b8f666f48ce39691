// npm run mutants: puts each deliberate bug into a copy of the tree, and demands that a test fails.
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { type Bug, bugs } from "./bugs.ts";

const USAGE = `npm run mutants -- [--only "part of a name"] [--seed N] [--json FILE]
  --unchecked  does not run the tests without bugs before
`;

/** Histories within which the simulation must notice: it ends with the first few that fail. */
const HISTORIES = "20000";
const MAX_OUTPUT_BYTES = 64 * 1_048_576;

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");

/** The outcome of a run of tests. */
interface Outcome {
  /** The failures: names and messages. */
  failures: string[];
  /** Why it says nothing: the code did not load, or no test was run. */
  error: string | undefined;
}

export interface MutantsReport {
  seed: number;
  milliseconds: number;
  bugs: { name: string; file: string; tests: string; caught: boolean; by: string; milliseconds: number }[];
}

/** The edit, made in a text in which it must match once. */
export function edited(text: string, { name, file, find, replace }: Bug): string {
  const matches = text.split(find).length - 1;
  if (matches !== 1) throw new Error(`"${name}" matches ${matches} times in ${file}; an edit matches once`);
  return text.replace(find, () => replace);
}

/** The tracked and untracked files of the working tree; installed packages are shared. */
async function copyOfTree(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "mutants-"));
  const { stdout } = await run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  for (const file of stdout.split("\0").filter((name) => name !== "")) {
    await cp(join(root, file), join(folder, file), { recursive: true }).catch((error: NodeJS.ErrnoException) => {
      // Deleted, and not committed yet.
      if (error.code !== "ENOENT") throw error;
    });
  }
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  return folder;
}

async function runTests(folder: string, tests: Bug["tests"], seed: number): Promise<Outcome> {
  const report = join(folder, "report.json");
  await rm(report, { force: true });
  const command =
    tests === "simulation"
      ? [
          "test/simulation/simulate.ts",
          "--histories",
          HISTORIES,
          "--first",
          String(seed),
          "--failures",
          "1",
          "--json",
          report,
        ]
      : [join("node_modules", "vitest", "vitest.mjs"), "run", ...tests, "--reporter=json", `--outputFile=${report}`];
  let output = "";
  try {
    await run(process.execPath, command, { cwd: folder, maxBuffer: MAX_OUTPUT_BYTES });
  } catch (error) {
    // Tests that fail are what is looked for; what they say is in their report.
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    output = `${stdout}\n${stderr}`;
  }
  const json = await readFile(report, "utf8").catch(() => undefined);
  if (json === undefined) return { failures: [], error: `no report: ${output.slice(-2_000)}` };
  return tests === "simulation" ? simulationOutcome(json) : vitestOutcome(json);
}

function simulationOutcome(json: string): Outcome {
  const { failed, histories } = JSON.parse(json) as { failed: { violations: string[] }[]; histories: number };
  const failures = failed.flatMap(({ violations }) => violations);
  return { failures, error: histories === 0 ? "no history was played" : undefined };
}

interface VitestReport {
  testResults: {
    message: string;
    assertionResults: { status: string; fullName: string; failureMessages: string[] }[];
  }[];
}

/** A file that could not be loaded has no tests: it proves nothing. */
function vitestOutcome(json: string): Outcome {
  const { testResults } = JSON.parse(json) as VitestReport;
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = tests.filter(({ status }) => status === "failed");
  const broken = testResults.find(({ assertionResults }) => assertionResults.length === 0);
  return {
    failures: failed.map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages[0] ?? ""}`),
    error: tests.length === 0 || broken ? `a file has no tests: ${broken?.message ?? ""}` : undefined,
  };
}

/** The tests pass without the bug: else their failing says nothing about it. */
async function checkUnmutated(folder: string, chosen: readonly Bug[], seed: number): Promise<void> {
  const sets = new Map(chosen.map(({ tests }) => [String(tests), tests]));
  for (const [name, tests] of sets) {
    const { failures, error } = await runTests(folder, tests, seed);
    if (error !== undefined) throw new Error(`${name} does not run: ${error}`);
    if (failures.length > 0) throw new Error(`${name} fails without any bug: ${failures[0]}`);
    console.log(`passes without a bug: ${name}`);
  }
}

async function tryBug(folder: string, bug: Bug, seed: number): Promise<MutantsReport["bugs"][number]> {
  const startTime = performance.now();
  const path = join(folder, bug.file);
  const original = await readFile(path, "utf8");
  await writeFile(path, edited(original, bug));
  try {
    const { failures, error } = await runTests(folder, bug.tests, seed);
    const by = failures.find((failure) => failure.includes(bug.caughtBy));
    return {
      name: bug.name,
      file: bug.file,
      tests: bug.tests === "simulation" ? "simulation" : bug.tests.slice(1).join(" "),
      caught: error === undefined && by !== undefined,
      by: (by ?? error ?? failures[0] ?? "nothing failed").split("\n")[0]!.slice(0, 160),
      milliseconds: Math.round(performance.now() - startTime),
    };
  } finally {
    await writeFile(path, original);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      seed: { type: "string" },
      json: { type: "string" },
      unchecked: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const startTime = performance.now();
  const seed = Number(values.seed ?? 1);
  const chosen = bugs.filter(({ name }) => name.includes(values.only ?? ""));
  if (chosen.length === 0) throw new Error(`no bug has ${JSON.stringify(values.only)} in its name`);
  const folder = await copyOfTree();
  const results: MutantsReport["bugs"] = [];
  try {
    if (!values.unchecked) await checkUnmutated(folder, chosen, seed);
    for (const bug of chosen) {
      const result = await tryBug(folder, bug, seed);
      results.push(result);
      const seconds = (result.milliseconds / 1_000).toFixed(1);
      console.log(
        `${result.caught ? "caught  " : "SURVIVED"} ${bug.name}  (${result.tests}, ${seconds} s)\n         ${result.by}`,
      );
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  const report: MutantsReport = { seed, milliseconds: Math.round(performance.now() - startTime), bugs: results };
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
  const caught = results.filter((result) => result.caught).length;
  console.log(`${caught} of ${results.length} deliberate bugs caught`);
  process.exitCode = caught === results.length ? 0 : 1;
}

if (import.meta.main) await main();
