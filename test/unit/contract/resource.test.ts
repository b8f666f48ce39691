import { describe, expect, test } from "vitest";
import { etag, isVisible, metadataAny, operationJson, operationJsonParts } from "../../../src/contract/resource";
import type { OperationRecord } from "../../../src/lifecycle/record";
import type { JsonObject } from "../../../src/rpc/any";
import { CREATE_TIME } from "../../support/an-operation";
import { aRecord } from "../../support/a-record";
import { aRecordIn, recordStates } from "../../support/a-record-in";
import { aResponse, anError } from "../../support/every-event";
import { afterEvents } from "../../support/happens";

const END = CREATE_TIME + 2_500;
const value = (record: OperationRecord): JsonObject => metadataAny(record)["value"] as JsonObject;
const parse = (record: OperationRecord): JsonObject => {
  const { head, response, tail } = operationJsonParts(record);
  return JSON.parse(head + (response ?? aResponse) + tail) as JsonObject;
};
const running = (overrides: Parameters<typeof aRecord>[0] = {}): OperationRecord =>
  afterEvents(aRecord(overrides), [{ type: "claim", fence: "one" }, CREATE_TIME + 1_000]);
const ended = (overrides: Parameters<typeof aRecord>[0] = {}): OperationRecord =>
  afterEvents(running(overrides), [{ type: "succeed", fence: "one", outcome: { response: aResponse } }, END]);

describe("the Operation resource", () => {
  // "Exactly these five fields and never another: Python's client refuses an unknown one."
  test.each(recordStates)("has only the fields of google.longrunning.Operation when it is %s", (state) => {
    const operation = parse(aRecordIn(state));
    const result = operation["done"] === false ? [] : ["error" in operation ? "error" : "response"];

    expect(Object.keys(operation)).toEqual(["name", "metadata", "done", ...result]);
    expect(operation["done"]).toBe(["SUCCEEDED", "FAILED", "CANCELLED"].includes(state));
  });

  test("has a response and no error when it succeeded", () => {
    expect(parse(ended())).toMatchObject({ done: true, response: JSON.parse(aResponse) as object });
    expect(parse(ended())).not.toHaveProperty("error");
  });

  test("has its error as a Status, without a `status` key", () => {
    const failed = aRecord({ outcome: { error: anError } });

    expect(parse(failed)).toMatchObject({ done: true });
    expect(parse(failed)["error"]).toEqual({ code: 9, message: "The table is locked." });
  });

  test("has the stored text of the response unchanged", () => {
    const response = '{"@type":"type.googleapis.com/acme.v1.T", "big":12345678901234567890,"e":"\\u20ac"}';

    expect(operationJson(aRecord({ outcome: { response } }))).toContain(`"response":${response}}`);
  });

  test("is sent in parts if its response is stored apart", () => {
    const record = aRecord({ outcome: { responseChunks: 2, responseBytes: 2_000_000 } });

    expect(() => operationJson(record)).toThrow("stored apart");
    expect(operationJsonParts(record).response).toBeUndefined();
  });

  test("escapes a name", () => {
    const name = 'projects/"p\\/operations/1';

    expect(parse(aRecord({ name }))).toMatchObject({ name });
  });

  test("has the same bytes for the same record", () => {
    expect(operationJson(ended())).toBe(operationJson(ended()));
  });
});

// "Google's de-facto seven plus `startTime`".
describe("default metadata", () => {
  test("is a Struct, under `value`", () => {
    expect(Object.keys(metadataAny(aRecord()))).toEqual(["@type", "value"]);
    expect(metadataAny(aRecord())["@type"]).toBe("type.googleapis.com/google.protobuf.Struct");
  });

  test("is complete in the first answer, except startTime and endTime", () => {
    expect(value(aRecord())).toEqual({
      createTime: "2026-01-31T12:00:00.000Z",
      target: "projects/p/locations/l/tables",
      verb: "profile",
      statusMessage: "Queued.",
      requestedCancellation: false,
      apiVersion: "v1",
      progressPercent: 0,
    });
  });

  test("has startTime once the work has begun", () => {
    expect(value(running())).toMatchObject({ startTime: "2026-01-31T12:00:01.000Z" });
    expect(value(running())).not.toHaveProperty("endTime");
  });

  test.each(recordStates)("has endTime if and only if it is done: %s", (state) => {
    const record = aRecordIn(state);
    if (record.metadataType !== undefined) return;

    expect("endTime" in value(record)).toBe(["SUCCEEDED", "FAILED", "CANCELLED"].includes(state));
  });

  test("has requestedCancellation after a cancel request", () => {
    const cancelled = afterEvents(aRecord(), [{ type: "cancel" }, END]);

    expect(value(cancelled)).toMatchObject({ requestedCancellation: true, endTime: "2026-01-31T12:00:02.500Z" });
  });

  test("has the method's reports beside it, each merged into the earlier", () => {
    const reported = afterEvents(
      running({ metadata: { rows: 1, stage: "one" } }),
      [{ type: "progress", fence: "one", progress: { metadata: { rows: 2, progressPercent: 7 } } }, END],
      [{ type: "progress", fence: "one", progress: { statusMessage: "Counting." } }, END],
    );

    expect(value(reported)).toMatchObject({
      rows: 2,
      stage: "one",
      progressPercent: 7,
      statusMessage: "Counting.",
      verb: "profile",
    });
  });
});

// "Metadata of a declared or external type holds that type's fields only, given back exactly."
describe("declared metadata", () => {
  const metadataType = "type.googleapis.com/google.showcase.v1beta1.WaitMetadata";

  test("has the declared type's fields only", () => {
    const metadata = { endTime: "2026-01-31T12:00:05Z" };

    expect(metadataAny(ended({ metadataType, metadata }))).toEqual({ "@type": metadataType, ...metadata });
  });

  test("may have a field with the name of a default one", () => {
    expect(metadataAny(running({ metadataType, metadata: { createTime: "mine" } }))).toMatchObject({
      createTime: "mine",
    });
  });

  test("keeps its type, whatever its fields are", () => {
    expect(metadataAny(running({ metadataType, metadata: { "@type": "evil" } }))["@type"]).toBe(metadataType);
  });
});

describe("isVisible", () => {
  test("is true until the retention has passed", () => {
    const record = ended();

    expect(isVisible(record, record.expireTime! - 1)).toBe(true);
    expect(isVisible(record, record.expireTime!)).toBe(false);
  });

  test.each(recordStates)("is false for an operation that was deleted while %s", (state) => {
    expect(isVisible(afterEvents(aRecordIn(state), [{ type: "delete" }, END]), END)).toBe(false);
  });
});

describe("etag", () => {
  test("is a strong entity tag (RFC 9110) that changes with every revision", () => {
    expect(etag(aRecord())).toMatch(/^"[\x21\x23-\x7e]+"$/);
    expect(etag(running())).not.toBe(etag(aRecord()));
    expect(etag(ended())).not.toBe(etag(running()));
  });
});

test("the metadata of a declared type keeps a field named __proto__", () => {
  const metadata = JSON.parse('{"__proto__":{"a":1},"b":2}') as JsonObject;
  const json = operationJson(aRecord({ metadataType: "type.googleapis.com/x.Y", metadata }));

  expect(json).toContain('"metadata":{"@type":"type.googleapis.com/x.Y","__proto__":{"a":1},"b":2}');
});

test("an error without details has no field `details`", () => {
  const record = aRecord({ outcome: { error: { code: 9, message: "No.", details: [] } } });

  expect(JSON.parse(operationJson(record))).toHaveProperty("error", { code: 9, message: "No." });
});
