// The types of an expression, and its evaluation. Types are known before an expression is evaluated, as in CEL without
// `dyn`: each operator and each call has one overload.
// https://github.com/google/cel-spec/blob/master/doc/langdef.md#gradual-type-checking
import { CelError, invalid } from "./cel-error";
import { FUNCTIONS } from "./functions";
import { findOperator } from "./operators";
import { type Overload, type CelType, TIMESTAMP, type Value, elementOf, int, listOf, unified } from "./value";
import type { CallNode, LogicalOperator, Node } from "./syntax-tree";

export interface Variables {
  request: { time: bigint };
  resource: { name: string; type: string };
}

export interface Checked {
  type: CelType;
  evaluate: (variables: Variables) => Value;
}

const FIELDS: ReadonlyMap<CelType, ReadonlyMap<string, CelType>> = new Map<CelType, ReadonlyMap<string, CelType>>([
  ["request", new Map<string, CelType>([["time", TIMESTAMP]])],
  [
    "resource",
    new Map<string, CelType>([
      ["name", "string"],
      ["type", "string"],
    ]),
  ],
]);

export function checkExpression(node: Node): Checked {
  switch (node.kind) {
    case "literal": {
      const { type, value } = node;
      return { type, evaluate: () => value };
    }
    case "variable":
      return variable(node);
    case "field":
      return field(node);
    case "call":
      return call(node);
    case "list":
      return list(node);
    case "unary":
      return unary(node);
    case "binary":
      return node.operator === "&&" || node.operator === "||" ? logical(node, node.operator) : binary(node);
    case "conditional":
      return conditional(node);
  }
}

type NodeOf<Kind extends Node["kind"]> = Extract<Node, { kind: Kind }>;

function variable({ name, start }: NodeOf<"variable">): Checked {
  if (name !== "request" && name !== "resource") throw invalid(`Unknown variable: ${name.slice(0, 40)}`, start);
  return { type: name, evaluate: (variables) => variables[name] };
}

function field({ operand: operandNode, name, nameStart }: NodeOf<"field">): Checked {
  const operand = checkExpression(operandNode);
  const fields = FIELDS.get(operand.type);
  if (!fields) throw invalid(`A ${operand.type} has no field ${name.slice(0, 40)}`, nameStart);
  const type = fields.get(name);
  if (type === undefined) throw invalid(`No such key: ${name.slice(0, 40)}`, nameStart);
  return {
    type,
    evaluate: (variables) => (operand.evaluate(variables) as Readonly<Record<string, Value>>)[name] ?? null,
  };
}

function call({ name, receiver: receiverNode, args: argNodes, start }: CallNode): Checked {
  const receiver = receiverNode && checkExpression(receiverNode);
  const args = argNodes.map(checkExpression);
  const signature = (types: (type: CelType) => string): string =>
    `${receiver ? `${types(receiver.type)}.` : ""}${name}(${args.map(({ type }) => types(type)).join(", ")})`;
  const overload = FUNCTIONS.get(signature((type) => (elementOf(type) === undefined ? type : "list")));
  if (!overload) throw invalid(`found no matching overload for '${signature((type) => type)}'`, start);
  return applied(overload, receiver ? [receiver, ...args] : args);
}

function applied({ returns, apply }: Overload, operands: readonly Checked[]): Checked {
  return {
    type: returns,
    evaluate: (variables) => apply(...(operands.map(({ evaluate }) => evaluate(variables)) as never[])),
  };
}

function list({ elements: nodes }: NodeOf<"list">): Checked {
  let element: CelType = "?";
  const elements = nodes.map((node) => {
    const checked = checkExpression(node);
    const common = unified(element, checked.type);
    if (common === undefined) {
      const problem = `List elements must have the same type, expected type '${element}' but found '${checked.type}'`;
      throw invalid(problem, node.start);
    }
    element = common;
    return checked;
  });
  return { type: listOf(element), evaluate: (variables) => elements.map(({ evaluate }) => evaluate(variables)) };
}

function unary({ operator, operand: operandNode, start }: NodeOf<"unary">): Checked {
  const { type, evaluate } = checkExpression(operandNode);
  if (operator === "!" && type === "bool") return { type, evaluate: (variables) => !evaluate(variables) };
  if (operator === "-" && type === "double") return { type, evaluate: (variables) => -(evaluate(variables) as number) };
  if (operator === "-" && type === "int") {
    return { type, evaluate: (variables) => int(-(evaluate(variables) as bigint)) };
  }
  throw invalid(`no such overload: ${operator}${type}`, start);
}

function binary({ operator, left: leftNode, right: rightNode, start }: NodeOf<"binary">): Checked {
  const left = checkExpression(leftNode);
  const right = checkExpression(rightNode);
  const overload = operator === "&&" || operator === "||" ? undefined : findOperator(operator, left.type, right.type);
  if (!overload) throw invalid(`no such overload: ${left.type} ${operator} ${right.type}`, start);
  return applied(overload, [left, right]);
}

/** "If one operand determines the result, the result is that, even where the other operand is an error." */
function logical({ left: leftNode, right: rightNode, start }: NodeOf<"binary">, operator: LogicalOperator): Checked {
  const left = checkExpression(leftNode);
  const right = checkExpression(rightNode);
  for (const { type } of [left, right]) {
    if (type !== "bool") throw invalid(`Logical operator requires bool operands, got '${type}'`, start);
  }
  const determining = operator === "||";
  return {
    type: "bool",
    evaluate: (variables) => {
      const first = outcomeOf(left, variables);
      if (first === determining || right.evaluate(variables) === determining) return determining;
      if (first instanceof CelError) throw first;
      return !determining;
    },
  };
}

function outcomeOf({ evaluate }: Checked, variables: Variables): Value | CelError {
  try {
    return evaluate(variables);
  } catch (error) {
    if (error instanceof CelError) return error;
    throw error;
  }
}

function conditional({ condition: conditionNode, yes: yesNode, no: noNode, start }: NodeOf<"conditional">) {
  const condition = checkExpression(conditionNode);
  if (condition.type !== "bool") {
    throw invalid(`Ternary condition must be bool, got '${condition.type}'`, conditionNode.start);
  }
  const yes = checkExpression(yesNode);
  const no = checkExpression(noNode);
  const type = unified(yes.type, no.type);
  if (type === undefined) {
    throw invalid(`Ternary branches must have the same type, got '${yes.type}' and '${no.type}'`, start);
  }
  const evaluate = (variables: Variables): Value =>
    (condition.evaluate(variables) === true ? yes : no).evaluate(variables);
  return { type, evaluate };
}
