// edge-operations/conditions: policies whose bindings hold under a condition (docs/access.md).
import { compileCondition } from "./iam/cel/compile-condition";
import { language } from "./iam/condition";

/** The setting of {@link operations} for conditions. */
export interface ConditionServing {
  readonly language: "CEL";
}

/**
 * Conditions of IAM policies in CEL (google.type.Expr).
 *
 * @example
 * export default operations({ methods, conditions: conditions() });
 */
export function conditions(): ConditionServing {
  language.compile = compileCondition;
  return { language: "CEL" };
}
