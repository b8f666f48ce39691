import { afterEach, describe, expect, test, vi } from "vitest";
import { CelError } from "../../../../src/iam/cel/cel-error";
import { tokensFromExpression } from "../../../../src/iam/cel/lexer";

afterEach(() => {
  vi.restoreAllMocks();
});

/** How often the lexer reads a character of the expression. */
function readsOf(expression: string): number {
  const read = vi.spyOn(String.prototype, "charCodeAt");
  const compared = vi.spyOn(String.prototype, "startsWith");
  try {
    tokensFromExpression(expression);
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
  }
  const reads = read.mock.calls.length + compared.mock.calls.length;
  vi.restoreAllMocks();
  return reads;
}

describe("tokensFromExpression", () => {
  test.each([
    ["blanks", " "],
    ["comments", "//"],
    ["comments of a line each", "//\n"],
    ["digits", "1"],
    ["fractions", "1.1"],
    ["exponents", "1e1"],
    ["hexadecimal digits", "0xf"],
    ["letters", "a"],
    ["open strings", '"'],
    ["open triple-quoted strings", '"""a'],
    ["quotes of two kinds", `"'`],
    ["backslashes", '"\\'],
    ["prefixes", "rb"],
    ["prefixed strings", 'b"'],
    ["signs", "-!"],
    ["colons", ":?"],
    ["characters of no token", "\u0000"],
  ])("reads each character a bounded number of times: %s", (_, piece) => {
    const readsPerCharacter = [100, 200, 400, 800].map(
      (count) => readsOf(piece.repeat(count)) / (piece.length * count),
    );

    // A symbol is compared with each of the 24 symbols there are.
    expect(Math.max(...readsPerCharacter)).toBeLessThan(32);
    expect(readsPerCharacter.at(-1)).toBeLessThanOrEqual((readsPerCharacter[0] ?? 0) * 1.1);
  });

  test.each([
    ["1.size", ["1", ".", "size"]],
    ["1.5e-3u", ["1.5e-3", "u"]],
    ["0xFFu<=b", ["0xFFu", "<=", "b"]],
    ["a in[r'\\n',b\"x\"]// in", ["a", "in", "[", "r'\\n'", ",", 'b"x"', "]"]],
    ["\f a\r\n&&\t!b", ["a", "&&", "!", "b"]],
  ])("splits %s", (expression, texts) => {
    const tokens = tokensFromExpression(expression);

    expect(tokens.slice(0, -1).map(({ start, end }) => expression.slice(start, end))).toEqual(texts);
    expect(tokens.at(-1)?.kind).toBe("end");
  });

  test.each([
    ["a = 1", "Unexpected character: = (at offset 2)"],
    ["'a\nb'", "Newlines not allowed in single-quoted strings (at offset 2)"],
    ["'''a'", "Unterminated triple-quoted string (at offset 0)"],
    ["x == '\\q'", "Invalid escape sequence: \\q (at offset 6)"],
    ["b'\\u0041'", "\\u not allowed in bytes literals (at offset 2)"],
    ["1e", "Invalid exponent (at offset 2)"],
    ["1e999", "Invalid number: 1e999 is too large (at offset 0)"],
    ["0x", "Invalid hex integer: 0x (at offset 0)"],
    ["18446744073709551616u", "Invalid integer: 18446744073709551616u is out of range (at offset 0)"],
  ])("rejects %j", (expression, problem) => {
    expect(() => tokensFromExpression(expression)).toThrow(`is not valid CEL: ${problem}`);
  });
});
