// double and float in their JSON mapping: numbers, numbers as text, and "NaN", "Infinity", "-Infinity".
import type { Direction } from "./reading";
import type { ScalarName, ScalarType } from "./declaration";

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const nonFinite: ReadonlyMap<unknown, number> = new Map([
  ["NaN", NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
]);
/** Half a unit in the last place above the largest float. From here on a number would round to infinity. */
const FLOAT_OVERFLOW = 2 ** 128 - 2 ** 103;

function finiteFrom(input: unknown): number | undefined {
  const number = typeof input === "string" && NUMBER.test(input) ? Number(input) : input;
  // JSON.parse, too, makes an overflowing number infinite.
  if (typeof number !== "number" || !Number.isFinite(number)) return undefined;
  // "-0 is considered equal to 0" (proto3 JSON mapping).
  return number === 0 ? 0 : number;
}

/** The non-finite number that the input means. In JSON it is text; a number is one that JSON.parse found too large. */
function nonFiniteFrom(input: unknown, direction: Direction): number | undefined {
  return nonFinite.get(direction === "encode" && typeof input === "number" ? String(input) : input);
}

function floatType(name: ScalarName, overflow: number): ScalarType<number> {
  return {
    kind: "scalar",
    name,
    read(input, reading) {
      const named = nonFiniteFrom(input, reading.direction);
      // The one value that differs in JSON: it is written as text.
      if (named !== undefined) return reading.direction === "encode" ? (String(named) as unknown as number) : named;
      const number = finiteFrom(input);
      if (number !== undefined && Math.abs(number) < overflow) return number;
      return reading.report(`must be a number in the range of ${name}, or "NaN", "Infinity" or "-Infinity"`);
    },
    fromText: (text) => finiteFrom(text) ?? text,
  };
}

export const doubleType = floatType("double", Infinity);
export const float32Type = floatType("float", FLOAT_OVERFLOW);
