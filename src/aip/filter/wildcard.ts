// `*` in string equality (AIP-160: "when comparing strings for equality, services should support wildcards").

/**
 * A string with wildcards, as the pieces between them: `["a", "b"]` is `a*b`, `["", ".foo"]` is `*.foo`, and a single
 * piece is a string without any. Each wildcard stands for any run of characters, the empty one included.
 */
export type Pattern = readonly string[];

/** Whether the pattern is `*`, or several of them, and so matches every string. */
export function matchesAnything(pattern: Pattern): boolean {
  return pattern.length > 1 && pattern.every((piece) => piece === "");
}

export function matchesPattern(text: string, pattern: Pattern): boolean {
  const [prefix = "", ...rest] = pattern;
  const suffix = rest.pop();
  if (suffix === undefined) return text === prefix;
  if (!text.startsWith(prefix)) return false;
  let position = prefix.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, position);
    if (found === -1) return false;
    position = found + piece.length;
  }
  return text.length - position >= suffix.length && text.endsWith(suffix);
}

/** The pattern of "anywhere in a text, in upper or lower case": bare literals, and `:` on a declared string. */
export function containsPattern(pattern: Pattern): Pattern {
  return ["", ...pattern.map(lowerCaseAscii).filter((piece) => piece !== ""), ""];
}

export function containsIgnoringCase(text: string, contained: Pattern): boolean {
  return matchesPattern(lowerCaseAscii(text), contained);
}

/** A to Z alone: the case of other letters depends on the language. */
function lowerCaseAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
