// The operators of CEL on two operands, without `&&` and `||`, which need not evaluate both.
// https://github.com/google/cel-spec/blob/master/doc/langdef.md#list-of-standard-definitions
import { CelError } from "./cel-error";
import { durationInRange, timestampInRange } from "./time";
import {
  type Overload,
  type Overloads,
  type CelType,
  DURATION,
  TIMESTAMP,
  type Value,
  elementOf,
  equals,
  int,
  uint,
  unified,
} from "./value";
import type { BinaryOperator, LogicalOperator } from "./syntax-tree";

const NUMBERS: readonly CelType[] = ["int", "uint", "double"];
const ORDERED: readonly (readonly [CelType, CelType])[] = [
  ...NUMBERS.flatMap((left) => NUMBERS.map((right) => [left, right] as const)),
  ...(["bool", "string", TIMESTAMP, DURATION] as const).map((type) => [type, type] as const),
];

/** By operator and types, like `int + int`. JavaScript orders booleans, strings and numbers of two types as CEL does. */
const OVERLOADS: Overloads = new Map([
  ...ORDERED.flatMap(([left, right]) => [
    define(`${left} < ${right}`, "bool", (a: bigint, b: bigint) => a < b),
    define(`${left} <= ${right}`, "bool", (a: bigint, b: bigint) => a <= b),
    define(`${left} > ${right}`, "bool", (a: bigint, b: bigint) => a > b),
    define(`${left} >= ${right}`, "bool", (a: bigint, b: bigint) => a >= b),
  ]),
  ...[["int", int] as const, ["uint", uint] as const].flatMap(([type, inRange]) => [
    define(`${type} + ${type}`, type, (a: bigint, b: bigint) => inRange(a + b)),
    define(`${type} - ${type}`, type, (a: bigint, b: bigint) => inRange(a - b)),
    define(`${type} * ${type}`, type, (a: bigint, b: bigint) => inRange(a * b)),
    define(`${type} / ${type}`, type, (a: bigint, b: bigint) => inRange(a / divisor(b))),
    define(`${type} % ${type}`, type, (a: bigint, b: bigint) => inRange(a % divisor(b))),
  ]),
  define("double + double", "double", (a: number, b: number) => a + b),
  define("double - double", "double", (a: number, b: number) => a - b),
  define("double * double", "double", (a: number, b: number) => a * b),
  define("double / double", "double", (a: number, b: number) => a / b),
  define("string + string", "string", (a: string, b: string) => a + b),
  define("bytes + bytes", "bytes", (a: Uint8Array, b: Uint8Array) => Uint8Array.from([...a, ...b])),
  define(`${TIMESTAMP} + ${DURATION}`, TIMESTAMP, (time: bigint, span: bigint) => timestampInRange(time + span)),
  define(`${DURATION} + ${TIMESTAMP}`, TIMESTAMP, (span: bigint, time: bigint) => timestampInRange(time + span)),
  define(`${TIMESTAMP} - ${DURATION}`, TIMESTAMP, (time: bigint, span: bigint) => timestampInRange(time - span)),
  define(`${TIMESTAMP} - ${TIMESTAMP}`, DURATION, (a: bigint, b: bigint) => durationInRange(a - b)),
  define(`${DURATION} + ${DURATION}`, DURATION, (a: bigint, b: bigint) => durationInRange(a + b)),
  define(`${DURATION} - ${DURATION}`, DURATION, (a: bigint, b: bigint) => durationInRange(a - b)),
]);

export function findOperator(
  operator: Exclude<BinaryOperator, LogicalOperator>,
  left: CelType,
  right: CelType,
): Overload | undefined {
  if (operator === "==" || operator === "!=") {
    if (!isComparable(left) || unified(left, right) === undefined) return undefined;
    return { returns: "bool", apply: (a: Value, b: Value) => equals(a, b) === (operator === "==") };
  }
  if (operator === "in") {
    const element = elementOf(right);
    if (element === undefined || unified(left, element) === undefined) return undefined;
    return { returns: "bool", apply: (a: Value, list: readonly Value[]) => list.some((each) => equals(a, each)) };
  }
  const list = operator === "+" && elementOf(left) !== undefined ? unified(left, right) : undefined;
  if (list !== undefined) {
    return { returns: list, apply: (a: readonly Value[], b: readonly Value[]) => [...a, ...b] };
  }
  return OVERLOADS.get(`${left} ${operator} ${right}`);
}

function isComparable(type: CelType): boolean {
  return type !== "request" && type !== "resource";
}

function divisor(value: bigint): bigint {
  if (value === 0n) throw new CelError("divides by zero");
  return value;
}

function define(signature: string, returns: CelType, apply: Overload["apply"]): [string, Overload] {
  return [signature, { returns, apply }];
}
