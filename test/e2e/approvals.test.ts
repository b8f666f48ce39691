// examples/approvals: a Worker whose work waits for people, type-checked and run. Its source is what docs/waiting.md shows.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiError, type Operation, call, json, postOperation } from "./client";
import { DevServer } from "./dev-server";
import { eventually } from "../support/eventually";
import { WebhookReceiver } from "./webhook-receiver";

const ROOT = resolve(import.meta.dirname, "../..");
const EXAMPLE = "examples/approvals";
const RESPONSE = "type.googleapis.com/example.approvals.v1.RequestRefundResponse";

interface Suspension {
  name: string;
  state: string;
  prompt: string;
}

const SIGNING_KEY = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
/** Work that is lost with its machine is missed soon. */
const VARS = { LEASE_SECONDS: "5", RESEND_SECONDS: "1", WEBHOOK_SIGNING_KEYS: SIGNING_KEY };
const OPTIONS = { directory: EXAMPLE, vars: VARS };
let server: DevServer;

beforeAll(async () => {
  server = await DevServer.start(OPTIONS);
});
afterAll(async () => {
  await server?.dispose();
});

async function suspended(fields: Record<string, unknown> = {}): Promise<Operation> {
  const request = { amountCents: 1_200, reason: "Arrived broken", ...fields };
  const operation = await postOperation(`${server.url}/v1/projects/p/refunds:request`, request);
  await eventually(async () => (await suspensionsOf(operation)).length === 1, { timeoutMs: 20_000 });
  return operation;
}

async function suspensionsOf({ name }: Operation): Promise<Suspension[]> {
  return (await call<{ suspensions: Suspension[] }>(`${server.url}/v1/${name}/suspensions`)).body.suspensions;
}

function resolveWith({ name }: Operation, payload: unknown) {
  return call<Suspension & { error: ApiError }>(
    `${server.url}/v1/${name}/suspensions/approval:resolve`,
    json({ payload }),
  );
}

async function waitFor({ name }: Operation): Promise<Operation> {
  return postOperation(`${server.url}/v1/${name}:wait`, { timeout: "60s" });
}

test("the example compiles under its own settings", async () => {
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, "-p", EXAMPLE], { cwd: ROOT });

  expect(stdout).toBe("");
});

test.each([
  ["waiting.md", "request-refund.ts", 2],
  ["fan-out.md", "render-site.ts", 1],
])("docs/%s shows the code of %s", (page, file, count) => {
  const source = readFileSync(join(ROOT, EXAMPLE, "src", file), "utf8");
  const document = readFileSync(join(ROOT, "docs", page), "utf8");
  const blocks = Array.from(document.matchAll(/^```ts\n(.*?)^```$/gms), ([, block = ""]) => block);

  expect(blocks.filter((block) => source.includes(block)).length).toBe(count);
});

describe("refunds:request", () => {
  test("asks for an approval, and is in the inbox", async () => {
    const operation = await suspended();
    const [suspension] = await suspensionsOf(operation);

    expect(suspension).toMatchObject({ state: "PENDING", prompt: "Refund 1200 cents: Arrived broken" });
    await eventually(
      async () => {
        const inbox = await call<{ operations?: Operation[] }>(
          `${server.url}/v1/projects/p/operations?filter=metadata.suspensions:*`,
        );
        return inbox.body.operations?.some(({ name }) => name === operation.name);
      },
      { timeoutMs: 20_000 },
    );
  });

  test("tells another system that it waits for an approval", async () => {
    const receiver = await WebhookReceiver.start(SIGNING_KEY);
    const { name } = await suspended({ operationOptions: { webhookConfig: { uris: [receiver.uri] } } });
    const event = await eventually(() => receiver.events[0], { timeoutMs: 20_000 });
    receiver.close();

    expect(event).toMatchObject({ type: "operation.suspended", operation: { name, done: false } });
  });

  test("refunds once it is approved", async () => {
    const operation = await suspended();
    const refused = await resolveWith(operation, { approved: "yes" });
    const { status, body } = await resolveWith(operation, { approved: true, note: "Sorry." });

    expect(refused.status).toBe(400);
    expect([status, body.state]).toEqual([200, "RESOLVED"]);
    expect((await waitFor(operation)).response).toEqual({ "@type": RESPONSE, refunded: true, note: "Sorry." });
  });

  test("does not refund if it is not approved", async () => {
    const operation = await suspended();
    await resolveWith(operation, { approved: false, note: "Too late." });

    expect((await waitFor(operation)).response).toEqual({ "@type": RESPONSE, refunded: false, note: "Too late." });
  });

  test("ends with DEADLINE_EXCEEDED if it is not answered in time", async () => {
    const operation = await suspended({ approvalTimeout: "1s" });
    const { error } = await waitFor(operation);

    expect(error).toMatchObject({ code: 4 });
  });

  test.each([{ amountCents: 0 }, { amountCents: 1.5 }, { approvalTimeout: "-1s" }])("rejects %j", async (fields) => {
    const request = { amountCents: 1_200, reason: "Arrived broken", ...fields };
    const { status } = await call(`${server.url}/v1/projects/p/refunds:request`, json(request));

    expect(status).toBe(400);
  });

  test("keeps an answer when everything is killed right after its 200", async () => {
    const operation = await suspended();
    const { status } = await resolveWith(operation, { approved: true });
    await server.kill();
    server = await DevServer.start({ ...OPTIONS, state: server.state });

    expect(status).toBe(200);
    expect((await waitFor(operation)).response).toEqual({ "@type": RESPONSE, refunded: true });
  });
});

test("an agent finds the refund among its tools, and is answered with the one that waits", async () => {
  const mcp = async (method: string, params: object) =>
    (
      await call<{ result: Record<string, unknown> }>(
        `${server.url}/mcp`,
        json({ jsonrpc: "2.0", id: 1, method, params }),
      )
    ).body.result;
  const { tools } = (await mcp("tools/list", {})) as { tools: { name: string }[] };
  const refund = { parent: "projects/p", amountCents: 1_200, reason: "Arrived broken" };
  const { structuredContent } = await mcp("tools/call", { name: "refunds.request", arguments: refund });

  expect(tools.map(({ name }) => name)).toContain("refunds.request");
  expect(structuredContent).toMatchObject({ done: false });
});

describe("sites:render", () => {
  const urls = Array.from({ length: 20 }, (_, i) => `https://example.com/${i}`);
  const SITE = "type.googleapis.com/example.approvals.v1.RenderSiteResponse";

  const render = (fields: Record<string, unknown> = {}): Promise<Operation> =>
    postOperation(`${server.url}/v1/projects/p/sites:render`, { urls, ...fields });

  async function pagesOf({ name }: Operation): Promise<Operation[]> {
    const filter = encodeURIComponent(`parentOperation="${name}"`);
    const path = `/v1/projects/p/operations?pageSize=1000&filter=${filter}`;
    return (await call<{ operations?: Operation[] }>(server.url + path)).body.operations ?? [];
  }

  test("renders each page by a child, and counts them", async () => {
    const operation = await render({ failing: [3, 7] });

    expect((await waitFor(operation)).response).toEqual({ "@type": SITE, done: 18, failed: 2 });
    expect(await pagesOf(operation)).toHaveLength(20);
  });

  test("continues when enough pages are rendered", async () => {
    const operation = await render({ ms: 100, atLeast: 1 });
    const { done = 0, failed = 0 } = (await waitFor(operation)).response as { done?: number; failed?: number };

    expect(done + failed).toBeGreaterThan(0);
    await eventually(async () => (await pagesOf(operation)).every((page) => page.done), { timeoutMs: 60_000 });
  });

  test.each([{ urls: [] }, { atLeast: 21 }, { ms: -1 }, { urls: [""] }])("rejects %j", async (fields) => {
    const { status } = await call(`${server.url}/v1/projects/p/sites:render`, json({ urls, ...fields }));

    expect(status).toBe(400);
  });

  test("loses and doubles no page if everything is killed while pages are rendered", async () => {
    const operation = await render({ ms: 300 });
    await eventually(async () => (await pagesOf(operation)).length > 0, { timeoutMs: 20_000 });
    await server.kill();
    server = await DevServer.start({ ...OPTIONS, state: server.state });

    // A machine that is busy with other tests takes longer than one wait.
    await eventually(async () => (await waitFor(operation)).done, { timeoutMs: 150_000 });

    expect((await waitFor(operation)).response).toEqual({ "@type": SITE, done: 20, failed: 0 });
    expect(new Set((await pagesOf(operation)).map(({ name }) => name)).size).toBe(20);
  }, 180_000);
});
