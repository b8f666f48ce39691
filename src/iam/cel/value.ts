// The values and the types of CEL that conditions use.
// https://github.com/google/cel-spec/blob/master/doc/langdef.md#values
import { CelError } from "./cel-error";

/** Timestamps (since 1970) and durations are nanoseconds. A value's static type distinguishes them from integers. */
export type Value =
  | boolean
  | bigint
  | number
  | string
  | null
  | Uint8Array
  | readonly Value[]
  | { readonly [field: string]: Value };

export const TIMESTAMP = "google.protobuf.Timestamp";
export const DURATION = "google.protobuf.Duration";

/** `int`, `list<string>`; the element of an empty list is `?`, which is any type. */
export type CelType =
  | "bool"
  | "int"
  | "uint"
  | "double"
  | "string"
  | "bytes"
  | "null"
  | "?"
  | "request"
  | "resource"
  | typeof TIMESTAMP
  | typeof DURATION
  | `list<${string}>`;

export function listOf(element: CelType): CelType {
  return `list<${element}>`;
}

export function elementOf(type: CelType): CelType | undefined {
  return type.startsWith("list<") ? (type.slice("list<".length, -1) as CelType) : undefined;
}

/** The common type of both, or undefined. `list<?>` and `list<int>` give `list<int>`. */
export function unified(left: CelType, right: CelType): CelType | undefined {
  if (left === right || right === "?") return left;
  if (left === "?") return right;
  const [leftElement, rightElement] = [elementOf(left), elementOf(right)];
  if (leftElement === undefined || rightElement === undefined) return undefined;
  const element = unified(leftElement, rightElement);
  return element && listOf(element);
}

export function equals(left: Value, right: Value): boolean {
  if (left instanceof Uint8Array && right instanceof Uint8Array) {
    return left.length === right.length && left.every((byte, index) => byte === right[index]);
  }
  if (isList(left) && isList(right)) {
    return left.length === right.length && left.every((element, index) => equals(element, right[index] ?? null));
  }
  return left === right;
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export const MAX_INT = 2n ** 63n - 1n;
const MAX_UINT = 2n ** 64n - 1n;

/** "If the result of an arithmetic operation is out of range, the operation fails." */
export function int(value: bigint): bigint {
  if (value < -MAX_INT - 1n || value > MAX_INT) throw new CelError("overflows a 64-bit integer");
  return value;
}

export function uint(value: bigint): bigint {
  if (value < 0n || value > MAX_UINT) throw new CelError("overflows an unsigned 64-bit integer");
  return value;
}

export interface Overload {
  returns: CelType;
  /** The checker ensures that the operands have the types of the overload. May throw a CelError. */
  apply: (...operands: never[]) => Value;
}

export type Overloads = ReadonlyMap<string, Overload>;
