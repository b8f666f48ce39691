// This version reads what earlier versions have stored, and continues from it; and for minutes after a deployment two versions
// talk to each other. The fixtures were recorded from those versions, and never change.
import { listDurableObjectIds, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { Claimed, LastWord, MessageToObject } from "../../src/contract/run-channel";
import { RunChannel } from "../../src/queue/run-channel";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  type Installed,
  installRequest,
  installRow,
  installed,
  installedReservation,
  messagesToObject,
  messagesToRunner,
  queueMessageOf,
  stages,
  startingRow,
  versions,
} from "./earlier-version";
import {
  advanceToAlarm,
  advanceUntil,
  call,
  deliver,
  fireAlarm,
  fireIndexAlarm,
  getOperation,
  listNames,
  outboxIsEmpty,
  presentRecord,
  runNext,
  snapshotOf,
  startScript,
  stateOf,
  storedBy,
  storedReservations,
  storedRows,
  useFreshWorld,
} from "./harness";

useFreshWorld();

const MINUTES = 60_000;

/** The script that the operation's request names. */
function setScript({ stored }: Installed, script: Parameters<typeof controls.scripts.set>[1]): void {
  const name = /script-\d+/.exec(stored.keys.record.target)?.[0];
  controls.scripts.set(name!, script);
}

const visible = stages.filter((stage) => stage !== "DELETED_RUNNING");
const final = ["SUCCEEDED", "SUCCEEDED_LARGE", "FAILED", "CANCELLED"];

describe.each(versions)("an operation that version %i stored", (version) => {
  test.each(visible)("is read as in that version: %s", async (stage) => {
    const { operation, stored } = await installed(stage, version);
    const { body, headers } = await call("GET", `/v1/${operation.name}`);

    expect(body).toEqual(JSON.parse(stored.answer?.json as string));
    // Its runner has no channel, so a crash may have lost changes that were shown: the revision moves past them.
    const hasRunner = ["RUNNING", "CANCELLING"].includes(stage);
    expect(headers.get("ETag") === stored.answer?.etag).toBe(!hasRunner);
    expect(await listNames("projects/p")).toEqual([operation.name]);
  });

  test("is hidden if it was deleted while it ran", async () => {
    const { operation } = await installed("DELETED_RUNNING", version);

    expect((await call("GET", `/v1/${operation.name}`)).status).toBe(404);
    expect(await listNames("projects/p")).toEqual([]);
  });

  test("is claimed by its message and runs to its end if it was queued", async () => {
    const before = await installed("QUEUED", version);
    setScript(before, async () => ({ answer: 42 }));
    await (await deliver(queueMessageOf(before.operation))).result();
    await outboxIsEmpty(before.operation);

    expect(await getOperation(before.operation.name)).toMatchObject({
      done: true,
      response: { value: { answer: 42 } },
    });
    expect(await storedRows("projects/p", before.stored.shard)).toMatchObject([{ id: before.operation.id, done: 1 }]);
    expect(JSON.parse((await snapshotOf(before.operation))!)).toMatchObject({ done: true });
  });

  test("loses its lease and continues from its steps and its checkpoint if it was running", async () => {
    const before = await installed("RUNNING", version);
    let stepsRun = 0;
    setScript(before, async (op) => {
      const parsed = await op.step("parse", async () => (stepsRun += 1));
      return { parsed, from: op.resumeFrom };
    });
    clock.advance(2 * MINUTES);
    // Its channel is gone as well, so its runner has ten seconds to come back.
    await advanceUntil(before.operation, () => controls.sent.length > 0);
    await runNext();

    expect(await getOperation(before.operation.name)).toMatchObject({
      done: true,
      response: { value: { parsed: { parsed: 7 }, from: "row-5" } },
    });
    expect(stepsRun).toBe(0);
  });

  test("wakes at its time, after its step and its sleep, if it was sleeping", async () => {
    const before = await installed("SLEEPING", version);
    const startTime = Date.now();
    setScript(before, async (op) => {
      const first = await op.step("parse", async () => "again");
      await op.sleep("2m");
      return { first };
    });
    for (let turn = 0; controls.sent.length === 0 && turn < 5; turn += 1) await advanceToAlarm(before.operation);
    await runNext();

    expect(Date.now() - startTime).toBeLessThanOrEqual(2 * MINUTES);
    expect(await getOperation(before.operation.name)).toMatchObject({ done: true, response: { value: { first: 1 } } });
  });

  test("starts its next attempt and counts the earlier failure if it was backing off", async () => {
    const before = await installed("BACKING_OFF", version);
    const attempts: number[] = [];
    setScript(before, async (op) => {
      attempts.push(op.attempt);
      return {};
    });
    for (let turn = 0; controls.sent.length === 0 && turn < 5; turn += 1) await advanceToAlarm(before.operation);
    await runNext();

    expect(attempts).toEqual([2]);
    expect(await getOperation(before.operation.name)).toMatchObject({ done: true });
  });

  test.each(["CANCELLING", "EXTERNAL_CANCELLING"] as const)(
    "ends after its grace period if it was %s",
    async (stage) => {
      const { operation } = await installed(stage, version);
      clock.advance(MINUTES);
      await fireAlarm(operation);

      expect(await getOperation(operation.name)).toMatchObject({ done: true, error: { code: 1 } });
    },
  );

  test("is completed by its worker or its heartbeat time if its work is done elsewhere", async () => {
    const [first, second] = [await installed("EXTERNAL", version), await installed("EXTERNAL", version)];
    const response = { "@type": "type.googleapis.com/acme.v1.R", n: 1 };
    await call("PATCH", `/v1/${first.operation.name}?updateMask=response`, { response });
    clock.advance(2 * MINUTES);

    expect(await getOperation(first.operation.name)).toMatchObject({ done: true, response });
    expect(await getOperation(second.operation.name)).toMatchObject({ done: true, error: { code: 4 } });
  });

  test("continues hidden and leaves nothing if it was deleted while it ran", async () => {
    const before = await installed("DELETED_RUNNING", version);
    let runs = 0;
    setScript(before, async (op) => {
      runs += 1;
      return { first: await op.step("parse", async () => 2) };
    });
    clock.advance(2 * MINUTES);
    // Its channel is gone as well, so its runner has ten seconds to come back.
    await advanceUntil(before.operation, () => controls.sent.length > 0);
    await runNext();
    await eventually(async () => (await storedBy(before.operation)).length === 0);

    expect(runs).toBe(1);
    expect(await snapshotOf(before.operation)).toBeUndefined();
  });

  test.each(final)("stays unchanged until it is deleted or expires if it was %s", async (stage) => {
    const [deleted, expired] = [await installed(stage, version), await installed(stage, version)];
    await call("POST", `/v1/${deleted.operation.name}:cancel`);
    const { body } = await call("GET", `/v1/${deleted.operation.name}`);
    await call("DELETE", `/v1/${deleted.operation.name}`);
    await eventually(async () => (await storedBy(deleted.operation)).length === 0);
    clock.advance(31 * 24 * 60 * MINUTES);
    await fireIndexAlarm("projects/p", expired.stored.shard);

    expect(body).toEqual(JSON.parse(deleted.stored.answer?.json as string));
    expect(await snapshotOf(deleted.operation)).toBeUndefined();
    expect(await storedBy(expired.operation)).toEqual([]);
    expect(await listNames("projects/p")).toEqual([]);
  });
});

describe("an operation that version 1 stored", () => {
  test("leaves the list if its start was interrupted", async () => {
    await installRow(startingRow().row);
    clock.advance(3 * MINUTES);
    await fireIndexAlarm();

    expect(await storedRows()).toEqual([]);
  });

  test("is returned for its requestId", async () => {
    const { operation, reservation } = await installedReservation();
    const path = "/v1/projects/p/scripts/none:run";
    const body = { requestId: reservation.requestId, ...reservation.body };
    // A scope in which that version had operations, and the object that it made of the requestId.
    await installRow(startingRow().row);
    await installRequest({ method: "scripts:run", parent: "projects/p" }, reservation);
    const again = await call("POST", path, body);
    const other = await call("POST", path, { ...body, rows: 2 });

    expect(again.body["name"]).toBe(operation.name);
    expect(other.status).toBe(400);
  });

  test("moves its requestId into the index with the request object's next alarm", async () => {
    const { operation, reservation } = await installedReservation();
    await installRow(startingRow().row);
    const object = await installRequest({ method: "scripts:run", parent: "projects/p" }, reservation);
    clock.advanceTo(reservation.value.createTime + 86_400_000);
    await runDurableObjectAlarm(object);
    const left = await runInDurableObject(object, async (_instance, { storage }) => [
      ...storage.kv.list(),
      await storage.getAlarm(),
    ]);
    const body = { requestId: reservation.requestId, ...reservation.body };
    const again = await call("POST", "/v1/projects/p/scripts/none:run", body);

    expect(left).toEqual([null]);
    expect(again.body["name"]).toBe(operation.name);
    expect(await storedReservations()).toHaveLength(1);
  });

  test("is started by a repetition if its requestId was reserved only", async () => {
    const { operation, reservation } = await installedReservation();
    await installRow(startingRow().row);
    const unused = env.OPERATIONS.newUniqueId().toString();
    const value = { ...reservation.value, operationId: unused, created: false };
    await installRequest({ method: "scripts:run", parent: "projects/p" }, { ...reservation, value });
    const body = { requestId: reservation.requestId, ...reservation.body };
    const started = await call("POST", "/v1/projects/p/scripts/none:run", body);

    expect(started.body["name"]).toBe(operation.name.replace(operation.id, unused));
  });

  test("needs no object for a requestId in a scope that this version began", async () => {
    const before = await listDurableObjectIds(env.REQUESTS!);
    await call("POST", "/v1/projects/p/scripts/none:run", { requestId: "new" });

    expect(await listDurableObjectIds(env.REQUESTS!)).toEqual(before);
  });
});

describe.each(versions)("a consumer of version %i and an object of this one", (version) => {
  /** A claim by hand. */
  async function claimed() {
    const operation = await startScript(async () => ({}));
    const { webSocket } = await operation.stub.fetch("https://operation/run", { headers: { Upgrade: "websocket" } });
    const heard: MessageToRunnerLike[] = [];
    webSocket!.addEventListener("message", ({ data }) => heard.push(JSON.parse(data as string) as MessageToRunnerLike));
    webSocket!.accept();
    await eventually(() => heard.length === 1);
    return { operation, socket: webSocket!, heard, fence: heard[0]!.fence! };
  }

  interface MessageToRunnerLike {
    type: string;
    fence?: string;
    id?: number;
  }

  const spoken = messagesToObject(version, "token").map((message, index) => [message.type, index] as const);

  test.each(spoken)(
    "understand each other: %s (message %i), and the object ignores unknown fields",
    async (_, index) => {
      const { socket, heard, fence, operation } = await claimed();
      const message = messagesToObject(version, fence)[index]!;
      socket.send(JSON.stringify({ ...message, saidByNobody: { yet: true } }));
      const answer = "id" in message ? { type: "saved", id: message.id } : { type: "settled" };
      if (message.type === "progress")
        await eventually(async () => (await presentRecord(operation))?.metadata["rowsDone"] === 5);
      else await eventually(() => heard.some((said) => said.type === answer.type));

      expect(heard).toEqual(expect.arrayContaining(message.type === "progress" ? [] : [answer]));

      expect(await stateOf(operation)).toBe(
        { sleep: "SLEEPING", yield: "QUEUED", fail: "BACKING_OFF", succeed: "SUCCEEDED" }[message.type as string] ??
          "RUNNING",
      );
    },
  );

  test("agree on every field that the earlier consumer read", async () => {
    const { heard } = await claimed();
    const earlier = messagesToRunner(version).find(({ type }) => type === "claimed");

    // The start of this operation had no trace.
    const { traceparent: _none, ...read } = earlier as Claimed;

    expect(Object.keys(heard[0]!)).toEqual(expect.arrayContaining(Object.keys(read)));
  });
});

describe.each(versions)("a consumer of this version and an object of version %i", (version) => {
  /** An object that says what the earlier version said, and what a later one may say besides. */
  function anEarlierObject() {
    const [claim, ...others] = messagesToRunner(version);
    const said: MessageToObject[] = [];
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    const say = (message: object): void => server.send(JSON.stringify({ ...message, saidByNobody: { yet: true } }));
    server.addEventListener("message", ({ data }) => {
      if (data === "ping") return server.send("pong");
      const message = JSON.parse(data as string) as MessageToObject;
      said.push(message);
      if ("id" in message) say({ ...others.find(({ type }) => type === "saved"), id: message.id });
      else if (message.type !== "progress") say({ type: "settled" });
    });
    const fetch = async (): Promise<Response> => {
      say(claim!);
      return new Response(null, { status: 101, webSocket: client });
    };
    const stub = {
      fetch: fetch as unknown as Fetcher["fetch"],
      claim: () => Promise.reject(new TypeError('The RPC receiver does not implement the method "claim".')),
    };
    return { stub, said, claim: claim! };
  }

  /** The fields that every recorded message of a type has. */
  const required: Record<string, string[]> = {};
  for (const message of messagesToObject(version, "token")) {
    const fields = Object.keys(message).filter((key) => key !== "progress" || message.type === "progress");
    required[message.type] = (required[message.type] ?? fields).filter((field) => fields.includes(field));
  }

  test("understand each other, because claims, saves, progress and final messages have every field that the earlier one reads", async () => {
    const lastWords: LastWord[] = [
      { type: "succeed", outcome: { response: "{}" } },
      { type: "fail", error: { code: 9, message: "No.", details: [] }, retryable: false },
      { type: "sleep", ordinal: 0, wakeTime: 1, sleeps: [] },
    ];
    for (const lastWord of lastWords) {
      const object = anEarlierObject();
      const channel = await RunChannel.claim(object.stub);
      channel!.sendProgress({ metadata: { rows: 1 } });
      const saved = await channel!.save({ type: "saveStep", name: "parse", result: "1", order: 1 });
      const kept = await channel!.save({ type: "saveCheckpoint", cursor: '"c"' });

      expect(await channel!.finish(lastWord)).toBe("settled");
      expect([saved, kept]).toEqual(["settled", "settled"]);
      expect(channel!.claimed).toMatchObject(object.claim);
      for (const message of object.said)
        expect(Object.keys(message)).toEqual(expect.arrayContaining(required[message.type]!));
      expect(object.said.map(({ type }) => type)).toEqual(["progress", "saveStep", "saveCheckpoint", lastWord.type]);
    }
  });
});
