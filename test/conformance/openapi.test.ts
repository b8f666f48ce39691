// A client made of /openapi.json by a published generator, as docs/clients.md has it: it compiles, and it calls.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import openapiTS, { astToString } from "openapi-typescript";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, "../..");
const url = inject("url");
let folder = "";

beforeAll(async () => {
  // Where the client's library is found from.
  const cache = join(import.meta.dirname, "node_modules/.cache");
  await mkdir(cache, { recursive: true });
  folder = await mkdtemp(join(cache, "openapi-"));
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as Parameters<typeof openapiTS>[0];
  await writeFile(join(folder, "service.d.ts"), astToString(await openapiTS(document)));
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Compiles a module beside the generated types, as strict as can be, and gives what it exports. */
async function compiled<T>(name: string, source: string): Promise<T> {
  await writeFile(join(folder, `${name}.ts`), source);
  const options = ["--strict", "--target", "es2024", "--module", "esnext", "--moduleResolution", "bundler"];
  const compile = [join(ROOT, "node_modules/typescript/bin/tsc"), ...options, "--ignoreConfig", `${name}.ts`];
  try {
    await run(process.execPath, compile, { cwd: folder });
  } catch (error) {
    throw new Error((error as { stdout: string }).stdout, { cause: error });
  }
  return (await import(/* @vite-ignore */ pathToFileURL(join(folder, `${name}.js`)).href)) as T;
}

/** The first block of TypeScript in docs/clients.md, which calls this server. */
async function documentedClient(): Promise<string> {
  const document = await readFile(join(ROOT, "docs/clients.md"), "utf8");
  const block = /^```ts\n(import createClient.*?)^```$/ms.exec(document)?.[1];
  if (block === undefined) throw new Error("docs/clients.md shows no client of openapi-fetch");
  return block.replace("http://localhost:8787", url);
}

describe("a client made of the OpenAPI document", { timeout: 120_000 }, () => {
  test("compiles and starts an operation as docs/clients.md shows it", async () => {
    const { data } = await compiled<{ data: { name: string; done: boolean; metadata: object } }>(
      "documented",
      `${await documentedClient()}\nexport { data };\n`,
    );

    expect(data.name).toMatch(/^operations\//);
    expect(data).toMatchObject({ done: false, metadata: { endTime: expect.any(String) as string } });
  });

  test("has the types of the operations, of IAM and of the deployment's own methods", async () => {
    const { played } = await compiled<{ played: unknown }>("typed", TYPED.replace("$URL", url));

    expect(played).toEqual({
      content: "hello",
      columnCount: 2,
      listed: true,
      permissions: ["longrunning.operations.get"],
      etag: true,
      missing: "NOT_FOUND",
    });
  });

  test("does not compile with an unknown field", async () => {
    const wrong = `
      import createClient from "openapi-fetch";
      import type { paths } from "./service";
      const client = createClient<paths>({ baseUrl: "${url}" });
      await client.POST("/v1/echo:wait", { body: { ttl: 5 } });
      await client.GET("/v1/echo:wait");
      const { data } = await client.POST("/v1/echo:wait", { body: {} });
      const content: number | undefined = data?.response?.content;
    `;

    const errors = await compiled("wrong", wrong).then(
      () => "",
      (error: Error) => error.message,
    );

    expect(Array.from(errors.matchAll(/^wrong\.ts\((\d+),/gm), ([, line]) => line)).toEqual(["5", "6", "8"]);
  });
});

const TYPED = `
import createClient from "openapi-fetch";
import type { components, paths } from "./service";

const client = createClient<paths>({ baseUrl: "$URL" });
const at = { project: "generated", location: "here" };

function found<T>({ data, error }: { data?: T | undefined; error?: components["schemas"]["Error"] }): T {
  if (error) throw new Error(error.error.message);
  return data!;
}

const started = found(await client.POST("/v1/echo:wait", { body: { success: { content: "hello" } } }));
const content: string | undefined = started.response?.content;

const table = found(
  await client.POST("/v1/projects/{project}/locations/{location}/tables:profile", {
    params: { path: at },
    body: "city,population\\nParis,2102650\\n",
    bodySerializer: (body: string) => body,
    headers: { "Content-Type": "text/csv" },
  }),
);
const path = { ...at, operation: (table.name ?? "").split("/").at(-1) ?? "" };
const profiled = found(
  await client.POST("/v1/projects/{project}/locations/{location}/operations/{operation}:wait", {
    params: { path },
    body: { timeout: "20s" },
  }),
);
const page = found(await client.GET("/v1/projects/{project}/locations/{location}/operations", { params: { path: at } }));
const tested = found(
  await client.POST("/v1/projects/{project}/locations/{location}/operations/{operation}:testIamPermissions", {
    params: { path },
    body: { permissions: ["longrunning.operations.get"] },
  }),
);
const policy = found(
  await client.POST("/v1/projects/{project}/locations/{location}/operations/{operation}:getIamPolicy", {
    params: { path },
    body: {},
  }),
);
found(
  await client.DELETE("/v1/projects/{project}/locations/{location}/operations/{operation}", { params: { path } }),
);
const gone = await client.GET("/v1/projects/{project}/locations/{location}/operations/{operation}", {
  params: { path },
});

export const played = {
  content,
  columnCount: (profiled.response?.["value"] as { columnCount: number }).columnCount,
  listed: page.operations?.some(({ name }) => name === table.name),
  permissions: tested.permissions,
  etag: typeof policy.etag === "string",
  missing: gone.error?.error.status,
};
`;
