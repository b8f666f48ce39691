// Conditions in CEL (google.type.Expr) over `request.time`, `resource.name` and `resource.type`.
// https://cloud.google.com/iam/docs/conditions-overview
import { Environment, type ParseResult } from "@marcbachmann/cel-js";
import { refusedConstruct } from "./condition-check";
import { conditionCost } from "./condition-cost";
import { extract } from "./condition-extract";
import {
  COMPILE_COST_PER_CHARACTER,
  MAX_CALL_CONDITION_COST,
  MAX_COMPILED_EXPRESSIONS,
  MAX_EXPRESSION_CHARACTERS,
  MAX_EXPRESSION_DEPTH,
  MAX_EXPRESSION_NODES,
} from "./iam-limits";

/** What a condition sees. */
export interface ConditionAttributes {
  /** `request.time`, in milliseconds since 1970. */
  time: number;
  resource: { name: string; type: string };
}

const environment = new Environment({
  unlistedVariablesAreDyn: false,
  limits: {
    maxAstNodes: MAX_EXPRESSION_NODES,
    maxDepth: MAX_EXPRESSION_DEPTH,
    maxListElements: MAX_EXPRESSION_NODES,
    maxMapEntries: 0,
    maxCallArguments: 4,
  },
})
  .registerVariable("request", { schema: { time: "google.protobuf.Timestamp" } })
  .registerVariable("resource", { schema: { name: "string", type: "string" } })
  .registerFunction("string.extract(string): string", extract);

type Compiled = { ok: true; evaluate: ParseResult } | { ok: false; problem: string };

/** A memory, no state: the same expression always compiles to the same. */
const compiledByExpression = new Map<string, Compiled>();

/** What is wrong with an expression, or undefined. */
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
    // Counted whether or not this isolate remembers the expression: every isolate gives the same answer.
    this.#costLeft -= COMPILE_COST_PER_CHARACTER * expression.length;
    if (this.#costLeft < 0) return false;
    const compiled = compiledOf(expression);
    if (!compiled.ok) return false;
    const { time, resource } = this.#attributes;
    this.#costLeft -= conditionCost(compiled.evaluate.ast, resource.name.length);
    if (this.#costLeft < 0) return false;
    try {
      return compiled.evaluate({ request: { time: new Date(time) }, resource }) === true;
    } catch {
      // A conversion that failed, an overflow: a condition without a value grants nothing.
      return false;
    }
  }
}

function compiledOf(expression: string): Compiled {
  const known = compiledByExpression.get(expression);
  if (known) return known;
  const compiled = compile(expression);
  const oldest = compiledByExpression.keys().next();
  if (compiledByExpression.size >= MAX_COMPILED_EXPRESSIONS && !oldest.done) compiledByExpression.delete(oldest.value);
  // Long texts are refused without being compiled, and are no one's to keep.
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
    const evaluate = environment.parse(expression);
    const construct = refusedConstruct(evaluate.ast, (part) => environment.evaluate(part));
    if (construct !== undefined) return { ok: false, problem: construct };
    const { valid, type, error } = evaluate.check();
    if (!valid) return { ok: false, problem: celProblem(error) };
    return type === "bool" ? { ok: true, evaluate } : { ok: false, problem: `must give a bool, not ${type ?? "dyn"}` };
  } catch (error) {
    return { ok: false, problem: celProblem(error) };
  }
}

/** `No such key: service (at offset 9)` */
function celProblem(error: unknown): string {
  const { summary, range } = error as { summary?: string; range?: { start: number } };
  return `is not valid CEL: ${summary ?? "it cannot be read"}${range === undefined ? "" : ` (at offset ${range.start})`}`;
}
