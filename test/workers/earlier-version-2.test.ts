// The values that version 2 stored and version 1 did not have: caught failures, sleeps side by side, slots, scripts of
// emulation, retries, policies, requestIds, and snapshots that KV refused. This version continues from each.
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { emulation } from "../../src/emulation";
import type { RpcError } from "../../src/index";
import { eventually } from "../support/eventually";
import { type Credential, aGuardedDeployment, memberOf, useGuardedWorld, userOf } from "./access-harness";
import { clock } from "./clock";
import { type Script, controls } from "./controls";
import { type Installed, installed, laterStages } from "./earlier-version";
import { advanceToAlarm, advanceUntil, deliver, snapshotOf, storedBy, storedRecord, useFreshWorld } from "./harness";
import { recordedMethods } from "./recorded-methods";

useGuardedWorld();
useFreshWorld();

const { worker, environment, call, asAdmin } = aGuardedDeployment(
  { methods: recordedMethods, emulation: emulation() },
  {
    TRANSCODE: { send: async () => {}, sendBatch: async () => {} },
    EMULATION: "on",
    MAX_OPERATIONS_PER_CALLER: "50",
  } as object,
);

let ada: Credential;
beforeAll(async () => {
  clock.start();
  ada = await userOf("ada");
});

const isDone = async ({ operation }: Installed): Promise<boolean> =>
  (await storedRecord(operation))?.endTime !== undefined;

/** Lets the operation's alarms and messages happen until it is done; gives the Operation. */
async function runToEnd(before: Installed, script?: Script) {
  const name = /script-\d+/.exec(before.stored.keys.record.target)![0];
  if (script) controls.scripts.set(name, script);
  for (let turn = 0; turn < 12 && !(await isDone(before)); turn += 1) {
    const message = controls.sent.shift();
    if (message) await (await deliver(message, worker.queue, environment)).result();
    else await advanceToAlarm(before.operation);
  }
  return asAdmin("GET", `/v1/${before.operation.name}`);
}

describe("an operation that version 2 stored", () => {
  const visible = laterStages.filter((stage) => !stage.startsWith("DELETED"));

  test.each(visible)("is read as in that version: %s", async (stage) => {
    const { operation, stored } = await installed(stage, 2);
    const answer = await asAdmin("GET", `/v1/${operation.name}`);
    const { operations } = await asAdmin("GET", "/v1/projects/p/operations");

    expect(answer).toEqual(JSON.parse(stored.answer?.json as string));
    expect(operations).toMatchObject([{ name: operation.name }]);
  });

  const answer = async () => ({ answer: 42 });
  const again = (): never => {
    throw new Error("a stored step is run again");
  };

  test.each<[stage: string, script: Script, response: object]>([
    ["QUEUED_ON_ITS_QUEUE", answer, { answer: 42 }],
    ["QUEUED_AGAIN", answer, { answer: 42 }],
    ["QUEUED_LARGE_REQUEST", async (_, { text }) => ({ length: (text as string).length }), { length: 40_000 }],
    ["WAITING_FOR_SLOT", answer, { answer: 42 }],
    [
      "YIELDED",
      async (op) => ({ late: await op.step("late", again), attempt: op.attempt }),
      { late: null, attempt: 1 },
    ],
    ["RUNNING_WITHOUT_CHANNEL", answer, { answer: 42 }],
    [
      "SLEEPING_BESIDE",
      async (op) => {
        const [first, second] = await Promise.all([
          op.sleep("10s").then(() => op.step("after 10s", again)),
          op.sleep("30s").then(() => op.step("after 30s", () => Date.now() - op.createTime.getTime())),
        ]);
        return { first, seconds: second / 1_000 };
      },
      { first: 1, seconds: 30 },
    ],
    [
      "SLEEPING_BEHIND_LARGE_STEP",
      async (op) => {
        const caught = await op.step("refused", again).catch((error: RpcError) => `${error.code}: ${error.message}`);
        const large = await op.step<string>("large", again);
        await op.sleep("5m");
        return { caught, length: large.length };
      },
      { caught: "NOT_FOUND: No file.", length: 400_000 },
    ],
    ["RETRIED", answer, { answer: 42 }],
    ["WITH_POLICY", answer, { answer: 42 }],
    ["UPLOADED", async (op) => ({ text: await new Response(op.input).text() }), { text: "a,b\n1,2\n" }],
  ])("continues to its end: %s", async (stage, script, response) => {
    const before = await installed(stage, 2);
    const operation = await runToEnd(before, script);

    expect(operation).toMatchObject({ done: true, response: { value: response } });
  });

  test("continues with its steps, and without its attempt's failures, when its second attempt loses its runner", async () => {
    const before = await installed("RUNNING_ATTEMPT_2", 2);
    let checks = 0;
    const operation = await runToEnd(before, async (op) => {
      await op.step("parse", again);
      await op.sleep("nap", "1m");
      await op.sleep("1s");
      await op.step("check", () => (checks += 1));
      const large = await op.step<string>("large", again);
      return { attempt: op.attempt, length: large.length, from: op.resumeFrom! };
    });

    expect(operation).toMatchObject({
      response: { value: { attempt: 3, length: 40_000, from: { row: 9, caught: "TypeError: no column" } } },
    });
    expect(checks).toBe(1);
  });

  test("follows its script to its end", async () => {
    const before = await installed("EMULATED", 2);

    expect(await runToEnd(before)).toMatchObject({ done: true, response: { value: { rows: 3 } } });
  });

  test("has its policy, and releases its slot", async () => {
    const before = await installed("WITH_POLICY", 2);
    const { bindings } = await asAdmin("GET", `/v1/${before.operation.name}:getIamPolicy`);
    await runToEnd(before, async () => ({}));
    const slots = env.SLOTS.getByName(before.stored.keys.record.callerSlot!.key);
    await eventually(async () => (await slots.standing(before.operation.id)).holders === 0);

    expect(bindings).toEqual([{ role: "roles/longrunning.viewer", members: [memberOf("reader")] }]);
  });

  test("gets its snapshot with the next alarm if KV rejected the first put", async () => {
    const { operation } = await installed("SUCCEEDED_WITHOUT_SNAPSHOT", 2);
    await advanceUntil(operation, async () => (await snapshotOf(operation)) !== undefined);

    expect(JSON.parse((await snapshotOf(operation))!)).toMatchObject({ name: operation.name, done: true });
  });

  test("leaves nothing if it was deleted before its snapshot was removed", async () => {
    const { operation } = await installed("DELETED_WITHOUT_SNAPSHOT", 2);
    await env.SNAPSHOTS.put(`operation/${operation.id}`, "a put that nobody confirmed");
    for (let alarm = 0; alarm < 5 && (await storedBy(operation)).length > 0; alarm += 1) {
      await advanceToAlarm(operation);
      await eventually(async () => (await storedRecord(operation))?.outbox.snapshot?.dueTime !== Date.now());
    }

    expect(await storedBy(operation)).toEqual([]);
    expect(await snapshotOf(operation)).toBeUndefined();
  });

  test("accepts the same completion again, and no other, if its worker completed it", async () => {
    const { operation } = await installed("EXTERNAL_SUCCEEDED", 2);
    const complete = (n: number) => {
      const response = { "@type": "type.googleapis.com/acme.v1.R", n };
      return call(ada, "PATCH", `/v1/${operation.name}?updateMask=response`, { response });
    };
    await asAdmin("POST", "/v1/projects/p:setIamPolicy", {
      policy: { bindings: [{ role: "roles/longrunning.worker", members: [memberOf("ada")] }] },
    });

    expect((await complete(1)).status).toBe(200);
    expect((await complete(2)).status).toBe(400);
  });

  test("is returned for its requestId", async () => {
    const { operation, stored } = await installed("QUEUED", 2);
    await asAdmin("POST", "/v1/projects/p:setIamPolicy", {
      policy: { bindings: [{ role: "roles/longrunning.admin", members: [memberOf("ada")] }] },
    });
    const path = `/v1/${stored.keys.record.target}:run`;
    const repeated = await call(ada, "POST", path, { rows: 3, requestId: "recorded-queued" });
    const other = await call(ada, "POST", path, { rows: 4, requestId: "recorded-queued" });

    expect(repeated.json["name"]).toBe(operation.name);
    expect(other.status).toBe(400);
  });
});
