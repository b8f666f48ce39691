// Operations for agents: MCP and its tasks extension, by the sentences of both specifications and of docs/agents.md.
import { runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, test } from "vitest";
import { RpcError, defineMethod, operations } from "../../src/index";
import { eventually } from "../support/eventually";
import { mcp } from "../../src/mcp";
import { MAX_MCP_RESULT_BYTES } from "../../src/limits";
import * as pb from "../../src/protobuf";
import type { JsonObject } from "../../src/rpc/any";
import {
  ADMIN,
  type Answer,
  type Credential,
  ISSUER,
  aGuardedDeployment,
  emailOf,
  forgedBy,
  logged,
  memberOf,
  noCredential,
  useGuardedWorld,
  userOf,
} from "./access-harness";
import { aMethod, objectOf } from "./a-deployment";

useGuardedWorld();

const ORIGIN = "https://operations.example";
const TASKS = "io.modelcontextprotocol/tasks";

const Greeting = pb.message(
  "example.v1.GreetRequest",
  {
    parent: pb.string(1, { required: true }),
    who: pb.string(2, { required: true, description: "The one to greet." }),
    times: pb.int32(3),
  },
  { description: "Greets somebody." },
);
const Greeted = pb.message("example.v1.GreetResponse", { text: pb.string(1) });
const Approval = pb.message("example.v1.Approval", {
  approved: pb.bool(1, { required: true }),
  note: pb.string(2, { description: "Why." }),
});
const Approved = pb.message("example.v1.ApproveResponse", { approved: pb.bool(1), note: pb.string(2) });

const greet = defineMethod({
  http: { post: "/v1/{parent=projects/*}/greetings:greet", body: "*" },
  request: Greeting,
  responseType: Greeted,
  mcp: { title: "Greet", annotations: { destructiveHint: false } },
  immediate: ({ who }) => (who === "later" ? undefined : { response: { text: `Hello ${who}` } }),
  run: async (_, op) => {
    op.progress({ statusMessage: "Thinking", progressPercent: 40 });
    await op.sleep("1h");
    return { text: "Hello at last" };
  },
});

const FAILURES: Record<string, () => Error> = {
  quota: () => new RpcError("FAILED_PRECONDITION", "The bucket is locked."),
  internal: () => new RpcError("INTERNAL", "A disk is broken."),
};

const fail = defineMethod({
  http: { post: "/v1/{parent=projects/*}/things:fail", body: "*" },
  request: pb.message("example.v1.FailRequest", { parent: pb.string(1), how: pb.string(2) }),
  run: async ({ how = "" }) => {
    throw FAILURES[how]?.() ?? new Error("secret text");
  },
});

const approve = defineMethod({
  http: { post: "/v1/{parent=projects/*}/things:approve", body: "*" },
  request: pb.message("example.v1.ApproveRequest", { parent: pb.string(1) }),
  responseType: Approved,
  run: async (_, op) => op.suspend("approval", { prompt: "May it?", payload: Approval }),
});

const Parent = pb.message("example.v1.ParentRequest", { parent: pb.string(1) });

const approveTwice = defineMethod({
  http: { post: "/v1/{parent=projects/*}/things:approveTwice", body: "*" },
  request: Parent,
  run: async (_, op) => ({ answers: await Promise.all([op.suspend("first"), op.suspend("second")]) }),
});

const askTwice = defineMethod({
  http: { post: "/v1/{parent=projects/*}/things:askTwice", body: "*" },
  request: Parent,
  run: async (_, op) => ({ answers: [await op.suspend("same"), await op.suspend("same")] }),
});

const flood = defineMethod({
  http: { post: "/v1/{parent=projects/*}/things:flood", body: "*" },
  request: Parent,
  immediate: () => ({ response: { text: "x".repeat(MAX_MCP_RESULT_BYTES) } }),
  run: async () => ({}),
});

const repeat = defineMethod({
  http: { post: "/v1/{parent=projects/*}/things:repeat", body: "*" },
  request: Parent,
  mcp: { annotations: { idempotentHint: true } },
  immediate: () => ({ response: {} }),
  run: async () => ({}),
});

const hidden = aMethod(async () => ({}), {
  http: { post: "/v1/things:hide", body: "*" },
  request: pb.message("example.v1.HideRequest", {}) as never,
  mcp: false,
});

const service = aGuardedDeployment({
  methods: [greet, fail, approve, approveTwice, askTwice, flood, repeat, hidden, aMethod(async () => ({}))],
  mcp: mcp({ name: "greeter", version: "7", instructions: "Greet everybody." }),
});

let ada: Credential;
let bob: Credential;
let eve: Credential;

beforeAll(async () => {
  [ada, bob, eve] = await Promise.all([userOf("ada"), userOf("bob"), userOf("eve")]);
  await service.bind("projects/p", [
    { role: "roles/longrunning.invoker", members: [memberOf("ada")] },
    { role: "roles/longrunning.approver", members: [memberOf("bob")] },
  ]);
});

// ── Requests ────────────────────────────────────────────────────────────────────────────────────────────────────────

const WITH_TASKS: JsonObject = { elicitation: {}, extensions: { [TASKS]: {} } };

interface Sent {
  as?: Credential;
  capabilities?: JsonObject;
  headers?: Credential;
}

interface McpAnswer extends Answer {
  result: JsonObject;
  error: { code: number; message: string; data?: JsonObject };
}

async function rpc(method: string, params: JsonObject = {}, sent: Sent = {}): Promise<McpAnswer> {
  const { as = ada, capabilities = WITH_TASKS, headers = {} } = sent;
  const name = (params["name"] ?? params["taskId"]) as string | undefined;
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": capabilities,
  };
  return posted(
    as,
    { jsonrpc: "2.0", id: 7, method, params: { ...params, _meta } },
    {
      "MCP-Protocol-Version": "2026-07-28",
      "Mcp-Method": method,
      ...(name === undefined ? {} : { "Mcp-Name": name }),
      ...headers,
    },
  );
}

async function posted(as: Credential, body: JsonObject, headers: Credential): Promise<McpAnswer> {
  const { json, ...answer } = await answerOf(as, body, headers);
  return { ...answer, json, result: json["result"] as JsonObject, error: json["error"] as McpAnswer["error"] };
}

/** Errors of JSON-RPC have another form than those of the API. */
async function answerOf(as: Credential, body: JsonObject, headers: Credential): Promise<Answer> {
  const request = new Request(`${ORIGIN}/mcp`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...as, ...headers },
    body: JSON.stringify(body),
  });
  const response = await service.worker.fetch(request, service.environment);
  const text = await response.text();
  const json = (text === "" ? {} : JSON.parse(text)) as JsonObject;
  return { status: response.status, headers: response.headers, text, json, reason: undefined, details: [] };
}

/** An earlier version's request: it says nothing of its client. */
function legacy(method: string, params: JsonObject = {}, as = ada): Promise<McpAnswer> {
  return posted(as, { jsonrpc: "2.0", id: 7, method, params }, { "MCP-Protocol-Version": "2025-06-18" });
}

const callTool = (name: string, args: JsonObject, sent: Sent = {}): Promise<McpAnswer> =>
  rpc("tools/call", { name, arguments: { parent: "projects/p", ...args } }, sent);

/** An operation that ada started over the HTTP API, and whose work was begun. Each is a task. */
async function taskOf(path: string, body: JsonObject = {}): Promise<string> {
  const { json } = await service.call(ada, "POST", `/v1/projects/p/${path}`, body);
  const taskId = json["name"] as string;
  await service.deliver(taskId);
  return taskId;
}

const getTask = async (taskId: string, sent: Sent = {}): Promise<JsonObject> =>
  (await rpc("tasks/get", { taskId }, sent)).result;

// ── The protocol ────────────────────────────────────────────────────────────────────────────────────────────────────

describe("server/discover", () => {
  test("has the served versions and extensions, and the server's name", async () => {
    const { status, result } = await rpc("server/discover");

    expect(status).toBe(200);
    expect(result).toEqual({
      resultType: "complete",
      supportedVersions: ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"],
      capabilities: { tools: {}, extensions: { [TASKS]: {} } },
      instructions: "Greet everybody.",
      ttlMs: 300_000,
      cacheScope: "public",
      _meta: { "io.modelcontextprotocol/serverInfo": { name: "greeter", version: "7" } },
    });
  });
});

describe("tools/list", () => {
  const toolsOf = async (sent: Sent = {}): Promise<JsonObject[]> =>
    (await rpc("tools/list", {}, sent)).result["tools"] as JsonObject[];

  test("has a tool for each method with a schema that does not opt out, in their order", async () => {
    expect((await toolsOf()).map(({ name }) => name)).toEqual([
      "greetings.greet",
      "things.fail",
      "things.approve",
      "things.approveTwice",
      "things.askTwice",
      "things.flood",
      "things.repeat",
    ]);
  });

  test("describes a tool by what its method declares", async () => {
    const [tool] = await toolsOf();

    expect(tool).toEqual({
      name: "greetings.greet",
      title: "Greet",
      description: "Greets somebody.",
      annotations: { destructiveHint: false },
      inputSchema: {
        type: "object",
        description: "Greets somebody.",
        required: ["parent", "who"],
        properties: {
          parent: { type: "string", description: "Its form: `projects/{id}`." },
          who: { type: "string", description: "The one to greet." },
          times: { type: "integer" },
          requestId: expect.objectContaining({ type: "string" }) as JsonObject,
        },
      },
      outputSchema: { type: "object", properties: { text: { type: "string" } } },
    });
  });

  test("has further tools for a client without tasks, and no schema that a running operation would break", async () => {
    const tools = await toolsOf({ capabilities: {} });

    expect(tools.map(({ name }) => name).slice(7)).toEqual(["get_operation", "wait_operation", "cancel_operation"]);
    expect(tools.filter((tool) => "outputSchema" in tool)).toEqual([]);
  });
});

describe("tools/call", () => {
  test("returns the result of work that is done at once", async () => {
    const { result } = await callTool("greetings.greet", { who: "Ada" });

    expect(result).toMatchObject({
      resultType: "complete",
      structuredContent: { text: "Hello Ada" },
      content: [{ type: "text", text: '{"text":"Hello Ada"}' }],
    });
    expect(result["isError"]).toBeUndefined();
  });

  test("returns a task if the work takes longer and the client accepts tasks", async () => {
    const { result } = await callTool("greetings.greet", { who: "later" });

    expect(result).toMatchObject({
      resultType: "task",
      taskId: expect.stringMatching(/^projects\/p\/operations\/[0-9a-f]{64}$/) as string,
      status: "working",
    });
    // "until a tasks/get for the returned taskId would resolve"
    expect((await getTask(result["taskId"] as string))["status"]).toBe("working");
  });

  test("returns the running operation and the next call if the client accepts no tasks", async () => {
    const { result } = await callTool("greetings.greet", { who: "later" }, { capabilities: {} });
    const { name } = result["structuredContent"] as JsonObject;

    expect(result["resultType"]).toBe("complete");
    expect(JSON.stringify(result["content"])).toContain(`wait_operation with {\\"name\\":\\"${name as string}`);
  });

  test.each([
    [{ who: 3 }, "who: "],
    [{ who: "Ada", parent: "folders/p" }, 'parent: must have the form "projects/{id}"'],
    [{ who: "Ada", parent: undefined }, "parent: is required"],
    [{ who: "Ada", nonsense: 1 }, "nonsense: "],
  ])("rejects %j with a result that names each violation", async (args, violation) => {
    const { status, result } = await callTool("greetings.greet", args as JsonObject);

    expect(status).toBe(200);
    expect(result["isError"]).toBe(true);
    expect(JSON.stringify(result["content"])).toContain(violation.replaceAll('"', String.raw`\"`));
  });

  test("rejects a tool whose method opted out", async () => {
    const { error } = await callTool("things.hide", {});

    expect(error.code).toBe(-32_602);
  });
});

describe("tasks/get", () => {
  test("returns progress, the retention of a task, and the time of the next poll", async () => {
    const taskId = await taskOf("greetings:greet", { who: "later" });
    const task = await getTask(taskId);

    expect(task).toMatchObject({
      resultType: "complete",
      taskId,
      status: "working",
      pollIntervalMs: expect.any(Number) as number,
      // An hour to the deadline, and thirty days from the end.
      ttlMs: 3_600_000 + 30 * 86_400_000,
      createdAt: expect.stringMatching(/Z$/) as string,
      lastUpdatedAt: expect.stringMatching(/Z$/) as string,
    });
    expect(task["statusMessage"]).toContain("40 %");
  });

  test("has an error of the work in a completed task's result", async () => {
    const task = await getTask(await taskOf("things:fail", { how: "quota" }));

    expect(task).toMatchObject({
      status: "completed",
      result: {
        isError: true,
        content: [{ type: "text", text: "FAILED_PRECONDITION: The bucket is locked." }],
      },
    });
  });

  test("returns `failed` only if the service, not the work, has failed", async () => {
    const task = await getTask(await taskOf("things:fail", { how: "internal" }));

    expect(task).toMatchObject({ status: "failed", error: { code: -32_603, message: "A disk is broken." } });
  });

  test("returns the same error for an unknown task and another caller's", async () => {
    const taskId = await taskOf("things:fail", { how: "quota" });
    const unknown = taskId.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
    const answers = await Promise.all(
      [taskId, unknown, "nonsense", ""].map((asked) => rpc("tasks/get", { taskId: asked }, { as: eve })),
    );

    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.error.code).toBe(-32_602);
  });
});

describe("tasks/cancel", () => {
  test("cancels, and acknowledges the request only", async () => {
    const taskId = await taskOf("greetings:greet", { who: "later" });
    const { result } = await rpc("tasks/cancel", { taskId });

    expect(result).toEqual({ resultType: "complete", _meta: expect.any(Object) as JsonObject });
    expect((await getTask(taskId))["status"]).toBe("cancelled");
  });
});

describe("tasks/update", () => {
  test("answers a task's suspension", async () => {
    const taskId = await taskOf("things:approve");
    await service.bind(taskId, [{ role: "roles/longrunning.approver", members: [memberOf("bob")] }]);
    const asked = await getTask(taskId, { as: bob });
    const inputResponses = { approval: { action: "accept", content: { approved: true, note: "Fine." } } };
    const { result } = await rpc("tasks/update", { taskId, inputResponses }, { as: bob });
    await service.deliver(taskId);

    expect(asked).toMatchObject({
      status: "input_required",
      inputRequests: {
        approval: {
          method: "elicitation/create",
          params: {
            mode: "form",
            message: "May it?",
            requestedSchema: {
              type: "object",
              required: ["approved"],
              properties: { approved: { type: "boolean" }, note: { type: "string", description: "Why." } },
            },
          },
        },
      },
    });
    expect(result["resultType"]).toBe("complete");
    expect((await getTask(taskId))["result"]).toMatchObject({ structuredContent: { approved: true, note: "Fine." } });
  });

  test("rejects an answer of the starter, and does not prompt the starter", async () => {
    const taskId = await taskOf("things:approve");
    const seen = await getTask(taskId);
    const inputResponses = { approval: { action: "accept", content: { approved: true } } };
    const { error } = await rpc("tasks/update", { taskId, inputResponses });

    expect(seen["status"]).toBe("working");
    expect(seen["statusMessage"]).toContain("May it?");
    expect(error.code).toBe(7);
  });
});

describe("access", () => {
  test("is rejected with 401 and the address of the metadata without credentials", async () => {
    const { status, headers, error } = await rpc("tools/list", {}, { as: noCredential });

    expect(status).toBe(401);
    expect(headers.get("WWW-Authenticate")).toBe(
      `Bearer resource_metadata="${ORIGIN}/.well-known/oauth-protected-resource/mcp"`,
    );
    expect(error.code).toBe(16);
  });

  test.each(["/mcp", ""])(
    "describes the protected resource at /.well-known/oauth-protected-resource%s",
    async (path) => {
      const { status, json } = await service.call(noCredential, "GET", `/.well-known/oauth-protected-resource${path}`);

      expect(status).toBe(200);
      expect(json).toEqual({
        resource: `${ORIGIN}/mcp`,
        authorization_servers: [ISSUER],
        bearer_methods_supported: ["header"],
        resource_name: "greeter",
      });
    },
  );

  test("is denied in the result if the caller may not start the work", async () => {
    const { result } = await callTool("greetings.greet", { who: "Ada" }, { as: eve });

    expect(result["isError"]).toBe(true);
    expect(JSON.stringify(result["content"])).toContain("PERMISSION_DENIED");
    expect(JSON.stringify(result["content"])).not.toContain(emailOf("ada"));
  });
});

describe("an earlier version of the protocol", () => {
  test("has a handshake, and no session", async () => {
    const { status, headers, result } = await legacy("initialize", { protocolVersion: "2025-06-18", capabilities: {} });

    expect(status).toBe(200);
    expect(result).toMatchObject({ protocolVersion: "2025-06-18", capabilities: { tools: {} } });
    expect(headers.has("Mcp-Session-Id")).toBe(false);
  });

  test("continues with a running operation by the plain tools", async () => {
    const started = await legacy("tools/call", {
      name: "greetings.greet",
      arguments: { parent: "projects/p", who: "later" },
    });
    const { name } = started.result["structuredContent"] as JsonObject;
    const got = await legacy("tools/call", { name: "get_operation", arguments: { name: name as string } });
    await legacy("tools/call", { name: "cancel_operation", arguments: { name: name as string } });
    const waited = await legacy("tools/call", { name: "wait_operation", arguments: { name: name as string } });

    expect(started.result["resultType"]).toBeUndefined();
    expect(got.result["structuredContent"]).toMatchObject({ name, done: false });
    expect(waited.result["structuredContent"]).toMatchObject({ done: true, error: { code: 1 } });
  });
});

function socketsOf(name: string): Promise<number> {
  return runInDurableObject(objectOf(name), (_, state) => state.getWebSockets().length);
}

describe("subscriptions/listen", () => {
  interface Stream {
    next(this: void): Promise<JsonObject>;
    cancel(this: void): Promise<void>;
    response: Response;
  }

  async function listen(
    notifications: JsonObject,
    { as = ada, capabilities = WITH_TASKS }: Sent = {},
  ): Promise<Stream> {
    const _meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientCapabilities": capabilities,
    };
    const method = "subscriptions/listen";
    const request = new Request(`${ORIGIN}/mcp`, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": method,
        ...as,
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: "listening", method, params: { notifications, _meta } }),
    });
    const response = await service.worker.fetch(request, service.environment);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    const next = async (): Promise<JsonObject> => {
      for (;;) {
        const [, data] = /^event: message\ndata: (.*)\n\n/.exec(text) ?? [];
        if (data !== undefined) {
          text = text.slice(text.indexOf("\n\n") + 2);
          return JSON.parse(data) as JsonObject;
        }
        const { done, value } = await reader.read();
        if (done) throw new Error(`the stream ended with ${JSON.stringify(text)}`);
        text += value;
      }
    };
    return { response, next, cancel: () => reader.cancel() };
  }

  const _meta = { "io.modelcontextprotocol/subscriptionId": "listening" };

  test("acknowledges, sends each state as tasks/get has it, and answers at the end", async () => {
    const taskId = await taskOf("greetings:greet", { who: "later" });
    const stream = await listen({ taskIds: [taskId], toolsListChanged: true });
    const acknowledged = await stream.next();
    const working = await stream.next();
    const { resultType, _meta: __, ...got } = await getTask(taskId);
    await rpc("tasks/cancel", { taskId });
    const cancelled = await stream.next();
    const end = await stream.next();

    expect(stream.response.headers.get("Content-Type")).toBe("text/event-stream");
    expect(stream.response.headers.get("X-Accel-Buffering")).toBe("no");
    expect(acknowledged).toEqual({
      jsonrpc: "2.0",
      method: "notifications/subscriptions/acknowledged",
      params: { _meta, notifications: { taskIds: [taskId] } },
    });
    expect(resultType).toBe("complete");
    expect(working).toEqual({ jsonrpc: "2.0", method: "notifications/tasks", params: { ...got, _meta } });
    expect(cancelled["params"]).toMatchObject({ taskId, status: "cancelled" });
    expect(end).toEqual({ jsonrpc: "2.0", id: "listening", result: { resultType: "complete", _meta } });
  });

  test("acknowledges neither an unknown task nor another caller's", async () => {
    const taskId = await taskOf("greetings:greet", { who: "later" });
    const unknown = taskId.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
    const stream = await listen({ taskIds: [taskId, unknown, "nonsense"] }, { as: eve });

    expect((await stream.next())["params"]).toEqual({ _meta, notifications: {} });
    expect(await stream.next()).toMatchObject({ id: "listening" });
  });

  test("names the capability that a listener does not declare", async () => {
    const { status, error } = await rpc(
      "subscriptions/listen",
      { notifications: { taskIds: ["operations/x"] } },
      { capabilities: {} },
    );

    expect([status, error.code]).toEqual([400, -32_021]);
    expect(error.data).toEqual({ requiredCapabilities: { extensions: { [TASKS]: {} } } });
  });

  test("closes the sockets of a client that disconnects", async () => {
    const taskId = await taskOf("greetings:greet", { who: "later" });
    const stream = await listen({ taskIds: [taskId] });
    await stream.next();
    await stream.next();
    await stream.cancel();

    const isLeft = await eventually(async () => (await socketsOf(taskId)) === 0, { timeoutMs: 5_000 });

    expect(isLeft).toBe(true);
  });
});

describe("the tasks extension", () => {
  test.each(["tasks/get", "tasks/update", "tasks/cancel"])(
    "%s names the capability that a client does not declare",
    async (method) => {
      const { status, error } = await rpc(method, { taskId: "operations/x", inputResponses: {} }, { capabilities: {} });

      expect([status, error.code]).toEqual([400, -32_021]);
      expect(error.data).toEqual({ requiredCapabilities: { extensions: { [TASKS]: {} } } });
    },
  );

  test.each(["tasks/update", "tasks/cancel"])(
    "%s returns the same error for an unknown task and another caller's",
    async (method) => {
      const taskId = await taskOf("things:approve");
      const unknown = taskId.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
      const ask = (asked: string) => rpc(method, { taskId: asked, inputResponses: {} }, { as: eve });
      const [theirs, none] = [await ask(taskId), await ask(unknown)];

      expect(theirs.error.code).toBe(-32_602);
      expect(theirs.text).toBe(none.text);
    },
  );

  test("denies tasks/cancel to a caller that may only get the task", async () => {
    const { error } = await rpc("tasks/cancel", { taskId: await taskOf("things:approve") }, { as: bob });

    expect(error.code).toBe(7);
  });

  test("has the message of the failure in statusMessage", async () => {
    const task = await getTask(await taskOf("things:fail", { how: "internal" }));

    expect(task).toMatchObject({ status: "failed", statusMessage: "A disk is broken." });
  });

  test("hides the text of an unclassified error", async () => {
    const taskId = await taskOf("things:fail", { how: "otherwise" });
    const task = JSON.stringify(await getTask(taskId));

    expect(task).not.toContain("secret text");
  });

  test("requests all that is outstanding, and ignores other answers", async () => {
    const taskId = await taskOf("things:approveTwice");
    const asked = await getTask(taskId, { as: bob });
    const accept = { action: "accept", content: {} };
    const early = { taskId, inputResponses: { third: accept, nonsense: accept } };
    const ignored = await rpc("tasks/update", early, { as: bob });
    await rpc("tasks/update", { taskId, inputResponses: { first: accept } }, { as: bob });
    const again = await rpc("tasks/update", { taskId, inputResponses: { first: accept } }, { as: bob });
    const left = await getTask(taskId, { as: bob });

    expect(Object.keys(asked["inputRequests"] as JsonObject)).toEqual(["first", "second"]);
    expect([ignored.result, again.result].map((result) => result["resultType"])).toEqual(["complete", "complete"]);
    expect(left["status"]).toBe("input_required");
    expect(Object.keys(left["inputRequests"] as JsonObject)).toEqual(["second"]);
  });

  test("uses each key once, because a name that is used twice ends the work", async () => {
    const taskId = await taskOf("things:askTwice");
    const inputResponses = { same: { action: "accept", content: {} } };
    await rpc("tasks/update", { taskId, inputResponses }, { as: bob });
    await service.deliver(taskId);

    const { status, statusMessage } = await getTask(taskId);

    expect(status).toBe("failed");
    expect(statusMessage).toContain("two suspensions of one operation have the name");
  });

  test("rejects an answer that the work's schema rejects, and stays pending", async () => {
    const taskId = await taskOf("things:approve");
    const inputResponses = { approval: { action: "accept", content: { approved: "yes" } } };
    const { error } = await rpc("tasks/update", { taskId, inputResponses }, { as: bob });

    expect(error.code).toBe(-32_602);
    expect(JSON.stringify(error.data)).toContain("payload.approved");
    expect((await getTask(taskId, { as: bob }))["status"]).toBe("input_required");
  });

  test.each([
    ["declined", { action: "decline" }],
    ["cancelled", { action: "cancel" }],
  ])("keeps a %s elicitation pending", async (_, response) => {
    const taskId = await taskOf("things:approveTwice");
    const { result } = await rpc("tasks/update", { taskId, inputResponses: { first: response } }, { as: bob });
    const task = await getTask(taskId, { as: bob });

    expect(result["resultType"]).toBe("complete");
    expect(Object.keys(task["inputRequests"] as JsonObject)).toEqual(["first", "second"]);
  });

  test("has the HTTP call for an approver whose client has no forms", async () => {
    const taskId = await taskOf("things:approve");
    const task = await getTask(taskId, { as: bob, capabilities: { extensions: { [TASKS]: {} } } });

    expect(task["status"]).toBe("working");
    expect(task["statusMessage"]).toContain(`POST /v1/${taskId}/suspensions/approval:resolve`);
  });

  test("has a task for an operation of another system", async () => {
    const { name } = await service.asAdmin("POST", "/v1/projects/p/operations", { operation: {}, ttl: "3600s" });
    const { result } = await rpc("tasks/get", { taskId: name as string }, { as: bob });

    expect(result).toMatchObject({ taskId: name, status: "working" });
  });

  test("replaces a result that would fill a model's context", async () => {
    const { result } = await callTool("things.flood", {});

    expect(result["isError"]).toBe(true);
    expect(JSON.stringify(result).length).toBeLessThan(1_000);
  });
});

describe("POST /mcp", () => {
  const META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const HEADERS = { "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list" };
  const LIST: JsonObject = { jsonrpc: "2.0", id: 7, method: "tools/list", params: { _meta: META } };
  const GREET: JsonObject = { ...LIST, method: "tools/call", params: { name: "greetings.greet", _meta: META } };

  test.each<[what: string, body: JsonObject, headers: Record<string, string>, status: number, code: number]>([
    ["another version in the header", LIST, { ...HEADERS, "MCP-Protocol-Version": "2025-11-25" }, 400, -32_020],
    ["no version in the header", LIST, { "Mcp-Method": "tools/list" }, 400, -32_020],
    ["another method in the header", LIST, { ...HEADERS, "Mcp-Method": "tools/call" }, 400, -32_020],
    ["no method in the header", LIST, { "MCP-Protocol-Version": "2026-07-28" }, 400, -32_020],
    ["no name in the header", GREET, { ...HEADERS, "Mcp-Method": "tools/call" }, 400, -32_020],
    ["another name in the header", GREET, { ...HEADERS, "Mcp-Method": "tools/call", "Mcp-Name": "x" }, 400, -32_020],
    [
      "a header that is no Base64",
      GREET,
      { ...HEADERS, "Mcp-Method": "tools/call", "Mcp-Name": "=?base64?*?=" },
      400,
      -32_020,
    ],
    [
      "a version to come",
      { ...LIST, params: { _meta: { ...META, "io.modelcontextprotocol/protocolVersion": "2030-01-01" } } },
      HEADERS,
      400,
      -32_022,
    ],
    ["no version in the body", { ...LIST, params: { _meta: {} } }, HEADERS, 400, -32_602],
    [
      "no capabilities",
      { ...LIST, params: { _meta: { "io.modelcontextprotocol/protocolVersion": "2026-07-28" } } },
      HEADERS,
      400,
      -32_602,
    ],
    [
      "an unknown method",
      { ...LIST, method: "prompts/list" },
      { ...HEADERS, "Mcp-Method": "prompts/list" },
      404,
      -32_601,
    ],
    ["a method of earlier versions", { ...LIST, method: "ping" }, { ...HEADERS, "Mcp-Method": "ping" }, 404, -32_601],
    ["no JSON-RPC", { hello: "world" }, HEADERS, 400, -32_600],
    ["an id that is an object", { ...LIST, id: {} }, HEADERS, 400, -32_600],
    ["a cursor", { ...LIST, params: { cursor: "x", _meta: META } }, HEADERS, 200, -32_602],
  ])("rejects %s", async (_, body, headers, status, code) => {
    const answer = await posted(ada, body, headers);

    expect([answer.status, answer.error.code]).toEqual([status, code]);
  });

  test("accepts a name in Base64 that a header cannot hold", async () => {
    const name = "größe";
    const encoded = `=?base64?${btoa(String.fromCharCode(...new TextEncoder().encode(name)))}?=`;
    const { error } = await rpc("tools/call", { name, arguments: {} }, { headers: { "Mcp-Name": encoded } });

    // It got past the headers.
    expect(error.message).toContain("Unknown tool");
  });

  test.each([
    ["a body that is no JSON", "{", 400, -32_700],
    ["a batch", "[]", 400, -32_600],
    ["a body that is too large", `"${"x".repeat(1_048_576)}"`, 413, -32_700],
  ])("rejects %s", async (_, body, status, code) => {
    const headers = { "Content-Type": "application/json", ...ada };
    const request = new Request(`${ORIGIN}/mcp`, { method: "POST", headers, body });
    const response = await service.worker.fetch(request, service.environment);
    const { error } = await response.json<{ error: { code: number } }>();

    expect([response.status, error.code]).toEqual([status, code]);
  });

  test("accepts a notification with 202 and no body", async () => {
    const { status, text } = await answerOf(ada, { jsonrpc: "2.0", method: "notifications/initialized" }, {});

    expect([status, text]).toEqual([202, ""]);
  });

  test.each(["GET", "DELETE"])("rejects %s, because it has no sessions", async (method) => {
    const { status, headers } = await service.call(ada, method, "/mcp");

    expect([status, headers.get("Allow")]).toEqual([405, "POST, OPTIONS"]);
  });

  test("rejects an Origin that CORS_ORIGINS does not have", async () => {
    const refused = await rpc("tools/list", {}, { headers: { Origin: "https://evil.example" } });
    // DNS rebinding makes another site's origin the service's own host.
    const rebound = await rpc("tools/list", {}, { headers: { Origin: ORIGIN } });

    expect([refused.status, rebound.status]).toEqual([403, 403]);
  });

  test("ignores credentials in the query", async () => {
    const key = await service.apiKey([{ role: "roles/longrunning.invoker", parent: "projects/p" }]);
    const path = `/mcp?key=${key.credential["x-goog-api-key"]}`;
    const { status } = await service.call(noCredential, "POST", path, LIST, HEADERS);

    expect(status).toBe(401);
  });

  test("rejects bad credentials with their challenge", async () => {
    const { status, headers } = await rpc("tools/list", {}, { as: await forgedBy("ada") });

    expect(status).toBe(401);
    expect(headers.get("WWW-Authenticate")).toMatch(
      /^Bearer realm="operations", error="invalid_token", .*resource_metadata="https:/,
    );
  });

  test("writes one log line with the method and the task", async () => {
    const taskId = await taskOf("things:approve");
    logged.length = 0;
    await getTask(taskId, { as: bob });
    const lines = logged.filter((line) => (line as JsonObject)["message"] === "request");

    expect(lines).toMatchObject([{ rpc: "mcp:tasks/get", operation: taskId, status: 200 }]);
  });
});

describe("a stranger", () => {
  test("is rejected before the body is decoded", async () => {
    const headers = { "Content-Type": "application/json" };
    const request = (as: Credential) =>
      new Request(`${ORIGIN}/mcp`, { method: "POST", body: "{", headers: { ...headers, ...as } });
    const asked = [noCredential, await forgedBy("ada"), ada].map((as) =>
      service.worker.fetch(request(as), service.environment),
    );

    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([401, 401, 400]);
  });
});

describe("explain_operation", () => {
  test("is listed for administrators, and explains", async () => {
    const admin = await userOf(ADMIN);
    const taskId = await taskOf("things:approve");
    const { result } = await rpc("tools/list", {}, { as: admin });
    const explained = await rpc(
      "tools/call",
      { name: "explain_operation", arguments: { name: taskId } },
      { as: admin },
    );
    const refused = await rpc("tools/call", { name: "explain_operation", arguments: { name: taskId } });

    expect(JSON.stringify(result)).toContain('"name":"explain_operation"');
    expect(explained.result["structuredContent"]).toMatchObject({ state: "SUSPENDED" });
    expect(refused.result["isError"]).toBe(true);
  });
});

describe("mcp()", () => {
  const make = (options: object) => () =>
    operations({ methods: [defineMethod({ ...greetLike, mcp: options })], mcp: mcp() });
  const greetLike = {
    http: { post: "/v1/{parent=projects/*}/greetings:greet", body: "*" },
    request: Greeting,
    run: async () => ({}),
  };

  test.each([
    [{ name: "not a name" }, /mcp\.name is "not a name"/],
    [{ name: "get_operation" }, /its tool is named get_operation/],
  ])("rejects the tool %j when the Worker starts", (options, message) => {
    expect(make(options)).toThrow(message);
  });

  test("rejects a described tool whose request has no schema", () => {
    const method = aMethod(async () => ({}), { mcp: { title: "Make" } });

    expect(() => operations({ methods: [method], mcp: mcp() })).toThrow(/needs a request with a schema/);
  });

  test("requires a requestId for a tool with idempotentHint", async () => {
    const { result } = await callTool("things.repeat", {});
    const started = await callTool("things.repeat", { requestId: "one" });

    expect(JSON.stringify(result["content"])).toContain("requestId: is required");
    expect(started.result["isError"]).toBeUndefined();
  });
});
