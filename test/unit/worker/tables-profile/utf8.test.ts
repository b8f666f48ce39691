import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Utf8Checker } from "../../../../src/worker/tables-profile/utf8";

function firstIllFormed(pieces: Uint8Array[]): number | undefined {
  const checker = new Utf8Checker();
  for (const piece of pieces) {
    const offset = checker.firstIllFormed(piece);
    if (offset !== undefined) return offset;
  }
  return checker.cutOffAtEnd();
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return true;
  } catch {
    return false; // The decoder's refusal is the answer.
  }
}

/** The longest prefix that a fatal TextDecoder accepts, or undefined where it accepts all. */
function longestPrefix(bytes: Uint8Array): number | undefined {
  if (isUtf8(bytes)) return undefined;
  for (let end = bytes.length - 1; ; end--) if (isUtf8(bytes.subarray(0, end))) return end;
}

const sequence = fc.oneof(
  { weight: 5, arbitrary: fc.string({ unit: "binary", maxLength: 3 }).map((text) => Buffer.from(text)) },
  {
    weight: 1,
    arbitrary: fc
      .array(
        fc.constantFrom(0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5),
        { maxLength: 4 },
      )
      .map((list) => Buffer.from(list)),
  },
);

test("Utf8Checker finds every error of a fatal TextDecoder, wherever the input is cut", () => {
  fc.assert(
    fc.property(fc.array(sequence, { maxLength: 6 }), fc.nat(20), fc.nat(20), (sequences, a, b) => {
      const bytes = Buffer.concat(sequences);
      const [first, second] = [Math.min(a, b), Math.max(a, b)];
      const pieces = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)];
      expect(firstIllFormed(pieces)).toBe(longestPrefix(bytes));
    }),
    { numRuns: 400 },
  );
});
