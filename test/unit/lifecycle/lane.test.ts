// Which queue carries an operation's message.
import { describe, expect, test } from "vitest";
import { laneOf, lanesOf } from "../../../src/lifecycle/lane";

const LANES = ["QUEUE", "QUEUE_2", "QUEUE_3"];
const id = (digits: string): string => `${"a".repeat(24)}${digits}${"b".repeat(32)}`;
const bound = (...names: string[]) => ({ lanes: LANES, isBound: (name: string) => names.includes(name) });

describe("lanesOf", () => {
  test("returns QUEUE and QUEUE_n, in the order of their numbers", () => {
    const bindings = ["QUEUE_10", "DEAD_LETTERS", "QUEUE_2", "QUEUES", "MY_QUEUE", "QUEUE", "QUEUE_", "QUEUE_2B"];

    expect(lanesOf(bindings)).toEqual(["QUEUE", "QUEUE_2", "QUEUE_10"]);
  });

  test("returns the remaining lanes after one is removed", () => {
    expect(lanesOf(["QUEUE_3", "QUEUE"])).toEqual(["QUEUE", "QUEUE_3"]);
  });
});

describe("laneOf", () => {
  test("spreads operations by their ids", () => {
    const lanes = ["00000000", "00000001", "00000002", "00000003"].map((digits) => laneOf({ id: id(digits) }, bound()));

    expect(lanes).toEqual(["QUEUE", "QUEUE_2", "QUEUE_3", "QUEUE"]);
  });

  test("uses the next lane for each re-send", () => {
    const lanes = [0, 1, 2, 3].map((resends) =>
      laneOf({ id: id("00000002"), queueMessage: { resendTime: 0, resends } }, bound()),
    );

    expect(lanes).toEqual(["QUEUE_3", "QUEUE", "QUEUE_2", "QUEUE_3"]);
  });

  test("uses the queue that the method names, for re-sends too", () => {
    const record = { id: id("00000000"), queue: "TRANSCODE" };

    expect(laneOf(record, bound("TRANSCODE"))).toBe("TRANSCODE");
    expect(laneOf({ ...record, queueMessage: { resendTime: 0, resends: 1 } }, bound("TRANSCODE"))).toBe("TRANSCODE");
  });

  test("falls back to a lane if the method's queue was removed", () => {
    expect(laneOf({ id: id("00000001"), queue: "TRANSCODE" }, bound())).toBe("QUEUE_2");
  });

  test("returns undefined if no queue is bound", () => {
    expect(laneOf({ id: id("00000001") }, { lanes: [], isBound: () => false })).toBeUndefined();
  });
});
