// JSON that means what it says. From 2^53 on, JavaScript's numbers hold not every integer, and `1e400` not at all; of two fields
// with one name, JSON.parse keeps the last. Callers send the text, so it is read once from its start to its end, whatever is in it.

import { type Json, isJsonObject } from "../rpc/any";
import { MAX_EXACT_DIGITS } from "./json-shape";

/** A number that cannot be held, in the place of its value. */
export interface InexactNumber {
  path: (string | number)[];
  source: string;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** An array or object that encloses the present place: which of its items is read. */
interface Enclosing {
  /** The item of an array; undefined: it is an object. */
  index: number | undefined;
  /** Where the field name of an object begins and ends, quotes included. */
  keyStart: number;
  keyEnd: number;
}

/** The numbers of a JSON text that would become others, at most `max` of them. The text must be well formed. */
export function inexactNumbers(text: string, max: number): InexactNumber[] {
  const found: InexactNumber[] = [];
  const enclosing: Enclosing[] = [];
  let stringStart = 0;
  let stringEnd = 0;
  for (let at = 0; at < text.length && found.length < max;) {
    const code = text.charCodeAt(at);
    const inner = enclosing.at(-1);
    if (code === QUOTE) {
      stringStart = at;
      stringEnd = endOfString(text, at);
      at = stringEnd;
      continue;
    }
    if (code === MINUS || isDigit(code)) {
      const end = endOfNumber(text, at);
      if (!isKept(text, at, end)) found.push({ path: pathOf(text, enclosing), source: text.slice(at, end) });
      at = end;
      continue;
    }
    if (code === OPEN_ARRAY || code === OPEN_OBJECT) {
      enclosing.push({ index: code === OPEN_ARRAY ? 0 : undefined, keyStart: 0, keyEnd: 0 });
    } else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) enclosing.pop();
    else if (code === COLON && inner) [inner.keyStart, inner.keyEnd] = [stringStart, stringEnd];
    else if (code === COMMA && inner?.index !== undefined) inner.index += 1;
    at += 1;
  }
  return found;
}

/** How many fields the objects of a value have, all together. */
export function countFields(json: Json): number {
  let count = 0;
  if (Array.isArray(json)) for (const item of json) count += countFields(item);
  // Not by Object.values, whose lists took a third of a large body's time. A parsed object inherits no fields.
  else if (isJsonObject(json)) for (const name in json) count += 1 + countFields(json[name] ?? null);
  return count;
}

/** The paths of fields that their object has already, at most `max` of them. The text must be well formed. */
export function repeatedFields(text: string, max: number): (string | number)[][] {
  const found: (string | number)[][] = [];
  const enclosing: (Enclosing & { names: Set<string> })[] = [];
  let stringStart = 0;
  let stringEnd = 0;
  for (let at = 0; at < text.length && found.length < max; at += 1) {
    const code = text.charCodeAt(at);
    const inner = enclosing.at(-1);
    if (code === QUOTE) {
      stringStart = at;
      stringEnd = endOfString(text, at);
      at = stringEnd - 1;
    } else if (code === OPEN_ARRAY || code === OPEN_OBJECT) {
      const index = code === OPEN_ARRAY ? 0 : undefined;
      enclosing.push({ index, keyStart: 0, keyEnd: 0, names: new Set() });
    } else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) enclosing.pop();
    else if (code === COMMA && inner?.index !== undefined) inner.index += 1;
    else if (code === COLON && inner) {
      [inner.keyStart, inner.keyEnd] = [stringStart, stringEnd];
      const name = JSON.parse(text.slice(stringStart, stringEnd)) as string;
      if (inner.names.has(name)) found.push(pathOf(text, enclosing));
      inner.names.add(name);
    }
  }
  return found;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  for (let code = text.charCodeAt(at); code !== QUOTE && at < text.length; code = text.charCodeAt(at)) {
    at += code === BACKSLASH ? 2 : 1;
  }
  return at + 1;
}

/** A number has digits, and `+-.eE`. The character after it is another. */
function endOfNumber(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && !DELIMITERS.has(text.charCodeAt(at))) at += 1;
  return at;
}

const DELIMITERS: ReadonlySet<number> = new Set([COMMA, CLOSE_ARRAY, CLOSE_OBJECT, 0x20, 0x09, 0x0a, 0x0d]);

function pathOf(text: string, enclosing: readonly Enclosing[]): (string | number)[] {
  return enclosing.map(({ index, keyStart, keyEnd }) => index ?? (JSON.parse(text.slice(keyStart, keyEnd)) as string));
}

/** A fraction is rounded, as every double is. An integer is kept where it is the double's value, or how that is written. */
function isKept(text: string, start: number, end: number): boolean {
  const source = text.slice(start, end);
  const value = Number(source);
  if (!Number.isFinite(value)) return false;
  if (!Number.isInteger(value) || Number.isSafeInteger(value) || source.length <= MAX_EXACT_DIGITS) return true;
  const shortestText = String(value);
  if (source === shortestText) return true;
  const written = decimalOf(source);
  if (written.digits.length <= MAX_EXACT_DIGITS) return true;
  const shortest = decimalOf(shortestText);
  if (written.digits === shortest.digits && written.exponent === shortest.exponent) return true;
  const isPlain = written.exponent >= 0 && end - start <= MAX_PLAIN_DIGITS;
  return isPlain && BigInt(written.digits) * 10n ** BigInt(written.exponent) === BigInt(Math.abs(value));
}

/** No finite double has more digits before its point. */
const MAX_PLAIN_DIGITS = 310;

/** The significant digits of a number that is not zero, and the power of ten by which they are multiplied. */
interface Decimal {
  digits: string;
  exponent: number;
}

/** `1e21`, `1E+21` and `1000000000000000000000` are one decimal. */
function decimalOf(source: string): Decimal {
  const exponentAt = Math.max(source.indexOf("e"), source.indexOf("E"));
  const mantissa = source.slice(source.startsWith("-") ? 1 : 0, exponentAt < 0 ? undefined : exponentAt);
  const point = mantissa.indexOf(".");
  const digits = point < 0 ? mantissa : mantissa.slice(0, point) + mantissa.slice(point + 1);
  let first = 0;
  while (digits.charCodeAt(first) === ZERO) first += 1;
  let end = digits.length;
  while (end > first && digits.charCodeAt(end - 1) === ZERO) end -= 1;
  const fraction = point < 0 ? 0 : mantissa.length - point - 1;
  const exponent = exponentAt < 0 ? 0 : Number(source.slice(exponentAt + 1));
  return { digits: digits.slice(first, end), exponent: exponent - fraction + digits.length - end };
}
