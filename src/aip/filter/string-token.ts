// Quoted strings of a filter: the escapes of GoogleSQL and CEL, and `\*` for a star that is no wildcard.
import { type Outcome, accept, quoteFound, refuse } from "./filter-error";

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\",
  '"': '"',
  "'": "'",
  "`": "`",
  "?": "?",
  "*": "*",
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([^]))/y;
const MAX_CODE_POINT = 0x10ffff;
const EXPECTED_ESCAPE =
  "an escape: \\\\ \\\" \\' \\` \\? \\* \\a \\b \\f \\n \\r \\t \\v \\xHH \\uHHHH \\UHHHHHHHH \\OOO";

/** Decodes a STRING token into the pieces between its wildcards: `"a*\*b"` gives `["a", "*b"]`. */
export function decodeStringToken(token: string, start: number): Outcome<string[]> {
  const pieces: string[] = [];
  let piece = "";
  let index = 1;
  while (index < token.length - 1) {
    const character = token.charAt(index);
    if (character === "\u0000") {
      return refuse({ index: start + index, expected: "a character other than U+0000", found: '"\\u0000"' });
    }
    if (character === "\\") {
      ESCAPE.lastIndex = index;
      const match = ESCAPE.exec(token);
      const decoded = match && decodeEscape(match);
      if (!match || decoded === undefined) {
        const found = quoteFound(token.slice(index, index + 2));
        return refuse({ index: start + index, expected: EXPECTED_ESCAPE, found });
      }
      piece += decoded;
      index += match[0].length;
      continue;
    }
    if (character === "*") {
      pieces.push(piece);
      piece = "";
    } else {
      piece += character;
    }
    index += 1;
  }
  return accept([...pieces, piece]);
}

function decodeEscape([, hex, short, long, octal, simple]: RegExpExecArray): string | undefined {
  if (simple !== undefined) return SIMPLE_ESCAPES[simple];
  const code = octal === undefined ? Number.parseInt(hex ?? short ?? long ?? "", 16) : Number.parseInt(octal, 8);
  // U+0000 is left out: SQLite's text functions stop at it. Surrogates are no characters.
  if (code === 0 || code > MAX_CODE_POINT || (code >= 0xd800 && code <= 0xdfff)) return undefined;
  return String.fromCodePoint(code);
}
