// The parts of CEL that a condition may use: no loops and no regular expressions, so that its tree bounds its cost.
import { MAX_NAME_BYTES, MAX_QUOTED_CHARACTERS } from "../limits";
import { CelError } from "./cel/cel-error";
import { type Variables, checkExpression } from "./cel/checker";
import { FUNCTION_NAMES } from "./cel/functions";
import { type CallNode, type Node, nodesOf, childrenOf } from "./cel/syntax-tree";
import { TIME_PARTS, isTimeZone } from "./cel/time";
import { MAX_EXPRESSION_COST, MAX_LOGICAL_OPERATORS, MAX_TIME_ZONE_CALLS, TIME_ZONE_COST } from "./iam-limits";
import type { Value } from "./cel/value";

/** The first part of an expression that a condition may not use, or a wrong constant. Else undefined. */
export function refusedConstruct(expression: string, root: Node): string | undefined {
  const nodes = nodesOf(root);
  const logical = nodes.filter(isLogical).length;
  if (logical > MAX_LOGICAL_OPERATORS) return `has at most ${MAX_LOGICAL_OPERATORS} logical operators, not ${logical}`;
  const zoned = nodes.filter((node) => timeZoneOf(node) !== undefined).length;
  if (zoned > MAX_TIME_ZONE_CALLS) return `names at most ${MAX_TIME_ZONE_CALLS} time zones, not ${zoned}`;
  const cost = conditionCost(root, MAX_NAME_BYTES);
  if (cost > MAX_EXPRESSION_COST) return "would take too long on a long name: it compares or joins too much text";
  for (const node of nodes) {
    if (node.kind !== "call") continue;
    const textOf = ({ start, end }: Node): string => expression.slice(start, end).slice(0, MAX_QUOTED_CHARACTERS);
    const problem = refusedFunction(node.name) ?? constantProblem(node, textOf);
    if (problem !== undefined) return `${problem} (at offset ${node.start})`;
  }
  return undefined;
}

function isLogical(node: Node): boolean {
  return node.kind === "conditional" || (node.kind === "binary" && (node.operator === "&&" || node.operator === "||"));
}

function refusedFunction(name: string): string | undefined {
  if (FUNCTION_NAMES.has(name)) return undefined;
  if (name === "matches")
    return "uses matches; startsWith, endsWith, contains or extract do without regular expressions";
  return `uses ${JSON.stringify(name.slice(0, 40))}; a condition may use ${[...FUNCTION_NAMES].join(", ")}`;
}

/** The argument of a call like `request.time.getHours("Europe/Berlin")`. */
function timeZoneOf(node: Node): Node | undefined {
  return node.kind === "call" && node.receiver && Object.hasOwn(TIME_PARTS, node.name) ? node.args[0] : undefined;
}

/** A constant time, duration or time zone that is invalid would make its condition false for ever. */
function constantProblem(node: CallNode, textOf: (node: Node) => string): string | undefined {
  const zone = timeZoneOf(node);
  if (zone?.kind === "literal" && !(typeof zone.value === "string" && isTimeZone(zone.value))) {
    return `uses ${textOf(zone)}, which is no time zone`;
  }
  if (node.receiver) return undefined;
  if (node.args.some(({ kind }) => kind !== "literal")) {
    // Times and durations are constants, so that setting the policy reports an error in them.
    if (node.name === "timestamp") return notConstant(node.name, 'timestamp("2030-01-01T00:00:00Z")');
    return node.name === "duration" ? notConstant(node.name, 'duration("24h")') : undefined;
  }
  return hasValue(node) ? undefined : `uses ${textOf(node)}, which has no value`;
}

function notConstant(name: string, example: string): string {
  return `uses ${name} of what is no constant; write it out, like ${example}`;
}

const NO_VARIABLES: Variables = { request: { time: 0n }, resource: { name: "", type: "" } };

/** A call of constants: the variables do not matter. */
function hasValue(node: CallNode): boolean {
  try {
    checkExpression(node).evaluate(NO_VARIABLES);
    return true;
  } catch (error) {
    if (error instanceof CelError) return false;
    throw error;
  }
}

/** Any node: a call, a comparison, an access to an attribute. */
const NODE_COST = 500;
/** Code points are counted one by one. */
const SIZE_COST_PER_CHARACTER = 50;
/** `resource.type` is one of this service's own. */
const MAX_TYPE_CHARACTERS = 64;
/** A number or a boolean as a string. */
const MAX_SCALAR_CHARACTERS = 32;

/** The highest cost of evaluating a tree, for a resource's name with this many characters. */
export function conditionCost(root: Node, nameCharacters: number): number {
  return measured(root, nameCharacters).cost;
}

interface Measured {
  cost: number;
  /** The most characters of the value: of a string, or of a list's strings together. */
  characters: number;
}

function measured(node: Node, nameCharacters: number): Measured {
  const parts = childrenOf(node).map((child) => measured(child, nameCharacters));
  const sum = parts.reduce((total, { characters }) => total + characters, 0);
  const cost = parts.reduce((total, part) => total + part.cost, NODE_COST);
  const [first = NONE, second = NONE] = parts;
  switch (node.kind) {
    case "literal":
      return { cost, characters: lengthOf(node.value) };
    case "field":
      return { cost, characters: node.name === "name" ? nameCharacters : MAX_TYPE_CHARACTERS };
    case "conditional":
      return { cost, characters: Math.max(...parts.map(({ characters }) => characters)) };
    case "call":
      return call(node, { cost, sum, first, second });
    case "binary":
      if (node.operator !== "in") return { cost: cost + sum, characters: sum };
      // The left side is compared with each element.
      return { cost: cost + sum + first.characters * elementsOf(node.right), characters: 0 };
    case "variable":
    case "list":
    case "unary":
      return { cost: cost + sum, characters: sum };
  }
}

const NONE: Measured = { cost: 0, characters: 0 };

function call(
  { name }: CallNode,
  { cost, sum, first, second }: { cost: number; sum: number; first: Measured; second: Measured },
): Measured {
  switch (name) {
    case "size":
      return { cost: cost + SIZE_COST_PER_CHARACTER * sum, characters: 0 };
    case "contains":
    case "extract":
      // The search of one text in another takes a third of a nanosecond for each pair of characters, at its worst.
      return { cost: cost + sum + (first.characters * second.characters) / 3, characters: first.characters };
    case "startsWith":
    case "endsWith":
      return { cost: cost + sum, characters: 0 };
    case "string":
      return { cost: cost + sum, characters: Math.max(sum, MAX_SCALAR_CHARACTERS) };
    default:
      // Times, durations and numbers of constants, and the parts of times; a part with an argument is in a time zone.
      return { cost: cost + sum + (second === NONE ? 0 : TIME_ZONE_COST), characters: 0 };
  }
}

function lengthOf(value: Value): number {
  if (typeof value === "string") return value.length;
  return value instanceof Uint8Array ? value.length : 0;
}

function elementsOf(node: Node): number {
  return node.kind === "list" ? node.elements.length : 1;
}
