// CEL's grammar, without indexes, maps and messages, which no condition needs.
// https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax
import { MAX_EXPRESSION_DEPTH, MAX_EXPRESSION_NODES } from "../iam-limits";
import { CelError, invalid } from "./cel-error";
import { type Token, tokensFromExpression } from "./lexer";
import type { BinaryOperator, Node } from "./syntax-tree";
import { MAX_INT } from "./value";

/** From the weakest to the strongest. CEL has `==` and `!=` on the level of `<`; stored conditions were read with two. */
const LEVELS: readonly (readonly BinaryOperator[])[] = [
  ["||"],
  ["&&"],
  ["==", "!="],
  ["<", "<=", ">", ">=", "in"],
  ["+", "-"],
  ["*", "/", "%"],
];

export function parseExpression(text: string): Node {
  return new Parser(tokensFromExpression(text)).parse();
}

class Parser {
  readonly #tokens: readonly Token[];
  #position = 0;
  #depth = 0;
  #nodes = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): Node {
    const node = this.#expression();
    if (this.#next.kind !== "end") throw this.#unexpected();
    return node;
  }

  // Expr = ConditionalOr ["?" Expr ":" Expr] ;
  #expression(): Node {
    this.#descend();
    const condition = this.#binary(0);
    if (!this.#take("?")) {
      this.#depth -= 1;
      return condition;
    }
    const yes = this.#expression();
    this.#expect(":");
    const no = this.#expression();
    this.#depth -= 1;
    return this.#node({
      kind: "conditional",
      condition,
      yes,
      no,
      start: condition.start,
      end: no.end,
    });
  }

  // ConditionalOr  = [ConditionalOr "||"] ConditionalAnd ;
  // ConditionalAnd = [ConditionalAnd "&&"] Relation ;
  // Relation       = [Relation Relop] Addition ;
  // Addition       = [Addition ("+" | "-")] Multiplication ;
  // Multiplication = [Multiplication ("*" | "/" | "%")] Unary ;
  #binary(level: number): Node {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const operator = operators.find((each) => this.#take(each));
      if (operator === undefined) return left;
      const right = this.#binary(level + 1);
      left = this.#node({ kind: "binary", operator, left, right, start: left.start, end: right.end });
    }
  }

  // Unary = Member | "!" {"!"} Member | "-" {"-"} Member ;
  #unary(): Node {
    const { start } = this.#next;
    if (this.#take("!")) return this.#negated("!", start);
    if (!this.#take("-")) return this.#member();
    const token = this.#next;
    if (token.kind === "literal" && token.type === "int" && token.value === MAX_INT + 1n) {
      this.#position += 1;
      return this.#node({ kind: "literal", type: "int", value: -MAX_INT - 1n, start, end: token.end });
    }
    return this.#negated("-", start);
  }

  #negated(operator: "!" | "-", start: number): Node {
    const operand = this.#unary();
    return this.#node({ kind: "unary", operator, operand, start, end: operand.end });
  }

  // Member = Primary | Member "." IDENT ["(" [ExprList] ")"] ;
  #member(): Node {
    let operand = this.#primary();
    const { start } = operand;
    const depth = this.#depth;
    while (this.#take(".")) {
      this.#descend();
      const { name, start: nameStart, end } = this.#name();
      operand = this.#take("(")
        ? this.#node({ kind: "call", name, receiver: operand, ...this.#list(")"), start })
        : this.#node({ kind: "field", operand, name, nameStart, start, end });
    }
    if (this.#isAt("[")) throw this.#refused();
    this.#depth = depth;
    return operand;
  }

  // Primary = LITERAL | IDENT ["(" [ExprList] ")"] | "(" Expr ")" | "[" [ExprList] [","] "]" ;
  #primary(): Node {
    const token = this.#next;
    const { start, end } = token;
    if (token.kind === "literal") {
      if (token.type === "int" && typeof token.value === "bigint" && token.value > MAX_INT) {
        throw invalid("Invalid integer: the largest is 9223372036854775807", start);
      }
      this.#position += 1;
      return this.#node({ ...token });
    }
    if (token.kind === "name") {
      this.#position += 1;
      const { name } = token;
      if (!this.#take("(")) return this.#node({ kind: "variable", name, start, end });
      return this.#node({ kind: "call", name, receiver: undefined, ...this.#list(")"), start });
    }
    if (this.#take("(")) {
      const node = this.#expression();
      this.#expect(")");
      return node;
    }
    if (this.#take("[")) {
      const { args: elements, end: listEnd } = this.#list("]");
      return this.#node({ kind: "list", elements, start, end: listEnd });
    }
    throw this.#isAt("{") ? this.#refused() : this.#unexpected();
  }

  // ExprList = Expr {"," Expr} [","] ;
  #list(close: ")" | "]"): { args: Node[]; end: number } {
    const args: Node[] = [];
    while (!this.#isAt(close)) {
      args.push(this.#expression());
      if (!this.#take(",")) break;
    }
    const { end } = this.#next;
    this.#expect(close);
    return { args, end };
  }

  get #next(): Token {
    const token = this.#tokens[this.#position];
    if (!token) throw new Error("The last token is never taken.");
    return token;
  }

  #isAt(symbol: string): boolean {
    return this.#next.kind === "symbol" && this.#next.symbol === symbol;
  }

  #take(symbol: string): boolean {
    const isThere = this.#isAt(symbol);
    if (isThere) this.#position += 1;
    return isThere;
  }

  #expect(symbol: string): void {
    if (!this.#take(symbol)) throw invalid(`Expected ${symbol}, got ${this.#found()}`, this.#next.start);
  }

  #name(): Extract<Token, { kind: "name" }> {
    const token = this.#next;
    if (token.kind !== "name") throw invalid(`Expected a name, got ${this.#found()}`, token.start);
    this.#position += 1;
    return token;
  }

  #node(node: Node): Node {
    this.#nodes += 1;
    if (this.#nodes > MAX_EXPRESSION_NODES) {
      throw invalid(`It has more than ${MAX_EXPRESSION_NODES} operators and operands`, node.start);
    }
    return node;
  }

  #descend(): void {
    this.#depth += 1;
    if (this.#depth > MAX_EXPRESSION_DEPTH) {
      throw invalid(`It is nested more than ${MAX_EXPRESSION_DEPTH} deep`, this.#next.start);
    }
  }

  #unexpected(): CelError {
    return invalid(`Unexpected token: ${this.#found()}`, this.#next.start);
  }

  #refused(): CelError {
    return new CelError(
      'uses an index or a map; attributes are read with a point, like "resource.name"',
      this.#next.start,
    );
  }

  #found(): string {
    const token = this.#next;
    switch (token.kind) {
      case "end":
        return "EOF";
      case "symbol":
        return token.symbol;
      case "name":
        return token.name.slice(0, 40);
      case "literal":
        return `a ${token.type}`;
    }
  }
}
