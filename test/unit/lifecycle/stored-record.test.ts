import { describe, expect, test } from "vitest";
import { type StoredRecord, recordFromStored, storedFromRecord } from "../../../src/lifecycle/stored-record";
import { undeployedMessage } from "../../../src/lifecycle/undeployed";
import { aRecordIn, recordStates } from "../../support/a-record-in";
import version1 from "../../workers/fixtures/version-1.json" with { type: "json" };
import version2 from "../../workers/fixtures/version-2.json" with { type: "json" };
import version3 from "../../workers/fixtures/version-3.json" with { type: "json" };

const queued = storedFromRecord(aRecordIn("QUEUED"));

describe.each(recordStates)("a record that is %s", (state) => {
  test("is stored with flat fields, and read back unchanged", () => {
    const record = aRecordIn(state);
    const stored = storedFromRecord(record);

    expect(recordFromStored(structuredClone(stored))).toEqual(record);
    expect(stored).not.toHaveProperty("lease");
    expect(Object.values(stored)).not.toContain(undefined);
  });
});

describe.each([
  ["version 1", version1.operations],
  ["version 2", version2.operations],
  ["version 3", version3.operations],
])("a record that was stored by %s", (_, operations) => {
  const records = operations.map(({ stage, keys }) => [stage, keys.record as unknown as StoredRecord] as const);

  test.each(records)("is read at the stage %s, and stored back unchanged", (_stage, stored) => {
    const record = recordFromStored(stored);

    expect(storedFromRecord(record)).toEqual(stored);
    expect(record.lease?.fence).toBe(stored.fence);
    expect(record.queueMessage?.resendTime).toBe(stored.resendTime);
    expect(record.external?.hasOwnMetadata).toBe(stored.hasOwnMetadata);
  });
});

describe("recordFromStored", () => {
  test("keeps a field of a later version", () => {
    const later = { ...queued, ofLater: { deep: 1 } };

    expect(storedFromRecord(recordFromStored(later))).toEqual(later);
  });

  test("drops an earlier version's fields of a part that has ended", () => {
    const { resendTime: _, ...rest } = queued;

    expect(recordFromStored({ ...rest, resends: 3 })).not.toHaveProperty("queueMessage");
  });

  test("reads from an earlier version's status that no deployment has the method", () => {
    const statusMessage = undeployedMessage(queued);

    expect(recordFromStored({ ...queued, statusMessage }).queueMessage).toMatchObject({ undeployed: true });
    expect(recordFromStored(queued).queueMessage).not.toHaveProperty("undeployed");
  });
});
