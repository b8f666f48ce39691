// The syntax tree of an expression.
import type { CelType, Value } from "./value";

export type LogicalOperator = "&&" | "||";
export type BinaryOperator =
  | LogicalOperator
  | "=="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "in"
  | "+"
  | "-"
  | "*"
  | "/"
  | "%";

/** A node; `start` and `end` are indexes into the expression. */
export type Node = { start: number; end: number } & (
  | { kind: "literal"; type: CelType; value: Value }
  | { kind: "variable"; name: string }
  | { kind: "field"; operand: Node; name: string; nameStart: number }
  | { kind: "call"; name: string; receiver: Node | undefined; args: Node[] }
  | { kind: "list"; elements: Node[] }
  | { kind: "unary"; operator: "!" | "-"; operand: Node }
  | { kind: "binary"; operator: BinaryOperator; left: Node; right: Node }
  | { kind: "conditional"; condition: Node; yes: Node; no: Node }
);

export type CallNode = Extract<Node, { kind: "call" }>;

export function nodesOf(root: Node): Node[] {
  const nodes = [root];
  // The list grows during the walk: a node's children follow it.
  for (const node of nodes) nodes.push(...childrenOf(node));
  return nodes;
}

export function childrenOf(node: Node): Node[] {
  switch (node.kind) {
    case "literal":
    case "variable":
      return [];
    case "field":
    case "unary":
      return [node.operand];
    case "call":
      return node.receiver ? [node.receiver, ...node.args] : node.args;
    case "list":
      return node.elements;
    case "binary":
      return [node.left, node.right];
    case "conditional":
      return [node.condition, node.yes, node.no];
  }
}
