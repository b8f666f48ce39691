// examples/login: a session cookie names the caller, without hono and behind it. docs/access.md shows its code. The console, served
// beside it, has the same cookie.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import type { RequestInit } from "miniflare";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, launchChromium } from "./browser";
import { Workers } from "./workers";

const ROOT = resolve(import.meta.dirname, "../..");
const variables = { SESSION_SECRET: "a test's", ADMINS: "user:ada@example.com" };
const MAINS = { cookie: "worker", hono: "hono" };

let workers: Workers;

beforeAll(async () => {
  workers = await Workers.start(
    Object.entries(MAINS).map(([name, file]) => ({
      name,
      contents: `export { default } from "./examples/login/src/${file}"; export * from "./examples/login/src/${file}";`,
      variables,
    })),
  );
});

afterAll(() => workers?.dispose());

test("docs/access.md shows the code of the example", () => {
  const docs = readFileSync(join(ROOT, "docs/access.md"), "utf8");
  const section = docs.slice(docs.indexOf("## Your own login"), docs.indexOf("## Issuers"));
  const shown = Array.from(section.matchAll(/^```ts\n(.*?)^```$/gms), ([, code = ""]) => code.trim());
  const sources = ["worker", "hono", "export-data"].map((file) =>
    readFileSync(join(ROOT, `examples/login/src/${file}.ts`), "utf8"),
  );

  expect(shown.length).toBeGreaterThan(2);
  for (const code of shown) expect(sources.some((source) => source.includes(code))).toBe(true);
});

describe.each(["cookie", "hono"])("the Worker of %s", (name) => {
  const login = async (user: string, password: string) =>
    workers.fetch(name, "/login", { method: "POST", body: JSON.stringify({ name: user, password }) });

  async function sessionOf(user: string, password: string): Promise<string> {
    const { status, headers } = await login(user, password);
    expect(status).toBe(204);
    const cookie = headers.get("Set-Cookie") ?? "";
    expect(cookie).toMatch(/; HttpOnly; Secure; SameSite=Lax/);
    return cookie.split(";")[0] ?? "";
  }

  async function call(path: string, cookie: string, init: RequestInit = {}) {
    const headers = { Cookie: cookie, "Content-Type": "application/json", ...(init.headers as object) };
    const response = await workers.fetch(name, path, { method: "POST", ...init, headers });
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  }

  const EXPORT = "/v1/projects/p/data:export";

  test("runs a method as the caller that the session names", async () => {
    const ada = await sessionOf("ada", "lovelace");
    const { json } = await call(EXPORT, ada, { body: "{}", headers: { Prefer: "wait=10" } });

    expect(json).toMatchObject({
      done: true,
      response: { value: { caller: "principal://app/user/17", rows: ["a row of principal://app/user/17"] } },
    });
  });

  test("allows bob the starts that the policy grants, and not the operations of ada", async () => {
    const [ada, bob] = [await sessionOf("ada", "lovelace"), await sessionOf("bob", "builder")];
    const refused = await call(EXPORT, bob, { body: "{}" });
    const bindings = [{ role: "roles/longrunning.invoker", members: ["principal://app/user/18"] }];
    const policy = JSON.stringify({ policy: { bindings } });
    const set = await call("/v1/projects/p:setIamPolicy", ada, { body: policy });
    const own = await call(EXPORT, bob, { body: "{}" });
    const adas = await call(EXPORT, ada, { body: "{}" });
    const get = async (operation: unknown) => (await call(`/v1/${String(operation)}`, bob, { method: "GET" })).status;

    expect([refused.status, set.status, own.status]).toEqual([403, 200, 200]);
    expect(await get(own.json["name"])).toBe(200);
    expect(await get(adas.json["name"])).toBe(403);
  });

  test("rejects a wrong password, a forged cookie, a caller without one, and a form", async () => {
    const ada = await sessionOf("ada", "lovelace");

    expect((await login("ada", "wrong")).status).toBe(403);
    expect((await workers.fetch(name, EXPORT, { method: "POST", headers: { Cookie: `${ada}x` } })).status).toBe(401);
    expect((await call(EXPORT, "", { body: "{}" })).status).toBe(401);
    expect((await call(EXPORT, ada, { body: "{}", headers: { "Content-Type": "text/plain" } })).status).toBe(403);
  });
});

const chromium = chromiumPath();
const declareConsole = chromium === undefined ? noConsoleTried : theConsole;
describe("the console beside the Worker", () => {
  declareConsole(chromium ?? "");
});

function noConsoleTried(): void {
  test("is not tried, because there is no Chromium: apt-get install chromium", () => {
    expect(process.env["REQUIRE_CHROMIUM"]).toBeUndefined();
  });
}

function theConsole(executablePath: string): void {
  const TYPES: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };
  let browser: Browser;
  let site: Server;
  let url: string;

  beforeAll(async () => {
    site = createServer((request, response) => void answer(request, response));
    await once(site.listen(0, "127.0.0.1"), "listening");
    // Chromium keeps a Secure cookie of localhost.
    url = `http://localhost:${(site.address() as AddressInfo).port}`;
    browser = await launchChromium(executablePath);
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  /** Does what a deployment does: the console's files, and the Worker for every other path. */
  async function answer(request: IncomingMessage, out: ServerResponse): Promise<unknown> {
    const { method = "GET", url: path = "/" } = request;
    const file = path === "/" ? "/index.html" : path;
    if (/^\/(index\.html|console-)/.test(file)) {
      out.setHeader("Content-Type", TYPES[extname(file)] ?? "image/svg+xml");
      return out.end(readFileSync(join(ROOT, "dist/console", file)));
    }
    const init = { method, headers: request.headers as Record<string, string> };
    const body = method === "POST" ? { body: await buffer(request) } : {};
    const response = await workers.fetch("cookie", path, { ...init, ...body }, url);
    return out.writeHead(response.status, [...response.headers].flat()).end(Buffer.from(await response.arrayBuffer()));
  }

  test("asks for nothing once the site's cookie names the caller, and starts and deletes as that caller", async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(20_000);
    await page.goto(`${url}/#/start?method=${encodeURIComponent("/v1/projects/{project}/data:export")}`);
    await page.getByRole("dialog").getByText("CREDENTIALS_MISSING").waitFor();
    const login = `fetch("/login", { method: "POST", body: '{"name":"ada","password":"lovelace"}' }).then(({ status }) => status)`;
    const status = await page.evaluate<number>(login);
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByLabel("project").fill("console");
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await page.getByRole("status").getByText("Succeeded").waitFor();
    const shown = await page.getByLabel("the response", { exact: true }).innerText();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Delete it" }).click();
    await page.getByText("It was deleted while you looked at it.").waitFor();

    expect(status).toBe(204);
    expect(shown).toContain("a row of principal://app/user/17");
    expect(await page.evaluate("document.cookie")).toBe("");
    expect(await page.getByRole("dialog").count()).toBe(0);
  });
}
