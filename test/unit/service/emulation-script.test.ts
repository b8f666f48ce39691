import { describe, expect, test } from "vitest";
import { tablesProfile } from "../../../src/worker/tables-profile";
import { echoWait } from "../../../src/worker/echo-wait";
import { MAX_EMULATED_EVENTS } from "../../../src/limits";
import type { Method } from "../../../src/method/define-method";
import type { JsonObject } from "../../../src/rpc/any";
import { decodeScript } from "../../../src/service/emulation-script";
import { rpcErrorOf, violatedFields } from "../../support/an-rpc-error";

const decode = (script: unknown, method: Method = echoWait, initialMetadata: JsonObject = {}) =>
  decodeScript(JSON.stringify(script), { method, initialMetadata });

const locked = { code: 9, message: "It is locked.", details: [] };

describe("a script", () => {
  test("may be empty, so the operation runs until its deadline", () => {
    expect(decode({})).toEqual({
      emulation: { progress: [], polls: [], polled: 0 },
      start: { delayMs: 0, untilMs: Number.POSITIVE_INFINITY },
    });
  });

  test("has the events and their times", () => {
    const script = {
      start: { delay: "1.5s", httpError: { code: 14 }, until: "2026-01-31T12:00:00Z" },
      progress: [
        { after: "1s", metadata: { rowsDone: 10 }, statusMessage: "Reading." },
        { after: "2s", metadata: { rowsDone: 20 } },
      ],
      end: { after: "3s", error: locked },
      polls: [
        { poll: 2, httpError: { code: 14, message: "Busy." } },
        { poll: 3, error: locked },
      ],
    };

    expect(decode(script, tablesProfile)).toEqual({
      emulation: {
        progress: [
          { afterMs: 1_000, metadata: { rowsDone: 10 }, statusMessage: "Reading." },
          { afterMs: 2_000, metadata: { rowsDone: 20 } },
        ],
        end: { afterMs: 3_000, error: locked },
        polls: [
          { poll: 2, httpError: { code: 14, message: "Busy.", details: [] } },
          { poll: 3, error: locked },
        ],
        polled: 0,
      },
      start: {
        delayMs: 1_500,
        httpError: { code: 14, message: "", details: [] },
        untilMs: Date.UTC(2026, 0, 31, 12),
      },
    });
  });

  test("has metadata and response of the method's declared types", () => {
    const endTime = "2026-01-31T12:00:00Z";
    const script = { progress: [{ metadata: { endTime } }], end: { response: { content: "hello" } } };

    expect(decode(script).emulation).toMatchObject({
      progress: [{ afterMs: 0, metadata: { endTime } }],
      end: { afterMs: 0, response: { content: "hello" } },
    });
  });

  const tooMany = Array.from({ length: MAX_EMULATED_EVENTS + 1 }, () => ({ metadata: {} }));

  test.each<[unknown, string[]]>([
    [[], [""]],
    ["text", [""]],
    [{ frob: 1 }, ["frob"]],
    [{ start: { delay: "121s" } }, ["start.delay"]],
    [{ start: { delay: "-1s" } }, ["start.delay"]],
    [{ start: { httpError: { code: 0 } } }, ["start.httpError.code"]],
    [{ start: { until: "tomorrow" } }, ["start.until"]],
    [{ progress: [{ after: "2s" }, { after: "1s" }] }, ["progress[1].after"]],
    [{ progress: [{ after: "soon" }] }, ["progress[0].after"]],
    [{ progress: [{ metadata: { frob: 1 } }] }, ["progress[0].metadata.frob"]],
    [{ progress: tooMany }, ["progress"]],
    [{ end: { response: { content: 5 } } }, ["end.response.content"]],
    [{ end: { error: locked, response: {} } }, ["end.response"]],
    [{ end: { error: { code: 17 } } }, ["end.error.code"]],
    [{ progress: [{ after: "5s" }], end: { after: "4s" } }, ["end.after"]],
    [{ polls: [{ poll: 0, error: locked }] }, ["polls[0].poll"]],
    [{ polls: [{ poll: 1 }] }, ["polls[0]"]],
    [{ polls: [{ poll: 1, error: locked, httpError: locked }] }, ["polls[0].httpError"]],
    [
      {
        polls: [
          { poll: 2, error: locked },
          { poll: 2, httpError: locked },
        ],
      },
      ["polls[1].poll"],
    ],
  ])("is rejected for %j, and the error names the field", async (script, fields) => {
    const error = await rpcErrorOf(async () => decode(script));

    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(violatedFields(error.details)).toEqual(
      fields.map((field) => (field === "" ? "X-Emulation-Script" : `X-Emulation-Script.${field}`)),
    );
  });

  test("is rejected if it reports a field that the service sets", async () => {
    const error = await rpcErrorOf(async () => decode({ progress: [{ metadata: { createTime: "" } }] }, tablesProfile));

    expect(violatedFields(error.details)).toEqual(["X-Emulation-Script.progress[0].metadata.createTime"]);
  });

  test("is rejected if it is no JSON", async () => {
    const error = await rpcErrorOf(async () => decodeScript("{", { method: echoWait, initialMetadata: {} }));

    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(violatedFields(error.details)).toEqual(["X-Emulation-Script"]);
  });
});
