// The tokens of CEL. Every character is read a bounded number of times, without regular expressions.
// https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax
import { invalid } from "./cel-error";
import { bytesFromBody, textFromBody } from "./string-escapes";
import { type CelType, type Value, uint } from "./value";

/** The longer ones first. */
const SYMBOLS = "&& || == != <= >= ! < > + - * / % ( ) [ ] { } . , : ?".split(" ");

/** A token; `start` and `end` are indexes into the expression. */
export type Token = { start: number; end: number } & (
  | { kind: "literal"; type: CelType; value: Value }
  | { kind: "name"; name: string }
  /** An operator or a separator; `in` is one too. */
  | { kind: "symbol"; symbol: string }
  | { kind: "end" }
);

const NAMED_LITERALS: ReadonlyMap<string, { type: CelType; value: Value }> = new Map([
  ["true", { type: "bool", value: true }],
  ["false", { type: "bool", value: false }],
  ["null", { type: "null", value: null }],
]);

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const BACKSLASH = 92;

/** Splits an expression into tokens; the last is `end`. Throws a CelError. */
export function tokensFromExpression(text: string): Token[] {
  const tokens: Token[] = [];
  let index = skipBlanks(text, 0);
  while (index < text.length) {
    const token = tokenAt(text, index);
    tokens.push(token);
    index = skipBlanks(text, token.end);
  }
  tokens.push({ kind: "end", start: index, end: index });
  return tokens;
}

// WHITESPACE = [\t\n\f\r ]+
// COMMENT    = '//' ~[\n]* '\n'
function skipBlanks(text: string, start: number): number {
  let index = start;
  for (;;) {
    index = skipWhile(text, index, isBlank);
    if (!text.startsWith("//", index)) return index;
    index = skipWhile(text, index, (code) => code !== NEWLINE);
  }
}

function tokenAt(text: string, start: number): Token {
  const code = text.charCodeAt(start);
  if (isDigit(code)) return numberAt(text, start);
  if (isQuote(code) || (isPrefix(code) && isQuote(text.charCodeAt(start + 1)))) return stringAt(text, start);
  if (isLetter(code)) return nameAt(text, start);
  const symbol = SYMBOLS.find((each) => text.startsWith(each, start));
  if (symbol !== undefined) return { kind: "symbol", symbol, start, end: start + symbol.length };
  throw invalid(`Unexpected character: ${String.fromCodePoint(text.codePointAt(start) ?? code)}`, start);
}

// IDENT = [_a-zA-Z][_a-zA-Z0-9]*
function nameAt(text: string, start: number): Token {
  const end = skipWhile(text, start, (code) => isLetter(code) || isDigit(code));
  const name = text.slice(start, end);
  if (name === "in") return { kind: "symbol", symbol: name, start, end };
  const literal = NAMED_LITERALS.get(name);
  return literal ? { kind: "literal", ...literal, start, end } : { kind: "name", name, start, end };
}

// INT_LIT   = DIGIT+ | '0x' HEXDIGIT+
// UINT_LIT  = INT_LIT [ 'u' | 'U' ]
// FLOAT_LIT = DIGIT+ '.' DIGIT+ EXPONENT? | DIGIT+ EXPONENT
// The sign is the parser's. The parser bounds integers too, because -9223372036854775808 is one.
function numberAt(text: string, start: number): Token {
  const isHex = text.startsWith("0x", start) || text.startsWith("0X", start);
  const whole = isHex ? skipWhile(text, start + 2, isHexDigit) : skipWhile(text, start, isDigit);
  const end = isHex ? whole : exponentEnd(text, fractionEnd(text, whole));
  const digits = text.slice(start, end);
  if (end > whole) {
    const value = Number(digits);
    if (!Number.isFinite(value)) throw invalid(`Invalid number: ${digits.slice(0, 40)} is too large`, start);
    return { kind: "literal", type: "double", value, start, end };
  }
  if (isHex && whole === start + 2) throw invalid(`Invalid hex integer: ${digits}`, start);
  const value = BigInt(digits);
  if (!text.startsWith("u", end) && !text.startsWith("U", end)) {
    return { kind: "literal", type: "int", value, start, end };
  }
  try {
    return { kind: "literal", type: "uint", value: uint(value), start, end: end + 1 };
  } catch {
    // Its only error is the range.
    throw invalid(`Invalid integer: ${digits.slice(0, 40)}u is out of range`, start);
  }
}

function fractionEnd(text: string, start: number): number {
  if (!text.startsWith(".", start)) return start;
  const end = skipWhile(text, start + 1, isDigit);
  // "1.size" is no fraction.
  return end === start + 1 ? start : end;
}

// EXPONENT = [eE] [+-]? DIGIT+
function exponentEnd(text: string, start: number): number {
  if (!text.startsWith("e", start) && !text.startsWith("E", start)) return start;
  const isSigned = text.startsWith("+", start + 1) || text.startsWith("-", start + 1);
  const digits = start + (isSigned ? 2 : 1);
  const end = skipWhile(text, digits, isDigit);
  if (end === digits) throw invalid("Invalid exponent", digits);
  return end;
}

// STRING_LIT = [rR]? ( '"' ~["\r\n]* '"' | "'" ~['\r\n]* "'" | '"""' ~["""]* '"""' | "'''" ~[''']* "'''" )
// BYTES_LIT  = [bB] STRING_LIT
// A raw string keeps its backslashes, but a quote behind a backslash does not end it.
function stringAt(text: string, start: number): Token {
  const isPrefixed = isPrefix(text.charCodeAt(start));
  const prefix = isPrefixed ? text.charAt(start).toLowerCase() : "";
  const open = start + prefix.length;
  const quote = text.charAt(open);
  const isTriple = text.startsWith(quote.repeat(3), open);
  const delimiter = isTriple ? quote.repeat(3) : quote;
  const bodyStart = open + delimiter.length;
  let bodyEnd = bodyStart;
  while (!text.startsWith(delimiter, bodyEnd)) {
    if (bodyEnd >= text.length) throw invalid(`Unterminated ${isTriple ? "triple-quoted " : ""}string`, start);
    const code = text.charCodeAt(bodyEnd);
    if (!isTriple && (code === NEWLINE || code === CARRIAGE_RETURN)) {
      throw invalid("Newlines not allowed in single-quoted strings", bodyEnd);
    }
    bodyEnd += code === BACKSLASH ? 2 : 1;
  }
  const body = text.slice(bodyStart, bodyEnd);
  const span = { start, end: bodyEnd + delimiter.length };
  if (prefix === "b") return { kind: "literal", type: "bytes", value: bytesFromBody(body, bodyStart), ...span };
  const value = prefix === "r" ? body : textFromBody(body, bodyStart);
  return { kind: "literal", type: "string", value, ...span };
}

function skipWhile(text: string, start: number, isPart: (code: number) => boolean): number {
  let index = start;
  while (index < text.length && isPart(text.charCodeAt(index))) index += 1;
  return index;
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === NEWLINE || code === 12 || code === CARRIAGE_RETURN;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function isHexDigit(code: number): boolean {
  const lower = code | 32;
  return isDigit(code) || (lower >= 97 && lower <= 102);
}

/** A letter of ASCII, or an underscore. */
function isLetter(code: number): boolean {
  return code === 95 || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}

function isQuote(code: number): boolean {
  return code === 34 || code === 39;
}

/** `b`, `B`, `r` or `R`. */
function isPrefix(code: number): boolean {
  const lower = code | 32;
  return isLetter(code) && (lower === 98 || lower === 114);
}
