// Operations for agents: MCP and its tasks extension, by the sentences of both specifications and of docs/agents.md.
import { createExecutionContext, createMessageBatch, waitOnExecutionContext } from "cloudflare:test";
import { beforeAll, describe, expect, test } from "vitest";
import { RpcError, defineMethod } from "../../src/index";
import { mcp } from "../../src/mcp";
import * as pb from "../../src/protobuf";
import type { JsonObject } from "../../src/rpc/any";
import {
  type Answer,
  type Credential,
  ISSUER,
  aGuardedDeployment,
  emailOf,
  memberOf,
  noCredential,
  useGuardedWorld,
  userOf,
} from "./access-harness";
import { aMethod } from "./a-deployment";

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

const hidden = aMethod(async () => ({}), {
  http: { post: "/v1/things:hide", body: "*" },
  request: pb.message("example.v1.HideRequest", {}) as never,
  mcp: false,
});

const service = aGuardedDeployment({
  methods: [greet, fail, approve, hidden, aMethod(async () => ({}))],
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

async function deliver(name: string): Promise<void> {
  const body = { id: name.split("/").at(-1)! };
  const message = { id: crypto.randomUUID(), timestamp: new Date(), attempts: 1, body };
  const context = createExecutionContext();
  await service.worker.queue(createMessageBatch("edge-operations", [message]), service.environment, context);
  await waitOnExecutionContext(context);
}

/** An operation that ada started over the HTTP API, and whose work was begun. Each is a task. */
async function taskOf(path: string, body: JsonObject = {}): Promise<string> {
  const { json } = await service.call(ada, "POST", `/v1/projects/p/${path}`, body);
  const taskId = json["name"] as string;
  await deliver(taskId);
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
    expect((await toolsOf()).map(({ name }) => name)).toEqual(["greetings.greet", "things.fail", "things.approve"]);
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

    expect(tools.map(({ name }) => name).slice(3)).toEqual(["get_operation", "wait_operation", "cancel_operation"]);
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
      taskId: expect.stringMatching(/^projects\/p\/operations\//) as string,
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
    await deliver(taskId);

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
