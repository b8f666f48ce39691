// The table of README.md: scenario × client × source sentence.
import type { Client } from "./client";
import knownFailures from "./known-failures.json";
import { type Scenario, scenarios, sources } from "./scenarios";

const CELLS = { passes: "✓", known: "known", none: "" };

/** Rules that are told in our words; all others are quoted. */
const PARAPHRASED = new Set<string>(["errors", "retries", "parameters"]);

/** Whether a client plays a scenario, and how it goes. */
export function cellOf(id: string, client: Client): keyof typeof CELLS {
  const scenario = (scenarios as Record<string, Scenario>)[id];
  if (!scenario || scenario.needs?.(client) === false) return "none";
  return knownFailures.some((failure) => failure.client === client.name && failure.scenario === id)
    ? "known"
    : "passes";
}

export function table(clients: readonly Client[]): string {
  const rows = Object.entries<Scenario>(scenarios).map(
    ([
      id,
      {
        title,
        source: [document, sentence],
      },
    ]) => [
      title,
      ...clients.map((client) => CELLS[cellOf(id, client)]),
      `${sources[document]}: ${PARAPHRASED.has(document) ? sentence : `“${sentence}”`}`,
    ],
  );
  const head = ["scenario", ...clients.map(({ name }) => name), "source"];
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
