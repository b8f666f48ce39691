// npm run soak: the long runs of simulation, deliberate bugs, chaos and fuzz, one after another, and docs/reliability.md.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { type Amounts, type PartName, partNames, parts } from "./parts.ts";
import { type Finding, type Findings, reliabilityDocument } from "./reliability-document.ts";

const USAGE = `npm run soak -- [--only simulation,mutants,chaos,agents,fuzz,guarded,worstInput] [--seed N]
               [--histories 1000000] [--rounds 50] [--requests 200000] [--minutes 60] [--dirty]

  --only     these parts; what the others found is kept, with its commit
  --seed     of every part; drawn anew unless given, and printed
  --dirty    run although files are changed that are in no commit; the document says so
`;

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const FINDINGS_FILE = join(root, "docs/reliability.json");
const DOCUMENT_FILE = join(root, "docs/reliability.md");

async function git(...parameters: string[]): Promise<string> {
  const { stdout } = await run("git", parameters, { cwd: root });
  return stdout.trim();
}

interface Code {
  commit: string;
  srcTree: string;
  dirty: boolean;
}

/** The code that is run, without the documents that the soak writes itself. */
async function presentCode(): Promise<Code> {
  const changes = await git(
    "status",
    "--porcelain",
    "--",
    "src",
    "test",
    "package.json",
    "package-lock.json",
    "wrangler.toml",
  );
  return {
    commit: await git("rev-parse", "HEAD"),
    srcTree: await git("rev-parse", "HEAD:src"),
    dirty: changes !== "",
  };
}

/** Earlier findings, on whatever commit: the document names it. */
async function earlierFindings(): Promise<Findings> {
  const json = await readFile(FINDINGS_FILE, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "{}";
    throw error;
  });
  const findings = JSON.parse(json) as Findings;
  return Object.fromEntries(Object.entries(findings).filter(([, { dirty }]) => !dirty));
}

/** Runs a command to its end, its output shown; whether it succeeded. */
function shown(parameters: string[]): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, parameters, { cwd: root, stdio: "inherit" });
    child.on("error", reject);
    child.on("exit", (code) => resolve(code === 0));
  });
}

async function find(
  name: PartName,
  { amounts, seed, code }: { amounts: Amounts; seed: number; code: Code },
): Promise<Finding> {
  const folder = await mkdtemp(join(tmpdir(), "soak-"));
  try {
    const file = join(folder, "summary.json");
    const seedOption = name === "simulation" ? "--first" : "--seed";
    const command = [...parts[name].arguments(amounts), seedOption, String(seed)];
    console.log(`\n── ${parts[name].title}: node ${command.join(" ")}`);
    const startTime = performance.now();
    const succeeded = await shown([...command, "--json", file]);
    const seconds = (performance.now() - startTime) / 1_000;
    const json = await readFile(file, "utf8").catch(() => undefined);
    if (json === undefined) throw new Error(`${name} ended without a summary: what it printed says why`);
    const figures = parts[name].figures(JSON.parse(json));
    const date = new Date().toISOString();
    return {
      ...figures,
      passed: figures.passed && succeeded,
      command: `node ${command.join(" ")}`,
      ...code,
      date,
      seconds,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: "string", default: partNames.join(",") },
      seed: { type: "string" },
      histories: { type: "string", default: "1000000" },
      rounds: { type: "string", default: "50" },
      requests: { type: "string", default: "200000" },
      minutes: { type: "string", default: "60" },
      dirty: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const chosen = partNames.filter((name) => values.only.split(",").includes(name));
  if (chosen.length === 0)
    throw new Error(`--only is ${JSON.stringify(values.only)}; it names parts: ${partNames.join(", ")}`);
  const code = await presentCode();
  if (code.dirty && !values.dirty) {
    throw new Error("files under src or test are changed and in no commit: commit them, or add --dirty");
  }
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const amounts = {
    histories: Number(values.histories),
    rounds: Number(values.rounds),
    requests: Number(values.requests),
    minutes: Number(values.minutes),
  };
  console.log(`seed ${seed}, commit ${code.commit}`);
  const findings = await earlierFindings();
  for (const name of chosen) {
    findings[name] = await find(name, { amounts, seed, code });
    // After each part: what was found stays found.
    await writeFile(FINDINGS_FILE, `${JSON.stringify(findings, null, 2)}\n`);
    await writeFile(DOCUMENT_FILE, reliabilityDocument(findings, code.srcTree));
  }
  await run(join(root, "node_modules/.bin/oxfmt"), ["docs/reliability.md", "docs/reliability.json"], { cwd: root });
  for (const name of chosen) console.log(`${findings[name]?.passed ? "passed" : "FAILED"}  ${parts[name].title}`);
  process.exitCode = chosen.every((name) => findings[name]?.passed) ? 0 : 1;
}

await main();
