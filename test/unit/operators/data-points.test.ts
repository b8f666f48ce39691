// The counters of a transition: bounded, and nothing that identifies an operation.
import { expect, test } from "vitest";
import { dataPointsFromTransition } from "../../../src/operators/data-points";
import { transitionFromStep } from "../../../src/lifecycle/transition";
import { advance } from "../../../src/lifecycle/advance";
import { isFinal } from "../../../src/lifecycle/state";
import { aRecord } from "../../support/a-record";
import { aRecordIn, recordStates } from "../../support/a-record-in";
import { CREATE_TIME } from "../../support/an-operation";
import { everyEventIn } from "../../support/every-event";

const NOW = CREATE_TIME + 10_000;

test.each(recordStates)("in %s each event writes at most two data points, and the end exactly one", (state) => {
  const before = aRecordIn(state);
  const context = {
    fence: before.lease?.fence ?? "",
    newFence: "new",
    now: NOW,
    random: 0.5,
    revision: before.revision,
  };
  for (const event of everyEventIn(context)) {
    const result = advance(before, event, NOW);
    if (!result.ok) continue;
    const transition = transitionFromStep(before, result.record, event, NOW);
    const points = transition ? dataPointsFromTransition(result.record, transition) : [];

    expect(points.length).toBeLessThanOrEqual(2);
    const hasEnded = !isFinal(before.state) && isFinal(result.record.state);
    expect(points.filter(({ blobs: [name] }) => name === "finished")).toHaveLength(hasEnded ? 1 : 0);
    expect(JSON.stringify(points)).not.toContain(before.id);
  }
});

test("a method's id is cut to the size of an index", () => {
  const record = aRecord({ method: "m".repeat(200) });
  const [point] = dataPointsFromTransition(record, { from: "NEW", to: "QUEUED", cause: "start" });

  expect(point?.indexes).toEqual(["m".repeat(96)]);
});
