import { describe, expect, test } from "vitest";
import { echoWait } from "../../../src/worker/echo-wait";
import type { OperationContext } from "../../../src/method/method";
import type { JsonObject } from "../../../src/rpc/any";
import { CREATE_TIME } from "../../support/an-operation";
import { rpcErrorOf, violatedFields } from "../../support/an-rpc-error";

const context = { createTime: new Date(CREATE_TIME + 5) };
const help = { "@type": "type.googleapis.com/google.rpc.Help" };

/** The method's use of its operation: its sleeps, and its end. */
async function run(json: JsonObject) {
  const sleeps: string[] = [];
  const sleepUntil = async (time: Date) => void sleeps.push(time.toISOString());
  const operation = { createTime: context.createTime, sleepUntil } as unknown as OperationContext;
  return { response: await echoWait.run(json, operation), sleeps };
}

// google/showcase/v1beta1/echo.proto: "This method will wait for the requested amount of time and then return."
describe("echo:wait", () => {
  test.each<[JsonObject, string]>([
    [{ ttl: "5s" }, "2026-01-31T12:00:05.005Z"],
    [{ ttl: "0.5s" }, "2026-01-31T12:00:00.505Z"],
    [{ ttl: "0.999999999s" }, "2026-01-31T12:00:01.004999999Z"],
    [{ ttl: "2592000s" }, "2026-03-02T12:00:00.005Z"],
    [{ endTime: "2026-01-31T13:00:00Z" }, "2026-01-31T13:00:00Z"],
    [{ end_time: "2026-01-31T14:00:00.25+01:00" }, "2026-01-31T13:00:00.250Z"],
    [{ ttl: null, endTime: "2026-01-31T13:00:00Z" }, "2026-01-31T13:00:00Z"],
  ])("of %j has its end time in the metadata: %s", async (json, endTime) => {
    expect(await echoWait.prepare(json, context)).toMatchObject({ metadata: { endTime }, immediate: undefined });
  });

  test.each<[JsonObject, number]>([
    [{ ttl: "5s" }, 5_000],
    [{ endTime: "2026-01-31T13:00:00.005Z" }, 3_600_000],
    [{ endTime: "9999-12-31T00:00:00Z" }, 30 * 86_400_000],
    [{ endTime: "1999-12-31T00:00:00Z" }, 0],
    [{}, 0],
  ])("of %j has the usual duration %d ms", async (json, usualDurationMs) => {
    expect(await echoWait.prepare(json, context)).toMatchObject({ usualDurationMs });
  });

  // "no end: done at once".
  test.each<[JsonObject, object]>([
    [{}, { response: {} }],
    [{ success: { content: "hello" } }, { response: { content: "hello" } }],
    [{ success: {} }, { response: {} }],
    [{ success: { content: null } }, { response: {} }],
    [{ ttl: "0s", success: { content: "hello" } }, { response: { content: "hello" } }],
    [{ endTime: "2026-01-31T12:00:00Z" }, { response: {} }],
  ])("of %j is done at once", async (json, immediate) => {
    expect((await echoWait.prepare(json, context)).immediate).toEqual(immediate);
  });

  test("fails at once with the requested error", async () => {
    const json = { error: { code: 9, message: "Locked.", details: [help] } };
    const { immediate } = await echoWait.prepare(json, context);

    expect(immediate && "error" in immediate && immediate.error.toStatus()).toEqual(json.error);
  });

  test("sleeps until its end and then responds", async () => {
    expect(await run({ ttl: "5s", success: { content: "hello" } })).toEqual({
      response: { content: "hello" },
      sleeps: ["2026-01-31T12:00:05.005Z"],
    });
  });

  test("sleeps until its end and then fails", async () => {
    const error = await rpcErrorOf(() => run({ ttl: "5s", error: { code: 5, message: "Gone." } }));

    expect(error).toMatchObject({ code: "NOT_FOUND", message: "Gone." });
  });

  test.each<[JsonObject, string[]]>([
    [{ frob: 1 }, ["frob"]],
    [{ __proto__x: 1, toString: "x" }, ["__proto__x", "toString"]],
    [{ endtime: "2026-01-31T13:00:00Z" }, ["endtime"]],
    // Two of a oneof.
    [{ ttl: "1s", endTime: "2026-01-31T13:00:00Z" }, ["ttl"]],
    [{ success: {}, error: { code: 5 } }, ["success"]],
    [{ ttl: "-1s" }, ["ttl"]],
    [{ ttl: "-0.000000001s" }, ["ttl"]],
    [{ ttl: "2592001s" }, ["ttl"]],
    [{ ttl: "1m" }, ["ttl"]],
    [{ ttl: 5 }, ["ttl"]],
    [{ ttl: { seconds: 5 } }, ["ttl"]],
    [{ endTime: "tomorrow" }, ["endTime"]],
    [{ endTime: 5 }, ["endTime"]],
    [{ end_time: "2026-02-30T00:00:00Z" }, ["endTime"]],
    [{ success: "hello" }, ["success"]],
    [{ success: [] }, ["success"]],
    [{ success: { content: 5 } }, ["success.content"]],
    [{ success: { text: "hello" } }, ["success.text"]],
    [{ error: "no" }, ["error"]],
    [{ error: {} }, ["error.code"]],
    [{ error: { code: 0 } }, ["error.code"]],
    [{ error: { code: 17 } }, ["error.code"]],
    [{ error: { code: 1.5 } }, ["error.code"]],
    [{ error: { code: "NOT_FOUND" } }, ["error.code"]],
    [{ error: { code: 5, message: 5 } }, ["error.message"]],
    [{ error: { code: 5, details: {} } }, ["error.details"]],
    [{ error: { code: 5, details: [{}] } }, ["error.details[0].@type"]],
    [{ error: { code: 5, details: [help, { "@type": "" }] } }, ["error.details[1].@type"]],
    [{ error: { code: 5, details: [help, help] } }, ["error.details[1]"]],
    [{ error: { code: 5, status: "NOT_FOUND" } }, ["error.status"]],
    // Every problem is a violation of its own.
    [{ frob: 1, ttl: "x", success: { content: 5 } }, ["frob", "ttl", "success.content"]],
  ])("rejects %j and names %j", async (json, fields) => {
    const error = await rpcErrorOf(() => echoWait.prepare(json, { createTime: new Date(0) }));

    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(violatedFields(error.details)).toEqual(fields);
  });
});
