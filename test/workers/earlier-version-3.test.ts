// The values that version 3 stored and version 2 did not have: suspensions and their answers, tries of steps, direct dispatch,
// labels, and a time at which the work begins. This version continues from each.
import { beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/rpc/any";
import { aGuardedDeployment, useGuardedWorld } from "./access-harness";
import { clock } from "./clock";
import { type Script, controls } from "./controls";
import { type Installed, installed, latestStages } from "./earlier-version";
import { advanceToAlarm, deliver, storedRecord, useFreshWorld } from "./harness";
import { recordedMethods } from "./recorded-methods";

useGuardedWorld();
useFreshWorld();

const { worker, environment, asAdmin } = aGuardedDeployment({ methods: recordedMethods }, {
  TRANSCODE: { send: async () => {}, sendBatch: async () => {} },
  MAX_OPERATIONS_PER_CALLER: "50",
} as object);

beforeAll(() => clock.start());

const isDone = async ({ operation }: Installed): Promise<boolean> =>
  (await storedRecord(operation))?.endTime !== undefined;

async function runToEnd(before: Installed, script: Script) {
  controls.scripts.set(/script-\d+/.exec(before.stored.keys.record.target)![0], script);
  for (let turn = 0; turn < 12 && !(await isDone(before)); turn += 1) {
    const message = controls.sent.shift();
    if (message) await (await deliver(message, worker.queue, environment)).result();
    else await advanceToAlarm(before.operation);
  }
  return asAdmin("GET", `/v1/${before.operation.name}`);
}

const again = (): never => {
  throw new Error("a stored step is run again");
};

const answers: Script = async (op) => {
  const payload = (json: JsonObject): JsonObject => json;
  const [approval, early] = await Promise.all([
    op.suspend("approval", { payload }),
    op.suspend<{ text: string }>("early"),
  ]);
  return { approval, length: early.text.length };
};

describe("an operation that version 3 stored", () => {
  test.each(latestStages)("is read as in that version: %s", async (stage) => {
    const { operation, stored } = await installed(stage, 3);
    const answer = await asAdmin("GET", `/v1/${operation.name}`);

    expect(answer).toEqual(JSON.parse(stored.answer?.json as string));
  });

  test.each<[stage: string, script: Script, response: object]>([
    ["SUSPENDED_ANSWERED", answers, { approval: { approved: true }, length: 2_000 }],
    [
      "SLEEPING_BEFORE_NEXT_TRY",
      async (op) => ({
        attempt: op.attempt,
        tried: await op.step("flaky", ({ attempt }) => attempt, { retry: { initialBackoff: "1d" } }),
      }),
      { attempt: 1, tried: 2 },
    ],
    ["RUNNING_DIRECTLY", async (op) => ({ parsed: await op.step("parse", again), attempt: op.attempt }), { parsed: 1 }],
    ["SCHEDULED", async () => ({ answer: 42 }), { answer: 42 }],
  ])("continues to its end: %s", async (stage, script, response) => {
    const before = await installed(stage, 3);
    const operation = await runToEnd(before, script);

    expect(operation).toMatchObject({ done: true, response: { value: response } });
  });

  test("takes the answers that it waits for", async () => {
    const before = await installed("SUSPENDED", 3);
    const path = `/v1/${before.operation.name}/suspensions/approval:resolve`;
    await asAdmin("POST", path, { payload: { approved: false } });
    const operation = await runToEnd(before, answers);

    expect(operation).toMatchObject({ response: { value: { approval: { approved: false }, length: 2_000 } } });
  });
});
