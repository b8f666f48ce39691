// Conditions in CEL (google.type.Expr) over `request.time`, `resource.name` and `resource.type`.
// https://cloud.google.com/iam/docs/conditions-overview
import { BoundedCache } from "../bounded-cache";
import { CelError } from "./cel/cel-error";
import { type Checked, checkExpression } from "./cel/checker";
import { parseExpression } from "./cel/parser";
import type { Node } from "./cel/syntax-tree";
import { timestampFromMs } from "./cel/time";
import { refusedConstruct, conditionCost } from "./condition-check";
import {
  COMPILE_COST_PER_CHARACTER,
  MAX_CALL_CONDITION_COST,
  MAX_COMPILED_EXPRESSIONS,
  MAX_EXPRESSION_CHARACTERS,
} from "./iam-limits";

export interface ConditionAttributes {
  /** `request.time`, in milliseconds since 1970. */
  time: number;
  resource: { name: string; type: string };
}

type Compiled = { ok: true; root: Node; evaluate: Checked["evaluate"] } | { ok: false; problem: string };

/** Not a deployment's: an expression always compiles to the same. */
const compiledByExpression = new BoundedCache<Compiled>({ maxEntries: MAX_COMPILED_EXPRESSIONS });

export function conditionProblem(expression: string): string | undefined {
  const compiled = compiledOf(expression);
  return compiled.ok ? undefined : compiled.problem;
}

/**
 * The conditions of one call: each is evaluated at most once, and all of them within {@link MAX_CALL_CONDITION_COST}. A
 * condition beyond that does not hold.
 */
export class Conditions {
  readonly #attributes: ConditionAttributes;
  readonly #results = new Map<string, boolean>();
  #costLeft = MAX_CALL_CONDITION_COST;

  constructor(attributes: ConditionAttributes) {
    this.#attributes = attributes;
  }

  hold(expression: string): boolean {
    const known = this.#results.get(expression);
    if (known !== undefined) return known;
    const result = this.#hold(expression);
    this.#results.set(expression, result);
    return result;
  }

  /** An error in the evaluation means that the condition does not hold. */
  #hold(expression: string): boolean {
    // The cost counts whether or not this isolate remembers the expression, so every isolate gives the same answer.
    this.#costLeft -= COMPILE_COST_PER_CHARACTER * expression.length;
    if (this.#costLeft < 0) return false;
    const compiled = compiledOf(expression);
    if (!compiled.ok) return false;
    const { time, resource } = this.#attributes;
    this.#costLeft -= conditionCost(compiled.root, resource.name.length);
    if (this.#costLeft < 0) return false;
    try {
      return compiled.evaluate({ request: { time: timestampFromMs(time) }, resource }) === true;
    } catch (error) {
      // A failed conversion or an overflow: a condition without a value grants nothing.
      if (error instanceof CelError) return false;
      throw error;
    }
  }
}

function compiledOf(expression: string): Compiled {
  const known = compiledByExpression.get(expression);
  if (known) return known;
  const compiled = compile(expression);
  // A long text is rejected without being compiled, and is not cached.
  if (expression.length <= MAX_EXPRESSION_CHARACTERS) compiledByExpression.set(expression, compiled);
  return compiled;
}

function compile(expression: string): Compiled {
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
    return type === "bool" ? { ok: true, root, evaluate } : { ok: false, problem: `must give a bool, not ${type}` };
  } catch (error) {
    if (error instanceof CelError) return { ok: false, problem: error.message };
    throw error;
  }
}
