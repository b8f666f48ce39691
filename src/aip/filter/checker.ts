// From the syntax tree to the checked tree: fields resolved, literals typed (AIP-160, "Validation").
import type { Arg, Expression, Member, Restriction } from "./ast";
import type { CheckedExpression, CheckedTerm } from "./checked";
import { type ResolvedField, resolveField } from "./field-resolver";
import { type Outcome, accept, quoteFound, refuse } from "./filter-error";
import type { Comparator } from "./lexer";
import { type Literal, literalFromSegments } from "./literal";
import { fieldAlone, misplacedOperator, suspiciousText } from "./near-miss";
import { checkTerm } from "./term-checker";
import { containsPattern } from "./wildcard";

export function check(expression: Expression, filter: string): Outcome<CheckedExpression> {
  const misplaced = misplacedOperator(expression, filter);
  if (misplaced) return refuse(misplaced);
  return mapExpression(expression, (restriction) => {
    const { comparable, comparison } = restriction;
    if (comparable.kind === "call") return refuseCall(comparable);
    if (comparison === undefined) return checkLiteral(comparable);
    const field = resolveField(comparable);
    if (!field.ok) return field;
    return checkArg(field.value, comparison);
  });
}

interface Comparison {
  comparator: Comparator;
  start: number;
  arg: Arg;
}

/** A comparison with one value, or, where the argument is composite, with each value in it. */
function checkArg(field: ResolvedField, { comparator, start, arg }: Comparison): Outcome<CheckedExpression> {
  if (arg.kind === "call") return refuseCall(arg);
  if (arg.kind === "member") return checkTerm(field, { comparator, start }, literalFromSegments(arg.segments));
  return mapExpression(
    arg.expression,
    (restriction) => {
      const { comparable, comparison } = restriction;
      if (comparable.kind === "call") return refuseCall(comparable);
      // "The right-hand side only accepts literals and logical operators."
      if (comparison !== undefined) {
        const found = quoteFound(comparison.comparator);
        return refuse({ index: comparison.start, expected: "values alone in an argument", found });
      }
      return checkTerm(field, { comparator, start }, literalFromSegments(comparable.segments));
    },
    // "Unary expressions negate the simple expression, either mathematically `-` or logically `NOT`."
    (operand) => {
      const literal = negativeNumber(operand);
      return literal && checkTerm(field, { comparator, start }, literal);
    },
  );
}

function negativeNumber(operand: Expression): Literal | undefined {
  if (operand.kind !== "restriction" || operand.comparison || operand.comparable.kind !== "member") return undefined;
  const literal = literalFromSegments(operand.comparable.segments, true);
  return literal.number || literal.duration ? literal : undefined;
}

function checkLiteral(member: Member): Outcome<CheckedTerm> {
  const literal = literalFromSegments(member.segments);
  const problem = fieldAlone(member) ?? suspiciousText(literal);
  if (problem) return refuse(problem);
  return accept({ kind: "literal", contained: containsPattern(literal.pattern) });
}

const NO_FUNCTIONS: Readonly<Record<string, string>> = {
  "-": "a number with its sign, as in -42 or (-42)",
  in: '"=" and the values joined by OR, as in a = (x OR y)',
  and: '"AND" in upper case, and whitespace after it',
  or: '"OR" in upper case, and whitespace after it',
  not: '"NOT" in upper case, and whitespace after it',
};

function refuseCall({ name, start }: { name: string; start: number }): Outcome<never> {
  const key = name.toLowerCase();
  return refuse({
    index: start,
    expected: (Object.hasOwn(NO_FUNCTIONS, key) ? NO_FUNCTIONS[key] : undefined) ?? "a field or a value",
    found: `the function ${quoteFound(name)}: none is served`,
  });
}

/** The tree with its restrictions checked; `checkMinus` may take a `-` and its operand for a value. */
function mapExpression(
  expression: Expression,
  checkRestriction: (restriction: Restriction) => Outcome<CheckedExpression>,
  checkMinus: (operand: Expression) => Outcome<CheckedExpression> | undefined = () => undefined,
): Outcome<CheckedExpression> {
  switch (expression.kind) {
    case "restriction":
      return checkRestriction(expression);
    case "not": {
      const value = expression.minus ? checkMinus(expression.operand) : undefined;
      if (value) return value;
      const operand = mapExpression(expression.operand, checkRestriction, checkMinus);
      return operand.ok ? accept({ kind: "not", operand: operand.value }) : operand;
    }
    case "and":
    case "or": {
      const { kind } = expression;
      const operands: CheckedExpression[] = [];
      for (const part of expression.operands) {
        const operand = mapExpression(part, checkRestriction, checkMinus);
        if (!operand.ok) return operand;
        // `a b AND c` is one conjunction of three.
        if (operand.value.kind === kind) operands.push(...operand.value.operands);
        else operands.push(operand.value);
      }
      return accept({ kind, operands });
    }
  }
}
