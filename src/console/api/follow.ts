// Follows one operation: every state that lasts, as it comes. By `:watch` where the deployment has it, else by GET as
// often as Retry-After suggests.
import { ApiError, errorFromBody, pathOf, send } from "./call";
import type { Operation } from "./operation";
import { eventsFromStream } from "./event-stream";

export interface Follower {
  onOperation: (operation: Operation) => void;
  /** A call failed. It is retried. */
  onError: (error: unknown) => void;
  onGone: () => void;
}

const MIN_POLL_MS = 500;
const MAX_POLL_MS = 10_000;
const RETRY_MS = 3_000;

/** Whether this deployment serves `:watch`; undefined until it was asked. */
let servesWatch: boolean | undefined;

/** Goes on until the operation is done or gone, or the signal aborts. */
export async function follow(name: string, follower: Follower, signal: AbortSignal): Promise<void> {
  let etag = "";
  let lastEventId = "";
  while (!signal.aborted) {
    try {
      if (servesWatch !== false) {
        const ended = await watch(name, { ...follower, lastEventId, onEventId: (id) => (lastEventId = id) }, signal);
        if (ended === "done") return;
        if (ended === "cut") continue;
      }
      const response = await send(pathOf(name), { headers: etag === "" ? {} : { "If-None-Match": etag }, signal });
      if (response.status !== 304) {
        if (!response.ok) throw errorFromBody(response.status, await response.text());
        etag = response.headers.get("ETag") ?? "";
        const operation = (await response.json()) as Operation;
        follower.onOperation(operation);
        if (operation.done) return;
      }
      const seconds = Number(response.headers.get("Retry-After") ?? "2");
      await pause(Math.min(MAX_POLL_MS, Math.max(MIN_POLL_MS, seconds * 1_000 || 2_000)), signal);
      await whileHidden(signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.code === "NOT_FOUND") return follower.onGone();
      follower.onError(error);
      if (error instanceof ApiError && error.isFinal) return;
      await pause(RETRY_MS, signal);
    }
  }
}

interface Watch extends Follower {
  lastEventId: string;
  onEventId: (id: string) => void;
}

/** Reads the event stream until it ends. "unserved": the deployment has no `:watch`. */
async function watch(name: string, { lastEventId, onEventId, ...follower }: Watch, signal: AbortSignal) {
  const headers = { Accept: "text/event-stream", ...(lastEventId === "" ? {} : { "Last-Event-ID": lastEventId }) };
  const response = await send(pathOf(`${name}:watch`), { headers, signal });
  // The client has the last state already.
  if (response.status === 204) return "done";
  const isStream = response.headers.get("Content-Type")?.startsWith("text/event-stream") === true;
  if (!response.ok || !isStream || !response.body) {
    const error = errorFromBody(response.status, await response.text());
    if (response.ok || error.reason === "ROUTE_NOT_FOUND" || error.reason === "METHOD_NOT_ALLOWED") {
      servesWatch = false;
      return "unserved";
    }
    throw error;
  }
  servesWatch = true;
  for await (const { event, data, id } of eventsFromStream(response.body)) {
    if (id !== "") onEventId(id);
    if (event === "gone") {
      follower.onGone();
      return "done";
    }
    if (event !== "operation") continue;
    const operation = JSON.parse(data) as Operation;
    follower.onOperation(operation);
    if (operation.done) return "done";
  }
  await pause(MIN_POLL_MS, signal);
  return "cut";
}

/** Resolves after a time, or at once when the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** A page that is not looked at asks for nothing. */
export function whileHidden(signal: AbortSignal): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look);
  });
}
