// The log: one line for each request and each transition, and in none of them what an operation was told or has to say.
import { DEFAULT_LEASE_MS } from "../../src/limits";
import { assert, asyncProperty, constantFrom, string, tuple } from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RpcError } from "../../src/index";
import type { JsonObject } from "../../src/rpc/any";
import { logTransition } from "../../src/durable/operation/transition-log";
import { LOG_LINES } from "../bench/counts";
import { aRecord } from "../support/a-record";
import { eventually } from "../support/eventually";
import { aGuardedDeployment, noCredential } from "./access-harness";
import { aMethod, MAKE } from "./a-deployment";
import { clock } from "./clock";
import {
  type Started,
  advanceToAlarm,
  call,
  deliverNext,
  fireAlarm,
  outboxIsEmpty,
  runNext,
  startScript,
  startedFrom,
  storedRecord,
  useFreshWorld,
} from "./harness";

useFreshWorld();

interface Line extends JsonObject {
  level: string;
  message: string;
}

const lines: Line[] = [];

beforeEach(() => {
  lines.length = 0;
  for (const level of ["log", "info", "warn", "error", "debug"] as const) {
    vi.spyOn(console, level).mockImplementation((...parts: unknown[]) => {
      const [first] = parts;
      lines.push({
        level,
        ...(typeof first === "object" ? (first as Line) : { message: parts.map(String).join(" ") }),
      });
    });
  }
});
afterEach(() => {
  vi.restoreAllMocks();
});

const linesOf = (message: string): Line[] => lines.filter((line) => line.message === message);
function without(line: JsonObject, fields: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(line).filter(([field]) => !fields.includes(field)));
}

/** Transitions without what is the same in all of them. */
function transitions({ name }: Pick<Started, "name">): JsonObject[] {
  return linesOf("transition")
    .filter(({ operation }) => operation === name)
    .map((line) => without(line, ["message", "operation", "method", "requestId", "startRequestId"]));
}

describe("the log lines of transitions", () => {
  test("cover the start, a failed attempt and the success", async () => {
    let attempts = 0;
    const operation = await startScript(async () => {
      attempts += 1;
      if (attempts === 1) throw new RpcError("UNAVAILABLE", "The warehouse is down.");
      return { rows: 3 };
    });
    await runNext();
    await advanceToAlarm(operation);
    while ((await storedRecord(operation))?.state === "BACKING_OFF") await advanceToAlarm(operation);
    await runNext();
    await outboxIsEmpty(operation);
    const { createTime, endTime } = (await storedRecord(operation))!;

    expect(transitions(operation)).toEqual([
      { level: "log", from: "NEW", to: "QUEUED", cause: "start" },
      { level: "log", from: "QUEUED", to: "RUNNING", cause: "claim", attempt: 1 },
      {
        level: "log",
        from: "RUNNING",
        to: "BACKING_OFF",
        cause: "attemptFailed",
        attempt: 1,
        end: "FAILED",
        code: "UNAVAILABLE",
      },
      { level: "log", from: "BACKING_OFF", to: "QUEUED", cause: "wake", attempt: 2 },
      { level: "log", from: "QUEUED", to: "RUNNING", cause: "claim", attempt: 2 },
      {
        level: "log",
        from: "RUNNING",
        to: "SUCCEEDED",
        cause: "succeed",
        attempt: 2,
        durationMs: endTime! - createTime,
      },
    ]);
    expect(linesOf("transition")[0]).toMatchObject({ operation: operation.name, method: "scripts:run" });
  });

  test("have the severity WARNING for a lost message and a lost lease", async () => {
    const operation = await startScript(() => new Promise(() => {}));
    const { resendTime = 0 } = (await storedRecord(operation))!;
    clock.advanceTo(resendTime);
    await fireAlarm(operation);
    await deliverNext();
    await eventually(async () => (await storedRecord(operation))?.state === "RUNNING");
    clock.advance(DEFAULT_LEASE_MS + 1_000);
    await call("GET", `/v1/${operation.name}`);

    expect(transitions(operation).filter(({ level }) => level === "warn")).toEqual([
      { level: "warn", from: "QUEUED", to: "QUEUED", cause: "resend", attempt: 1 },
      { level: "warn", from: "RUNNING", to: "QUEUED", cause: "loseLease", attempt: 1, end: "LOST" },
    ]);
  });

  test("name the request that caused the transition", async () => {
    const operation = await startScript(async () => ({}));
    await call("POST", `/v1/${operation.name}:cancel`);
    await call("DELETE", `/v1/${operation.name}`);
    const requestIds = linesOf("request").map(({ requestId }) => requestId);

    const caused = linesOf("transition").map(({ cause, requestId }) => ({ cause, requestId }));

    expect(new Set(requestIds).size).toBe(3);
    expect(caused).toEqual([
      { cause: "start", requestId: requestIds[0] },
      { cause: "cancel", requestId: requestIds[1] },
      { cause: "delete", requestId: requestIds[2] },
    ]);
  });

  test("have no audit line beside them in an open deployment", async () => {
    const operation = await startScript(async () => ({}));
    await call("POST", `/v1/${operation.name}:cancel`);

    expect(linesOf("request")).toHaveLength(2);
    expect(linesOf("audit")).toEqual([]);
  });

  test("are not written for a repeated cancel request and for a read", async () => {
    const operation = await startScript(async () => ({}));
    await call("POST", `/v1/${operation.name}:cancel`);
    const before = linesOf("transition").length;
    await call("POST", `/v1/${operation.name}:cancel`);
    await call("GET", `/v1/${operation.name}`);

    expect(linesOf("transition")).toHaveLength(before);
  });

  test("end with the expiry of the operation", async () => {
    const operation = await startScript(async () => ({}), { verb: "forget" });
    await runNext();
    await outboxIsEmpty(operation);
    clock.advance(DEFAULT_LEASE_MS + 1_000);
    await call("GET", `/v1/${operation.name}`);

    expect(transitions(operation).at(-1)).toEqual({
      level: "log",
      from: "SUCCEEDED",
      to: "SUCCEEDED",
      cause: "expire",
      attempt: 1,
    });
    // From start to expiry, as the price of a lifecycle counts them.
    expect(transitions(operation)).toHaveLength(LOG_LINES.queue + 1);
    expect(lines.filter(({ message }) => message !== "request")).toHaveLength(LOG_LINES.queue + 1);
  });

  test("a direct operation logs its start and its end", async () => {
    const operation = await startScript(async () => ({}), { verb: "direct" });
    await outboxIsEmpty(operation);
    await eventually(() => transitions(operation).length === LOG_LINES.direct);

    expect(transitions(operation).map(({ cause }) => cause)).toEqual(["start", "succeed"]);
  });

  test("LOG=transitions leaves out that an operation expires", () => {
    const transition = { from: "SUCCEEDED", to: "SUCCEEDED", cause: "expire", attempt: 1 } as const;
    logTransition({ LOG: "transitions" }, aRecord({ name: "operations/a" }), transition, undefined);
    logTransition({ LOG: "all" }, aRecord({ name: "operations/b" }), transition, undefined);

    expect(linesOf("transition").map(({ operation }) => operation)).toEqual(["operations/b"]);
  });
});

describe("the log line of a request", () => {
  test("has its method, its resource and its result", async () => {
    const operation = await startScript(async () => ({}));
    await call("GET", `/v1/${operation.name}`);
    await call("GET", "/v1/projects/p/operations?filter=done%3Dtrue");
    await call("GET", `/v1/projects/q/operations/${operation.id}`);
    await call("GET", "/nowhere?key=secret");

    expect(linesOf("request").map((line) => without(line, ["requestId", "durationMs"]))).toEqual([
      {
        level: "log",
        message: "request",
        method: "POST",
        rpc: "scripts:run",
        operation: operation.name,
        resource: "projects/p",
        caller: "anonymous",
        status: 200,
      },
      {
        level: "log",
        message: "request",
        method: "GET",
        rpc: "google.longrunning.Operations.GetOperation",
        operation: operation.name,
        caller: "anonymous",
        status: 200,
      },
      {
        level: "log",
        message: "request",
        method: "GET",
        rpc: "google.longrunning.Operations.ListOperations",
        resource: "projects/p",
        caller: "anonymous",
        status: 200,
      },
      {
        level: "log",
        message: "request",
        method: "GET",
        rpc: "google.longrunning.Operations.GetOperation",
        operation: `projects/q/operations/${operation.id}`,
        caller: "anonymous",
        status: 404,
        code: "NOT_FOUND",
        reason: "NOT_FOUND",
      },
      {
        level: "log",
        message: "request",
        method: "GET",
        status: 404,
        code: "NOT_FOUND",
        resource: "/nowhere",
        reason: "ROUTE_NOT_FOUND",
      },
    ]);
  });
});

describe("LOG", () => {
  const start = async (LOG: string | undefined): Promise<{ status: number; messages: string[] }> => {
    const { call: callWith } = aGuardedDeployment({ methods: [aMethod(async () => ({}))] }, { AUTH: "open", LOG });
    const { status } = await callWith(noCredential, "POST", MAKE, {});
    return { status, messages: lines.map(({ message }) => message) };
  };

  test("=off omits the lines of requests", async () => {
    expect((await start("off")).messages).not.toContain("request");
  });

  test("=transitions omits them too", async () => {
    expect((await start("transitions")).messages).not.toContain("request");
  });

  test.each([undefined, "", "all"])("%j writes them", async (LOG) => {
    expect((await start(LOG)).messages).toContain("request");
  });

  test.each(["off", "transitions", undefined])("%j sets the lines of transitions", (LOG) => {
    const operation = aRecord();
    const transition = { from: "NEW", to: "QUEUED", cause: "start" } as const;
    logTransition(LOG === undefined ? {} : { LOG }, operation, transition, undefined);

    expect(linesOf("transition")).toHaveLength(LOG === "off" ? 0 : 1);
  });

  test("rejects every call with another value, and names the variable", async () => {
    expect((await start("everything")).status).toBe(500);
  });
});

describe("no line has", () => {
  const canary = "canary-7f3a";

  /** Text with the canary in it, as deep as JSON goes. */
  const withCanary = tuple(string({ maxLength: 20 }), string({ maxLength: 20 })).map(
    ([before, after]) => `${before}${canary}${after}`,
  );

  async function runToEnd(operation: Started): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) {
      const { state = "" } = (await storedRecord(operation)) ?? {};
      if (["SUCCEEDED", "FAILED", "CANCELLED", ""].includes(state)) return;
      if (state === "QUEUED") await runNext();
      else await advanceToAlarm(operation);
    }
    throw new Error(`${operation.name} does not end`);
  }

  test("any content of a request, a result, metadata, a step, a checkpoint or an error that a handler declares", async () => {
    await assert(
      asyncProperty(withCanary, constantFrom("UNAVAILABLE", "FAILED_PRECONDITION", undefined), async (text, code) => {
        const operation = await startScript(
          async (op, request) => {
            op.progress({ note: text, statusMessage: text });
            await op.step("fetch", async () => ({ text }));
            await op.checkpoint({ text });
            if (code === undefined) return { text, request };
            const details = [{ "@type": "type.googleapis.com/google.protobuf.StringValue", value: text }];
            throw new RpcError(code, text, { reason: "TEST", details, metadata: { text } });
          },
          { body: { text, [text]: text } },
        );
        await runToEnd(operation);
        await call("GET", `/v1/${operation.name}`);
        await call("GET", `/v1/projects/p/operations?filter=${encodeURIComponent(`"${canary}"`)}&key=${canary}`);
        await call("GET", `/v1/${operation.name}:explain`);
        await outboxIsEmpty(operation);
      }),
      { numRuns: 25 },
    );

    expect(linesOf("transition").length).toBeGreaterThan(75);
    expect(linesOf("request").length).toBeGreaterThan(75);
    expect(JSON.stringify(lines)).not.toContain(canary);
  });

  test("any content of another system's reports", async () => {
    const any = { "@type": "type.googleapis.com/google.protobuf.Struct", value: { canary } };
    const created = await call("POST", "/v1/projects/p/operations", { operation: { metadata: any } });
    const operation = startedFrom(created);
    await call("PATCH", `/v1/${operation.name}?updateMask=metadata`, { metadata: any });
    await call("PATCH", `/v1/${operation.name}?updateMask=error`, { error: { code: 9, message: canary } });
    await outboxIsEmpty(operation);

    expect(transitions(operation).map(({ cause }) => cause)).toEqual(["start", "update"]);
    expect(JSON.stringify(lines)).not.toContain(canary);
  });

  test("credentials, from any place of a request", async () => {
    const path = `/v1/projects/p/operations?key=${canary}&access_token=${canary}`;
    const { call: callWith } = aGuardedDeployment({ methods: [] });
    await callWith({ Authorization: `Bearer ${canary}`, "x-goog-api-key": canary, Cookie: canary }, "GET", path);

    expect(linesOf("request")).toHaveLength(1);
    expect(JSON.stringify(lines)).not.toContain(canary);
  });

  test("the text of an undeclared error, except the one line for it", async () => {
    const operation = await startScript(async () => {
      throw new Error(canary);
    });
    await runNext();

    const telling = lines.filter((line) => JSON.stringify(line).includes(canary));
    expect(telling.map(({ message }) => message)).toEqual(["attempt failed"]);
    expect(transitions(operation).at(-1)).toMatchObject({ cause: "attemptFailed", code: "UNKNOWN" });
  });
});

test("a request's id is the platform's, not a client's", async () => {
  const { worker, environment } = aGuardedDeployment({ methods: [] }, { AUTH: "open" });
  const headers = { "cf-ray": "8f21aaaabbbbcccc-FRA" };
  const url = "https://operations.example/v1/operations";
  await worker.fetch(new Request(url, { headers, cf: { colo: "FRA" } }), environment);
  await worker.fetch(new Request(url, { headers }), environment);

  const [given, made] = linesOf("request").map(({ requestId }) => requestId);
  expect(given).toBe("8f21aaaabbbbcccc-FRA");
  expect(made).toMatch(/^[0-9a-f-]{36}$/);
});
