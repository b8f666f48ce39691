// op.write: what is stored of it, how often, and what a function that is called again does not write again.
import { describe, expect, it } from "vitest";
import { OutputWriter } from "../../../src/queue/output-writer";
import type { Claimed } from "../../../src/contract/run-channel";
import { MAX_OUTPUT_BYTES } from "../../../src/limits";
import { utf8Length } from "../../../src/rpc/utf8";

type Claim = Pick<Claimed, "outputBytes" | "steps" | "sleeps" | "suspensions">;

function aWriter(claim: { [Field in keyof Claim]?: Claim[Field] | undefined } = {}) {
  const saved: { offset: number; text: string; time: number }[] = [];
  const timers: { time: number; run: () => void }[] = [];
  let now = 0;
  const writer = new OutputWriter({ outputBytes: 0, steps: [], sleeps: [], ...claim } as Claim, {
    save: async (message) => {
      if (message.type !== "saveOutput") throw new Error(`${message.type} is no output`);
      const { offset, text } = message;
      saved.push({ offset, text, time: now });
      return "settled";
    },
    after: (ms, run) => {
      timers.push({ time: now + ms, run });
      return () => {};
    },
    log: () => undefined,
  });
  const pass = (ms: number): void => {
    const end = now + ms;
    for (;;) {
      timers.sort((a, b) => a.time - b.time);
      if ((timers[0]?.time ?? Infinity) > end) break;
      const timer = timers.shift()!;
      now = timer.time;
      timer.run();
    }
    now = end;
  };
  return { writer, saved, pass, texts: () => saved.map(({ text }) => text) };
}

describe("OutputWriter", () => {
  it("stores a first text at once and later ones together, twice a second, at their offsets", async () => {
    const { writer, saved, pass } = aWriter({ outputBytes: 7 });
    for (let token = 0; token < 200; token += 1) {
      writer.write("三");
      pass(10);
    }
    await writer.finished();

    expect(saved.map(({ time }) => time)).toEqual([0, 500, 1_000, 1_500, 2_000]);
    expect(saved.map(({ text }) => text).join("")).toBe("三".repeat(200));
    for (const [index, { offset, text }] of saved.entries()) {
      expect(saved[index + 1]?.offset ?? offset + utf8Length(text)).toBe(offset + utf8Length(text));
    }
    expect(saved[0]?.offset).toBe(7);
  });

  it("stores what is left when the function ends, and splits no letter", async () => {
    const { writer, texts } = aWriter();
    writer.write("😀".repeat(50_000));
    await writer.finished();

    expect(texts().length).toBeGreaterThan(1);
    for (const text of texts()) expect(text.isWellFormed()).toBe(true);
    expect(texts().join("")).toBe("😀".repeat(50_000));
  });

  it("keeps the latest of a text that comes faster than it is stored, and counts all", async () => {
    const { writer, saved } = aWriter();
    writer.write("a".repeat(3 * MAX_OUTPUT_BYTES));
    writer.write("end");
    await writer.finished();
    const last = saved.at(-1)!;

    expect(saved[0]?.offset).toBe(2 * MAX_OUTPUT_BYTES + 3);
    expect(last.offset + last.text.length).toBe(3 * MAX_OUTPUT_BYTES + 3);
    expect(last.text.endsWith("end")).toBe(true);
  });

  it("writes nothing to an object of an earlier version", async () => {
    const { writer, saved } = aWriter({ outputBytes: undefined });
    writer.write("text");
    await writer.finished();

    expect(saved).toEqual([]);
  });

  it("throws at a value that is no text", () => {
    expect(() => aWriter().writer.write(7)).toThrow("op.write takes a text");
  });
});

describe("a function that is called again", () => {
  const claim: Partial<Claim> = {
    outputBytes: 10,
    steps: [{ name: "one", place: 0, result: "1", order: 1 }],
    sleeps: [{ ordinal: 0, wakeTime: 1 }],
    suspensions: [{ id: "approval", reached: { expireTime: 1 } }, { id: "early" }],
  };

  it("writes from the last call on that it had made before", async () => {
    const { writer, texts } = aWriter(claim);
    writer.write("a");
    writer.called("step", "one");
    writer.write("b");
    writer.called("sleep");
    writer.write("c");
    writer.called("suspension", "approval");
    writer.write("d");
    await writer.finished();

    expect(texts()).toEqual(["d"]);
  });

  it("writes from the first call on that is new", async () => {
    const { writer, texts } = aWriter(claim);
    writer.called("step", "two");
    writer.write("a");
    await writer.finished();

    expect(texts()).toEqual(["a"]);
  });

  it("writes nothing again between a sleep that is forgotten and a step that is not", async () => {
    const { writer, texts } = aWriter({ ...claim, sleeps: [{ ordinal: 1, wakeTime: 1 }], suspensions: [] });
    writer.called("sleep");
    writer.write("a");
    writer.called("sleep");
    writer.write("b");
    writer.called("sleep", "named");
    writer.write("c");
    writer.called("step", "one");
    writer.write("d");
    await writer.finished();

    expect(texts()).toEqual(["d"]);
  });

  it("writes everything if it continues from a cursor", async () => {
    const { writer, texts } = aWriter(claim);
    writer.goesOn();
    writer.write("a");
    await writer.finished();

    expect(texts()).toEqual(["a"]);
  });
});
