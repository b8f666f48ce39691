// The escapes in the quotes of strings and bytes.
// https://github.com/google/cel-spec/blob/master/doc/langdef.md#string-and-bytes-values
import { invalid } from "./cel-error";

const SIMPLE_ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\\", "\\"],
  ["?", "?"],
  ['"', '"'],
  ["'", "'"],
  ["`", "`"],
  ["a", "\u0007"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["v", "\v"],
]);
const HEX_LENGTHS: ReadonlyMap<string, number> = new Map([
  ["x", 2],
  ["X", 2],
  ["u", 4],
  ["U", 8],
]);
const MAX_CODE_POINT = 0x10ffff;

/** The text between the quotes. `offset` is its beginning in the expression. */
export function textFromBody(body: string, offset: number): string {
  return decoded(body, offset, false);
}

/** The bytes: text in UTF-8, and a byte for each `\xHH` or `\OOO`. */
export function bytesFromBody(body: string, offset: number): Uint8Array {
  const octets = Array.from(new TextEncoder().encode(body), (byte) => String.fromCharCode(byte)).join("");
  return Uint8Array.from(decoded(octets, offset, true), (character) => character.charCodeAt(0));
}

function decoded(body: string, offset: number, isBytes: boolean): string {
  let text = "";
  let index = 0;
  while (index < body.length) {
    const backslash = body.indexOf("\\", index);
    if (backslash === -1) break;
    const { character, length } = escapeAt(body, backslash, offset, isBytes);
    text += body.slice(index, backslash) + character;
    index = backslash + length;
  }
  return text + body.slice(index);
}

// ESCAPE = \ [bfnrt"'\?`av] | \u HEXDIGIT{4} | \U HEXDIGIT{8} | \x HEXDIGIT{2} | \ [0-3] [0-7] [0-7]
function escapeAt(
  body: string,
  start: number,
  offset: number,
  isBytes: boolean,
): { character: string; length: number } {
  const letter = body.charAt(start + 1);
  const simple = SIMPLE_ESCAPES.get(letter);
  if (simple !== undefined) return { character: simple, length: 2 };
  const hexLength = HEX_LENGTHS.get(letter);
  if (isBytes && (letter === "u" || letter === "U")) {
    throw invalid(`\\${letter} not allowed in bytes literals`, offset + start);
  }
  const digits =
    hexLength === undefined ? body.slice(start + 1, start + 4) : body.slice(start + 2, start + 2 + hexLength);
  const isWellFormed =
    hexLength === undefined
      ? /^[0-3][0-7]{2}$/.test(digits)
      : digits.length === hexLength && /^[\da-f]+$/i.test(digits);
  const code = isWellFormed ? Number.parseInt(digits, hexLength === undefined ? 8 : 16) : Number.NaN;
  if (!(code <= MAX_CODE_POINT) || (code >= 0xd800 && code <= 0xdfff)) {
    throw invalid(`Invalid escape sequence: ${body.slice(start, start + 2)}`, offset + start);
  }
  return { character: String.fromCodePoint(code), length: digits.length + (hexLength === undefined ? 1 : 2) };
}
