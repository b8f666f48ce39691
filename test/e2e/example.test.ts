// examples/reports: a Worker that imports the library as a dependency, type-checked and run. Its source is what
// docs/methods.md shows.
import { execFile } from "node:child_process";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sendMessage } from "../../examples/reports/src/send-message";
import { type ApiError, type Operation, call, json, postOperation } from "./client";
import { DevServer } from "./dev-server";
import { eventually } from "../support/eventually";

const ROOT = resolve(import.meta.dirname, "../..");
const OPTIONS = { directory: "examples/reports", vars: { LINK_SECRET: "local", LEASE_SECONDS: "3" } };

let server: DevServer;

beforeAll(async () => {
  server = await DevServer.start(OPTIONS);
});

afterAll(async () => {
  await server?.dispose();
});

async function waitFor({ name }: Operation): Promise<Operation> {
  return postOperation(`${server.url}/v1/${name}:wait`, { timeout: "60s" });
}

async function violatedFields(path: string, init: RequestInit): Promise<unknown> {
  const { status, body } = await call<{ error: ApiError }>(`${server.url}${path}`, init);
  expect(status).toBe(400);
  const badRequest = body.error.details.find((detail) => detail["@type"].endsWith("BadRequest"));
  return (badRequest?.["fieldViolations"] as { field: string }[] | undefined)?.map(({ field }) => field);
}

test("the example compiles under its own settings", async () => {
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, "-p", "examples/reports"], { cwd: ROOT });

  expect(stdout).toBe("");
});

describe("messages:deliver", () => {
  /** The receiver of the messages, outside of the killed processes: its requests and answers. */
  class Ledger {
    readonly deliveries: string[] = [];
    readonly #server: Server;
    /** Unanswered requests by path. */
    readonly held = new Set<string>();

    constructor() {
      this.#server = createServer((request, answer) => {
        this.deliveries.push(request.url ?? "");
        if (this.held.has(request.url ?? "")) return;
        answer.writeHead(request.url === "/refused" ? 403 : 200).end();
      });
    }

    async urls(...paths: string[]): Promise<string[]> {
      if (!this.#server.listening)
        await new Promise<void>((listening) => this.#server.listen(0, "127.0.0.1", listening));
      const { port } = this.#server.address() as AddressInfo;
      return paths.map((path) => `http://127.0.0.1:${port}${path}`);
    }

    close(): void {
      this.#server.closeAllConnections();
      this.#server.close();
    }
  }

  const DELIVER = "/v1/projects/p/messages:deliver";
  let ledger: Ledger;

  beforeAll(() => {
    ledger = new Ledger();
  });
  afterAll(() => ledger.close());

  test("ends without repeating the first two of four steps after a kill in the third", async () => {
    ledger.held.add("/3");
    const urls = await ledger.urls("/1", "/2", "/3", "/4");
    const started = await postOperation(`${server.url}${DELIVER}`, { text: "Hello.", urls });
    await eventually(() => ledger.deliveries.includes("/3"), { timeoutMs: 20_000 });
    await server.kill();
    ledger.held.clear();
    server = await DevServer.start({ ...OPTIONS, state: server.state });
    const { done, response } = await waitFor(started);

    expect(done).toBe(true);
    expect(response).toMatchObject({ value: { statuses: [200, 200, 200, 200], attempts: 2 } });
    expect(ledger.deliveries).toEqual(["/1", "/2", "/3", "/3", "/4"]);
  });

  test("is called as docs/clients.md shows", async () => {
    const urls = await ledger.urls("/client");
    const refused = await sendMessage(server.url, []).catch((thrown: unknown) => thrown);

    expect(await sendMessage(server.url, urls)).toEqual([200]);
    expect(refused).toMatchObject({ name: "CallError", fieldViolations: [{ field: "urls" }] });
  });

  test("ends with the Status that the handler throws", async () => {
    const [url] = await ledger.urls("/refused");
    const { error } = await waitFor(await postOperation(`${server.url}${DELIVER}`, { text: "Hello.", urls: [url] }));

    expect(error).toEqual({ code: 9, message: `${url} refused the message: 403.` });
  });

  test("rejects the violations of its zod schema, field by field", async () => {
    const body = { text: "", urls: ["here"], colour: "red" };

    expect(await violatedFields(DELIVER, json(body))).toEqual(["text", "urls[0]", "colour"]);
  });
});

describe("reports:generate", () => {
  test("returns a link, valid for a day, to a file that is too large for an operation", async () => {
    const started = await postOperation(`${server.url}/v1/projects/p/reports:generate`, { rowCount: 300_000 });
    const { metadata, response } = await waitFor(started);
    const file = await fetch(`${server.url}${String(response?.["uri"])}`);
    const text = await file.text();
    const forged = await fetch(
      `${server.url}${String(response?.["uri"]).replace(/expireTime=\d{4}/, "expireTime=9999")}`,
    );

    expect(started.metadata).toMatchObject({ rowsDone: 0, rowCount: 300_000 });
    expect(metadata).toEqual({
      "@type": "type.googleapis.com/example.reports.v1.GenerateReportMetadata",
      rowsDone: 300_000,
      rowCount: 300_000,
    });
    expect(response).toMatchObject({
      "@type": "type.googleapis.com/example.reports.v1.GenerateReportResponse",
      rowCount: 300_000,
    });
    expect(file.status).toBe(200);
    expect(text.length).toBe(300_000 * 24);
    expect(text.slice(-24)).toBe("0000299999,xxxxxxxxxxxx\n");
    expect(forged.status).toBe(403);
  });

  test("rejects the violations of its declared message", async () => {
    const init = json({ rowCount: "many", colour: "red" });

    expect(await violatedFields("/v1/projects/p/reports:generate", init)).toEqual(["colour", "rowCount"]);
  });
});

describe("tables:split", () => {
  const csv = (text: string) => ({ method: "POST", headers: { "Content-Type": "text/csv" }, body: text });

  test("reads its raw body line by line", async () => {
    const lines = Array.from({ length: 2_500 }, (_, index) => `${index},ä`).join("\n");
    const started = await call<Operation>(`${server.url}/v1/projects/p/tables:split?prefix=p-`, csv(lines));

    expect((await waitFor(started.body)).response).toMatchObject({ value: { lineCount: 2_500, objects: 3 } });
  });

  test("rejects the errors of its decoder", async () => {
    expect(await violatedFields("/v1/projects/p/tables:split?prefix=a/b", csv("1"))).toEqual(["prefix"]);
  });
});

describe("reminders", () => {
  const REMINDERS = "/v1/projects/p/reminders";

  test("reads one field from the body, and the others from path and query", async () => {
    const reminder = { text: "Tea.", labels: { room: "kitchen" } };
    const started = await postOperation(`${server.url}${REMINDERS}?seconds=1`, reminder);
    const { response } = await waitFor(started);

    expect(started.metadata.value).toMatchObject({ verb: "create", target: "projects/p/reminders" });
    expect(response).toEqual({ "@type": "type.googleapis.com/example.reports.v1.Reminder", ...reminder });
  });

  test.each([
    ["?seconds=100000", { text: "Tea." }, ["seconds"]],
    ["?seconds=soon", { text: "Tea." }, ["seconds"]],
    ["?minutes=5", { text: "Tea." }, ["minutes"]],
    ["", { words: "Tea." }, ["reminder.words", "reminder.text"]],
  ])("rejects %s with %j", async (query, body, fields) => {
    expect(await violatedFields(`${REMINDERS}${query}`, json(body))).toEqual(fields);
  });
});
