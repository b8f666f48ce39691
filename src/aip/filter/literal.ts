// The right-hand side of a comparison, under every type its text can be read as (AIP-160, "Comparison Operators").
import { type Duration, parseDuration } from "../duration";
import { type Timestamp, parseTimestamp } from "../timestamp";
import type { Segment } from "./ast";
import type { Pattern } from "./wildcard";

/** A number: its nearest double, and exactly where it is an integer of 64 bits. */
export interface NumberLiteral {
  double: number;
  int64?: bigint;
}

export interface Literal {
  /** The characters themselves, stars included. */
  text: string;
  pattern: Pattern;
  /** A quoted literal is a string; it is a timestamp or duration where it has that form, and never a number or boolean. */
  quoted: boolean;
  number?: NumberLiteral;
  boolean?: boolean;
  timestamp?: Timestamp;
  duration?: Duration;
  start: number;
}

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const INTEGER = /^-?\d+$/;
const CANONICAL_INTEGER = /^(?:0|-?[1-9]\d{0,18})$/;

/** The literal that the dotted parts of a member are: `12.5` comes as two. `negative` puts a minus before it. */
export function literalFromSegments(segments: readonly Segment[], negative = false): Literal {
  // No text holds U+0000: it stands for the wildcards while the parts are joined by their dots.
  const pattern = segments
    .map(({ pieces }) => pieces.join("\u0000"))
    .join(".")
    .split("\u0000");
  if (negative) pattern[0] = `-${pattern[0]}`;
  const text = pattern.join("*");
  const quoted = segments.some((segment) => segment.quoted);
  const number = quoted ? undefined : parseNumber(text);
  const boolean = quoted ? undefined : parseBoolean(text);
  const timestamp = parseTimestamp(text);
  const duration = parseDuration(text);
  return {
    text,
    pattern,
    quoted,
    ...(number === undefined ? {} : { number }),
    ...(boolean === undefined ? {} : { boolean }),
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(duration === undefined ? {} : { duration }),
    start: segments[0]?.start ?? 0,
  };
}

function parseNumber(text: string): NumberLiteral | undefined {
  if (!NUMBER.test(text)) return undefined;
  const double = Number(text);
  // Out of a double's range, it is only a text.
  if (!Number.isFinite(double)) return undefined;
  if (!INTEGER.test(text)) return { double };
  const integer = BigInt(text);
  return BigInt.asIntN(64, integer) === integer ? { double, int64: integer } : { double };
}

function parseBoolean(text: string): boolean | undefined {
  if (text === "true") return true;
  return text === "false" ? false : undefined;
}

/** An int64 as proto3 JSON writes it, in a string; undefined for any other string. */
export function int64FromString(text: string): bigint | undefined {
  if (!CANONICAL_INTEGER.test(text)) return undefined;
  const integer = BigInt(text);
  return BigInt.asIntN(64, integer) === integer ? integer : undefined;
}

/** Negative, zero or positive, as two instants, or two durations, follow one another. */
export function compareSpans(a: Timestamp | Duration, b: Timestamp | Duration): number {
  return a.seconds - b.seconds || a.nanos - b.nanos;
}
