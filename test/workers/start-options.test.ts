// operationOptions of a start: labels, scheduleTime, priority.
import { describe, expect, test } from "vitest";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  type Answer,
  type OperationJson,
  type Started,
  advanceToAlarm,
  call,
  fireAlarm,
  getOperation,
  outboxIsEmpty,
  runNext,
  scriptPath,
  startedFrom,
  stateOf,
  storedRecord,
  useFreshWorld,
} from "./harness";
import type { JsonObject } from "../../src/rpc/any";

useFreshWorld();

const HOUR_MS = 3_600_000;
const succeed = async () => ({ rows: 7 });

async function startWith(operationOptions: JsonObject, body: JsonObject = {}): Promise<Started> {
  return startedFrom(await call("POST", scriptPath(succeed), { ...body, operationOptions }));
}

const later = () => new Date(Date.now() + HOUR_MS).toISOString();
const violated = ({ body }: Answer) =>
  (body["error"] as { details: { fieldViolations?: { field: string }[] }[] }).details.flatMap((detail) =>
    (detail.fieldViolations ?? []).map(({ field }) => field),
  );
const metadataOf = async ({ name }: Started) => (await getOperation(name)).metadata.value;

async function listed(filter: string): Promise<string[]> {
  const { status, body } = await call("GET", `/v1/projects/p/operations?filter=${encodeURIComponent(filter)}`);
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
  return ((body["operations"] ?? []) as OperationJson[]).map(({ name }) => name).toSorted();
}

async function told(...operations: Started[]): Promise<void> {
  clock.advance(5_000);
  for (const operation of operations) {
    await fireAlarm(operation);
    await outboxIsEmpty(operation);
  }
}

describe("labels", () => {
  test("are in the default metadata, until and after the end", async () => {
    const operation = await startWith({ labels: { env: "prod", team: "" } });
    const before = await metadataOf(operation);
    await runNext();

    expect(before["labels"]).toEqual({ env: "prod", team: "" });
    expect((await metadataOf(operation))["labels"]).toEqual({ env: "prod", team: "" });
  });

  test("match filters on their own field and on metadata", async () => {
    const prod = await startWith({ labels: { env: "prod", "cost-center": "42" } });
    const staging = await startWith({ labels: { env: "staging" } });
    const plain = await startWith({});
    await told(prod, staging, plain);

    expect(await listed("labels.env=prod")).toEqual([prod.name]);
    expect(await listed("labels.env!=prod")).toEqual([staging.name]);
    expect(await listed("labels:env")).toEqual([staging.name, prod.name].toSorted());
    expect(await listed('labels."cost-center"=42')).toEqual([prod.name]);
    expect(await listed("metadata.labels.env=staging")).toEqual([staging.name]);
    expect(await listed("NOT labels:*")).toEqual([plain.name]);
  });

  test("precede a metadata field of that name, which matches if an operation has no labels", async () => {
    const report = async (op: { progress(report: object): void }) => {
      op.progress({ labels: { env: "reported" } });
      return {};
    };
    const own = startedFrom(await call("POST", scriptPath(report), { operationOptions: { labels: { env: "own" } } }));
    await runNext();
    const reported = startedFrom(await call("POST", scriptPath(report), {}));
    await runNext();
    await told(own, reported);

    expect(await listed("labels.env=own")).toEqual([own.name]);
    expect(await listed("labels.env=reported")).toEqual([reported.name]);
  });

  test("are part of the request that a requestId is bound to", async () => {
    const path = `${scriptPath(succeed)}?requestId=one`;
    const first = await call("POST", path, { operationOptions: { labels: { env: "prod" } } });
    const same = await call("POST", `${path}&operationOptions.labels.env=prod`, {});
    const other = await call("POST", path, { operationOptions: { labels: { env: "test" } } });

    expect(same.body["name"]).toBe(first.body["name"]);
    expect(other.status).toBe(400);
  });

  test("are kept in the retry of a failed operation", async () => {
    const failing = async () => {
      throw Object.assign(new Error("no"), { code: 9 });
    };
    const path = scriptPath(failing);
    const operation = startedFrom(
      await call("POST", path, { operationOptions: { labels: { env: "prod" }, priority: 3 } }),
    );
    for (let attempt = 0; (await stateOf(operation)) !== "FAILED" && attempt < 10; attempt += 1) {
      if (controls.sent.length > 0) await runNext();
      else await advanceToAlarm(operation);
    }
    const retry = startedFrom(await call("POST", `/v1/${operation.name}:retry`, {}));

    expect(await metadataOf(retry)).toMatchObject({ labels: { env: "prod" }, priority: 3 });
  });

  test("are allowed on work that is done elsewhere", async () => {
    const created = await call("POST", "/v1/projects/p/operations", { operationOptions: { labels: { env: "prod" } } });

    expect((created.body as OperationJson).metadata.value["labels"]).toEqual({ env: "prod" });
  });
});

describe("scheduleTime", () => {
  test("holds the work back until then, without a message, and with a status message", async () => {
    const scheduleTime = later();
    const operation = await startWith({ scheduleTime });
    await told(operation);

    expect(controls.sent).toEqual([]);
    expect(await metadataOf(operation)).toMatchObject({
      scheduleTime,
      statusMessage: `Scheduled: its work begins at ${scheduleTime}.`,
    });
    expect((await storedRecord(operation))?.fence).toBeUndefined();
    expect(await listed(`scheduleTime="${scheduleTime}"`)).toEqual([operation.name]);
    expect((await call("GET", `/v1/${operation.name}:explain`)).body["summary"]).toMatch(/^It is scheduled: its work/);
  });

  test("begins the work at its time, by the alarm alone", async () => {
    const operation = await startWith({ scheduleTime: later() });
    await told(operation);
    const { scheduleTime } = (await storedRecord(operation))!;
    clock.advanceTo(scheduleTime! - 1);
    await fireAlarm(operation);
    const before = await stateOf(operation);
    clock.advanceTo(scheduleTime!);
    await fireAlarm(operation);
    await runNext();

    expect(before).toBe("SLEEPING");
    expect((await getOperation(operation.name)).done).toBe(true);
  });

  test("is the time from which the deadline counts", async () => {
    const operation = await startWith({ scheduleTime: later() });
    const { deadline, createTime, scheduleTime } = (await storedRecord(operation))!;
    const plain = (await storedRecord(await startWith({})))!;

    expect(deadline - scheduleTime!).toBe(plain.deadline - plain.createTime);
    clock.advanceTo(deadline);
    await fireAlarm(operation);
    expect(scheduleTime! - createTime).toBe(HOUR_MS);
    expect((await getOperation(operation.name))["error"]).toMatchObject({
      code: 4,
      message: expect.stringContaining("of its scheduled time"),
    });
  });

  test("lets a cancel end the operation at once", async () => {
    const operation = await startWith({ scheduleTime: later() });
    await call("POST", `/v1/${operation.name}:cancel`, {});

    expect(await getOperation(operation.name)).toMatchObject({ done: true, error: { code: 1 } });
    expect(controls.sent).toEqual([]);
  });

  test("begins the work at once if it is in the past", async () => {
    const operation = await startWith({ scheduleTime: "2020-01-01T00:00:00Z" });

    expect(controls.sent).toHaveLength(1);
    expect((await storedRecord(operation))?.state).toBe("QUEUED");
  });

  test("is rejected for work that is done elsewhere", async () => {
    const answer = await call("POST", "/v1/projects/p/operations", { operationOptions: { scheduleTime: later() } });

    expect(answer.status).toBe(400);
    expect(violated(answer)).toEqual(["operationOptions.scheduleTime"]);
  });
});
