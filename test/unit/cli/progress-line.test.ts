// The progress line of wait and watch, on a terminal and in a file.
import { describe, expect, it } from "vitest";
import { stateFromResource } from "../../../src/client/operation-state";
import { ProgressLine } from "../../../src/cli/deployment/progress-line";

function shown({ isTTY, columns }: { isTTY: boolean; columns?: number }, metadatas: readonly object[]): string {
  let text = "";
  let now = 0;
  const stream = { isTTY, columns: columns ?? 80, write: (part: string) => (text += part) };
  const line = new ProgressLine(stream, () => now);
  for (const value of metadatas) {
    const metadata = { "@type": "type.googleapis.com/google.protobuf.Struct", value };
    line.show(stateFromResource({ name: "operations/1", done: false, metadata } as never));
    now += 1_500;
  }
  line.end();
  return text;
}

const CLEAR = "\r\u001b[2K";

describe("ProgressLine", () => {
  it("replaces its line on a terminal, with a bar, the state and the time", () => {
    const text = shown({ isTTY: true }, [{ progressPercent: 0 }, { progressPercent: 50, statusMessage: "Half." }]);

    expect(text).toBe(
      `${CLEAR}[${".".repeat(24)}] RUNNING  0s${CLEAR}[${"#".repeat(12)}${".".repeat(12)}] RUNNING 50%  Half.  1s\n`,
    );
  });

  it("is never wider than the terminal", () => {
    const text = shown({ isTTY: true, columns: 40 }, [{ statusMessage: "x".repeat(100) }]);

    expect(text.replace(CLEAR, "").trimEnd()).toHaveLength(39);
  });

  it("writes a line for each change without a terminal", () => {
    expect(shown({ isTTY: false }, [{ progressPercent: 5 }, { progressPercent: 5 }, { progressPercent: 9 }])).toBe(
      "RUNNING 5%\nRUNNING 9%\n",
    );
  });

  it("shows no control character of a service", () => {
    const text = shown({ isTTY: false }, [{ statusMessage: "a\u001b[31m\nb\u202ec" }]);

    expect(text).toBe("RUNNING  a [31m b c\n");
  });
});
