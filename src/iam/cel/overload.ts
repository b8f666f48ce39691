// Overloads: an operator or a function on operands of certain types.
import type { CelType, Value } from "./value";

export interface Overload {
  returns: CelType;
  /** Its operands are of the types of the overload: the checker sees to it. May throw a CelError. */
  apply: (...operands: never[]) => Value;
}

export type Overloads = ReadonlyMap<string, Overload>;
