// The rows of an operation's output: offsets in bytes, the latest MiB, and whole letters.
import { describe, expect, it } from "vitest";
import { Output } from "../../../../src/durable/operation/output";
import { MAX_OUTPUT_BYTES } from "../../../../src/limits";
import { utf8Length } from "../../../../src/rpc/utf8";

/** The rows of an object, as far as the output needs them. */
function aKv(): SyncKvStorage {
  const rows = new Map<string, string>();
  const kv = {
    put: (key: string, value: string) => rows.set(key, value),
    delete: (key: string) => rows.delete(key),
    *list({
      prefix = "",
      start = "",
      end,
      reverse = false,
      limit = Infinity,
    }: SyncKvListOptions & { prefix?: string }) {
      const keys = [...rows.keys()].filter((key) => key.startsWith(prefix) && key >= start && !(end && key >= end));
      keys.sort();
      if (reverse) keys.reverse();
      for (const key of keys.slice(0, limit)) yield [key, rows.get(key)];
    },
  };
  return kv as unknown as SyncKvStorage;
}

describe("Output", () => {
  it("is read from every offset at the next letter", () => {
    const output = new Output(aKv());
    output.append({ offset: 0, text: "a三" });
    output.append({ offset: 4, text: "😀b" });

    expect(Array.from({ length: 11 }, (_, offset) => output.read(offset))).toEqual([
      { offset: 0, text: "a三😀b", nextOffset: 9 },
      { offset: 1, text: "三😀b", nextOffset: 9 },
      { offset: 4, text: "😀b", nextOffset: 9 },
      { offset: 4, text: "😀b", nextOffset: 9 },
      { offset: 4, text: "😀b", nextOffset: 9 },
      { offset: 8, text: "b", nextOffset: 9 },
      { offset: 8, text: "b", nextOffset: 9 },
      { offset: 8, text: "b", nextOffset: 9 },
      { offset: 8, text: "b", nextOffset: 9 },
      { offset: 9, text: "", nextOffset: 9 },
      { offset: 9, text: "", nextOffset: 9 },
    ]);
  });

  it("stores a part once that is sent again", () => {
    const kv = aKv();
    const output = new Output(kv);

    expect(output.append({ offset: 0, text: "one" })).toBe(true);
    expect(output.append({ offset: 0, text: "one" })).toBe(false);
    expect(new Output(kv).append({ offset: 0, text: "one" })).toBe(false);
    expect(new Output(kv).end).toBe(3);
  });

  it("keeps the latest MiB, and skips what was dropped", () => {
    const output = new Output(aKv());
    const part = "x".repeat(50_000);
    for (let offset = 0; offset < 4 * MAX_OUTPUT_BYTES; offset += part.length) output.append({ offset, text: part });
    let kept = 0;
    for (let next = output.read(0); next.text !== ""; next = output.read(next.nextOffset))
      kept += utf8Length(next.text);

    expect(kept).toBeGreaterThanOrEqual(MAX_OUTPUT_BYTES);
    expect(kept).toBeLessThan(MAX_OUTPUT_BYTES + part.length);
    expect(output.read(0).offset).toBe(output.end - kept);
  });

  it("ends an answer at a gap, and goes on behind it", () => {
    const output = new Output(aKv());
    output.append({ offset: 0, text: "one" });
    output.append({ offset: 10, text: "two" });

    expect(output.read(0)).toEqual({ offset: 0, text: "one", nextOffset: 3 });
    expect(output.read(3)).toEqual({ offset: 10, text: "two", nextOffset: 13 });
  });
});
