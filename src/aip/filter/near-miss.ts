// Near misses of the language: spellings of other filter languages, and slips. AIP-160 takes each for a text or for a
// field of the metadata, so that the list would be empty, or everything, by mistake.
import { editDistance } from "../nearest";
import type { Expression, Member, Segment } from "./ast";
import { type ScalarField, isMessageField, scalarFieldNames } from "./fields";
import { type Problem, quoteFound } from "./filter-error";
import { camelCase } from "./key-spelling";
import type { Comparator } from "./lexer";
import type { Literal } from "./literal";

// ── Words ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const KEYWORDS = new Set(["AND", "OR", "NOT"]);

/** Compute's comparators (`status eq RUNNING`), and shell's. */
const COMPARATOR_WORDS: Readonly<Record<string, Comparator>> = {
  eq: "=",
  ne: "!=",
  neq: "!=",
  lt: "<",
  le: "<=",
  lte: "<=",
  gt: ">",
  ge: ">=",
  gte: ">=",
};

/** SQL's and others', which are words of a text as well: so only behind a field. */
const FIELD_WORDS: Readonly<Record<string, string>> = {
  like: '"=" with * for any run of characters',
  ilike: '"=" with * for any run of characters',
  matches: '"=" with * for any run of characters',
  contains: '":"',
  has: '":"',
  equals: '"="',
  is: '"=", or ":*", which asks whether a field is set',
};

const SYMBOLS: Readonly<Record<string, string>> = {
  "&&": '"AND"',
  "&": '"AND"',
  "||": '"OR"',
  "|": '"OR"',
};

export function misplacedOperator(expression: Expression, filter: string): Problem | undefined {
  switch (expression.kind) {
    case "not":
      return misplacedOperator(expression.operand, filter);
    case "restriction": {
      const arg = expression.comparison?.arg;
      return (
        keywordInLowerCase(expression) ??
        (arg?.kind === "composite" ? misplacedOperator(arg.expression, filter) : undefined)
      );
    }
    case "and":
    case "or":
      for (const [index, operand] of expression.operands.entries()) {
        const problem =
          misplacedOperator(operand, filter) ??
          (expression.kind === "and" ? operatorBetween(expression.operands, index, filter) : undefined);
        if (problem) return problem;
      }
      return undefined;
  }
}

function keywordInLowerCase(expression: Expression): Problem | undefined {
  const word = wordOf(expression);
  if (word === undefined) return undefined;
  const { text, start } = word;
  const keyword = text.toUpperCase();
  if (KEYWORDS.has(keyword)) {
    return { index: start, expected: `${keyword} in upper case (quoted, it is a text)`, found: quoteFound(text) };
  }
  const symbol = own(SYMBOLS, text);
  return symbol === undefined ? undefined : { index: start, expected: symbol, found: quoteFound(text) };
}

/** `status eq RUNNING` is three texts by the grammar. */
function operatorBetween(operands: readonly Expression[], index: number, filter: string): Problem | undefined {
  const word = wordOf(operands[index]);
  const before = memberOf(operands[index - 1]);
  const after = operands[index + 1];
  if (word === undefined || before === undefined || after === undefined) return undefined;
  const name = word.text.toLowerCase();
  const problem = (expected: string): Problem => ({ index: word.start, expected, found: quoteFound(word.text) });
  const comparator = own(COMPARATOR_WORDS, name);
  if (comparator !== undefined) return problem(`"${comparator}"`);
  if (name === "in" && /^..\s*\(/.test(filter.slice(word.start)))
    return problem('"=" and the values joined by OR, as in a = (x OR y)');
  const expected = own(FIELD_WORDS, name);
  return expected !== undefined && isFieldLike(before) ? problem(expected) : undefined;
}

/** A bare word; undefined for any other expression. */
function wordOf(expression: Expression | undefined): { text: string; start: number } | undefined {
  const [segment, ...more] = memberOf(expression)?.segments ?? [];
  if (segment === undefined || more.length > 0 || segment.quoted || segment.pieces.length > 1) return undefined;
  return { text: segment.pieces[0] ?? "", start: segment.start };
}

function memberOf(expression: Expression | undefined): Member | undefined {
  if (expression?.kind !== "restriction" || expression.comparison) return undefined;
  return expression.comparable.kind === "member" ? expression.comparable : undefined;
}

function isFieldLike({ segments }: Member): boolean {
  return segments.length > 1 || declaredLike(textOf(segments[0])) !== undefined;
}

/** A field without a comparator, as in languages that take it for a condition; undefined if it is a text. */
export function fieldAlone({ segments }: Member): Problem | undefined {
  const [first, ...below] = segments;
  if (first.quoted || first.pieces.length > 1) return undefined;
  const name = camelCase(textOf(first));
  const path = segments.map(textOf).join(".");
  const problem = (expected: string): Problem => ({
    index: first.start,
    expected: `${expected} (quoted, it is a text)`,
    found: quoteFound(path),
  });
  if (isMessageField(name)) return problem(`${path}:*, which asks whether it is set`);
  if (below.length > 0) return undefined;
  const declared = declaredLike(name);
  if (declared === "done" || declared === "requestedCancellation") return problem(`${declared} = true`);
  return declared?.endsWith("Time") ? problem(`${declared}:*, which asks whether it is set`) : undefined;
}

// ── Names ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A name that differs from a declared field in its case alone, or from a message's by a letter or two. */
export function misspeltField([first, ...below]: readonly [Segment, ...Segment[]]): Problem | undefined {
  const name = textOf(first);
  if (first.quoted) return undefined;
  const problem = (declared: string): Problem => ({
    index: first.start,
    expected: `${declared} (of the metadata, it is metadata.${name})`,
    found: quoteFound(name),
  });
  const declared = declaredLike(name) ?? MESSAGES.find((message) => message === name.toLowerCase());
  if (declared !== undefined) return problem(declared);
  const message = below.length > 0 ? MESSAGES.find((known) => isSlipOf(name, known)) : undefined;
  return message === undefined ? undefined : problem(message);
}

/** The declared field of which a name is a misspelling, if the value shows that it was meant: `dome = true`. */
export function slipOfField(name: string, literal: Literal): ScalarField | undefined {
  const like = (...fields: ScalarField[]): ScalarField | undefined =>
    fields.find((field) => isSlipOf(camelCase(name), field));
  if (literal.boolean !== undefined) return like("done", "requestedCancellation");
  return literal.timestamp ? like("createTime", "startTime", "endTime", "expireTime", "scheduleTime") : undefined;
}

/** `1 = metadata.n`: `1` is a field of the metadata by the grammar, and the other a text. */
export function reversedTerm(name: string, { text, quoted, start }: Literal): Problem | undefined {
  const [root = ""] = text.split(".", 1);
  const isField = declaredLike(text) !== undefined || (root !== text && MESSAGES.includes(root));
  if (quoted || !isField || !/^-?\d+$/.test(name)) return undefined;
  return { index: start, expected: "the field on the left of its comparator", found: quoteFound(text) };
}

const MESSAGES = ["error", "metadata", "response"];

/** The field of the same letters. `error_code` is one of `error.code`. */
function declaredLike(name: string): ScalarField | undefined {
  const letters = lettersOf(name);
  return scalarFieldNames.find((field) => lettersOf(field) === letters);
}

function lettersOf(name: string): string {
  return name.replaceAll(/[._]/g, "").toLowerCase();
}

/** One letter too many, too few, or another, or two swapped; of a long word two of these. Its plural is a word of its own. */
function isSlipOf(name: string, word: string): boolean {
  const most = word.length < 8 ? 1 : 2;
  if (name === `${word}s` || Math.abs(name.length - word.length) > most) return false;
  return editDistance(name.toLowerCase(), word.toLowerCase()) <= most;
}

// ── Values ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Characters that stand for others in texts that were copied from a page. */
const LOOKALIKES: readonly [RegExp, string][] = [
  [/^[“”„‟«»‘‚‛`´]/, "straight quotes, \" or '"],
  [/^[−–—](?=[\d.])/, 'the sign "-"'],
  [/[＝：＜＞！（）]/, "a comparator or parenthesis of ASCII: = : < > ! ( )"],
];

/** `n=42AND done=true`. A word that ends so may be a word. */
const KEYWORD_BEHIND_VALUE = /^(?:-?\d[\d.]*|true|false)(AND|OR|NOT)$/;

/** A text without quotes that means something else in another language; undefined if it is a text. */
export function suspiciousText({ text, quoted, start }: Literal): Problem | undefined {
  if (quoted) return undefined;
  const problem = (expected: string): Problem => ({
    index: start,
    expected: `${expected} (quoted, it is a text)`,
    found: quoteFound(text),
  });
  const [, keyword] = KEYWORD_BEHIND_VALUE.exec(text) ?? [];
  if (keyword !== undefined) return problem(`whitespace before "${keyword}"`);
  if (text.startsWith("~")) return problem("a value: there is no ~; = takes * for any run of characters");
  if (text.length > 1 && text.endsWith(";")) return problem('a value without ";": terms are joined by AND');
  const lookalike = LOOKALIKES.find(([pattern]) => pattern.test(text));
  return lookalike && problem(lookalike[1]);
}

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  ms: 1e-3,
  sec: 1,
  m: 60,
  min: 60,
  h: 3_600,
  hr: 3_600,
  d: 86_400,
  w: 604_800,
};
const QUANTITY = /^(-?\d+(?:\.\d+)?)([a-zµ]+)$/i;
const BYTE_UNIT = /^(?:[kmgtp]i?)?b$/i;

/** A value of the metadata or response that no JSON value equals, or that compares in another way than it is meant. */
export function suspiciousValue(literal: Literal, comparator: Comparator): Problem | undefined {
  const { text, quoted, start } = literal;
  if (quoted) return undefined;
  const problem = (expected: string): Problem => ({
    index: start,
    expected: `${expected} (quoted, it is a text)`,
    found: quoteFound(text),
  });
  if (text === "-" || text === "+") return problem("a number with its sign, as in -42");
  if (/^(?:null|NULL)$/.test(text))
    return problem('a value: ":*" asks whether a field is set, and NOT whether it is not');
  if (/^(?:true|false)$/i.test(text) && literal.boolean === undefined) return problem(text.toLowerCase());
  if (comparator !== "<" && comparator !== "<=" && comparator !== ">" && comparator !== ">=") return undefined;
  const [, amount = "", unit = ""] = QUANTITY.exec(text) ?? [];
  const seconds = own(UNIT_SECONDS, unit.toLowerCase());
  if (seconds !== undefined)
    return problem(`a duration in seconds, ${Number((Number(amount) * seconds).toPrecision(12))}s`);
  return BYTE_UNIT.test(unit) ? problem("a plain number, without a unit") : undefined;
}

function textOf({ pieces }: Segment): string {
  return pieces.join("*");
}

function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
