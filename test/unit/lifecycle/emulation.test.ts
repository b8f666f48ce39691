import { describe, expect, test } from "vitest";
import { answerFromRecord } from "../../../src/contract/answer";
import { startedRecord } from "../../../src/lifecycle/advance";
import { type EmulatedPoll, type Emulation, httpErrorOf } from "../../../src/lifecycle/emulation";
import type { OperationRecord } from "../../../src/lifecycle/record";
import { advance } from "../../../src/lifecycle/advance";
import { CREATE_TIME, anOperation } from "../../support/an-operation";
import { happens } from "../../support/happens";

const locked = { code: 9, message: "It is locked." } as const;
const busy = { code: 14, message: "Busy.", details: [] } as const;

function emulated(polls: EmulatedPoll[]): OperationRecord {
  const emulation: Emulation = { progress: [], polls, polled: 0 };
  return startedRecord(anOperation({ emulation: structuredClone(emulation) }));
}

const polled = (record: OperationRecord): OperationRecord => happens(record, { type: "poll" }, CREATE_TIME + 1).record;

describe("a scripted poll", () => {
  test("ends the operation at its number and not before", () => {
    const record = polled(emulated([{ poll: 2, error: { ...locked, details: [] } }]));
    expect(record).toMatchObject({ state: "QUEUED", revision: 1 });

    expect(polled(record)).toMatchObject({ state: "FAILED", outcome: { error: locked }, endTime: CREATE_TIME + 1 });
  });

  test("returns its error and leaves the operation unchanged", () => {
    const first = polled(emulated([{ poll: 2, httpError: { ...busy, details: [] } }]));
    const second = polled(first);

    expect([httpErrorOf(first), httpErrorOf(second)]).toEqual([undefined, busy]);
    expect(second).toMatchObject({ state: "QUEUED", revision: 1 });
  });

  test("is not counted after the last scripted event", () => {
    const record = emulated([{ poll: 1, httpError: { ...busy, details: [] } }]);
    const after = polled(record);

    expect([record, after].map((one) => answerFromRecord(one, "{}").countsPolls)).toEqual([true, undefined]);
    expect(advance(after, { type: "poll" }, CREATE_TIME)).toEqual({ ok: false, refusal: "NOT_ALLOWED" });
  });

  test("changes nothing if the operation is done or cancelling", () => {
    const script: EmulatedPoll[] = [{ poll: 1, error: { ...locked, details: [] } }];
    const running = happens(emulated(script), { type: "claim", fence: "f" }, CREATE_TIME).record;
    const cancelling = happens(running, { type: "cancel" }, CREATE_TIME).record;
    const done = happens(running, { type: "succeed", fence: "f", outcome: { response: "{}" } }, CREATE_TIME).record;

    expect(polled(cancelling)).toMatchObject({ state: "CANCELLING", emulation: { polled: 1 } });
    expect(polled(done)).toMatchObject({ state: "SUCCEEDED", outcome: { response: "{}" }, revision: done.revision });
  });

  test("revokes the runner's lease", () => {
    const running = happens(
      emulated([{ poll: 1, error: { ...locked, details: [] } }]),
      { type: "claim", fence: "f" },
      CREATE_TIME,
    );

    const failed = happens(running.record, { type: "poll" }, CREATE_TIME);

    expect(failed.record).toMatchObject({ state: "FAILED" });
    expect(failed.record).not.toHaveProperty("fence");
    expect(failed.effects).toContainEqual({ type: "tellRunner", message: "stop" });
  });
});
