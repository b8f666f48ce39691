// Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): the states of an operation as they come.
import type { EventsAnswer } from "../api/answer";
import { WATCH_KEEP_ALIVE_MS } from "../limits";
import type { WatchEvent, Watching } from "../service/ports";
import { withinLimit } from "../time-limit";
import type { FieldMask } from "./field-mask";
import { maskedResponse } from "./partial-response";

/** 204, which ends an EventSource, where the client has the last event. */
export function eventsResponse({ name, watching }: EventsAnswer, mask: FieldMask | undefined): Response {
  if (!watching) return new Response(null, { status: 204 });
  // A proxy that compresses would hold events back.
  const headers = { "Content-Type": "text/event-stream", "Cache-Control": "no-store, no-transform" };
  return new Response(eventStream(watching, frames(watching, name, mask)), { headers });
}

/**
 * The client takes the frames one by one. One that has gone, and one that takes nothing for two intervals in which it would have
 * been sent a comment, ends the watch.
 */
export function eventStream(
  watching: Pick<Watching, "close">,
  source: AsyncGenerator<string | Uint8Array>,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let stalled: ReturnType<typeof setTimeout> | undefined;
  const end = (): void => {
    clearTimeout(stalled);
    watching.close();
  };
  return new ReadableStream({
    async pull(controller): Promise<void> {
      clearTimeout(stalled);
      const { done, value } = await source.next();
      if (done) {
        end();
        return controller.close();
      }
      controller.enqueue(typeof value === "string" ? encoder.encode(value) : value);
      stalled = setTimeout(() => {
        end();
        controller.error(new Error("the client takes no events"));
      }, 2 * WATCH_KEEP_ALIVE_MS);
    },
    async cancel(): Promise<void> {
      end();
      await source.return(undefined);
    },
  });
}

async function* frames(
  watching: Watching,
  name: string,
  mask: FieldMask | undefined,
): AsyncGenerator<string | Uint8Array, void> {
  yield `retry: ${watching.retryMs}\n\n`;
  for (;;) {
    const next = withoutFailure(watching);
    let event = await orSilence(next);
    while (event === undefined) {
      watching.probe();
      yield ":\n\n";
      event = await orSilence(next);
    }
    if (event === "END") return;
    if (event === "GONE") return yield `event: gone\ndata: ${JSON.stringify({ name })}\n\n`;
    if ("text" in event) {
      const { text, offset } = event;
      yield `event: output\nid: ${watching.id}\ndata: ${JSON.stringify({ text, offset })}\n\n`;
      continue;
    }
    const { json } = event;
    const head = `event: operation\nid: ${watching.id}\ndata: `;
    // Line breaks in stored JSON would end the event's data: outside of texts they mean nothing, and texts have none.
    if (typeof json === "string" && !mask) yield `${head}${json.replaceAll(/[\r\n]/g, " ")}\n\n`;
    else {
      yield head;
      const whole = new Response(json);
      const { body } = mask ? await maskedResponse(whole, mask, (kept) => kept) : whole;
      if (body) yield* withoutLineBreaks(body);
      yield "\n\n";
    }
    if (event.done) return;
  }
}

async function* withoutLineBreaks(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of body) yield chunk.map((byte) => (byte === LF || byte === CR ? SPACE : byte));
}

const [LF, CR, SPACE] = [10, 13, 32];

/** A failure ends the watch. The client's next one learns why. */
export function withoutFailure(watching: Watching): Promise<WatchEvent> {
  return watching.next().catch((error: unknown): WatchEvent => {
    console.warn({ message: "a watch ended early", error: String(error) });
    return "END";
  });
}

/** undefined: nothing came for the interval of the comments. */
export function orSilence<T>(next: Promise<T>): Promise<T | undefined> {
  return withinLimit(next, WATCH_KEEP_ALIVE_MS, () => undefined);
}
