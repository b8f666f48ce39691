// The states of an operation as they come: a stream of server-sent events, taken up again where it was cut; else calls that the
// service holds until the state changes; else polls.
import type { JsonObject } from "../rpc/any";
import { type AbortSignalLike, type ReaderLike, newTextDecoder } from "./platform";
import { CallError } from "./status-error";
import type { Transport } from "./transport";

/** The service sends a comment every 15 s. A stream that is silent for three of them has been cut. */
const MAX_SILENCE_MS = 45_000;
/** Streams in a row that gave no event: something on the way holds them back. */
const MAX_EMPTY_STREAMS = 2;
const RETRY_MS = 1_000;
const WAIT_MS = 30_000;

export async function* watchedStates(
  transport: Transport,
  path: string,
  signal: AbortSignalLike | undefined,
): AsyncGenerator<JsonObject, void, undefined> {
  const call = { method: "GET", path: `${path}:watch`, signal } as const;
  let id: string | undefined;
  let retryMs = RETRY_MS;
  for (let empty = 0; empty < MAX_EMPTY_STREAMS; empty += 1) {
    const headers = { accept: "text/event-stream", ...(id === undefined ? {} : { "last-event-id": id }) };
    const opened = await transport
      .open({ ...call, headers }, async ({ body }) => ({ reader: readerOf(body) }))
      .catch((error: unknown) => {
        // A service of an earlier version.
        if (error instanceof CallError && error.reason === "ROUTE_NOT_FOUND") return { reader: undefined };
        throw error;
      });
    if (!opened.reader) break;
    for await (const event of eventsOf(opened.reader, transport, signal)) {
      // Comments show that the stream is passed on.
      empty = -1;
      if (event.retry !== undefined) retryMs = Number(event.retry);
      if (event.event === "gone") throw new CallError("NOT_FOUND", "The operation was deleted.", { httpStatus: 404 });
      id = event.id ?? id;
      if (event.event !== "operation" || event.data === undefined) continue;
      const state = JSON.parse(event.data) as JsonObject;
      yield state;
      if (state["done"] === true) return;
    }
    // Clients that a deploy has cut do not come back together.
    await transport.pause(retryMs * (0.5 + transport.random() / 2), signal);
  }
  yield* changedStates(transport, path, signal);
}

/** By calls that are held until the state is another. A service that does not hold them is polled. */
async function* changedStates(
  transport: Transport,
  path: string,
  signal: AbortSignalLike | undefined,
): AsyncGenerator<JsonObject, void, undefined> {
  let etag: string | undefined;
  let told: string | undefined;
  for (;;) {
    const headers: Record<string, string> =
      etag === undefined ? {} : { "if-none-match": etag, prefer: `wait=${WAIT_MS / 1_000}` };
    const call = { method: "GET", path, headers, signal, waitMs: WAIT_MS } as const;
    const answer = await transport.open(call, async (response) => ({
      text: response.status === 304 ? undefined : await response.text(),
      // A page of another origin reads a header only where the service exposes it.
      etag: response.headers.get("etag") ?? undefined,
      isHeld: response.headers.get("preference-applied") !== null,
      retryAfterMs: 1_000 * Number(response.headers.get("retry-after") ?? 1),
    }));
    ({ etag } = answer);
    if (answer.text !== undefined && answer.text !== told) {
      told = answer.text;
      const state = JSON.parse(told) as JsonObject;
      yield state;
      if (state["done"] === true) return;
    }
    // The first call asks for nothing to be held, unless there is no ETag to hold the next one by.
    const isPolled = etag === undefined || "prefer" in headers;
    if (isPolled && !answer.isHeld) await transport.pause(answer.retryAfterMs, signal);
  }
}

function readerOf(body: unknown): ReaderLike | undefined {
  return (body as { getReader?: () => ReaderLike } | null | undefined)?.getReader?.();
}

type ReceivedEvent = Partial<Record<"event" | "data" | "id" | "retry", string>>;

/** The events of a stream (HTML standard, section 9.2), until it ends, is cut or falls silent. */
async function* eventsOf(
  reader: ReaderLike,
  transport: Transport,
  signal: AbortSignalLike | undefined,
): AsyncGenerator<ReceivedEvent, void, undefined> {
  const decoder = newTextDecoder();
  let text = "";
  try {
    for (;;) {
      const chunk = await readWithin(reader, transport, signal);
      if (!chunk) return;
      const blocks = (text + decoder.decode(chunk, { stream: true })).split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) yield Object.fromEntries(block.split("\n").map(fieldOf));
    }
  } finally {
    await reader.cancel().catch(() => {
      // A stream that has failed is closed already.
    });
  }
}

function fieldOf(line: string): [string, string] {
  const at = line.indexOf(":");
  return [line.slice(0, at), line.slice(at + 1).replace(/^ /, "")];
}

/** undefined: the stream is over. */
async function readWithin(
  reader: ReaderLike,
  transport: Transport,
  signal: AbortSignalLike | undefined,
): Promise<Uint8Array | undefined> {
  const silence = transport.alarm(MAX_SILENCE_MS, signal);
  const over = { value: undefined };
  try {
    const { value } = await Promise.race([reader.read().catch(() => over), silence.promise.then(() => over)]);
    return value;
  } finally {
    silence.cancel();
  }
}
