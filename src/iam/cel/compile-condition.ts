// Compiles a condition: parsed, checked, and bounded in its cost.
import type { Compiled } from "../condition";
import { conditionCost, refusedConstruct } from "../condition-check";
import { MAX_EXPRESSION_CHARACTERS } from "../iam-limits";
import { CelError } from "./cel-error";
import { checkExpression } from "./checker";
import { parseExpression } from "./parser";
import { timestampFromMs } from "./time";

export function compileCondition(expression: string): Compiled {
  if (expression.trim() === "")
    return { ok: false, problem: 'is required, like request.time < timestamp("2030-01-01T00:00:00Z")' };
  if (expression.length > MAX_EXPRESSION_CHARACTERS) {
    return { ok: false, problem: `has at most ${MAX_EXPRESSION_CHARACTERS} characters` };
  }
  try {
    const root = parseExpression(expression);
    const construct = refusedConstruct(expression, root);
    if (construct !== undefined) return { ok: false, problem: construct };
    const { type, evaluate } = checkExpression(root);
    if (type !== "bool") return { ok: false, problem: `must give a bool, not ${type}` };
    return {
      ok: true,
      cost: (nameCharacters) => conditionCost(root, nameCharacters),
      holds: ({ time, resource }) => holds(() => evaluate({ request: { time: timestampFromMs(time) }, resource })),
    };
  } catch (error) {
    if (error instanceof CelError) return { ok: false, problem: error.message };
    throw error;
  }
}

/** A failed conversion or an overflow: a condition without a value grants nothing. */
function holds(evaluate: () => unknown): boolean {
  try {
    return evaluate() === true;
  } catch (error) {
    if (error instanceof CelError) return false;
    throw error;
  }
}
