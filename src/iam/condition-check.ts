// What of CEL a condition may use: no loops and no regular expressions, so that its syntax tree bounds its cost.
import type { ASTNode } from "@marcbachmann/cel-js";
import { parseTimestamp } from "../aip/timestamp";
import { MAX_NAME_BYTES } from "../limits";
import { conditionCost } from "./condition-cost";
import { nodesOf } from "./condition-tree";
import { MAX_EXPRESSION_COST, MAX_LOGICAL_OPERATORS, MAX_TIME_ZONE_CALLS } from "./iam-limits";

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
  const cost = conditionCost(ast, MAX_NAME_BYTES);
  if (cost > MAX_EXPRESSION_COST) return "would take too long on a long name: it compares or joins too much text";
  for (const node of nodes) {
    const problem = problemOf(node) ?? constantProblem(node, evaluate);
    if (problem !== undefined) return `${problem} (at offset ${node.start})`;
  }
  return undefined;
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

/** A constant time, duration or time zone that is invalid would make its condition false for ever. */
function constantProblem(node: ASTNode, evaluate: (expression: string) => unknown): string | undefined {
  const zone = timeZoneOf(node);
  if (zone?.op === "value" && !succeeds(evaluate, `timestamp(0).getHours(${textOf(zone)})`)) {
    return `uses ${textOf(zone)}, which is no time zone`;
  }
  if (node.op !== "call") return undefined;
  const problem = literalProblem(node);
  if (problem !== undefined) return problem;
  if (node.args[1].some(({ op }) => op !== "value")) return undefined;
  return succeeds(evaluate, textOf(node)) ? undefined : noValue(node);
}

function noValue(node: ASTNode): string {
  return `uses ${textOf(node).slice(0, 80)}, which has no value`;
}

/** CEL's durations: decimal numbers with units, `1h30m`, as Go's time.ParseDuration reads them. */
const DURATION = /^[+-]?(?:(?:\d{1,12}(?:\.\d{0,9})?|\.\d{1,9})(?:ns|us|µs|ms|s|m|h))+$/;
const MAX_DURATION_CHARACTERS = 64;

/**
 * Times and durations are constants, and are read here before the library reads them: its own pattern of a duration takes
 * cubic time, and its times take 30 February.
 */
function literalProblem(node: Extract<ASTNode, { op: "call" }>): string | undefined {
  const [name, [argument, ...more]] = node.args;
  if ((name !== "duration" && name !== "timestamp") || !argument || more.length > 0) return undefined;
  const value = argument.op === "value" ? argument.args : undefined;
  if (typeof value === "bigint" && name === "timestamp") return undefined;
  if (typeof value !== "string") {
    const example = name === "duration" ? 'duration("24h")' : 'timestamp("2030-01-01T00:00:00Z")';
    return `uses ${name} of what is no constant; write it out, like ${example}`;
  }
  const isGood =
    name === "duration"
      ? value.length <= MAX_DURATION_CHARACTERS && DURATION.test(value)
      : parseTimestamp(value) !== undefined;
  return isGood ? undefined : noValue(node);
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
