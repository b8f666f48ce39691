// Conditions in CEL (google.type.Expr) over `request.time`, `resource.name` and `resource.type`.
// https://cloud.google.com/iam/docs/conditions-overview
import { BoundedCache } from "../bounded-cache";
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

/** `cost`: of an evaluation, for a name with so many characters. */
export type Compiled =
  | { ok: true; cost: (nameCharacters: number) => number; holds: (attributes: ConditionAttributes) => boolean }
  | { ok: false; problem: string };

/** The language of conditions. Without one, a condition is refused where it is set, and holds nowhere. */
export const language: { compile?: (expression: string) => Compiled } = {};

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
    this.#costLeft -= compiled.cost(this.#attributes.resource.name.length);
    return this.#costLeft >= 0 && compiled.holds(this.#attributes);
  }
}

function compiledOf(expression: string): Compiled {
  const known = compiledByExpression.get(expression);
  if (known) return known;
  const compiled = compile(expression);
  if (!language.compile) return compiled;
  // A long text is rejected without being compiled, and is not cached.
  if (expression.length <= MAX_EXPRESSION_CHARACTERS) compiledByExpression.set(expression, compiled);
  return compiled;
}

function compile(expression: string): Compiled {
  if (language.compile) return language.compile(expression);
  return { ok: false, problem: 'needs operations({ conditions: conditions() }) of "edge-operations/conditions"' };
}
