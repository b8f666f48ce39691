// docs/lifecycle.md as it follows from the lifecycle table.
import { type State, isFinal, lifecycle } from "../../src/lifecycle/state";

interface Edge {
  from: State;
  to: State;
  transitions: string[];
}

export function lifecycleMarkdown(): string {
  return `# The life of an operation

Generated from the table in \`src/lifecycle/state.ts\`, by \`UPDATE=1 npx vitest run --project 'unit*' lifecycle\`. A pair of
state and transition that is not below is refused. Deletion is no state: a deleted operation goes through the same states,
hidden, to its end.

\`\`\`mermaid
stateDiagram-v2
${diagramLines()
  .map((line) => `    ${line}`)
  .join("\n")}
\`\`\`

| from | by | to |
| --- | --- | --- |
${states().flatMap(edges).map(tableRow).join("\n")}

${states().filter(isFinal).join(", ")} are final: the operation is \`done\`.
`;
}

function states(): State[] {
  return Object.keys(lifecycle) as State[];
}

function diagramLines(): string[] {
  const moves = states().flatMap(edges);
  const lines = moves.map(({ from, to, transitions }) => `${node(from)} --> ${node(to)}: ${transitions.join(", ")}`);
  const ends = states().filter(isFinal);
  return [...lines, ...ends.map((state) => `${state} --> [*]`)];
}

/** Transitions between the same two states share an arrow. */
function edges(from: State): Edge[] {
  const byTarget = new Map<State, string[]>();
  for (const [transition, to] of Object.entries(lifecycle[from]) as [string, State][]) {
    byTarget.set(to, [...(byTarget.get(to) ?? []), transition]);
  }
  return Array.from(byTarget, ([to, transitions]) => ({ from, to, transitions }));
}

function node(state: State): string {
  return state === "NEW" ? "[*]" : state;
}

function tableRow({ from, to, transitions }: Edge): string {
  return `| ${from} | ${transitions.map((transition) => `\`${transition}\``).join(", ")} | ${to} |`;
}
