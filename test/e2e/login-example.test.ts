// examples/login: a session cookie names the caller, without hono and behind it. docs/access.md shows its code.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { RequestInit } from "miniflare";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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
