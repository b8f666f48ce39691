// The parser of AIP-160's grammar (https://google.aip.dev/assets/misc/ebnf-filtering.txt): one function a rule, the rule above it.
import type { Arg, Call, Comparable, Expression, Member, Restriction, Segment } from "./ast";
import { MAX_FILTER_CHARACTERS, MAX_FILTER_DEPTH, MAX_FILTER_TERMS } from "../../limits";
import { type Outcome, type Problem, accept, quoteFound, refuse } from "./filter-error";
import { type Token, type TokenKind, tokensFromFilter } from "./lexer";

const EXPECTED_TERM = 'a field, a value, "NOT", "-" or "("';
const EXPECTED_SIMPLE = 'a field, a value or "("';
const EXPECTED_ARG = 'a value or "("';

/** Parses a filter; undefined for a blank one. */
//  filter
//    : [expression]
//    ;
export function parse(text: string): Outcome<Expression | undefined> {
  if (text.length > MAX_FILTER_CHARACTERS) {
    const expected = `at most ${MAX_FILTER_CHARACTERS} characters`;
    return refuse({ index: MAX_FILTER_CHARACTERS, expected, found: `${text.length}` });
  }
  if (!text.isWellFormed()) {
    const index = text.search(/\p{Surrogate}/u);
    return refuse({ index, expected: "well-formed Unicode", found: "half a surrogate pair" });
  }
  return new Parser(text).parseFilter();
}

class Parser {
  readonly #text: string;
  readonly #tokens: Token[];
  #position = 0;
  #depth = 0;
  #terms = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokensFromFilter(text);
  }

  parseFilter(): Outcome<Expression | undefined> {
    this.#eatWhitespace();
    if (this.#at("end")) return accept(undefined);
    const expression = this.#parseExpression();
    if (!expression.ok) return expression;
    this.#eatWhitespace();
    return this.#at("end") ? expression : refuse(this.#unexpected(this.#expectedAfterSimple()));
  }

  //  expression
  //    : sequence {WS AND WS sequence}
  //    ;
  #parseExpression(): Outcome<Expression> {
    return this.#parseOperands("and", "AND", () => this.#parseSequence());
  }

  //  sequence
  //    : factor {WS factor}
  //    ;
  #parseSequence(): Outcome<Expression> {
    const factors: Expression[] = [];
    do {
      const factor = this.#parseFactor();
      if (!factor.ok) return factor;
      factors.push(factor.value);
    } while (this.#eatWhitespaceBeforeFactor());
    return accept(join("and", factors));
  }

  //  factor
  //    : term {WS OR WS term}
  //    ;
  #parseFactor(): Outcome<Expression> {
    return this.#parseOperands("or", "OR", () => this.#parseTerm());
  }

  //  term
  //    : [(NOT WS | MINUS)] simple
  //    ;
  #parseTerm(): Outcome<Expression> {
    const token = this.#token();
    const minus = token.kind === "-";
    const not = token.kind === "keyword" && token.keyword === "NOT";
    if (!minus && !not) return this.#parseSimple(EXPECTED_TERM);
    this.#position += 1;
    if (not && !this.#eatWhitespace()) {
      return refuse(this.#unexpected(this.#at("end") ? EXPECTED_SIMPLE : 'whitespace after "NOT"'));
    }
    const operand = this.#parseSimple(EXPECTED_SIMPLE);
    return operand.ok ? accept({ kind: "not", operand: operand.value, minus }) : operand;
  }

  //  simple
  //    : restriction
  //    | composite
  //    ;
  #parseSimple(expected: string): Outcome<Expression> {
    return this.#at("(") ? this.#parseComposite() : this.#parseRestriction(expected);
  }

  //  restriction
  //    : comparable [comparator arg]
  //    ;
  //  "Note, restrictions are not whitespace sensitive."
  #parseRestriction(expected: string): Outcome<Restriction> {
    const { start } = this.#token();
    const comparable = this.#parseComparable(expected);
    if (!comparable.ok) return comparable;
    this.#terms += 1;
    if (this.#terms > MAX_FILTER_TERMS) {
      return refuse({ index: start, expected: `at most ${MAX_FILTER_TERMS} terms`, found: "one more" });
    }
    const beforeComparator = this.#position;
    this.#eatWhitespace();
    const token = this.#token();
    if (token.kind !== "comparator") {
      this.#position = beforeComparator;
      return accept({ kind: "restriction", comparable: comparable.value });
    }
    this.#position += 1;
    this.#eatWhitespace();
    const arg = this.#parseArg();
    if (!arg.ok) return arg;
    const comparison = { comparator: token.comparator, start: token.start, arg: arg.value };
    return accept({ kind: "restriction", comparable: comparable.value, comparison });
  }

  //  comparable
  //    : member
  //    | function
  //    ;
  #parseComparable(expected: string): Outcome<Comparable> {
    const member = this.#parseMember(expected);
    if (!member.ok || !this.#at("(") || member.value.segments.some(({ quoted }) => quoted)) return member;
    return this.#parseFunction(member.value);
  }

  //  member
  //    : value {DOT field}
  //    ;
  //  value
  //    : TEXT
  //    | STRING
  //    ;
  #parseMember(expected: string): Outcome<Member> {
    const first = this.#token();
    if (first.kind !== "text" && first.kind !== "string") return refuse(this.#unexpected(expected));
    this.#position += 1;
    const segments: [Segment, ...Segment[]] = [segmentFromToken(first)];
    while (this.#at(".")) {
      this.#position += 1;
      const field = this.#parseField();
      if (!field.ok) return field;
      segments.push(field.value);
    }
    return accept({ kind: "member", segments });
  }

  //  field
  //    : value
  //    | keyword
  //    ;
  #parseField(): Outcome<Segment> {
    const token = this.#token();
    if (token.kind !== "text" && token.kind !== "string" && token.kind !== "keyword") {
      return refuse(this.#unexpected('a field name after "."'));
    }
    this.#position += 1;
    return accept(segmentFromToken(token));
  }

  //  function
  //    : name {DOT name} LPAREN [argList] RPAREN
  //    ;
  //  argList
  //    : arg { COMMA arg}
  //    ;
  #parseFunction({ segments }: Member): Outcome<Call> {
    const name = segments.map(({ pieces }) => pieces.join("*")).join(".");
    const args: Arg[] = [];
    const nested = this.#enter();
    if (!nested.ok) return nested;
    this.#eatWhitespace();
    while (!this.#at(")")) {
      const arg = this.#parseArg();
      if (!arg.ok) return arg;
      args.push(arg.value);
      this.#eatWhitespace();
      if (!this.#at(",")) break;
      this.#position += 1;
      this.#eatWhitespace();
      if (this.#at(")")) return refuse(this.#unexpected(EXPECTED_ARG));
    }
    const left = this.#leave('"," or ")"');
    return left.ok ? accept({ kind: "call", name, args, start: segments[0].start }) : left;
  }

  //  arg
  //    : comparable
  //    | composite
  //    ;
  #parseArg(): Outcome<Arg> {
    if (!this.#at("(")) return this.#parseComparable(EXPECTED_ARG);
    const expression = this.#parseComposite();
    return expression.ok ? accept({ kind: "composite", expression: expression.value }) : expression;
  }

  //  composite
  //    : LPAREN expression RPAREN
  //    ;
  #parseComposite(): Outcome<Expression> {
    const nested = this.#enter();
    if (!nested.ok) return nested;
    this.#eatWhitespace();
    const expression = this.#parseExpression();
    if (!expression.ok) return expression;
    this.#eatWhitespace();
    const left = this.#leave(`${this.#expectedAfterSimple()} or ")"`);
    return left.ok ? expression : left;
  }

  /** Operands with a keyword between them, which needs whitespace on either side. */
  #parseOperands(
    kind: "and" | "or",
    keyword: "AND" | "OR",
    parseOperand: () => Outcome<Expression>,
  ): Outcome<Expression> {
    const operands: Expression[] = [];
    for (;;) {
      const operand = parseOperand();
      if (!operand.ok) return operand;
      operands.push(operand.value);
      const next = this.#tokens[this.#position + 1];
      if (!this.#at("whitespace") || next?.kind !== "keyword" || next.keyword !== keyword) break;
      this.#position += 2;
      if (!this.#eatWhitespace()) {
        return refuse(this.#unexpected(this.#at("end") ? EXPECTED_TERM : `whitespace after "${keyword}"`));
      }
    }
    return accept(join(kind, operands));
  }

  /** Consumes the whitespace between two factors; false, and nothing consumed, where the sequence ends. */
  #eatWhitespaceBeforeFactor(): boolean {
    const next = this.#tokens[this.#position + 1];
    if (!this.#at("whitespace") || next === undefined) return false;
    if (next.kind === "end" || next.kind === ")" || (next.kind === "keyword" && next.keyword === "AND")) return false;
    this.#position += 1;
    return true;
  }

  #enter(): Outcome<undefined> {
    this.#depth += 1;
    if (this.#depth > MAX_FILTER_DEPTH) return refuse(this.#unexpected(`at most ${MAX_FILTER_DEPTH} nested "("`));
    this.#position += 1;
    return accept(undefined);
  }

  #leave(expected: string): Outcome<undefined> {
    if (!this.#at(")")) return refuse(this.#unexpected(expected));
    this.#depth -= 1;
    this.#position += 1;
    return accept(undefined);
  }

  #token(): Token {
    // The last token is `end` or `invalid`, and neither is ever consumed.
    const token = this.#tokens[this.#position];
    if (token === undefined) throw new RangeError("the parser ran past the end of the filter");
    return token;
  }

  #at(kind: TokenKind): boolean {
    return this.#token().kind === kind;
  }

  /** Whether there was any. */
  #eatWhitespace(): boolean {
    if (!this.#at("whitespace")) return false;
    this.#position += 1;
    return true;
  }

  #expectedAfterSimple(): string {
    const before = this.#tokens[this.#position - 1];
    if (before?.kind === "whitespace") return '"AND", "OR" or another term';
    return before?.kind === ")" ? "whitespace" : "a comparator or whitespace";
  }

  #unexpected(expected: string): Problem {
    const token = this.#token();
    if (token.kind === "invalid") return { index: token.start, expected: token.expected, found: token.found };
    const { start, end } = token;
    return {
      index: start,
      expected,
      found: token.kind === "end" ? "the end of the filter" : quoteFound(this.#text.slice(start, end)),
    };
  }
}

function segmentFromToken(token: Extract<Token, { kind: "text" | "string" | "keyword" }>): Segment {
  const { start, end } = token;
  if (token.kind === "keyword") return { pieces: [token.keyword], quoted: false, start, end };
  return { pieces: token.pieces, quoted: token.kind === "string", start, end };
}

function join(kind: "and" | "or", operands: Expression[]): Expression {
  const [first] = operands;
  return operands.length === 1 && first ? first : { kind, operands };
}
