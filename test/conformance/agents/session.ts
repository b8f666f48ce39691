// The published requester of tasks, @modelcontextprotocol/ext-tasks, over the published client. Neither sends the requests of tasks
// over HTTP by itself: both packages leave them to their host, as `rawDispatch`.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import {
  type ApplicationInputRequest,
  type TaskEnabledSession,
  type TaskExecutionEvent,
  type ToolExecution,
  createTaskSessionFromClient,
} from "@modelcontextprotocol/ext-tasks/client";
import type { JsonValue } from "@modelcontextprotocol/ext-tasks/core";

const VERSION = "2026-07-28";
const INFO = { name: "conformance", version: "1" };
const CAPABILITIES = { elicitation: { form: {} }, extensions: { "io.modelcontextprotocol/tasks": {} } };

export interface Agent {
  client: Client;
  session: TaskEnabledSession;
  /** The forms that the user of this agent was shown. */
  asked: ApplicationInputRequest[];
  close(this: void): Promise<void>;
}

export interface AgentOptions {
  /** Its credentials. */
  headers?: Record<string, string>;
  /** The fields that its user fills in. */
  content?: Record<string, string | number | boolean>;
}

export async function agentAt(url: string, { headers = {}, content }: AgentOptions = {}): Promise<Agent> {
  const asked: ApplicationInputRequest[] = [];
  const endpoint = new URL("/mcp", url);
  const client = new Client(INFO, { capabilities: CAPABILITIES, versionNegotiation: { mode: { pin: VERSION } } });
  await client.connect(new StreamableHTTPClientTransport(endpoint, { requestInit: { headers } }));
  let id = 0;
  const session = createTaskSessionFromClient(client, {
    endpointId: "conformance",
    v2RequestFraming: { protocolVersion: VERSION, clientInfo: INFO, clientCapabilities: CAPABILITIES },
    rawDispatch: async (request, options) => {
      const { method, params } = request as { method: string; params: { name?: string; taskId?: string } };
      const response = await fetch(endpoint, {
        method: "POST",
        headers: {
          Accept: "application/json, text/event-stream",
          "Content-Type": "application/json",
          "MCP-Protocol-Version": VERSION,
          "Mcp-Method": method,
          "Mcp-Name": params.name ?? params.taskId ?? "",
          ...headers,
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: `raw-${(id += 1)}`, ...(request as object) }),
        ...(options?.signal ? { signal: options.signal } : {}),
      });
      const answer = (await response.json()) as
        | { result: JsonValue }
        | { error: { code: number; message: string; data?: JsonValue } };
      return "result" in answer ? { kind: "result", result: answer.result } : { kind: "error", error: answer.error };
    },
    onInputRequest: (async (request: ApplicationInputRequest) => {
      asked.push(request);
      return content ? { action: "accept", content } : { action: "decline" };
    }) as never,
  });
  return {
    client,
    session,
    asked,
    close: async () => {
      await session.close();
      await client.close();
    },
  };
}

/** The end of a call, and each state in which it was seen before. */
export async function settled(execution: ToolExecution<unknown>) {
  const seen: { status: string; statusMessage: string | undefined }[] = [];
  const onEvent = (event: TaskExecutionEvent<unknown>): void => {
    if (event.type === "task") seen.push({ status: event.task.status, statusMessage: event.task.statusMessage });
  };
  const { outcome } = await execution.settle({ onEvent });
  return { outcome, seen };
}
