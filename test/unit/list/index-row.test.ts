import { describe, expect, test } from "vitest";
import {
  INDEX_DUE_SLACK_MS,
  MAX_INDEXED_ANY_BYTES,
  REQUEST_ID_TTL_MS,
  RESERVATION_SLACK_MS,
  STARTING_CHECK_MS,
} from "../../../src/limits";
import { type IndexFacts, indexRowFromRecord, reservationElsewhere, startingRow } from "../../../src/list/index-row";
import { operationJson } from "../../../src/contract/resource";
import type { OperationRecord } from "../../../src/lifecycle/record";
import type { Status } from "../../../src/rpc/status";
import type { JsonObject } from "../../../src/rpc/any";
import { startedRecord } from "../../../src/lifecycle/advance";
import { CREATE_TIME, HOUR_MS, anOperation } from "../../support/an-operation";
import { aRecord } from "../../support/a-record";
import { aRecordIn, recordStates } from "../../support/a-record-in";
import { afterEvents } from "../../support/happens";

const TYPE = "type.googleapis.com/acme.v1.Wide";
const euro = "€"; // three bytes in UTF-8, one UTF-16 unit

const facts = (record: OperationRecord): IndexFacts => JSON.parse(indexRowFromRecord(record).facts) as IndexFacts;
const operation = (record: OperationRecord): JsonObject =>
  JSON.parse(indexRowFromRecord(record).operation) as JsonObject;
const utf8Bytes = (text: string): number => new TextEncoder().encode(text).length;

/** `{"@type":…,"pad":…}` of exactly so many bytes in UTF-8, filled with a letter. */
function anOfBytes(bytes: number, letter: string): { json: string; pad: string } {
  const bare = utf8Bytes(JSON.stringify({ "@type": TYPE, pad: "" }));
  const pad = letter.repeat(Math.floor((bytes - bare) / utf8Bytes(letter)));
  const filled = pad + "x".repeat(bytes - bare - utf8Bytes(pad));
  return { json: JSON.stringify({ "@type": TYPE, pad: filled }), pad: filled };
}

describe("the reservation of an operation's requestId", () => {
  const started: OperationRecord = { ...aRecord({ inputDigest: "cd34" }), requestKey: "ab12" };
  const reservation = { key: "ab12", inputDigest: "cd34" };
  const limit = CREATE_TIME + REQUEST_ID_TTL_MS + RESERVATION_SLACK_MS;

  test("is in each row of shard 0, and in no row of another shard", () => {
    expect(indexRowFromRecord(started).reservation).toEqual(reservation);
    expect(startingRow(started).reservation).toBeUndefined();
    expect(indexRowFromRecord({ ...started, indexShard: 3 }).reservation).toBeUndefined();
  });

  test.each([
    ["while the operation runs", {}, undefined],
    ["when it is done, and outlives the reservation's day", { expireTime: limit }, undefined],
    ["when it is done, and may expire within that day", { expireTime: limit - 1 }, reservation],
    ["when it is deleted", { deleteTime: CREATE_TIME + 1 }, reservation],
    ["when it is deleted, and would have lived long", { expireTime: limit, deleteTime: limit - 1 }, reservation],
  ])("is sent to shard 0 in a call of its own, or not: %s", (_, change, expected) => {
    expect(reservationElsewhere({ ...started, indexShard: 3, ...change })).toEqual(expected);
    expect(reservationElsewhere({ ...started, ...change })).toBeUndefined();
    expect(reservationElsewhere({ ...aRecord(), indexShard: 3, ...change })).toBeUndefined();
  });
});

describe("the index row", () => {
  test.each(recordStates.filter((state) => !("responseChunks" in (aRecordIn(state).outcome ?? {}))))(
    "is the small operation itself when that is %s",
    (state) => {
      const record = aRecordIn(state);

      expect(indexRowFromRecord(record).operation).toBe(operationJson(record));
    },
  );

  test("is due after the deadline while the operation runs, and at its expiry after the end", () => {
    const record = aRecord();
    const done = afterEvents(record, [{ type: "cancel" }, CREATE_TIME + 5]);

    expect(indexRowFromRecord(record)).toMatchObject({
      done: false,
      dueTime: CREATE_TIME + HOUR_MS + INDEX_DUE_SLACK_MS,
    });
    expect(indexRowFromRecord(done)).toMatchObject({ done: true, dueTime: done.expireTime });
  });

  test("has the revision 0 and is due soon before the record is committed", () => {
    const { revision, dueTime: _due, ...rest } = startingRow(aRecord());
    const { revision: later, dueTime: _, ...committed } = indexRowFromRecord(aRecord());

    expect(revision).toBe(0);
    expect(later).toBeGreaterThan(0);
    expect(rest).toEqual(committed);
  });

  test("is due before the record is committed when its work is due again, at the latest after two minutes", () => {
    const queued = aRecord();
    const direct = startedRecord(anOperation({ dispatch: "direct" }), () => "one");
    const scheduled = aRecord({ scheduleTime: CREATE_TIME + HOUR_MS });
    const slow = { ...queued, queueMessage: { resendTime: CREATE_TIME + HOUR_MS } };
    const dueTimes = [queued, direct, scheduled, slow].map((record) => startingRow(record).dueTime - CREATE_TIME);

    expect(dueTimes).toEqual([queued.policy.resendMs, direct.policy.leaseMs, STARTING_CHECK_MS, STARTING_CHECK_MS]);
  });

  test("has the facts that filters need of every operation", () => {
    const done = afterEvents(
      aRecord(),
      [{ type: "claim", fence: "one" }, CREATE_TIME + 1],
      [{ type: "cancel" }, CREATE_TIME + 2],
      [{ type: "succeed", fence: "one", outcome: { response: "{}" } }, CREATE_TIME + 3],
    );

    expect(facts(aRecord())).toEqual({
      target: "projects/p/locations/l/tables",
      verb: "profile",
      method: aRecord().method,
      state: "QUEUED",
      requestedCancellation: false,
    });
    expect(facts(done)).toEqual({
      startTime: CREATE_TIME + 1,
      endTime: CREATE_TIME + 3,
      expireTime: done.expireTime,
      target: "projects/p/locations/l/tables",
      verb: "profile",
      method: aRecord().method,
      state: "SUCCEEDED",
      requestedCancellation: true,
    });
  });
});

// "Metadata and response are seen up to 2 KiB each in serialised form".
describe.each([
  ["one byte a letter", "x"],
  ["three bytes a letter", euro],
])("metadata of %s", (_, letter) => {
  test("is copied whole up to 2 KiB", () => {
    const { pad } = anOfBytes(MAX_INDEXED_ANY_BYTES, letter);
    const record = aRecord({ metadataType: TYPE, metadata: { pad } });

    expect(operation(record)["metadata"]).toEqual({ "@type": TYPE, pad });
    expect(facts(record)).not.toHaveProperty("metadataTruncated");
  });

  test("is cut to its type beyond that", () => {
    const { pad } = anOfBytes(MAX_INDEXED_ANY_BYTES + 1, letter);
    const record = aRecord({ metadataType: TYPE, metadata: { pad } });

    expect(operation(record)["metadata"]).toEqual({ "@type": TYPE });
    expect(facts(record)).toMatchObject({ metadataTruncated: true });
    // A page is filled by this: what is left out is the envelope alone.
    expect(Math.abs(utf8Bytes(operationJson(record)) - facts(record).size!)).toBeLessThan(100);
  });
});

describe.each([
  ["one byte a letter", "x"],
  ["three bytes a letter", euro],
])("a response of %s", (_, letter) => {
  test("is copied whole up to 2 KiB", () => {
    const { json } = anOfBytes(MAX_INDEXED_ANY_BYTES, letter);
    const record = aRecord({ responseType: TYPE, outcome: { response: json } });

    expect(operation(record)["response"]).toEqual(JSON.parse(json));
    expect(facts(record)).not.toHaveProperty("responseTruncated");
  });

  test("is cut to its type beyond that", () => {
    const { json } = anOfBytes(MAX_INDEXED_ANY_BYTES + 1, letter);
    const record = aRecord({ responseType: TYPE, outcome: { response: json } });

    expect(operation(record)).toMatchObject({ done: true, response: { "@type": TYPE } });
    expect(operation(record)["response"]).toEqual({ "@type": TYPE });
    expect(facts(record)).toMatchObject({ responseTruncated: true });
  });
});

describe("an error", () => {
  const errorOf = (bytes: number): Status => ({
    code: 9,
    message: "No.",
    details: [{ "@type": TYPE, pad: "x".repeat(bytes) }],
  });

  test("is copied whole if it is small", () => {
    const record = aRecord({ outcome: { error: errorOf(1_000) } });

    expect(operation(record)["error"]).toEqual(errorOf(1_000));
    expect(facts(record)).not.toHaveProperty("size");
  });

  test("is cut to its code and message beyond 2 KiB", () => {
    const record = aRecord({ outcome: { error: errorOf(60_000) } });

    expect(operation(record)["error"]).toEqual({ code: 9, message: "No." });
    expect(facts(record)).toMatchObject({ errorTruncated: true });
    expect(facts(record)).not.toHaveProperty("responseTruncated");
    expect(Math.abs(utf8Bytes(operationJson(record)) - facts(record).size!)).toBeLessThan(100);
  });
});

test("a response that is stored apart is in the row with its type alone", () => {
  const record = aRecord({ responseType: TYPE, outcome: { responseChunks: 3, responseBytes: 3_000_000 } });

  expect(operation(record)["response"]).toEqual({ "@type": TYPE });
  expect(facts(record)).toMatchObject({ responseTruncated: true });
});
