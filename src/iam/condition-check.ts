// What of CEL a condition may use: no loops, no regular expressions, so that the size of an expression bounds its cost.
import type { ASTNode } from "@marcbachmann/cel-js";
import { MAX_LOGICAL_OPERATORS, MAX_TIME_ZONE_CALLS } from "./iam-limits";

const timeParts = [
  "getFullYear",
  "getMonth",
  "getDate",
  "getDayOfMonth",
  "getDayOfWeek",
  "getDayOfYear",
  "getHours",
  "getMinutes",
  "getSeconds",
  "getMilliseconds",
];
const stringFunctions = ["startsWith", "endsWith", "contains", "extract", "size"];
const conversions = ["timestamp", "duration", "int", "string"];
const functions: ReadonlySet<string> = new Set([...timeParts, ...stringFunctions, ...conversions]);

/**
 * What an expression uses that a condition may not, or what of its constants is wrong; undefined: nothing.
 *
 * @param evaluate evaluates an expression without variables, and throws where it fails.
 */
export function refusedConstruct(ast: ASTNode, evaluate: (expression: string) => unknown): string | undefined {
  const nodes = nodesOf(ast);
  const logical = nodes.filter(({ op }) => op === "&&" || op === "||" || op === "?:").length;
  if (logical > MAX_LOGICAL_OPERATORS) return `has at most ${MAX_LOGICAL_OPERATORS} logical operators, not ${logical}`;
  const zoned = nodes.filter((node) => timeZoneOf(node) !== undefined).length;
  if (zoned > MAX_TIME_ZONE_CALLS) return `names at most ${MAX_TIME_ZONE_CALLS} time zones, not ${zoned}`;
  for (const node of nodes) {
    const problem = problemOf(node) ?? constantProblem(node, evaluate);
    if (problem !== undefined) return `${problem} (at offset ${node.start})`;
  }
  return undefined;
}

/** The nodes of a tree, itself first. */
function nodesOf(root: ASTNode): ASTNode[] {
  const nodes = [root];
  // It grows while it is walked: a node's children are visited after it.
  for (const node of nodes) nodes.push(...childrenOf(node));
  return nodes;
}

function childrenOf(node: ASTNode): ASTNode[] {
  switch (node.op) {
    case "value":
    case "id":
      return [];
    case ".":
    case ".?":
      return [node.args[0]];
    case "call":
      return node.args[1];
    case "rcall":
      return [node.args[1], ...node.args[2]];
    case "map":
      return node.args.flat();
    case "!_":
    case "-_":
      return [node.args];
    default:
      return node.args;
  }
}

function problemOf(node: ASTNode): string | undefined {
  switch (node.op) {
    case "call":
    case "rcall":
      return functions.has(node.args[0]) ? undefined : refusedFunction(node.args[0]);
    case "[]":
    case "[?]":
    case ".?":
    case "map":
      return 'uses an index or a map; attributes are read with a point, like "resource.name"';
    default:
      return undefined;
  }
}

function refusedFunction(name: string): string {
  if (name === "matches")
    return "uses matches; startsWith, endsWith, contains or extract do without regular expressions";
  return `uses ${JSON.stringify(name.slice(0, 40))}; a condition may use ${[...functions].join(", ")}`;
}

/** The argument of a call like `request.time.getHours("Europe/Berlin")`. */
function timeZoneOf(node: ASTNode): ASTNode | undefined {
  return node.op === "rcall" && timeParts.includes(node.args[0]) ? node.args[2][0] : undefined;
}

/** A constant time, duration or time zone that is none would make its condition false for ever. */
function constantProblem(node: ASTNode, evaluate: (expression: string) => unknown): string | undefined {
  const zone = timeZoneOf(node);
  if (zone?.op === "value" && !succeeds(evaluate, `timestamp(0).getHours(${textOf(zone)})`)) {
    return `uses ${textOf(zone)}, which is no time zone`;
  }
  if (node.op !== "call" || node.args[1].some(({ op }) => op !== "value")) return undefined;
  if (succeeds(evaluate, textOf(node))) return undefined;
  return `uses ${textOf(node).slice(0, 80)}, which has no value`;
}

function textOf({ input, start, end }: ASTNode): string {
  return input.slice(start, end);
}

function succeeds(evaluate: (expression: string) => unknown, expression: string): boolean {
  try {
    evaluate(expression);
    return true;
  } catch {
    // That it fails is the answer.
    return false;
  }
}
