// Overloads: an operator or a function on operands of certain types.
import type { CelType, Value } from "./value";

export interface Overload {
  returns: CelType;
  /** The checker ensures that the operands have the types of the overload. May throw a CelError. */
  apply: (...operands: never[]) => Value;
}

export type Overloads = ReadonlyMap<string, Overload>;
