// UTF-8 of large texts, counted or encoded piece by piece, without a copy of the whole; and the order of its bytes.

/** UTF-16 units encoded at a time. */
const PIECE_UNITS = 64 * 1_024;
/** One unit takes at most three bytes. */
const scratch = new Uint8Array(3 * PIECE_UNITS);
const encoder = new TextEncoder();

export function utf8Length(text: string): number {
  if (text.length < PIECE_UNITS) return encoder.encodeInto(text, scratch).written;
  let bytes = 0;
  for (const piece of pieces(text)) bytes += encoder.encodeInto(piece, scratch).written;
  return bytes;
}

/** Whether a text has at most so many bytes. Its length decides most cases. */
export function fitsUtf8(text: string, maxBytes: number): boolean {
  if (text.length > maxBytes) return false;
  return text.length * 3 <= maxBytes || utf8Length(text) <= maxBytes;
}

/** A text as a byte stream. The stream keeps no bytes that were read. */
export function streamFromText(text: string): ReadableStream<Uint8Array> {
  const rest = pieces(text);
  return new ReadableStream({
    pull(controller): void {
      const { done, value } = rest.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
  });
}

/** The pieces of a text. No surrogate pair is cut in two. */
function* pieces(text: string): Generator<string, void> {
  for (let start = 0; start < text.length;) {
    let end = start + PIECE_UNITS;
    const last = text.charCodeAt(end - 1);
    // The first half of a surrogate pair goes with the second.
    if (last >= 0xd800 && last <= 0xdbff) end -= 1;
    yield text.slice(start, end);
    start = end;
  }
}

/** Negative where `a` comes before `b` by Unicode code points, as the bytes of UTF-8 do, and SQLite's BINARY collation. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const unitA = a.charCodeAt(index);
    const unitB = b.charCodeAt(index);
    // In a pair's second half the code points decide; the first halves were equal.
    if (unitA !== unitB) return codePointRank(unitA) - codePointRank(unitB);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above U+FFFF, so they follow U+E000 to U+FFFF. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
