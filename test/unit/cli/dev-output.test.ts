// The output of `npm start`, made of wrangler's. util.inspect prints the objects here, as it does in wrangler.
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { DevOutput } from "../../../src/cli/dev-output";

const ID = "4dd8928d07c7b3e02a8ebb6b04dcac0f1ee38829ec7766e36dc8dc8d1e7502a0";
const OPERATION = `projects/p/operations/${ID}`;

function anOutput({ colours = false } = {}) {
  const output = new DevOutput({ colours, time: () => "12:00:00" });
  const print = (text: string): string[] => text.split("\n").flatMap((line) => output.take(line));
  return { output, print };
}

/** The output of a server that is ready. */
function aReadyOutput(options?: { colours: boolean }) {
  const { output, print } = anOutput(options);
  print("[wrangler:info] Ready on http://127.0.0.1:8787");
  return { output, print };
}

describe("DevOutput", () => {
  test("holds wrangler's output during the start, and then prints the address and the first command", () => {
    const { print } = anOutput();

    expect(print("Your Worker has access to the following bindings:\n{\n⎔ Starting local server...")).toEqual([]);
    const banner = print("[wrangler:info] Ready on http://127.0.0.1:8788").join("\n");
    expect(banner).toContain("edge-operations serves http://127.0.0.1:8788.");
    expect(banner).toContain("curl -s http://127.0.0.1:8788/v1/echo:wait");
    expect(banner).toContain("docs/methods.md");
    expect(banner).not.toContain("bindings");
  });

  test("prints the held output if the start fails", () => {
    const { output, print } = anOutput();
    print("✘ [ERROR] Build failed with 1 error:\n  src/worker.ts:3:9");

    expect(output.end()).toEqual(["✘ [ERROR] Build failed with 1 error:", "  src/worker.ts:3:9"]);
  });

  test.each<[string, object, string]>([
    [
      "a request",
      {
        message: "request",
        requestId: "7b041c6b-e2dd-418e-8022-bcddc80350ac",
        method: "POST",
        rpc: "google.longrunning.Operations.CancelOperation",
        caller: "anonymous",
        operation: OPERATION,
        status: 200,
        durationMs: 19,
      },
      "12:00:00 POST   CancelOperation  200  projects/p/operations/4dd8928d…  19 ms",
    ],
    [
      "a request that was refused",
      {
        message: "request",
        requestId: "7b041c6b-e2dd-418e-8022-bcddc80350ac",
        method: "GET",
        resource: "/v1/nope",
        code: "NOT_FOUND",
        reason: "ROUTE_NOT_FOUND",
        status: 404,
        durationMs: 1,
      },
      "12:00:00 GET  404  /v1/nope  ROUTE_NOT_FOUND  1 ms",
    ],
    [
      "a transition",
      { message: "transition", operation: OPERATION, method: "echo:wait", from: "NEW", to: "QUEUED", cause: "start" },
      "12:00:00   projects/p/operations/4dd8928d…  NEW → QUEUED  echo:wait: start",
    ],
    [
      "the end of an attempt",
      {
        message: "transition",
        operation: OPERATION,
        method: "echo:wait",
        from: "RUNNING",
        to: "FAILED",
        cause: "attemptFailed",
        attempt: 5,
        end: "FAILED",
        code: "UNKNOWN",
        durationMs: 1_012,
      },
      "12:00:00   projects/p/operations/4dd8928d…  RUNNING → FAILED  echo:wait: attemptFailed  attempt 5  FAILED UNKNOWN  1012 ms in all",
    ],
    [
      "a line of the method's own",
      { message: "it's row 7", operation: OPERATION, attempt: 1, rows: { read: 7, of: ["many", "more", OPERATION] } },
      `12:00:00 it's row 7  projects/p/operations/4dd8928d…  attempt=1  rows={ read: 7, of: [ 'many', 'more', '${OPERATION}' ] }`,
    ],
  ])("makes one line of %s", (_, line, expected) => {
    const { print } = aReadyOutput();

    expect(print(inspect(line))).toEqual([expected]);
  });

  test("prints a stack unchanged below its line", () => {
    const { print } = aReadyOutput();
    const error = 'Error: it\'s "broken"\n    at run (worker.ts:3:9)\n    at attempt (run-operation.ts:70:3)';

    expect(print(inspect({ message: "attempt failed", operation: OPERATION, method: "echo:wait", error }))).toEqual([
      `12:00:00 attempt failed  projects/p/operations/4dd8928d…  method=echo:wait\n${error}`,
    ]);
  });

  test.each(["✘ [ERROR]", "▲ [WARNING]"])(
    "makes one line of an object below %s, whatever the other stream prints",
    (mark) => {
      const { output } = aReadyOutput();
      const line = { message: "claim not reached", operation: OPERATION, error: "Error: the network\n    at fetch" };
      const [first = "", ...more] = `${mark} ${inspect(line).replace("\n", "\n\n").replaceAll("\n", "\n  ")}`.split(
        "\n",
      );

      expect(output.take("", "stderr")).toEqual([]);
      expect(output.take(first, "stderr")).toEqual([]);
      expect(output.take("plain text of a handler", "stdout")).toEqual(["plain text of a handler"]);
      expect(more.flatMap((one) => output.take(one, "stderr"))).toEqual([
        "12:00:00 claim not reached  projects/p/operations/4dd8928d…\nError: the network\n    at fetch",
      ]);
    },
  );

  test("omits wrangler's lines about requests and messages, and passes everything else on", () => {
    const { print } = aReadyOutput();

    expect(
      print("[wrangler:info] POST /v1/echo:wait 200 OK (42ms)\n[wrangler:info] QUEUE edge-operations-4 1/1 (9ms)"),
    ).toEqual([]);
    expect(print("⎔ Reloading local server...\nplain text of a handler")).toEqual([
      "⎔ Reloading local server...",
      "plain text of a handler",
    ]);
    expect(print("{ message: 'short', n: 1 }")).toEqual(["12:00:00 { message: 'short', n: 1 }"]);
  });

  test("uses colours on a terminal", () => {
    const { print } = aReadyOutput({ colours: true });
    const line = {
      message: "transition",
      operation: OPERATION,
      method: "echo:wait",
      from: "RUNNING",
      to: "SUCCEEDED",
      cause: "succeed",
    };

    expect(print(inspect(line)).join("")).toContain("\u001b[32mSUCCEEDED\u001b[39m");
  });
});
