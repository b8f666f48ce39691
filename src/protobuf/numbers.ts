// The numeric types in their JSON mapping. 64-bit integers are decimal strings; text is read as a number everywhere.
import { MAX_QUOTED_CHARACTERS } from "../limits";
import type { ScalarName, ScalarType } from "./declaration";
import type { Direction } from "./reading";

// number = [ "-" ] ( "0" | digit1-9 *DIGIT ) [ "." 1*DIGIT ] [ "e" [ "-" / "+" ] 1*DIGIT ]       (RFC 8259 §6)
const NUMBER = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** The exact integer of a number in JSON's notation: `"1.50e1"` → 15n; undefined if it is not an integer. */
export function integerFromText(text: string): bigint | undefined {
  // No 64-bit integer has that many digits, and a longer text would only cost time.
  if (text.length > MAX_QUOTED_CHARACTERS) return undefined;
  const match = NUMBER.exec(text);
  if (!match) return undefined;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = match;
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  if (digits === "") return 0n;
  // The value is digits × 10^shift.
  const shift = Number(exponent) - fraction.length;
  if (shift > MAX_QUOTED_CHARACTERS) return undefined;
  if (shift >= 0) return BigInt(`${sign}${digits}${"0".repeat(shift)}`);
  const kept = digits.slice(0, shift);
  if (kept === "" || !/^0*$/.test(digits.slice(shift))) return undefined;
  return BigInt(`${sign}${kept}`);
}

function integerFrom(input: unknown): bigint | undefined {
  if (typeof input === "string") return integerFromText(input);
  return typeof input === "number" && Number.isInteger(input) ? BigInt(input) : undefined;
}

function type32(name: ScalarName, min: number, max: number): ScalarType<number> {
  return {
    kind: "scalar",
    name,
    read(input, reading) {
      const integer = integerFrom(input);
      if (integer === undefined || integer < min || integer > max) {
        return reading.report(`must be an integer from ${min} to ${max}`);
      }
      return Number(integer);
    },
    fromText: (text) => {
      const integer = integerFromText(text);
      return integer === undefined || integer < min || integer > max ? text : Number(integer);
    },
  };
}

function type64(name: ScalarName, min: bigint, max: bigint): ScalarType<string> {
  return {
    kind: "scalar",
    name,
    read(input, reading) {
      if (typeof input === "number" && Number.isInteger(input) && !Number.isSafeInteger(input)) {
        // JSON.parse rounds, so the integer that the client wrote is unknown.
        return reading.report("must be written as a string: from 2^53 on, a JSON number is not exact");
      }
      const integer = integerFrom(input);
      if (integer === undefined || integer < min || integer > max) {
        return reading.report(`must be an integer from ${min} to ${max}, as a string or a number`);
      }
      return String(integer);
    },
    fromText: (text) => text,
  };
}

export const integerTypes = {
  int32: type32("int32", -(2 ** 31), 2 ** 31 - 1),
  sint32: type32("sint32", -(2 ** 31), 2 ** 31 - 1),
  sfixed32: type32("sfixed32", -(2 ** 31), 2 ** 31 - 1),
  uint32: type32("uint32", 0, 2 ** 32 - 1),
  fixed32: type32("fixed32", 0, 2 ** 32 - 1),
  int64: type64("int64", -(2n ** 63n), 2n ** 63n - 1n),
  sint64: type64("sint64", -(2n ** 63n), 2n ** 63n - 1n),
  sfixed64: type64("sfixed64", -(2n ** 63n), 2n ** 63n - 1n),
  uint64: type64("uint64", 0n, 2n ** 64n - 1n),
  fixed64: type64("fixed64", 0n, 2n ** 64n - 1n),
};

const FLOAT = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const nonFinite: ReadonlyMap<unknown, number> = new Map([
  ["NaN", NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
]);
/** Half a unit in the last place above the largest float. From here on a number would round to infinity. */
const FLOAT_OVERFLOW = 2 ** 128 - 2 ** 103;

function finiteFrom(input: unknown): number | undefined {
  const number = typeof input === "string" && FLOAT.test(input) ? Number(input) : input;
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
