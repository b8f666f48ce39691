// UTF-8 of large texts: counted and encoded in pieces as TextEncoder has it of the whole.
import { describe, expect, test, vi } from "vitest";
import { fitsUtf8, streamFromText, utf8Length } from "../../../src/rpc/utf8";

const PIECE = 64 * 1_024;
/** Letters of one to four bytes, whose pairs of surrogates lie across the ends of pieces, and halves of pairs. */
const texts = [
  "",
  "a",
  "é三🙂",
  "a".repeat(PIECE),
  `${"a".repeat(PIECE - 1)}🙂z`,
  "🙂".repeat(PIECE),
  `x${"🙂".repeat(PIECE)}`,
  "三".repeat(3 * PIECE + 7),
  "\uD800",
  `${"a".repeat(PIECE - 1)}\uD800\uD800\uDC00`,
  "\uD800".repeat(PIECE + 3),
];

describe.each(texts.map((text, index) => [index, text] as const))("text %i", (_, text) => {
  const encoded = new TextEncoder().encode(text);

  test("utf8Length is its length", () => {
    expect(utf8Length(text)).toBe(encoded.length);
  });

  test("fits into its length, and not into less", () => {
    expect(fitsUtf8(text, encoded.length)).toBe(true);
    expect(fitsUtf8(text, encoded.length - 1)).toBe(false);
  });

  test("is streamed as its bytes", async () => {
    expect(Buffer.compare(await new Response(streamFromText(text)).bytes(), encoded)).toBe(0);
  });
});

// All that runs in an isolate shares its 128 MB: a copy of a result of 24 MiB may be the last one.
test("utf8Length counts a large text without a copy of it", () => {
  const encode = vi.spyOn(TextEncoder.prototype, "encode");
  const encodeInto = vi.spyOn(TextEncoder.prototype, "encodeInto");
  utf8Length("三".repeat(1_000_000));
  const largest = Math.max(...encodeInto.mock.calls.map(([piece]) => piece.length));
  const copies = encode.mock.calls.length;
  vi.restoreAllMocks();

  expect(copies).toBe(0);
  expect(largest).toBeLessThanOrEqual(PIECE + 1);
});

test("a stream has no piece larger than 192 KiB", async () => {
  let largest = 0;
  for await (const piece of streamFromText("三".repeat(1_000_000))) largest = Math.max(largest, piece.length);

  expect(largest).toBeLessThanOrEqual(192 * 1_024);
});
