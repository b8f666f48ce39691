import { describe, expect, test } from "vitest";
import * as limits from "../../../src/limits";
import { decodeMessageToObject } from "../../../src/contract/run-channel";

const limit = limits.MAX_CHANNEL_MESSAGE_CHARACTERS;

describe("decodeMessageToObject", () => {
  test.each([
    { fence: "one", type: "progress", progress: { statusMessage: "Half of it." } },
    { fence: "one", type: "sleep", ordinal: 0, wakeTime: 5 },
    { fence: "one", type: "release", statusMessage: "x" },
    { fence: "one", type: "succeed", outcome: { response: "{}" }, progress: { metadata: { a: 1 } } },
    { fence: "one", type: "fail", error: { code: 2, message: "x", details: [] }, retryable: true },
  ])("reads a message of the type $type", (message) => {
    expect(decodeMessageToObject(JSON.stringify(message))).toEqual(message);
  });

  test("reads a message of exactly the limit", () => {
    const text = '{"fence":"one","type":"progress"}';

    expect(decodeMessageToObject(text.padEnd(limit))).toMatchObject({ type: "progress" });
  });

  test.each<[string, string | ArrayBuffer]>([
    ["nothing", ""],
    ["a text that is not JSON", "{"],
    ["a keep-alive", "ping"],
    ["null", "null"],
    ["a list", "[]"],
    ["a number", "5"],
    ["a string", '"progress"'],
    ["a message without a token", '{"type":"progress"}'],
    ["a message without a type", '{"fence":"one"}'],
    ["bytes", new ArrayBuffer(8)],
    ["a text over the limit", '{"fence":"one","type":"progress"}'.padEnd(limit + 1)],
  ])("rejects %s", (_, data) => {
    expect(decodeMessageToObject(data)).toBeUndefined();
  });
});
