import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compareCodePoints } from "../../../../src/rpc/utf8";
import { codePointLength, firstCodePoints } from "../../../../src/worker/tables-profile/code-points";

const text = fc.oneof(
  fc.string({
    unit: fc.constantFrom("a", "é", "東", "\ud7ff", "\ue000", "\ufb01", "\uffff", "\u{10000}", "😀"),
    maxLength: 6,
  }),
  fc.string({ unit: "binary", maxLength: 6 }),
);

test("compareCodePoints orders strings as their UTF-8 bytes", () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareCodePoints(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { numRuns: 1000 },
  );
});

test("codePointLength and firstCodePoints count a surrogate pair once", () => {
  fc.assert(
    fc.property(text, fc.nat(7), (a, limit) => {
      expect(codePointLength(a)).toBe(Array.from(a).length);
      expect(firstCodePoints(a, limit)).toBe(Array.from(a).slice(0, limit).join(""));
    }),
  );
});
