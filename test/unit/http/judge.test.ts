// The service does nothing for a caller who may not call: each method of the table is called with a body that never ends
// and with the costliest query and body there are, and everything that is done before the refusal is written down. A method
// that is added is tested too, because the table is the deployment's own. A second walk moves each judge behind the work and
// demands that the first walk notices.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseFilter } from "../../../src/aip/filter/filter";
import type { ServiceContext } from "../../../src/api/call";
import type { ApiMethod } from "../../../src/api/method";
import { decodeMessage } from "../../../src/http/decode-message";
import { httpDoor } from "../../../src/http/door";
import { parseFieldMask } from "../../../src/http/field-mask";
import type { AuthorizedCall, authorize } from "../../../src/http/authorize";
import { conditions } from "../../../src/conditions";
import { conditionProblem } from "../../../src/iam/condition";
import { sentPolicy } from "../../../src/iam/sent-policy";
import { MAX_BODY_BYTES, MAX_BODY_READ_MS, MAX_DRAIN_MS } from "../../../src/limits";
import { defineMethod } from "../../../src/method/define-method";
import { echoWait } from "../../../src/worker/echo-wait";
import { tablesProfile } from "../../../src/worker/tables-profile";
import type { RequestBody } from "../../../src/http/request-body";
import { GetOperationRequest } from "../../../src/api/messages/longrunning";
import { Violations } from "../../../src/rpc/decode";
import { type DoorAnswer, knock } from "../../support/a-door";
import { JUDGES, aRefusingService } from "../../support/a-refusing-service";
import { type TableCall as Call, guardedCalls, tableCalls } from "../../support/table-calls";

conditions();

type Judge = (row: ApiMethod, call: AuthorizedCall, original: typeof authorize) => Promise<void>;

const { done, told, change } = vi.hoisted(() => {
  const written: string[] = [];
  return {
    /** The work for the request: ports that were called, evaluators that ran, and `body` for each read of it. */
    done: written,
    told:
      <P extends unknown[], R>(name: string, evaluate: (...parameters: P) => R) =>
      (...parameters: P): R => {
        written.push(name);
        return evaluate(...parameters);
      },
    /** How the next call is judged. */
    change: { judge: undefined as Judge | undefined },
  };
});

// The evaluators that a request drives.
vi.mock(import("../../../src/http/field-mask"), async (original) => {
  const module = await original();
  return { ...module, parseFieldMask: told("mask", module.parseFieldMask) };
});
vi.mock(import("../../../src/aip/filter/filter"), async (original) => {
  const module = await original();
  return { ...module, parseFilter: told("filter", module.parseFilter) };
});
vi.mock(import("../../../src/iam/sent-policy"), async (original) => {
  const module = await original();
  return { ...module, sentPolicy: told("policy", module.sentPolicy) };
});
vi.mock(import("../../../src/http/decode-message"), async (original) => {
  const module = await original();
  const decoded: typeof decodeMessage = (...parameters) => {
    done.push("message");
    return module.decodeMessage(...parameters);
  };
  return { ...module, decodeMessage: decoded };
});
vi.mock(import("../../../src/iam/condition"), async (original) => {
  const module = await original();
  return { ...module, conditionProblem: told("condition", module.conditionProblem) };
});
vi.mock(import("../../../src/http/authorize"), async (original) => {
  const module = await original();
  const changed: typeof authorize = (row, call) =>
    change.judge ? change.judge(row, call, module.authorize) : module.authorize(row, call);
  return { ...module, authorize: changed };
});

/** A method of a user's own, with the parent in its path. */
const own = defineMethod({
  id: "things.make",
  http: { post: "/v1/{parent=projects/*}/things:make", body: "*" },
  request: (json) => json,
  run: async () => ({}),
});
const METHODS = [echoWait, tablesProfile, own];

/** Every evaluator of a query, each with what it would take. */
const QUERY =
  "fields=name&filter=a%3Db&pageToken=AAAA&updateMask=metadata&options.requestedPolicyVersion=3&requestId=r&linkToken=l&prettyPrint=true";
const CONDITION = { title: "t", expression: `resource.name == "${"x".repeat(900)}"` };
const BINDING = { role: "roles/longrunning.viewer", members: ["allUsers"], condition: CONDITION };
const FILLER = "x".repeat(MAX_BODY_BYTES / 2);
/** As much as any method takes: a policy, an operation, grants, and what is no field of anything. */
const COSTLIEST = JSON.stringify({
  policy: { version: 3, etag: "AAAAAQAAAAA=", bindings: Array.from({ length: 50 }, () => BINDING) },
  operation: { metadata: { "@type": "type.googleapis.com/google.protobuf.Struct", value: { text: FILLER } } },
  grants: [{ role: "roles/longrunning.viewer", parent: "projects/p" }],
});

/**
 * How a method is called: by its path alone, with a query that every evaluator has something of, and with such a query and
 * a body that never ends or is the costliest.
 */
type Form = "bare" | "query" | "endless" | "costliest";

/** The CPU of one call is at most this (milliseconds); a test's own machinery and the collector's are in it. */
const MAX_REFUSAL_CPU_MS = 100;

interface Refusal {
  status: number;
  done: string[];
  cpuMs: number;
}

async function refusalOf(call: Call, form: Form, judge?: Judge): Promise<Refusal> {
  change.judge = judge;
  const door = httpDoor(METHODS);
  const bytes = new TextEncoder().encode(COSTLIEST);
  const stream = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        done.push("body");
        if (form === "endless") return new Promise<void>(() => {});
        controller.enqueue(bytes);
        controller.close();
        return undefined;
      },
    },
    { highWaterMark: 0 },
  );
  const hasBody = form === "endless" || form === "costliest";
  // A GET has a body where a POST stands for it.
  const isOverridden = hasBody && (call.method === "GET" || call.method === "DELETE");
  const headers: Record<string, string> = {
    ...(hasBody ? { "Content-Type": call.row.method?.input?.contentTypes[0] ?? "application/json" } : {}),
    ...(isOverridden ? { "X-HTTP-Method-Override": call.method } : {}),
  };
  const init = { method: isOverridden ? "POST" : call.method, headers, body: hasBody ? stream : null, duplex: "half" };
  const query = form === "bare" ? "" : `?${QUERY}`;
  const request = new Request(`https://api.example${call.path}${query}`, init);
  const context = aRefusingService(done);
  done.length = 0;
  const before = process.threadCpuUsage();
  const answer = door(request, {
    cors: () => ({ origins: [], credentials: false }),
    checkSetup: async () => [],
    log: () => {},
    service: async () => context,
  });
  // A body that does not end is drained for so long.
  const unanswered = vi.advanceTimersByTimeAsync(MAX_DRAIN_MS + 1).then(() => undefined);
  const response = await Promise.race([answer, unanswered]);
  const { user, system } = process.threadCpuUsage(before);
  return { status: response?.status ?? 0, done: [...done], cpuMs: (user + system) / 1_000 };
}

/** The body is drained after the refusal. */
function withoutDrain(events: readonly string[]): string[] {
  const end = events.findLastIndex((event) => event !== "body");
  return events.slice(0, end + 1);
}

/** The fault of a refusal: only a judge may be called, once, and before everything else. */
function faultOf({ status, done: all }: Refusal, isInObject: boolean): string | undefined {
  // Of a call that its object judges, the path is decoded before: it has neither query nor body.
  const events = withoutDrain(isInObject ? all.filter((event) => event !== "message") : all);
  if (status !== 403) return `answered ${status || "nothing"}; done: ${all.join(", ")}`;
  if (events.length === 1 && (isInObject || JUDGES.includes(events[0]!))) return undefined;
  return `done before the refusal: ${events.join(", ") || "nothing"}`;
}

const FORMS: readonly Form[] = ["bare", "query", "endless", "costliest"];

/** Where nothing has to be looked at before, an operation's object judges in the call that does the work. */
function mayAskObject({ path }: Call, form: Form): boolean {
  return form === "bare" && path.includes("/operations/");
}

async function faultsOf(call: Call, judge?: Judge): Promise<string[]> {
  const faults: string[] = [];
  for (const form of FORMS) {
    const fault = faultOf(await refusalOf(call, form, judge), mayAskObject(call, form));
    if (fault !== undefined) faults.push(`${form}: ${fault}`);
  }
  return faults;
}

beforeEach(() => {
  vi.useFakeTimers();
  // The runtime's own, through which an upload goes.
  vi.stubGlobal("IdentityTransformStream", TransformStream);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  change.judge = undefined;
});

const calls = guardedCalls(METHODS);

test("the walk includes every method", () => {
  expect(calls.map(({ path }) => path).filter((path) => /[{*]/.test(path))).toEqual([]);
  expect(calls.length).toBeGreaterThan(20);
});

describe("a caller without the permission", () => {
  test.each(calls)("$id ($method $path): nothing is done before the judge rejects the call", async (call) => {
    expect(await faultsOf(call)).toEqual([]);
  });

  test.each(calls)("$id ($method $path): the rejection costs at most 100 ms of CPU", async (call) => {
    for (const form of FORMS) {
      // The collector may fall into one measurement, and not into all.
      let least = Infinity;
      for (let count = 0; count < 3 && least > MAX_REFUSAL_CPU_MS; count += 1) {
        least = Math.min(least, (await refusalOf(call, form)).cpuMs);
      }
      expect(least).toBeLessThanOrEqual(MAX_REFUSAL_CPU_MS);
    }
  });
});

// The walk itself is tested: it notices each of these in each method.
describe("the walk notices", () => {
  const work: Record<string, (call: AuthorizedCall) => unknown> = {
    "an object that is asked": ({ service }) => (service as ServiceContext).store.get("operations/1").catch(() => {}),
    "a body that is read": ({ body }) => (body as RequestBody).bytes(MAX_BODY_BYTES).catch(() => {}),
    "an upload that is begun": ({ body }) => (body as RequestBody).stream(),
    "a filter that is parsed": () => parseFilter("a = b"),
    "a mask that is compiled": () => parseFieldMask("name"),
    "a policy that is decoded": () => sentPolicy({}, "policy", new Violations()),
    "a condition that is compiled": () => conditionProblem("true"),
    "a message that is decoded": () => decodeMessage(GetOperationRequest, {}),
  };
  const moves = Object.keys(work).flatMap((kind) => calls.map((call) => ({ ...call, kind })));

  test.each(moves)("$id ($method $path): $kind before the judge is called", async ({ kind, ...call }) => {
    const judge: Judge = async (row, asked, original) => {
      await work[kind]!(asked);
      await original(row, asked);
    };

    expect(faultOf(await refusalOf(call, "endless", judge), false)).toBeDefined();
  });

  test.each(calls)("$id ($method $path): a judge that is not called before the handler", async (call) => {
    expect(faultOf(await refusalOf(call, "costliest", async () => {}), false)).toBeDefined();
    expect(faultOf(await refusalOf(call, "query", async () => {}), false)).toBeDefined();
  });

  test("work of 100 ms before the judge is called", async () => {
    const judge: Judge = async (row, asked, original) => {
      const before = process.threadCpuUsage();
      while (process.threadCpuUsage(before).user <= MAX_REFUSAL_CPU_MS * 1_000);
      await original(row, asked);
    };

    expect((await refusalOf(calls[0]!, "bare", judge)).cpuMs).toBeGreaterThan(MAX_REFUSAL_CPU_MS);
  });
});

// ── Bodies of callers who may ───────────────────────────────────────────────────────────────────────────────────────

/** A body of which nothing ever comes. */
function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: () => new Promise<void>(() => {}) });
}

async function answered(answer: Promise<DoorAnswer>, withinMs: number): Promise<DoorAnswer | "unanswered"> {
  const unanswered = vi.advanceTimersByTimeAsync(withinMs).then(() => "unanswered" as const);
  return Promise.race([answer, unanswered]);
}

const JSON_BODY = { "Content-Type": "application/json" };

test.each(tableCalls([echoWait]).filter(({ method }) => method === "POST" || method === "PATCH"))(
  "$id ($method $path) waits a bounded time for the body of a caller with the permission",
  async ({ method, path }) => {
    const options = { headers: JSON_BODY, body: endless() };
    const answer = await answered(knock(method, path, options), MAX_BODY_READ_MS + MAX_DRAIN_MS + 1);

    // A method that reads no body answers without it.
    expect(answer).not.toBe("unanswered");
  },
);

test("a body that trickles is rejected when its time is up, and is not decoded", async () => {
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      controller.enqueue(new TextEncoder().encode(" "));
    },
  });
  const answer = await answered(
    knock("POST", "/v1/projects/p/operations/1:cancel", { headers: JSON_BODY, body }),
    MAX_BODY_READ_MS + 1,
  );

  expect(answer).toMatchObject({ status: 408, reason: "REQUEST_BODY_TOO_SLOW", calls: [] });
});
