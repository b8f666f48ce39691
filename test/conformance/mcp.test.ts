// Published clients of the Model Context Protocol, unmodified, against the service: README.md has which and why.
import { randomBytes } from "node:crypto";
import { Client as EarlierClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as EarlierTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { TaskId } from "@modelcontextprotocol/ext-tasks/core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { formatApiKey, hashOfSecret } from "../../src/authentication/api-key";
import { call, json } from "../e2e/client";
import { DevServer } from "../e2e/dev-server";
import { eventually } from "../support/eventually";
import { inspect } from "./agents/inspector";
import { type Agent, agentAt, settled } from "./agents/session";

const url = inject("url");

describe("@modelcontextprotocol/client with @modelcontextprotocol/ext-tasks", () => {
  let agent: Agent;

  beforeAll(async () => {
    agent = await agentAt(url);
  });
  afterAll(() => agent?.close());

  test("discovers the server and its tools", async () => {
    const { tools } = await agent.client.listTools();

    expect(agent.client.getServerCapabilities()).toEqual({
      tools: {},
      extensions: { "io.modelcontextprotocol/tasks": {} },
    });
    expect(tools.map(({ name }) => name)).toEqual(["echo.wait", "tables.profile", "explain_operation"]);
  });

  test("is given the result of quick work at once, which its output schema takes", async () => {
    // It validates structured results by the schemas that it listed.
    await agent.client.listTools();
    const result = await agent.client.callTool({
      name: "echo.wait",
      arguments: { ttl: "0s", success: { content: "hello" } },
    });

    expect(result.structuredContent).toEqual({ content: "hello" });
  });

  test("polls a task to its result", async () => {
    const execution = await agent.session.callTool("echo.wait", { ttl: "3s", success: { content: "hello" } });
    const { outcome, seen } = await settled(execution);

    expect(execution.kind).toBe("task");
    expect(seen[0]).toMatchObject({
      status: "working",
      statusMessage: expect.stringMatching(/Running|Sleeping/) as string,
    });
    expect(seen.at(-1)?.status).toBe("completed");
    expect(outcome).toMatchObject({ status: "completed", result: { structuredContent: { content: "hello" } } });
  });

  test("gets the error of the work in a completed task", async () => {
    const error = { code: 9, message: "The bucket is locked." };
    const { outcome } = await settled(await agent.session.callTool("echo.wait", { ttl: "2s", error }));

    expect(outcome).toMatchObject({
      status: "completed",
      result: { isError: true, content: [{ type: "text", text: "FAILED_PRECONDITION: The bucket is locked." }] },
    });
  });

  test("gets the service's error in a failed task", async () => {
    const error = { code: 13, message: "A disk is broken." };
    const { outcome } = await settled(await agent.session.callTool("echo.wait", { ttl: "2s", error }));

    expect(outcome).toMatchObject({ status: "failed", error: { code: -32_603, message: "A disk is broken." } });
  });

  test("cancels a task", async () => {
    const execution = await agent.session.callTool("echo.wait", { ttl: "600s" });
    await execution.cancel();

    expect((await settled(execution)).outcome.status).toBe("cancelled");
  });

  test("gets the violations of its arguments", async () => {
    const { outcome } = await settled(await agent.session.callTool("echo.wait", { ttl: "-1s" }));

    expect(outcome).toMatchObject({ status: "completed", result: { isError: true } });
    expect(JSON.stringify(outcome)).toContain("ttl: must not be negative");
  });

  test("sends a table as text", async () => {
    const args = { parent: "projects/p/locations/here", input: "name,age\nAda,36\nBob,41\n" };
    const { outcome } = await settled(await agent.session.callTool("tables.profile", args));

    expect(outcome).toMatchObject({
      status: "completed",
      result: { structuredContent: { columns: [{ name: "name" }, { name: "age" }] } },
    });
  });

  test("finds no task that is not there", async () => {
    const taskId = `operations/${"0".repeat(64)}` as TaskId;

    await expect(agent.session.task(taskId).snapshot()).rejects.toMatchObject({ code: -32_602 });
  });
});

describe("examples/approvals", { timeout: 120_000 }, () => {
  const adminKey = { id: "admin", secret: randomBytes(32).toString("base64url") };
  const admin = { "x-goog-api-key": formatApiKey(adminKey) };
  const options = {
    main: "examples/approvals/src/worker.ts",
    vars: { AUTH: JSON.stringify({ apiKeys: { adminKeyHashes: [hashOfSecret(adminKey.secret)] } }) },
  };
  const refund = { parent: "projects/p", amountCents: 1_200, reason: "Arrived broken" };
  let server: DevServer;
  /** Headers by role. */
  const keys: Record<"invoker" | "approver" | "stranger", Record<string, string>> = {
    invoker: {},
    approver: {},
    stranger: {},
  };
  const agents: Agent[] = [];

  async function agentOf(name: keyof typeof keys, content?: Record<string, string | boolean>): Promise<Agent> {
    const agent = await agentAt(server.url, { headers: keys[name], ...(content ? { content } : {}) });
    agents.push(agent);
    return agent;
  }

  beforeAll(async () => {
    server = await DevServer.start(options);
    for (const [name, grants] of [
      ["invoker", [{ role: "roles/longrunning.invoker", parent: "projects/p" }]],
      ["approver", [{ role: "roles/longrunning.approver", parent: "projects/p" }]],
      ["stranger", [{ role: "roles/longrunning.invoker", parent: "projects/q" }]],
    ] as const) {
      const init = json({ displayName: name, grants });
      const { body } = await call<{ keyString: string }>(`${server.url}/v1/apiKeys`, {
        ...init,
        headers: { ...(init.headers as Record<string, string>), ...admin },
      });
      keys[name] = { "x-goog-api-key": body.keyString };
    }
  });
  afterAll(async () => {
    await Promise.all(agents.map((agent) => agent.close()));
    await server?.dispose();
  });

  /** A refund that waits for its approval. */
  async function waiting(agent: Agent) {
    const execution = await agent.session.callTool("refunds.request", refund);
    if (execution.kind !== "task") throw new Error("the refund was not a task");
    const { taskId } = execution.handle;
    const task = agent.session.task(taskId);
    await eventually(async () => (await task.snapshot()).statusMessage?.includes("Refund 1200 cents") ?? false, {
      timeoutMs: 20_000,
    });
    return { execution, taskId, task };
  }

  test("asks the approver's user, and continues with the answer", async () => {
    const invoker = await agentOf("invoker");
    const approver = await agentOf("approver", { approved: true, note: "Sorry." });
    const { execution, taskId } = await waiting(invoker);
    const resumed = await approver.session.resumeTask({
      endpointId: approver.session.endpointId,
      generation: "v2",
      taskId,
      originalOperation: "tools/call",
    });
    const { seen } = await settled(resumed);
    const { outcome } = await settled(execution);

    expect(approver.asked).toMatchObject([
      {
        kind: "elicitation",
        params: {
          message: "Refund 1200 cents: Arrived broken",
          requestedSchema: { required: ["approved"], properties: { approved: { type: "boolean" } } },
        },
      },
    ]);
    expect(seen.map(({ status }) => status)).toContain("input_required");
    expect(outcome).toMatchObject({
      status: "completed",
      result: { structuredContent: { refunded: true, note: "Sorry." } },
    });
    // The one that asked for the refund was never asked to approve it.
    expect(invoker.asked).toEqual([]);
  });

  test("does not let the agent that asked approve", async () => {
    const invoker = await agentOf("invoker", { approved: true });
    const { task, execution } = await waiting(invoker);
    const { status } = await task.snapshot();
    const update = task.update({ approval: { action: "accept", content: { approved: true } } });

    expect(status).toBe("working");
    await expect(update).rejects.toMatchObject({ code: 7 });
    await execution.cancel();
  });

  test("hides a task from another caller", async () => {
    const { taskId, execution } = await waiting(await agentOf("invoker"));
    const stranger = await agentOf("stranger");

    await expect(stranger.session.task(taskId).snapshot()).rejects.toMatchObject({ code: -32_602 });
    await expect(stranger.session.cancelTask(taskId)).rejects.toMatchObject({ code: -32_602 });
    await execution.cancel();
  });

  test("lets nobody in without credentials", async () => {
    await expect(agentAt(server.url)).rejects.toThrow(/credentials|Unauthorized|401/i);
  });

  test("keeps a declined request waiting", async () => {
    const { taskId, task, execution } = await waiting(await agentOf("invoker"));
    const approver = await agentOf("approver");
    const decline = { approval: { action: "decline" as const } };
    await approver.session.task(taskId).update(decline);

    expect((await approver.session.task(taskId).snapshot()).status).toBe("input_required");
    expect((await task.snapshot()).status).toBe("working");
    await execution.cancel();
  });

  test("continues after a kill of the runtime", async () => {
    const { execution } = await waiting(await agentOf("invoker"));
    if (!("serializeReference" in execution)) throw new Error("the execution is not of a task");
    const reference = execution.serializeReference();
    await server.kill();
    server = await DevServer.start({ ...options, state: server.state });
    const approver = await agentOf("approver", { approved: false, note: "Too late." });
    await settled(await approver.session.resumeTask(reference));
    const { outcome } = await settled(await (await agentOf("invoker")).session.resumeTask(reference));

    expect(outcome).toMatchObject({ result: { structuredContent: { note: "Too late." } } });
  });
});

describe("the official inspector's command line", { timeout: 60_000 }, () => {
  test.each(["modern", "legacy"] as const)("finds no error in the schemas of the tools (%s)", async (era) => {
    const { exitCode, result, stderr } = await inspect(url, era, "--method", "tools/list", "--strict");

    expect(exitCode, stderr).toBe(0);
    expect(result.tools?.map(({ name }) => name)).toContain("echo.wait");
    expect(result.tools?.some(({ name }) => name === "wait_operation")).toBe(era === "legacy");
  });

  const echo = (args: object): string[] => [
    ...["--method", "tools/call", "--tool-name", "echo.wait", "--tool-args-json"],
    JSON.stringify(args),
  ];

  test("follows a task to its result", async () => {
    const { exitCode, result } = await inspect(url, "modern", ...echo({ ttl: "3s", success: { content: "hello" } }));

    expect([exitCode, result.structuredContent]).toEqual([0, { content: "hello" }]);
  });

  test("speaks an earlier version, and is given the running operation", async () => {
    const { result } = await inspect(url, "legacy", ...echo({ ttl: "3s" }));

    expect(result.structuredContent).toMatchObject({
      name: expect.stringMatching(/^operations\//) as string,
      done: false,
    });
  });
});

describe("@modelcontextprotocol/sdk, of the versions before tasks", () => {
  test("starts, waits for and cancels work by the plain tools", async () => {
    const client = new EarlierClient({ name: "conformance", version: "1" });
    await client.connect(new EarlierTransport(new URL("/mcp", url)));
    const play = async (name: string, args: Record<string, unknown>) =>
      (await client.callTool({ name, arguments: args })).structuredContent as { name: string; done: boolean };
    // It validates structured results by the schemas that it listed.
    await client.listTools();
    const slow = await play("echo.wait", { ttl: "2s", success: { content: "hello" } });
    const waited = await play("wait_operation", { name: slow.name });
    const long = await play("echo.wait", { ttl: "600s" });
    await client.callTool({ name: "cancel_operation", arguments: { name: long.name } });
    const cancelled = await play("get_operation", { name: long.name });
    await client.close();

    expect(slow.done).toBe(false);
    expect(waited).toMatchObject({ done: true, response: { content: "hello" } });
    expect(cancelled).toMatchObject({ done: true, error: { code: 1 } });
  });
});
