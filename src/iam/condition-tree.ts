// Walking the syntax tree of a CEL expression (@marcbachmann/cel-js).
import type { ASTNode } from "@marcbachmann/cel-js";

/** The nodes of a tree, itself first. */
export function nodesOf(root: ASTNode): ASTNode[] {
  const nodes = [root];
  // It grows while it is walked: a node's children are visited after it.
  for (const node of nodes) nodes.push(...childrenOf(node));
  return nodes;
}

export function childrenOf(node: ASTNode): ASTNode[] {
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
