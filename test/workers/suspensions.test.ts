// Suspensions over HTTP: each sentence of the contract about a point at which an operation waits for somebody outside.
import { evictDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { type OperationContext, SuspensionExpired } from "../../src/index";
import { MAX_EARLY_ANSWERS, MAX_PAYLOAD_BYTES } from "../../src/limits";
import * as pb from "../../src/protobuf";
import type { Json, JsonObject } from "../../src/rpc/any";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  type Answer,
  type Started,
  advanceToAlarm,
  advanceUntil,
  call,
  deliverNext,
  fireAlarm,
  getOperation,
  openSockets,
  outboxIsEmpty,
  runNext,
  socketIsOpen,
  startScript,
  stateOf,
  storedBy,
  storedRecord,
  useFreshWorld,
} from "./harness";

useFreshWorld();

const Approval = pb.message("example.v1.Approval", {
  approved: pb.bool(1, { required: true }),
  note: pb.string(2),
});

/** Work that waits for one approval, and returns it. */
async function approve(op: OperationContext): Promise<JsonObject> {
  return { answer: await op.suspend("approval", { prompt: "May it?", payload: Approval, timeout: "30m" }) };
}

async function suspended(work: (op: OperationContext) => Promise<JsonObject> = approve): Promise<Started> {
  const operation = await startScript(work);
  await runNext();
  return operation;
}

/** The index knows the present state. */
async function indexed(operation: Started): Promise<void> {
  await advanceUntil(operation, async () => (await storedRecord(operation))?.outbox.index === undefined);
}

function answer({ name }: Started, payload: Json, id = "approval"): Promise<Answer> {
  return call("POST", `/v1/${name}/suspensions/${id}:resolve`, { payload });
}

async function suspensionOf({ name }: Started, id = "approval"): Promise<JsonObject> {
  return (await call("GET", `/v1/${name}/suspensions/${id}`)).body;
}

function errorOf({ body }: Answer): { status: string; reason: string; violations: unknown } {
  const { status, details } = body["error"] as { status: string; details: JsonObject[] };
  return {
    status,
    reason: details[0]?.["reason"] as string,
    violations: details.find(({ fieldViolations }) => fieldViolations)?.["fieldViolations"],
  };
}

const responseOf = async ({ name }: Started): Promise<Json | undefined> =>
  ((await getOperation(name))["response"] as JsonObject | undefined)?.["value"];

describe("a suspension", () => {
  test("holds no runner, no socket, no lease and no message", async () => {
    const operation = await suspended();
    const record = (await storedRecord(operation))!;

    expect(record).toMatchObject({ state: "SUSPENDED", waitsFor: { answersTo: ["approval"] } });
    expect(record.fence).toBeUndefined();
    expect(await openSockets(operation, "run")).toBe(0);
    expect(controls.sent).toEqual([]);
  });

  test("is listed, and got, with all its fields", async () => {
    const operation = await suspended();
    const pending = {
      name: `${operation.name}/suspensions/approval`,
      state: "PENDING",
      prompt: "May it?",
      payloadSchema: {
        type: "object",
        properties: { approved: { type: "boolean" }, note: { type: "string" } },
        required: ["approved"],
        additionalProperties: false,
      },
      createTime: new Date(Date.now()).toISOString(),
      expireTime: new Date(Date.now() + 1_800_000).toISOString(),
    };

    expect((await call("GET", `/v1/${operation.name}/suspensions`)).body).toEqual({ suspensions: [pending] });
    expect(await suspensionOf(operation)).toEqual(pending);
  });

  test("has no payloadSchema and accepts any JSON if the method declares no type", async () => {
    const operation = await suspended(async (op) => ({ answer: await op.suspend("approval") }));
    expect(await suspensionOf(operation)).not.toHaveProperty("payloadSchema");
    await answer(operation, ["yes", 1, null]);
    await runNext();

    expect(await responseOf(operation)).toEqual({ answer: ["yes", 1, null] });
  });

  test("is NOT_FOUND by another name, and in an operation without suspensions", async () => {
    const operation = await suspended();

    expect((await call("GET", `/v1/${operation.name}/suspensions/other`)).status).toBe(404);
    const plain = await startScript(async () => ({}));
    expect((await call("GET", `/v1/${plain.name}/suspensions`)).body).toEqual({ suspensions: [] });
  });

  test("is in the default metadata until it is answered", async () => {
    const operation = await suspended();
    const pendingIn = async (): Promise<unknown> => (await getOperation(operation.name)).metadata.value["suspensions"];

    expect(await pendingIn()).toEqual([
      {
        id: "approval",
        prompt: "May it?",
        createTime: new Date(Date.now()).toISOString(),
        expireTime: new Date(Date.now() + 1_800_000).toISOString(),
      },
    ]);
    await answer(operation, { approved: true });
    expect(await pendingIn()).toBeUndefined();
  });

  test("puts its operation into the inbox: filter=metadata.suspensions:*", async () => {
    await suspended(async () => ({}));
    const operation = await suspended();
    const inbox = async (): Promise<string[]> => {
      const { body } = await call("GET", "/v1/projects/p/operations?filter=metadata.suspensions:*");
      return ((body["operations"] ?? []) as JsonObject[]).map(({ name }) => name as string);
    };
    await indexed(operation);
    expect(await inbox()).toEqual([operation.name]);
    await answer(operation, { approved: true });
    await runNext();
    await outboxIsEmpty(operation);

    expect(await inbox()).toEqual([]);
  });

  test("is in the inbox even if the operation's metadata is too large for the index", async () => {
    const operation = await suspended(async (op) => {
      op.progress({ notes: "x".repeat(5_000) });
      return approve(op);
    });
    await indexed(operation);
    const { body } = await call("GET", "/v1/projects/p/operations?filter=metadata.suspensions:*");

    expect((body["operations"] as JsonObject[]).map(({ name }) => name)).toEqual([operation.name]);
  });

  test("is explained with its begin, its end and the permission to answer", async () => {
    const operation = await suspended();
    const { body } = await call("GET", `/v1/${operation.name}:explain`);

    expect(body).toMatchObject({ state: "SUSPENDED" });
    expect(body["summary"]).toMatch(
      /waits for an answer to "approval" since .* until .*longrunning\.operations\.resolve.*roles\/longrunning\.approver/,
    );
  });
});

describe("ResolveSuspension", () => {
  test("resumes the work with the answer, and returns the suspension", async () => {
    const operation = await suspended();
    clock.advance(60_000);
    const { status, body } = await answer(operation, { approved: true, note: "Fine." });
    await runNext();

    expect(status).toBe(200);
    expect(body).toMatchObject({ state: "RESOLVED", resolveTime: new Date(Date.now()).toISOString() });
    // The deployment is open: it tells no caller from another.
    expect(body).not.toHaveProperty("resolver");
    expect(await responseOf(operation)).toEqual({ answer: { approved: true, note: "Fine." } });
  });

  test.each<[string, Json, { field: string; description: string }]>([
    ["a wrong type", { approved: "yes" }, { field: "payload.approved", description: "must be boolean, not string" }],
    ["a field too many", { approved: true, by: "me" }, { field: "payload.by", description: "unknown field" }],
    ["a missing field", {}, { field: "payload.approved", description: "is required" }],
    ["no object", "yes", { field: "payload", description: "must be object, not string" }],
  ])("rejects %s with its violations, and the suspension stays pending", async (_, payload, violation) => {
    const operation = await suspended();
    const refused = await answer(operation, payload);

    expect(refused.status).toBe(400);
    expect(errorOf(refused)).toMatchObject({ status: "INVALID_ARGUMENT", violations: [violation] });
    expect(await suspensionOf(operation)).toMatchObject({ state: "PENDING" });
    expect((await answer(operation, { approved: false })).status).toBe(200);
  });

  test("accepts a payload of 64 KiB of JSON, and rejects a larger one", async () => {
    const operation = await suspended(async (op) => ({
      length: (await op.suspend<string>("approval")).length,
    }));
    const fits = "x".repeat(MAX_PAYLOAD_BYTES - 2);
    const refused = await answer(operation, `${fits}x`);
    expect(errorOf(refused)).toMatchObject({ status: "INVALID_ARGUMENT", violations: [{ field: "payload" }] });
    expect((await answer(operation, fits)).status).toBe(200);
    // It has a row of its own: the record stays small.
    expect(JSON.stringify(await storedRecord(operation)).length).toBeLessThan(4_096);
    expect(await storedBy(operation)).toContain("answer/approval");
    await runNext();

    expect(await responseOf(operation)).toEqual({ length: fits.length });
    expect(await storedBy(operation)).not.toContain("answer/approval");
  });

  test("rejects a call without a payload", async () => {
    const operation = await suspended();
    const refused = await call("POST", `/v1/${operation.name}/suspensions/approval:resolve`, {});

    expect(errorOf(refused)).toMatchObject({ status: "INVALID_ARGUMENT", violations: [{ field: "payload" }] });
  });

  test("rejects another payload after the first with FAILED_PRECONDITION, SUSPENSION_RESOLVED", async () => {
    const operation = await suspended();
    await answer(operation, { approved: true });
    const refused = await answer(operation, { approved: false });
    await runNext();

    expect(refused.status).toBe(400);
    expect(errorOf(refused)).toMatchObject({ status: "FAILED_PRECONDITION", reason: "SUSPENSION_RESOLVED" });
    expect(await responseOf(operation)).toEqual({ answer: { approved: true } });
  });

  test("accepts one of two concurrent answers", async () => {
    const operation = await suspended();
    const answers = await Promise.all([true, false].map((approved) => answer(operation, { approved })));
    await runNext();

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 400]));
    expect(await responseOf(operation)).toEqual({ answer: { approved: answers[0]!.status === 200 } });
  });

  test("returns 200 for the same payload again, whatever the order of its fields, also after the end", async () => {
    const operation = await suspended();
    const first = await answer(operation, { approved: true, note: "Fine." });
    const repeated = await answer(operation, { note: "Fine.", approved: true });
    await runNext();
    const done = await getOperation(operation.name);
    const late = await answer(operation, { approved: true, note: "Fine." });

    expect(done.done).toBe(true);
    expect([repeated.status, repeated.body]).toEqual([200, first.body]);
    expect([late.status, late.body]).toEqual([200, first.body]);
    expect(errorOf(await answer(operation, { approved: false })).reason).toBe("SUSPENSION_RESOLVED");
  });

  test("returns FAILED_PRECONDITION for anything else on a finished operation", async () => {
    const operation = await startScript(async () => ({}));
    await runNext();

    expect(errorOf(await answer(operation, true))).toMatchObject({
      status: "FAILED_PRECONDITION",
      reason: "OPERATION_DONE",
    });
  });

  test("stores an answer that survives the loss of the object and of the queue", async () => {
    const operation = await suspended();
    controls.queueSend.fail("queue is down");
    expect((await answer(operation, { approved: true })).status).toBe(200);
    await evictDurableObject(operation.stub);
    controls.queueSend.open();
    controls.sent.length = 0;
    for (let count = 0; count < 5 && controls.sent.length === 0; count += 1) await advanceToAlarm(operation);
    await runNext();

    expect(await responseOf(operation)).toEqual({ answer: { approved: true } });
  });

  test("returns NOT_FOUND in an operation that does not exist", async () => {
    const operation = await suspended();
    await call("DELETE", `/v1/${operation.name}`);

    expect((await answer(operation, { approved: true })).status).toBe(404);
  });

  test("rejects work that is done elsewhere, and a name that no suspension can have", async () => {
    const { body } = await call("POST", "/v1/projects/p/operations", { operation: {} });
    const external = await call("POST", `/v1/${body["name"] as string}/suspensions/a:resolve`, { payload: 1 });
    const operation = await startScript(async () => ({}));

    expect(errorOf(external)).toMatchObject({ status: "FAILED_PRECONDITION", reason: "OPERATION_RUN_ELSEWHERE" });
    expect(errorOf(await answer(operation, 1, "a~b"))).toMatchObject({
      status: "INVALID_ARGUMENT",
      violations: [{ field: "name" }],
    });
  });
});

describe("an answer that arrives before the work reaches the suspension", () => {
  test("is kept, read as RESOLVED, and returned to the work at once", async () => {
    const operation = await startScript(approve);
    expect((await answer(operation, { approved: true })).status).toBe(200);
    expect(await suspensionOf(operation)).toMatchObject({ state: "RESOLVED" });
    await runNext();

    expect(await responseOf(operation)).toEqual({ answer: { approved: true } });
  });

  test("is kept while the work runs, and the work never stops for it", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const operation = await startScript(async (op) => {
      await op.step("first", () => promise);
      return approve(op);
    });
    const delivery = await deliverNext();
    await socketIsOpen(operation);
    await answer(operation, { approved: true });
    resolve();
    await delivery.result();

    expect(await responseOf(operation)).toEqual({ answer: { approved: true } });
    expect(controls.sent).toEqual([]);
  });

  test("is kept before the runner listens, and wakes the work that stops for it", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const operation = await startScript(async (op) => {
      await op.step("first", () => promise);
      return approve(op);
    });
    const delivery = await deliverNext();
    await answer(operation, { approved: true });
    resolve();
    await delivery.result();
    await runNext();

    expect(await responseOf(operation)).toEqual({ answer: { approved: true } });
    expect(controls.sent).toEqual([]);
  });

  test("is dropped with a log line if the type rejects it then, and the suspension is pending", async () => {
    const log = vi.spyOn(console, "log");
    const operation = await startScript(approve);
    await answer(operation, { approved: "yes" });
    await runNext();
    expect(log.mock.calls.flat()).toContainEqual(
      expect.objectContaining({
        message: "answer dropped: the method's schema does not accept it",
        operation: operation.name,
        suspension: "approval",
        fields: ["approved"],
      }),
    );
    log.mockRestore();
    const pending = await suspensionOf(operation);
    await answer(operation, { approved: true });
    await runNext();

    expect(pending).toMatchObject({ state: "PENDING", prompt: "May it?" });
    expect(await responseOf(operation)).toEqual({ answer: { approved: true } });
  });

  test(`is kept ${MAX_EARLY_ANSWERS} times per operation, and then RESOURCE_EXHAUSTED`, async () => {
    const operation = await startScript(async (op) => {
      await op.suspend("s0");
      return approve(op);
    });
    for (let index = 0; index < MAX_EARLY_ANSWERS; index += 1) await answer(operation, index, `s${index}`);
    const refused = await answer(operation, 1, "more");
    const repeated = await answer(operation, 1, "s1");
    await runNext();

    expect(errorOf(refused)).toMatchObject({ status: "RESOURCE_EXHAUSTED", reason: "TOO_MANY_ANSWERS" });
    expect(refused.headers.get("Retry-After")).toBe("10");
    expect(repeated.status).toBe(200);
    // They keep nobody from answering a suspension that the work has reached.
    expect((await answer(operation, { approved: true })).status).toBe(200);
  });
});

describe("a suspension past its timeout", () => {
  test("is EXPIRED, and the work continues with that fact", async () => {
    const operation = await suspended(async (op) => {
      try {
        return await approve(op);
      } catch (error) {
        if (!(error instanceof SuspensionExpired)) throw error;
        return { expired: error.suspension };
      }
    });
    clock.advance(1_799_999);
    await fireAlarm(operation);
    const before = await stateOf(operation);
    clock.advance(1);
    await fireAlarm(operation);
    const expired = await suspensionOf(operation);
    const refused = await answer(operation, { approved: true });
    await runNext();

    expect(before).toBe("SUSPENDED");
    expect(expired).toMatchObject({ state: "EXPIRED" });
    expect(errorOf(refused)).toMatchObject({ status: "FAILED_PRECONDITION", reason: "SUSPENSION_EXPIRED" });
    expect(await responseOf(operation)).toEqual({ expired: "approval" });
  });

  test("ends the operation with DEADLINE_EXCEEDED and without another attempt if nothing catches it", async () => {
    const operation = await suspended();
    clock.advance(1_800_000);
    await fireAlarm(operation);
    await runNext();

    expect(await getOperation(operation.name)).toMatchObject({
      done: true,
      error: { code: 4, message: 'The suspension "approval" was not answered in time.' },
    });
  });

  test("is EXPIRED on every read, even if the alarm was lost", async () => {
    const operation = await suspended();
    await evictDurableObject(operation.stub);
    clock.advance(1_800_000);

    expect(await suspensionOf(operation)).toMatchObject({ state: "EXPIRED" });
  });

  test("has the operation's deadline as default, and as maximum", async () => {
    const operation = await suspended(async (op) => {
      const [first, second] = [op.suspend("a"), op.suspend("b", { timeout: "30d" })];
      return { answers: await Promise.all([first, second]) };
    });
    const expireTime = new Date((await storedRecord(operation))!.deadline).toISOString();

    expect(await suspensionOf(operation, "a")).toMatchObject({ expireTime });
    expect(await suspensionOf(operation, "b")).toMatchObject({ expireTime });
  });
});

describe("CancelOperation and DeleteOperation", () => {
  test("cancel ends a suspended operation immediately, and its suspension is EXPIRED", async () => {
    const operation = await suspended();
    await call("POST", `/v1/${operation.name}:cancel`, {});

    expect(await getOperation(operation.name)).toMatchObject({ done: true, error: { code: 1 } });
    expect(await suspensionOf(operation)).toMatchObject({ state: "EXPIRED" });
    expect(errorOf(await answer(operation, { approved: true })).status).toBe("FAILED_PRECONDITION");
  });

  test("a cancelling operation rejects an answer", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const operation = await startScript(async (op) => {
      await op.suspension("approval");
      await op.step("long", () => promise);
      return {};
    });
    const delivery = await deliverNext();
    await eventually(async () => (await suspensionOf(operation))["state"] === "PENDING");
    await call("POST", `/v1/${operation.name}:cancel`, {});

    expect(await suspensionOf(operation)).toMatchObject({ state: "EXPIRED" });
    expect(errorOf(await answer(operation, 1, "other"))).toMatchObject({ reason: "OPERATION_CANCELLING" });
    resolve();
    await delivery.result();
  });

  test("delete hides a suspended operation, whose work continues with an expired suspension", async () => {
    const seen: string[] = [];
    const operation = await suspended(async (op) => {
      await op.suspend("approval").catch((error: unknown) => seen.push((error as Error).name));
      return {};
    });
    await call("DELETE", `/v1/${operation.name}`);
    await fireAlarm(operation);
    await runNext();

    expect(seen).toHaveLength(1);
    await advanceUntil(operation, async () => (await storedRecord(operation)) === undefined);
  });
});

describe("several suspensions", () => {
  test("Promise.all waits for all answers, in any order", async () => {
    const operation = await suspended(async (op) => ({
      answers: await Promise.all(["a", "b", "c"].map((name) => op.suspend(name))),
    }));
    for (const name of ["c", "a", "b"]) {
      await answer(operation, `of ${name}`, name);
      await runNext();
    }

    expect(await responseOf(operation)).toEqual({ answers: ["of a", "of b", "of c"] });
  });

  test("the winner of Promise.race stays the winner in each replay, whatever is answered later", async () => {
    const winners: Json[] = [];
    const operation = await suspended(async (op) => {
      const winner = await Promise.race([op.suspend("a"), op.suspend("b")]);
      winners.push(winner);
      await op.sleep("1m");
      return { winner };
    });
    // Both come before the work goes on: the order in which they came decides.
    await answer(operation, "b", "b");
    await answer(operation, "a", "a");
    await runNext();
    await advanceUntil(operation, () => controls.sent.length > 0);
    await runNext();

    expect(winners).toEqual(["b", "b"]);
    expect(await responseOf(operation)).toEqual({ winner: "b" });
  });

  test("an answer reaches work that does something else meanwhile, through its channel", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const operation = await startScript(async (op) => {
      const first = await Promise.race([op.step("slow", () => promise), op.suspend("faster")]);
      resolve("in the end");
      return { first };
    });
    const delivery = await deliverNext();
    await eventually(async () => (await suspensionOf(operation, "faster"))["state"] === "PENDING");
    await answer(operation, "quick", "faster");
    await delivery.result();

    expect(await responseOf(operation)).toEqual({ first: "quick" });
  });

  test("a suspension that expires while the work does something else is sent to it", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const operation = await startScript(async (op) => {
      const waits = op.suspend("faster", { timeout: "5s" }).catch((error: unknown) => (error as Error).message);
      const first = await Promise.race([op.step("slow", () => promise), waits]);
      resolve("in the end");
      return { first };
    });
    const delivery = await deliverNext();
    await eventually(async () => (await suspensionOf(operation, "faster"))["state"] === "PENDING");
    clock.advance(5_000);
    await fireAlarm(operation);
    await delivery.result();

    expect(await responseOf(operation)).toEqual({ first: 'The suspension "faster" was not answered in time.' });
  });

  test("a race with a sleep ends with the sleep if no answer arrives before", async () => {
    const operation = await suspended(async (op) => ({
      first: await Promise.race([op.suspend("approval"), op.sleep("10m").then(() => "slept")]),
    }));
    await advanceUntil(operation, () => controls.sent.length > 0);
    await runNext();

    expect(await responseOf(operation)).toEqual({ first: "slept" });
    expect(await suspensionOf(operation)).toMatchObject({ state: "EXPIRED" });
  });

  test("a later attempt has the answers of an earlier one", async () => {
    const operation = await suspended(async (op) => {
      const reply = await op.suspend("approval");
      if (op.attempt === 1) throw new Error("not yet");
      return { reply };
    });
    await answer(operation, "yes");
    await runNext();
    await advanceUntil(operation, () => controls.sent.length > 0);
    await runNext();

    expect(await responseOf(operation)).toEqual({ reply: "yes" });
  });
});

describe("a capability link", () => {
  async function linked(): Promise<{ operation: Started; uri: URL; uris: string[] }> {
    const uris: string[] = [];
    const operation = await suspended(async (op) => {
      const approval = await op.suspension("approval", { payload: Approval, timeout: "30m" });
      uris.push(approval.resolveUri);
      await op.step("send", () => approval.name);
      return { answer: await approval.answer() };
    });
    return { operation, uri: new URL(uris[0]!), uris };
  }
  const follow = (uri: URL, payload: Json, method = "POST"): Promise<Answer> =>
    call(method, uri.pathname + uri.search, method === "GET" ? undefined : { payload });

  test("answers its suspension, and the resolver is `link`", async () => {
    const { operation, uri, uris } = await linked();
    const { status, body } = await follow(uri, { approved: true });
    await runNext();

    expect(uri.origin).toBe("https://operations.example");
    expect(status).toBe(200);
    expect(body).toMatchObject({ state: "RESOLVED", resolver: "link" });
    expect(await responseOf(operation)).toEqual({ answer: { approved: true } });
    // A replay gives the same link.
    expect(new Set(uris).size).toBe(1);
  });

  test("is valid for one resolution: the same payload is 200 again, another is rejected", async () => {
    const { uri } = await linked();
    await follow(uri, { approved: true });

    expect((await follow(uri, { approved: true })).status).toBe(200);
    expect(errorOf(await follow(uri, { approved: false })).reason).toBe("SUSPENSION_RESOLVED");
  });

  test("is POST only", async () => {
    const { uri } = await linked();

    expect((await follow(uri, null, "GET")).status).toBe(405);
  });

  test("is valid for its own suspension and operation alone, also in an open deployment", async () => {
    const [one, other] = [await linked(), await linked()];
    const forged = new URL(one.uri);
    forged.search = other.uri.search;
    const cut = new URL(one.uri);
    cut.search = one.uri.search.slice(0, -1);
    const elsewhere = new URL(one.uri);
    elsewhere.pathname = elsewhere.pathname.replace("approval", "another");

    for (const uri of [forged, cut, elsewhere]) {
      const refused = await follow(uri, { approved: true });
      expect(refused.status).toBe(403);
      expect(errorOf(refused)).toMatchObject({ status: "PERMISSION_DENIED", reason: "LINK_INVALID" });
    }
    expect(await suspensionOf(one.operation)).toMatchObject({ state: "PENDING" });
  });

  test("expires with the suspension, and is erased with the operation", async () => {
    const { operation, uri } = await linked();
    clock.advance(1_800_000);
    expect(errorOf(await follow(uri, { approved: true })).reason).toBe("SUSPENSION_EXPIRED");
    await call("DELETE", `/v1/${operation.name}`);

    expect(errorOf(await follow(uri, { approved: true })).reason).toBe("LINK_INVALID");
  });

  test("is in no answer, row or snapshot", async () => {
    const { operation, uri } = await linked();
    const token = uri.searchParams.get("linkToken")!;
    expect(token).toMatch(/^[\w-]{43}$/);
    const shown = await Promise.all(
      ["", "/suspensions", "/suspensions/approval", ":explain"].map((path) =>
        call("GET", `/v1/${operation.name}${path}`),
      ),
    );
    const resolved = await follow(uri, { approved: true });
    await runNext();
    await outboxIsEmpty(operation);
    const list = await call("GET", "/v1/projects/p/operations");

    expect(JSON.stringify([...shown, resolved, list].map(({ body }) => body))).not.toContain(token);
  });
});
