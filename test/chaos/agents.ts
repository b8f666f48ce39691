// node test/chaos/agents.ts --tasks 1000 --kills 20 --seed 1 --json agents.json: an agent's tasks under kills. It starts tasks by tools/call while the server is killed again and
// again with everything it has not written, and asks for each result at the end. Every task must have its own.
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { DevServer } from "../e2e/dev-server.ts";
import { eventually } from "../support/eventually.ts";
import { randomFromSeed } from "../support/random.ts";

export interface AgentsSummary {
  seed: number;
  tasks: number;
  kills: number;
  /** Calls that a kill took the answer of, and that were repeated by their requestId. */
  callsRepeated: number;
  resultsDelivered: number;
  /** Of those, by the repeated call itself. */
  resultsDeliveredAtOnce: number;
  violations: string[];
}

const { values } = parseArgs({
  options: {
    tasks: { type: "string", default: "1000" },
    kills: { type: "string", default: "20" },
    seed: { type: "string" },
    json: { type: "string" },
  },
});
const tasks = Number(values.tasks);
const kills = Number(values.kills);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const random = randomFromSeed(seed);
const CLIENTS = 24;
/** A lease and its resend repair each interruption within this time. */
const SETTLE_MS = 300_000;

interface Rpc {
  result?: Record<string, unknown>;
  error?: { code: number; message: string };
}

class Agent {
  server: DevServer;
  callsRepeated = 0;

  constructor(server: DevServer) {
    this.server = server;
  }

  /** Repeats what a kill has taken the answer of, until there is one. */
  async rpc(method: string, params: Record<string, unknown>): Promise<Rpc> {
    let answer: Rpc | undefined;
    let tries = 0;
    await eventually(
      async () => {
        tries += 1;
        answer = await this.#try(method, params);
        return answer !== undefined;
      },
      { timeoutMs: SETTLE_MS, intervalMs: 100 },
    );
    this.callsRepeated += tries - 1;
    return answer ?? {};
  }

  async #try(method: string, params: Record<string, unknown>): Promise<Rpc | undefined> {
    const _meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientCapabilities": { extensions: { "io.modelcontextprotocol/tasks": {} } },
    };
    try {
      const response = await fetch(`${this.server.url}/mcp`, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          "MCP-Protocol-Version": "2026-07-28",
          "Mcp-Method": method,
          "Mcp-Name": String(params["name"] ?? params["taskId"]),
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta } }),
        signal: AbortSignal.timeout(20_000),
      });
      const answer = (await response.json()) as Rpc;
      // UNAVAILABLE: an object was not reached. Everything else is an answer.
      return response.status >= 500 ? undefined : answer;
    } catch {
      // The server was killed: the next one answers.
      return undefined;
    }
  }

  async kill(): Promise<void> {
    const { state } = this.server;
    await this.server.kill();
    this.server = await DevServer.start({ state });
  }
}

const agent = new Agent(await DevServer.start());
const violations: string[] = [];
const taskIds = new Map<number, string>();
let started = 0;
let deliveredAtOnce = 0;

function contentOf(result: Record<string, unknown> | undefined): unknown {
  return (result as { structuredContent?: { content?: string } } | undefined)?.structuredContent?.content;
}

async function startTasks(): Promise<void> {
  for (let number = started++; number < tasks; number = started++) {
    const args = {
      ttl: `${2 + random.below(30)}s`,
      success: { content: `task ${number}` },
      requestId: `task-${number}`,
    };
    const { result, error } = await agent.rpc("tools/call", { name: "echo.wait", arguments: args });
    if (typeof result?.["taskId"] === "string") taskIds.set(number, result["taskId"]);
    // Its task was done when the repeated call came: a kill had taken the first answer.
    else if (contentOf(result) === `task ${number}`) deliveredAtOnce += 1;
    else violations.push(`call ${number} was answered without a task: ${JSON.stringify(error ?? result)}`);
  }
}

let killed = 0;
/** The next kill comes when so many more tasks were started, so that each falls among others. */
async function killAmong(): Promise<void> {
  for (killed = 0; killed < kills; killed += 1) {
    const due = Math.floor(((killed + 1) * tasks) / (kills + 1));
    await eventually(() => started >= due, { timeoutMs: 10 * SETTLE_MS, intervalMs: 20 });
    await agent.kill();
    console.log(`kill ${killed + 1} of ${kills}, ${taskIds.size} tasks answered`);
  }
}

let delivered = 0;
async function collect(number: number, taskId: string): Promise<void> {
  let task: Record<string, unknown> = {};
  await eventually(
    async () => {
      const { result, error } = await agent.rpc("tasks/get", { taskId });
      task = result ?? { status: `an error: ${error?.message}` };
      return task["status"] !== "working";
    },
    { timeoutMs: SETTLE_MS, intervalMs: 250 },
  );
  const { status, result } = task as { status: string; result?: Record<string, unknown> };
  const content = contentOf(result);
  if (status === "completed" && content === `task ${number}`) delivered += 1;
  else violations.push(`task ${number} ended as ${status} with ${JSON.stringify(result)}`);
}

try {
  await Promise.all([killAmong(), ...Array.from({ length: CLIENTS }, startTasks)]);
  const queue = [...taskIds];
  const collectNext = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      await collect(...next).catch((error: unknown) => violations.push(String(error)));
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, collectNext));
  if (new Set(taskIds.values()).size !== taskIds.size) violations.push("two calls were answered with one task");
} finally {
  await agent.server.dispose();
}

if (delivered + deliveredAtOnce !== tasks) violations.push("not every result was delivered");

const summary: AgentsSummary = {
  seed,
  tasks,
  kills: killed,
  callsRepeated: agent.callsRepeated,
  resultsDelivered: delivered + deliveredAtOnce,
  resultsDeliveredAtOnce: deliveredAtOnce,
  violations,
};
console.log(JSON.stringify(summary, null, 2));
if (values.json !== undefined) await writeFile(values.json, JSON.stringify(summary));
if (violations.length > 0) process.exitCode = 1;
