// Counts the containers, fields and digits of a JSON text in one pass, before it is parsed: the parser costs by values, not by bytes.
import { MAX_JSON_CONTAINERS, MAX_JSON_DEPTH } from "../limits";

export interface JsonShape {
  /** The limit that the text exceeds, in words. Then nothing else was counted to its end. */
  problem?: string;
  /** Fields of all objects together, each as often as it is written. */
  fieldCount: number;
  /** Whether a number has more digits than a double can be sure of, or an exponent. Without either each is exact. */
  mayBeInexact: boolean;
}

/** Every decimal of so many significant digits is the shortest text of a double of its own. */
export const MAX_EXACT_DIGITS = 15;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const ZERO = 0x30;
const NINE = 0x39;
const UPPER_E = 0x45;
const LOWER_E = 0x65;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** The shape of a text, which need not be well formed. */
export function jsonShape(text: string): JsonShape {
  let level = 0;
  let containers = 0;
  let fieldCount = 0;
  // In a row, outside of strings. A regular expression would read a run of fifteen from each of its places.
  let digits = 0;
  let mayBeInexact = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= ZERO && code <= NINE) {
      digits += 1;
      if (digits > MAX_EXACT_DIGITS) mayBeInexact = true;
      continue;
    }
    if (digits > 0 && (code === LOWER_E || code === UPPER_E)) mayBeInexact = true;
    digits = 0;
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === COLON) fieldCount += 1;
    else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      level += 1;
      containers += 1;
      const problem = problemOf(level, containers);
      if (problem !== undefined) return { problem, fieldCount, mayBeInexact };
    } else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) level -= 1;
  }
  return { fieldCount, mayBeInexact };
}

function problemOf(level: number, containers: number): string | undefined {
  if (level > MAX_JSON_DEPTH) return `is nested deeper than ${MAX_JSON_DEPTH} levels`;
  return containers > MAX_JSON_CONTAINERS ? `has more than ${MAX_JSON_CONTAINERS} objects and lists` : undefined;
}

/** The place of the closing quote, or the end of the text. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  for (let code = text.charCodeAt(at); at < text.length && code !== QUOTE; code = text.charCodeAt(at)) {
    at += code === BACKSLASH ? 2 : 1;
  }
  return at;
}
