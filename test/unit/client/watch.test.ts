// OperationsClient.watch over a service whose streams are cut, held back or missing.
import { describe, expect, it } from "vitest";
import { CallError, type FetchLike, type OperationState, OperationsClient } from "../../../src/client";

const NAME = "projects/p/operations/7f";

function resource(percent: number, done = false) {
  return { name: NAME, done, metadata: { "@type": "type.googleapis.com/example.Progress", percent } };
}

function event(id: string, percent: number, done = false): string {
  return `event: operation\nid: ${id}\ndata: ${JSON.stringify(resource(percent, done))}\n\n`;
}

/** A stream of these texts. `isOpen`: it then says nothing more. */
function streamOf(texts: string[], isOpen = false): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const text of texts) controller.enqueue(new TextEncoder().encode(text));
      if (!isOpen) controller.close();
    },
  });
}

interface Scripted {
  status?: number;
  body?: ReadableStream<Uint8Array>;
  json?: object;
  headers?: Record<string, string>;
}

/** A client of a scripted service. Pauses take no time; `pauses` tells how long they would have been. */
function aClient(script: Scripted[]) {
  const calls: string[] = [];
  const pauses: number[] = [];
  let silence = (): void => {};
  const fetch: FetchLike = async (url, { method, headers }) => {
    const { status = 200, body, json, headers: answered = {} } = script.shift() ?? { status: 400 };
    const sent = ["last-event-id", "if-none-match", "prefer"].flatMap((name) => headers[name] ?? []);
    calls.push([method, url, ...sent].join(" "));
    const text = json === undefined ? "" : JSON.stringify(json);
    return { status, headers: new Headers(answered), text: async () => text, body };
  };
  const after = (ms: number, run: () => void): (() => void) => {
    let isCancelled = false;
    const fire = (): void => {
      if (!isCancelled) run();
    };
    if (ms === 45_000) silence = fire;
    else if (ms < 30_000) {
      pauses.push(ms);
      queueMicrotask(fire);
    }
    return () => {
      isCancelled = true;
    };
  };
  const clock = { now: () => 0, after };
  const client = new OperationsClient({ baseUrl: "https://ops.example", fetch, clock, random: () => 1 });
  return { client, calls, pauses, beSilent: () => silence() };
}

async function percentsOf(states: AsyncIterable<OperationState>): Promise<unknown[]> {
  const percents: unknown[] = [];
  for await (const { metadata } of states) percents.push(metadata["percent"]);
  return percents;
}

const noRoute = {
  error: {
    code: 404,
    message: "No.",
    status: "NOT_FOUND",
    details: [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "ROUTE_NOT_FOUND" }],
  },
};

describe("OperationsClient.watch", () => {
  it("yields the states of the stream, and resumes after the last one and the server's pause", async () => {
    const { client, calls, pauses } = aClient([
      {
        body: streamOf([
          "retry: 1234\n\n",
          event("1", 0),
          ":\n\n",
          event("2", 20).slice(0, 30),
          event("2", 20).slice(30),
        ]),
      },
      { body: streamOf([event("3", 50), event("4", 100, true)]) },
    ]);

    expect(await percentsOf(client.watch(NAME))).toEqual([0, 20, 50, 100]);
    expect(calls).toEqual([`GET https://ops.example/v1/${NAME}:watch`, `GET https://ops.example/v1/${NAME}:watch 2`]);
    expect(pauses).toEqual([1_234]);
  });

  it("takes up a stream again that is silent for three comments' time", async () => {
    const { client, calls, beSilent } = aClient([
      { body: streamOf([event("1", 0)], true) },
      { body: streamOf([event("2", 100, true)]) },
    ]);
    const states = client.watch(NAME);
    await states.next();
    const next = states.next();
    setTimeout(beSilent, 5);

    expect((await next).value).toMatchObject({ done: true });
    expect(calls).toHaveLength(2);
  });

  it("throws NOT_FOUND when the operation is deleted", async () => {
    const { client } = aClient([{ body: streamOf([event("1", 0), 'event: gone\ndata: {"name":"x"}\n\n']) }]);
    const states = client.watch(NAME);
    await states.next();
    const error: unknown = await states.next().catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(CallError);
    expect(error).toMatchObject({ code: "NOT_FOUND" });
  });

  it.each<[string, Scripted[]]>([
    ["the platform reads no streams", [{}]],
    ["the service has none", [{ status: 404, json: noRoute }]],
    ["something on the way holds them back", [{ body: streamOf([]) }, { body: streamOf([]) }]],
  ])("waits for changes where %s", async (_, streams) => {
    const held = { "preference-applied": "wait=30" };
    const { client, calls } = aClient([
      ...streams,
      { json: resource(0), headers: { etag: '"1"' } },
      { status: 304, headers: { etag: '"1"', ...held } },
      { json: resource(100, true), headers: { etag: '"2"', ...held } },
    ]);

    expect(await percentsOf(client.watch(NAME))).toEqual([0, 100]);
    expect(calls.slice(streams.length)).toEqual([
      `GET https://ops.example/v1/${NAME}`,
      `GET https://ops.example/v1/${NAME} "1" wait=30`,
      `GET https://ops.example/v1/${NAME} "1" wait=30`,
    ]);
  });

  it("polls a service that holds no call, as often as its Retry-After says", async () => {
    const { client, pauses } = aClient([
      {},
      { json: resource(0), headers: { etag: '"1"', "retry-after": "3" } },
      { status: 304, headers: { etag: '"1"', "retry-after": "4" } },
      { json: resource(100, true), headers: { etag: '"2"' } },
    ]);

    expect(await percentsOf(client.watch(NAME))).toEqual([0, 100]);
    expect(pauses).toEqual([4_000]);
  });

  it("ends with the signal's reason", async () => {
    const abort = new AbortController();
    const { client } = aClient([{ body: streamOf([event("1", 0)], true) }]);
    const states = client.watch(NAME, { signal: abort.signal });
    await states.next();
    setTimeout(() => abort.abort(new Error("the page was left")), 5);

    await expect(states.next()).rejects.toThrow("the page was left");
  });

  it("closes the stream when its reader leaves the loop", async () => {
    let isCancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode(event("1", 0))),
      cancel: () => {
        isCancelled = true;
      },
    });
    const { client } = aClient([{ body }]);
    for await (const state of client.watch(NAME)) {
      expect(state.done).toBe(false);
      break;
    }

    expect(isCancelled).toBe(true);
  });
});
