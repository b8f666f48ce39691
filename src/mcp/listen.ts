// subscriptions/listen: the states of tasks as they come, over the sockets of `:watch`. Nothing of a subscription is kept but its
// stream. https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions
import { parseOperationName } from "../aip/resource-name";
import { eventStream, orSilence, withoutFailure } from "../http/event-stream";
import { MAX_LISTENED_TASKS } from "../limits";
import { type Json, type JsonObject, isJsonObject } from "../rpc/any";
import { watchOperation } from "../service/operations";
import type { WatchEvent, Watching } from "../service/ports";
import type { AgentCall, Service } from "./agent-call";
import { requireTasks } from "./message";
import { META, McpError, type RequestId } from "./protocol";
import { isHidden, parsed, taskFrom } from "./tasks";

/** A stream of notifications, and at its end the answer to the request. */
export async function listen(call: AgentCall, params: JsonObject, id: RequestId): Promise<Response> {
  const { notifications } = params;
  if (!isJsonObject(notifications)) throw new McpError("INVALID_PARAMS", "params.notifications must be an object.");
  const { taskIds = [] } = notifications;
  if (!isTextList(taskIds)) {
    throw new McpError("INVALID_PARAMS", "params.notifications.taskIds must be a list of strings.");
  }
  if ("taskIds" in notifications) requireTasks(call.client);
  const service = await call.service("longrunning.operations.get");
  const watched = await watchedTasks(call, service, [...new Set(taskIds)]);
  const close = (): void => {
    for (const watching of watched.values()) watching.close();
  };
  const headers = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store, no-transform",
    // "servers SHOULD include the X-Accel-Buffering: no header"
    "X-Accel-Buffering": "no",
  };
  return new Response(eventStream({ close }, messages({ call, service, watched, id })), { headers });
}

function isTextList(json: Json): json is string[] {
  return Array.isArray(json) && json.every((one) => typeof one === "string");
}

/** Those that are there for the caller, and no more than a stream may follow: the others are not acknowledged. */
async function watchedTasks(
  call: AgentCall,
  { reads }: Service,
  taskIds: readonly string[],
): Promise<Map<string, Watching>> {
  const watched = new Map<string, Watching>();
  for (const name of taskIds.slice(0, MAX_LISTENED_TASKS)) {
    if (!parseOperationName(name)) continue;
    try {
      const watching = await watchOperation(reads, { name, request: call });
      if (watching) watched.set(name, watching);
    } catch (error) {
      if (isHidden(error)) continue;
      for (const watching of watched.values()) watching.close();
      throw error;
    }
  }
  return watched;
}

interface Subscription {
  call: AgentCall;
  service: Service;
  watched: Map<string, Watching>;
  id: RequestId;
}

async function* messages({ call, service, watched, id }: Subscription): AsyncGenerator<string, void> {
  const _meta = { [META.subscriptionId]: id };
  // "The server MUST send notifications/subscriptions/acknowledged as the first message."
  const notifications = watched.size > 0 ? { taskIds: [...watched.keys()] } : {};
  yield notification("notifications/subscriptions/acknowledged", { _meta, notifications });
  yield* states({ call, service, watched, id });
  // "When the server ends a subscription on its own initiative, it SHOULD respond to the original request."
  yield eventOf({ jsonrpc: "2.0", id, result: { resultType: "complete", _meta } });
}

/** One task's failure ends the stream, and the sockets of all. */
async function* states({ call, service, watched, id }: Subscription): AsyncGenerator<string, void> {
  const _meta = { [META.subscriptionId]: id };
  try {
    const next = new Map([...watched].map(([name, watching]) => [name, nextOf(name, watching)]));
    while (next.size > 0) {
      const heard = await orSilence(Promise.race(next.values()));
      if (!heard) {
        for (const watching of watched.values()) watching.probe();
        yield ":\n\n";
        continue;
      }
      const { name, event } = heard;
      const watching = watched.get(name);
      if (event === "GONE" || event === "END" || ("done" in event && event.done) || !watching) next.delete(name);
      else next.set(name, nextOf(name, watching));
      // A task has no output.
      if (event === "GONE" || event === "END" || "text" in event) continue;
      const task = await taskFrom(call, await parsed(event, name), service);
      yield notification("notifications/tasks", { ...task, _meta });
    }
  } finally {
    for (const watching of watched.values()) watching.close();
  }
}

async function nextOf(name: string, watching: Watching): Promise<{ name: string; event: WatchEvent }> {
  return { name, event: await withoutFailure(watching) };
}

function notification(method: string, params: JsonObject): string {
  return eventOf({ jsonrpc: "2.0", method, params });
}

function eventOf(message: JsonObject): string {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
}
