// docs/reliability.md, made of what the soak has found: invariant by invariant which part tests it, and the figures.
import { type Figures, type PartName, partNames, parts } from "./parts.ts";

/** The result of a part, and the commit of the code. Kept in docs/reliability.json, so that parts can be run one by one. */
export interface Finding extends Figures {
  command: string;
  commit: string;
  /** git's hash of the folder src. */
  srcTree: string;
  /** How much of the part was run, where that is not all of it. */
  extent?: string;
  /** Whether files were changed that are in no commit. */
  dirty: boolean;
  date: string;
  seconds: number;
}

export type Findings = Partial<Record<PartName, Finding>>;

const invariants: [invariant: string, tested: string][] = [
  ["Durable before answered: a start that was answered survives any crash from then on", "simulation, chaos"],
  ["Never lost: what was accepted becomes done, whatever the Queue loses, repeats or reorders", "simulation, chaos"],
  ["Never stuck: nothing runs past its deadline and a minute", "simulation, chaos"],
  ["Done once: the first end stands, and is answered byte for byte the same ever after", "simulation, chaos"],
  ["Fenced: a token that is not the current one changes nothing; nobody works on past a lease", "simulation"],
  [
    "Cancel reaches the work within a second, and settles within the grace period",
    "simulation, `workers/cancel.test.ts`",
  ],
  ["Deleted stays deleted, in object, index and KV, whatever arrives late", "simulation, chaos"],
  ["Read your writes: no answer is older than what was answered before", "simulation, chaos"],
  ["Idempotent start: one requestId, one operation, however many clients race", "simulation, chaos"],
  ["No finished step twice: a step whose result was stored is not run again", "simulation, chaos"],
  ["Bounded: inputs and stored values have limits; nothing is left after retention", "simulation, fuzz, worstInput"],
  ["Isolated: without the permission nothing can be learnt", "guarded, `workers/access.test.ts`"],
];

const HEAD = `# Reliability

Written by \`npm run soak\`: not to be edited by hand. Nothing lost, nothing stuck, nothing twice: which test tries to break
which promise, and what came of it.

The simulation, the deliberate bugs, and the chaos and fuzz tests are described in [testing.md](testing.md). All of them run,
much shorter or in part, with every test run; these are the long runs. A long run takes up to an hour, so not each commit has
one: "earlier code" marks a part that was run before \`src\` was changed last.
`;

/** `srcTree`: of the present code. */
export function reliabilityDocument(findings: Findings, srcTree: string): string {
  const sections = partNames.map((name) => section(name, findings[name]));
  const rows = invariants.map(([invariant, tested], index) => `| ${index + 1} | ${invariant} | ${tested} |`);
  return [
    HEAD,
    [
      "| part | result | commit | date | took |",
      "| --- | --- | --- | --- | --- |",
      ...partNames.map((name) => summaryRow(name, findings[name], srcTree)),
    ].join("\n"),
    "## Which part tests which promise",
    ["| | promise | tested by |", "| --- | --- | --- |", ...rows].join("\n"),
    ...sections,
  ]
    .join("\n\n")
    .concat("\n");
}

function summaryRow(name: PartName, finding: Finding | undefined, srcTree: string): string {
  if (!finding) return `| ${parts[name].title} | not run | | | |`;
  const { passed, commit, dirty, date, seconds, extent } = finding;
  const result = [
    passed ? "passed" : "**failed**",
    ...(extent === undefined ? [] : [extent]),
    ...(finding.srcTree === srcTree ? [] : ["earlier code"]),
  ].join(", ");
  const changes = dirty ? ", with uncommitted changes" : "";
  return `| ${parts[name].title} | ${result} | \`${commit.slice(0, 8)}\`${changes} | ${date.slice(0, 10)} | ${duration(seconds)} |`;
}

function section(name: PartName, finding: Finding | undefined): string {
  const title = `## ${parts[name].title}`;
  if (!finding) return `${title}\n\nNot run: \`npm run soak -- --only ${name}\`.`;
  const { figures, details, command, commit, srcTree, date, seconds, dirty } = finding;
  const rows = Object.entries(figures).map(([figure, value]) => `| ${figure} | ${value} |`);
  const changes = dirty ? ", with uncommitted changes" : "";
  return [
    title,
    `\`${command}\` on commit \`${commit}\` (src \`${srcTree.slice(0, 10)}\`${changes}), ${date}, ${duration(seconds)}.`,
    ["| figure | value |", "| --- | --- |", ...rows].join("\n"),
    ...details,
  ].join("\n\n");
}

function duration(seconds: number): string {
  return seconds < 100 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(1)} min`;
}
