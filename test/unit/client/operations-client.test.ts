// The client of edge-operations/client, over a scripted service: what it sends, and what it makes of answers.
import { describe, expect, it, vi } from "vitest";
import { CallError, type ClientOptions, OperationError, OperationsClient } from "../../../src/client";
import { type ScriptedAnswer, type ServiceByFetch, aServiceByFetch } from "../../support/a-service-by-fetch";

const NAME = "projects/p/operations/7f";
const STRUCT = "type.googleapis.com/google.protobuf.Struct";
const DELIVER = { http: { post: "/v1/{parent=projects/*}/messages:deliver", body: "*" } };

function anOperation(fields: Record<string, unknown> = {}): ScriptedAnswer {
  return { json: { name: NAME, metadata: { "@type": STRUCT, value: { progressPercent: 0 } }, done: false, ...fields } };
}

const RUNNING = anOperation();
const DONE = anOperation({ done: true, response: { "@type": STRUCT, value: { statuses: [200] } } });

function anError(
  status: number,
  code: string,
  more: Partial<ScriptedAnswer> & { details?: object[] } = {},
): ScriptedAnswer {
  const { details = [], ...answer } = more;
  return { status, json: { error: { code: status, message: "No.", status: code, details } }, ...answer };
}

function aClient(
  script: (ScriptedAnswer | Error | "never")[],
  options: Partial<ClientOptions> = {},
): ServiceByFetch & { client: OperationsClient } {
  const service = aServiceByFetch(...script);
  const { fetch, clock } = service;
  const client = new OperationsClient({ baseUrl: "https://ops.example/", fetch, clock, random: () => 0.5, ...options });
  return { ...service, client };
}

async function errorOf(promise: Promise<unknown>): Promise<CallError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CallError);
  return error as CallError;
}

describe("MethodClient.start", () => {
  it("sends path, body, requestId and token, and returns the operation", async () => {
    const { client, calls } = aClient([RUNNING], { token: async () => "t1", headers: { "x-tenant": "a" } });
    const request = { parent: "projects/p", text: "Hello.", at: new Date(0), cc: undefined };
    const operation = await client.method(DELIVER).start(request as never, { requestId: "order-1" });

    expect(calls).toEqual([
      {
        call: "POST /v1/projects/p/messages:deliver?requestId=order-1",
        headers: {
          accept: "application/json",
          authorization: "Bearer t1",
          "content-type": "application/json",
          "x-tenant": "a",
        },
        body: { text: "Hello.", at: "1970-01-01T00:00:00.000Z" },
      },
    ]);
    expect(operation.name).toBe(NAME);
    expect(operation.latest).toMatchObject({ done: false, metadata: { progressPercent: 0 } });
  });

  it("repeats a start whose answer was lost with the same requestId", async () => {
    const { client, calls } = aClient([new Error("connection reset"), anError(503, "UNAVAILABLE"), RUNNING]);
    const operation = await client.method(DELIVER).start({ parent: "projects/p" });
    const [id, ...others] = calls.map(({ call }) => new URLSearchParams(call.split("?")[1]).get("requestId"));

    expect(operation.name).toBe(NAME);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(others).toEqual([id, id]);
  });

  it("uses another requestId for each start", async () => {
    const { client, calls } = aClient([RUNNING, RUNNING]);
    await client.method(DELIVER).start({ parent: "projects/p" });
    await client.method(DELIVER).start({ parent: "projects/p" });

    expect(calls[0]?.call).not.toBe(calls[1]?.call);
  });

  it("sends one field in the body and the others in the query if the binding says so", async () => {
    const { client, calls } = aClient([RUNNING]);
    const rule = { http: { post: "/v1/{parent=projects/*}/reminders", body: "reminder" } };
    const request = {
      parent: "projects/p",
      reminder: { text: "x" },
      seconds: 5,
      tags: ["a", "b&c"],
      by: { name: "d" },
    };
    await client.method(rule).start(request, { requestId: "r" });

    expect(calls[0]).toMatchObject({
      call: "POST /v1/projects/p/reminders?seconds=5&tags=a&tags=b%26c&by.name=d&requestId=r",
      body: { text: "x" },
    });
  });

  it("omits from the query a message's field that is in the path", async () => {
    const { client, calls } = aClient([RUNNING]);
    const rule = { http: { post: "/v1/{table.table_name=tables/*}:count" } };
    await client.method(rule).start({ table: { tableName: "tables/a b", size: 3 } }, { requestId: "r" });

    expect(calls[0]?.call).toBe("POST /v1/tables/a%20b:count?table.size=3&requestId=r");
  });

  it("sends a raw body with the method's media type and the fields in the query, and retries it if it can", async () => {
    const { client, calls } = aClient([anError(503, "UNAVAILABLE"), RUNNING, anError(503, "UNAVAILABLE")]);
    const split = client.method({
      http: { post: "/v1/{parent=projects/*}/tables:split" },
      input: { contentTypes: ["text/csv"] },
    });
    const request = { parent: "projects/p", prefix: "x" };
    await split.start(request, { requestId: "r", body: "a,b\n1,2\n" });
    const { code } = await errorOf(split.start(request, { body: new Blob(["a"]).stream() }));

    expect(calls.map(({ call }) => call.split("?")[0])).toEqual(
      Array.from({ length: 3 }, () => "POST /v1/projects/p/tables:split"),
    );
    expect(calls[1]).toMatchObject({
      call: "POST /v1/projects/p/tables:split?prefix=x&requestId=r",
      headers: { "content-type": "text/csv" },
      body: "a,b\n1,2\n",
    });
    expect(code).toBe("UNAVAILABLE");
  });

  it("calls a function that gives the raw body once for each try", async () => {
    const { client, calls } = aClient([anError(503, "UNAVAILABLE"), RUNNING]);
    const body = vi.fn<() => ReadableStream>(() => new Blob(["a"]).stream());
    await client.method({ http: { post: "/v1/tables:split" } }).start({}, { body });

    expect(body).toHaveBeenCalledTimes(2);
    expect(calls[0]?.body).not.toBe(calls[1]?.body);
  });

  it.each([
    [{ parent: "folders/f" }, 'the request\'s parent is "folders/f"; the path of the method takes "projects/*"'],
    [{ parent: "projects/p/q" }, 'the request\'s parent is "projects/p/q"; the path of the method takes "projects/*"'],
    [{ parent: "projects/" }, 'the request\'s parent is "projects/"; the path of the method takes "projects/*"'],
    [{}, 'the request\'s parent is undefined; the path of the method takes "projects/*"'],
    [[], "a request is an object of its fields, not []"],
  ])("rejects %j before any call", async (request, message) => {
    const { client, calls } = aClient([]);

    await expect(client.method(DELIVER).start(request as never)).rejects.toThrow(new TypeError(message));
    expect(calls).toEqual([]);
  });

  it("throws the service's error with its code, reason and violations, and does not retry it", async () => {
    const details = [
      {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        reason: "BAD_TEXT",
        domain: "d",
        metadata: { field: "text" },
      },
      {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        fieldViolations: [{ field: "text", description: "empty" }],
      },
    ];
    const { client, calls } = aClient([anError(400, "INVALID_ARGUMENT", { details })]);
    const error = await errorOf(client.method(DELIVER).start({ parent: "projects/p" }));

    expect(error).toMatchObject({
      name: "CallError",
      message: "No.",
      code: "INVALID_ARGUMENT",
      reason: "BAD_TEXT",
      metadata: { field: "text" },
      httpStatus: 400,
      fieldViolations: [{ field: "text", description: "empty" }],
    });
    expect(calls).toHaveLength(1);
  });
});

describe("MethodClient.validate", () => {
  it("checks a request without a requestId", async () => {
    const { client, calls } = aClient([{ json: { done: true } }]);
    await client.method(DELIVER).validate({ parent: "projects/p", text: "x" });

    expect(calls).toMatchObject([
      { call: "POST /v1/projects/p/messages:deliver?validateOnly=true", body: { text: "x" } },
    ]);
  });
});

describe("retries", () => {
  it("wait for the time in Retry-After, and for a part of the backoff after it", async () => {
    const { client, waited } = aClient([
      anError(503, "UNAVAILABLE", { headers: { "retry-after": "7" } }),
      anError(503, "UNAVAILABLE"),
      anError(429, "RESOURCE_EXHAUSTED", { headers: { "retry-after": "Thu, 01 Jan 2026 00:00:17 GMT" } }),
      RUNNING,
    ]);
    await client.operation(NAME).get();

    // The date is 9.25 s ahead by then.
    expect(waited).toEqual([7_000 + 250, 500, 9_250 + 1_000]);
  });

  it.each([
    ["a quota that says no time", anError(429, "RESOURCE_EXHAUSTED")],
    ["an error of the service", anError(500, "INTERNAL")],
    ["a longer Retry-After than the longest pause", anError(503, "UNAVAILABLE", { headers: { "retry-after": "31" } })],
  ])("do not follow %s", async (_, answer) => {
    const { client, calls } = aClient([answer]);
    await errorOf(client.operation(NAME).get());

    expect(calls).toHaveLength(1);
  });

  it("end after the last attempt with its error", async () => {
    const { client, calls, waited } = aClient(
      [1, 2, 3].map((n) => anError(503, "UNAVAILABLE", { text: `try ${n}` })),
      {
        retry: { maxAttempts: 3, initialDelayMs: 100 },
      },
    );
    const error = await errorOf(client.operation(NAME).get());

    expect(error.message).toBe("The server answered 503 with application/json, which is not an answer of the service.");
    expect(calls).toHaveLength(3);
    expect(waited).toEqual([50, 100]);
  });

  it("follow a call that was not answered in time", async () => {
    const { client, waited } = aClient(["never", "never"], { retry: { maxAttempts: 2 }, callTimeoutMs: 5_000 });
    const error = await errorOf(client.operation(NAME).get());

    expect(error).toMatchObject({ code: "UNAVAILABLE", reason: "CALL_TIMEOUT", httpStatus: undefined });
    expect(waited).toEqual([5_000, 250, 5_000]);
  });

  it("ask for a token each time", async () => {
    let count = 0;
    const { client, calls } = aClient([anError(503, "UNAVAILABLE"), RUNNING], { token: () => `t${(count += 1)}` });
    await client.operation(NAME).get();

    expect(calls.map(({ headers }) => headers["authorization"])).toEqual(["Bearer t1", "Bearer t2"]);
  });
});

describe("AbortSignal", () => {
  it.each<[string, (ScriptedAnswer | "never")[]]>([
    ["a call", ["never"]],
    ["a pause between tries", [anError(503, "UNAVAILABLE", { headers: { "retry-after": "30" } })]],
  ])("ends %s with its reason", async (_, script) => {
    const abort = new AbortController();
    const { client, clock, waited } = aClient(script);
    const got = client.operation(NAME).get({ signal: abort.signal });
    clock.after(10, () => abort.abort(new Error("the page was left")));

    await expect(got).rejects.toThrow("the page was left");
    expect(waited).toEqual([10]);
  });

  it("prevents the call if it is aborted already", async () => {
    const { client, calls } = aClient([]);

    await expect(client.operation(NAME).get({ signal: AbortSignal.abort(new Error("too late")) })).rejects.toThrow(
      "too late",
    );
    expect(calls).toEqual([]);
  });
});

describe("OperationHandle.result", () => {
  it("waits for the end, and returns the response without its Any", async () => {
    const { client, calls, waited } = aClient([{ ...RUNNING, afterMs: 30_000 }, { ...RUNNING, afterMs: 29_900 }, DONE]);
    const response = await client.operation(NAME).result();

    expect(response).toEqual({ statuses: [200] });
    expect(calls).toMatchObject(
      Array.from({ length: 3 }, () => ({ call: `POST /v1/${NAME}:wait`, body: { timeout: "30s" } })),
    );
    // The second answer came early.
    expect(waited).toEqual([100]);
  });

  it("returns the fields of a declared type", async () => {
    const response = { "@type": "type.googleapis.com/example.v1.Reminder", text: "x" };
    const { client } = aClient([anOperation({ done: true, response })]);

    expect(await client.operation(NAME).result()).toEqual({ text: "x" });
  });

  it("throws the operation's error", async () => {
    const details = [{ "@type": "type.googleapis.com/google.rpc.Help", links: [] }];
    const error = { code: 9, message: "refused", details };
    const { client } = aClient([anOperation({ done: true, error })]);
    const thrown = await client
      .operation(NAME)
      .result()
      .catch((caught: unknown) => caught);

    expect(thrown).toBeInstanceOf(OperationError);
    expect(thrown).toMatchObject({ code: "FAILED_PRECONDITION", message: "refused", operation: NAME, details });
  });

  it("makes no call if the start's answer was done", async () => {
    const { client, calls } = aClient([DONE]);

    expect(await client.method(DELIVER).run({ parent: "projects/p" })).toEqual({ statuses: [200] });
    expect(calls).toHaveLength(1);
  });

  it("calls onProgress with each change of the metadata, every two seconds at most", async () => {
    const at = (progressPercent: number, more = {}): ScriptedAnswer =>
      anOperation({ metadata: { "@type": STRUCT, value: { progressPercent } }, ...more });
    const { client, calls } = aClient([
      at(0),
      { ...at(40), afterMs: 2_000 },
      { ...at(40), afterMs: 2_000 },
      at(100, { done: true, response: { "@type": STRUCT, value: {} } }),
    ]);
    const seen: unknown[] = [];
    await client.method(DELIVER).run({ parent: "projects/p" }, { onProgress: (metadata) => seen.push(metadata) });

    expect(seen).toEqual([{ progressPercent: 0 }, { progressPercent: 40 }, { progressPercent: 100 }]);
    expect(calls.slice(1)).toMatchObject(Array.from({ length: 3 }, () => ({ body: { timeout: "2s" } })));
  });
});

describe("OperationHandle", () => {
  it("gets, cancels and deletes", async () => {
    const { client, calls } = aClient([DONE, { json: {} }, { json: {} }]);
    const operation = client.operation(NAME);
    const state = await operation.get();
    await operation.cancel();
    await operation.delete();

    expect(state).toMatchObject({ name: NAME, done: true, response: { statuses: [200] }, resource: DONE.json });
    expect(calls.map(({ call }) => call)).toEqual([`GET /v1/${NAME}`, `POST /v1/${NAME}:cancel`, `DELETE /v1/${NAME}`]);
  });

  it("answers a suspension", async () => {
    const { client, calls } = aClient([{ json: {} }]);
    await client.operation(NAME).resolve("approval", { approved: true });

    expect(calls).toMatchObject([
      { call: `POST /v1/${NAME}/suspensions/approval:resolve`, body: { payload: { approved: true } } },
    ]);
  });

  it("treats NOT_FOUND as success if an earlier try of the deletion had no answer", async () => {
    const { client } = aClient([new Error("reset"), anError(404, "NOT_FOUND"), anError(404, "NOT_FOUND")]);
    await client.operation(NAME).delete();

    expect((await errorOf(client.operation(NAME).delete())).code).toBe("NOT_FOUND");
  });

  it.each(["7f", "projects/p", "operations/", "operations/a/b", ""])("rejects the name %j", (name) => {
    const { client } = aClient([]);

    expect(() => client.operation(name)).toThrow(/an operation's name ends with operations\/\{id\}/);
  });
});

describe("OperationsClient.list", () => {
  it("reads all pages, short and empty ones too", async () => {
    const { client, calls } = aClient([
      { json: { operations: [RUNNING.json], nextPageToken: "t/1" } },
      { json: { nextPageToken: "t2" } },
      { json: { operations: [DONE.json], nextPageToken: "" } },
    ]);
    const done: boolean[] = [];
    for await (const operation of client.list("projects/p", { filter: 'verb="deliver"', pageSize: 1 }))
      done.push(operation.done);

    expect(done).toEqual([false, true]);
    expect(calls.map(({ call }) => call)).toEqual([
      "GET /v1/projects/p/operations?filter=verb%3D%22deliver%22&pageSize=1",
      "GET /v1/projects/p/operations?filter=verb%3D%22deliver%22&pageSize=1&pageToken=t%2F1",
      "GET /v1/projects/p/operations?filter=verb%3D%22deliver%22&pageSize=1&pageToken=t2",
    ]);
  });

  it("requests a page only when the caller reads it", async () => {
    const { client, calls } = aClient([{ json: { operations: [RUNNING.json], nextPageToken: "t" } }]);
    for await (const operation of client.list("")) {
      expect(operation.name).toBe(NAME);
      break;
    }

    expect(calls.map(({ call }) => call)).toEqual(["GET /v1/operations"]);
  });
});

describe("OperationsClient.call", () => {
  it("calls any method by its path, and tries again as every call does", async () => {
    const { client, calls } = aClient([
      { status: 503, json: { error: { code: 503, status: "UNAVAILABLE", message: "Later." } } },
      { json: { summary: "It runs." } },
    ]);
    const path = `/v1/${NAME}:explain`;

    expect(await client.call("GET", path, { query: [["fields", "summary"]] })).toEqual({ summary: "It runs." });
    expect(calls.map(({ call }) => call)).toEqual([`GET ${path}?fields=summary`, `GET ${path}?fields=summary`]);
  });
});

describe("OperationsClient", () => {
  it.each(["", "https://ops.example", "https://ops.example/api/", "/api"])(
    "accepts the base URL %j",
    async (baseUrl) => {
      const { client, calls } = aClient([RUNNING], { baseUrl });
      await client.operation(NAME).get();

      expect(calls[0]?.call).toMatch(new RegExp(`^GET (?:/api)?/v1/${NAME}$`));
    },
  );

  it.each([undefined, "ops.example", "https://ops.example?x=1", "ftp://ops.example"])(
    "rejects the base URL %j",
    (baseUrl) => {
      expect(() => new OperationsClient({ baseUrl: baseUrl as string })).toThrow(
        /baseUrl is the address of a deployment/,
      );
    },
  );

  it("reports that a proxy answered in place of the service", async () => {
    const { client } = aClient([{ text: "<html>", headers: { "content-type": "text/html" } }]);
    const error = await errorOf(client.operation(NAME).get());

    expect(error).toMatchObject({
      code: "UNKNOWN",
      message: "The server answered 200 with text/html, which is not an answer of the service.",
    });
  });
});
