// Strings as sequences of Unicode code points. JavaScript's own `<` and `length` see UTF-16 units, in which a character
// beyond U+FFFF is two and sorts before U+E000.
//
// All input is valid UTF-8, so that every surrogate here is one half of a pair.

/** Negative where `a` comes before `b` in code point order, 0 where they are equal. The order of their UTF-8 bytes. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const unitA = a.charCodeAt(i);
    const unitB = b.charCodeAt(i);
    if (unitA !== unitB) return rankFromUnit(unitA) - rankFromUnit(unitB);
  }
  return a.length - b.length;
}

/** Moves the surrogates, D800 to DFFF, behind FFFF. */
function rankFromUnit(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x2800 : unit;
}

/** How many code points `text` has. */
export function codePointLength(text: string): number {
  let pairs = 0;
  for (let i = 0; i < text.length; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800) pairs++;
  }
  return text.length - pairs;
}

/** `text`, or its first `limit` code points where it has more: a copy, which does not keep the whole of it alive. */
export function firstCodePoints(text: string, limit: number): string {
  if (text.length <= limit || codePointLength(text) <= limit) return text;
  return Array.from(text.slice(0, 2 * limit))
    .slice(0, limit)
    .join("");
}
