// The tokens of a list filter. AIP-160's grammar leaves TEXT and STRING open; docs/filters.md says what they are here.
import { quoteFound } from "./filter-error";
import { decodeStringToken } from "./string-token";

export type Comparator = "=" | "!=" | "<" | "<=" | ">" | ">=" | ":";

/** A token; `start` and `end` are indexes into the filter. */
export type Token = { start: number; end: number } & (
  | { kind: "text"; pieces: string[] }
  | { kind: "string"; pieces: string[] }
  | { kind: "keyword"; keyword: "AND" | "OR" | "NOT" }
  | { kind: "comparator"; comparator: Comparator }
  | { kind: "whitespace" | "(" | ")" | "." | "," | "-" | "end" }
  /** A character outside of the grammar. The parser reports it. */
  | { kind: "invalid"; expected: string; found: string }
);

export type TokenKind = Token["kind"];

const WHITESPACE = /\s+/y;
const COMPARATOR = /!=|<=|>=|[=<>:]/y;
const KEYWORD = /^(?:AND|OR|NOT)$/;
// TEXT runs up to whitespace, DOT, or a character that means something else.
// oxlint-disable-next-line no-control-regex -- control characters are what it leaves out
const TEXT = /[^\s.(),=<>!:"'\u0000-\u001f\u007f]+/y;
// An unquoted RFC 3339 timestamp is one TEXT, though it holds colons and perhaps a dot.
const TIMESTAMP_TEXT = /\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)(?![^\s.(),=<>!:"'])/y;
const STRING = /"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'/y;

/** Splits a filter into tokens; the last is `end`, or the first that is `invalid`. */
export function tokensFromFilter(text: string): Token[] {
  const tokens: Token[] = [];
  let start = 0;
  // The text before, without whitespace: after a comparator, a dot or a comma, "-" begins a value (`a = -3`).
  let before: TokenKind | undefined;
  while (start < text.length) {
    const token = tokenAt(text, start, before === "comparator" || before === "." || before === ",");
    tokens.push(token);
    if (token.kind === "invalid") return tokens;
    if (token.kind !== "whitespace") before = token.kind;
    start = token.end;
  }
  tokens.push({ kind: "end", start, end: start });
  return tokens;
}

function tokenAt(text: string, start: number, minusIsText: boolean): Token {
  const whitespace = matchAt(WHITESPACE, text, start);
  if (whitespace) return { kind: "whitespace", start, end: start + whitespace.length };
  const comparator = matchAt(COMPARATOR, text, start);
  if (comparator) {
    return { kind: "comparator", comparator: comparator as Comparator, start, end: start + comparator.length };
  }
  const character = text.charAt(start);
  switch (character) {
    case "(":
    case ")":
    case ".":
    case ",":
      return { kind: character, start, end: start + 1 };
    case "-":
      if (!minusIsText) return { kind: "-", start, end: start + 1 };
      break;
    case '"':
    case "'": {
      const quoted = matchAt(STRING, text, start);
      if (!quoted) return invalid(text.length, `a closing ${character}`, "the end of the filter");
      const decoded = decodeStringToken(quoted, start);
      if (!decoded.ok) return invalid(decoded.problem.index, decoded.problem.expected, decoded.problem.found);
      return { kind: "string", pieces: decoded.value, start, end: start + quoted.length };
    }
    case "!":
      return invalid(start + 1, 'a "=" after the "!"', foundAt(text, start + 1));
  }
  const word = matchAt(TIMESTAMP_TEXT, text, start) ?? matchAt(TEXT, text, start);
  if (!word) return invalid(start, "a printable character", foundAt(text, start));
  if (KEYWORD.test(word)) {
    return { kind: "keyword", keyword: word as "AND" | "OR" | "NOT", start, end: start + word.length };
  }
  return { kind: "text", pieces: word.split("*"), start, end: start + word.length };
}

function foundAt(text: string, index: number): string {
  const character = text.codePointAt(index);
  return character === undefined ? "the end of the filter" : quoteFound(String.fromCodePoint(character));
}

function invalid(start: number, expected: string, found: string): Token {
  return { kind: "invalid", expected, found, start, end: start };
}

function matchAt(pattern: RegExp, text: string, index: number): string | undefined {
  pattern.lastIndex = index;
  return pattern.exec(text)?.[0];
}
