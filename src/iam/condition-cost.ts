// The highest cost of evaluating a condition, known from its syntax tree. A condition has no loops, so the tree and the
// length of the resource's name bound it. The unit is about a nanosecond.
import { type CallNode, type Node, childrenOf } from "./cel/syntax-tree";
import type { Value } from "./cel/value";
import { TIME_ZONE_COST } from "./iam-limits";

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
