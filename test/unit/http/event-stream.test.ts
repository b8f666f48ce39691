// A watch as text/event-stream: what keeps it open, and what ends it.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { EventsAnswer } from "../../../src/api/answer";
import { eventsResponse } from "../../../src/http/event-stream";
import type { WatchEvent, Watching } from "../../../src/service/ports";
import { anAnswer } from "../../support/a-service";
import { EventReader } from "../../support/event-stream";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** A watch whose events the test gives. */
class GivenWatch implements Watching {
  readonly retryMs = 1_234;
  readonly id = "z";
  probes = 0;
  isClosed = false;
  #next = Promise.withResolvers<WatchEvent>();

  async next(): Promise<WatchEvent> {
    const event = await this.#next.promise;
    this.#next = Promise.withResolvers();
    return event;
  }

  give(event: WatchEvent): void {
    this.#next.resolve(event);
  }

  fail(error: Error): void {
    this.#next.reject(error);
  }

  probe(): void {
    this.probes += 1;
  }

  close(): void {
    this.isClosed = true;
    this.give("END");
  }
}

function anEventStream() {
  const watching = new GivenWatch();
  const response = eventsResponse(new EventsAnswer("operations/1", watching), undefined);
  return { watching, response };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe("a silent watch", () => {
  test("sends a comment every 15 seconds, and asks its socket as often", async () => {
    const { watching, response } = anEventStream();
    const reader = new EventReader(response.body);
    const next = reader.next();
    await pass(60_500);
    watching.give("GONE");
    await next;

    expect(reader.comments).toBe(4);
    expect(watching.probes).toBe(4);
    expect(reader.retryMs).toBe(1_234);
  });

  test("ends if its client reads nothing for 30 seconds", async () => {
    const { watching, response } = anEventStream();
    const reader = response.body!.getReader();
    await reader.read();
    await pass(15_500);
    expect(watching.isClosed).toBe(false);
    await pass(30_000);

    expect(watching.isClosed).toBe(true);
  });

  test("ends at once when its client disconnects", async () => {
    const { watching, response } = anEventStream();
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();

    expect(watching.isClosed).toBe(true);
  });
});

describe("the events", () => {
  test("have the parts of the output with their offsets", async () => {
    const { watching, response } = anEventStream();
    const reader = new EventReader(response.body);
    watching.give({ offset: 3, text: "a\nb" });

    expect(await reader.next()).toEqual({ event: "output", id: "z", data: '{"text":"a\\nb","offset":3}' });
  });

  test("have their JSON in one line", async () => {
    const { watching, response } = anEventStream();
    const reader = new EventReader(response.body);
    watching.give(anAnswer({ done: true, etag: '"z"', json: '{\r\n"done":\ntrue}' }));

    expect(await reader.rest()).toEqual([{ event: "operation", id: "z", data: '{  "done": true}' }]);
  });

  test("have the JSON of a stream in one line too", async () => {
    const { watching, response } = anEventStream();
    const reader = new EventReader(response.body);
    watching.give(anAnswer({ done: true, etag: '"z"', json: new Response('{"text":\n"三"}').body! }));

    expect((await reader.next())?.data).toBe('{"text": "三"}');
  });

  test("end with the watch, even if it fails", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const { watching, response } = anEventStream();
    const reader = new EventReader(response.body);
    watching.fail(new Error("the credentials have expired"));

    expect(await reader.next()).toBeUndefined();
    expect(watching.isClosed).toBe(true);
    expect(warn).toHaveBeenCalledOnce();
    warn.mockRestore();
  });
});
