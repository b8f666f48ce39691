// node test/bench/fan-out.ts [--pages 1000] [--kills 0]: a site of examples/approvals against as many plain starts, on
// `wrangler dev`. With --kills it kills the server at random moments of sites, and counts pages that are lost or doubled.
import { parseArgs } from "node:util";
import { DevServer } from "../e2e/dev-server.ts";

const { values } = parseArgs({
  options: { pages: { type: "string", default: "1000" }, kills: { type: "string", default: "0" } },
});
const EXAMPLE = "examples/approvals";
const PAGE_MS = 100;
/** Requests of the client that are under way at the same time. */
const CONCURRENCY = 25;

interface Operation {
  name: string;
  done: boolean;
  response?: { done: number; failed: number };
  error?: unknown;
}

async function post<T>(server: DevServer, path: string, body: object): Promise<T> {
  const response = await fetch(`${server.url}/v1/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

async function waitFor(server: DevServer, { name }: Operation): Promise<Operation> {
  for (;;) {
    const operation = await post<Operation>(server, `${name}:wait`, { timeout: "60s" });
    if (operation.done) return operation;
  }
}

async function atOnce<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const next = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await act(item);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, next));
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await act();
  return Math.round(performance.now() - start);
}

const urlsOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `https://example.com/${i}`);

const startSite = (server: DevServer, urls: readonly string[], parent = "projects/p"): Promise<Operation> =>
  post<Operation>(server, `${parent}/sites:render`, { urls, ms: PAGE_MS });

/** The names of an operation's pages. */
async function pagesOf(server: DevServer, { name }: Operation): Promise<string[]> {
  const [parent = ""] = name.split("/operations/");
  const names: string[] = [];
  let pageToken = "";
  do {
    const query = new URLSearchParams({ filter: `parentOperation="${name}"`, pageSize: "1000", pageToken });
    const response = await fetch(`${server.url}/v1/${parent}/operations?${query.toString()}`);
    const page = (await response.json()) as { operations?: Operation[]; nextPageToken?: string };
    names.push(...(page.operations ?? []).map((operation) => operation.name));
    pageToken = page.nextPageToken ?? "";
  } while (pageToken !== "");
  return names;
}

async function compare(server: DevServer, count: number): Promise<void> {
  const urls = urlsOf(count);
  await waitFor(server, await startSite(server, urls.slice(0, 10), "projects/warm"));
  const started: Operation[] = [];
  const plainMs = await timed(async () => {
    await atOnce(urls, async (url) => {
      started.push(await post<Operation>(server, "projects/plain/pages:render", { url, ms: PAGE_MS }));
    });
    await atOnce(started, async (operation) => void (await waitFor(server, operation)));
  });
  let end: Operation | undefined;
  const siteMs = await timed(async () => (end = await waitFor(server, await startSite(server, urls, "projects/site"))));
  console.log({ count, plainMs, siteMs, ratio: Number((siteMs / plainMs).toFixed(2)), response: end?.response });
}

/** Kills the server at random moments of a site. */
async function kill(first: DevServer, rounds: number): Promise<DevServer> {
  let server = first;
  const urls = urlsOf(30);
  for (let round = 0; round < rounds; round += 1) {
    const operation = await startSite(server, urls, `projects/kill-${round}`);
    const afterMs = Math.round(Math.random() * 1_500);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await server.kill();
    server = await DevServer.start({ directory: EXAMPLE, state: server.state });
    const ms = await timed(async () => {
      const { response, error } = await waitFor(server, operation);
      const pages = await pagesOf(server, operation);
      const isRight = response?.done === urls.length && new Set(pages).size === urls.length;
      console.log({ round, afterMs, isRight, pages: pages.length, response, error });
      if (!isRight) process.exitCode = 1;
    });
    console.log({ round, doneAfterMs: ms });
  }
  return server;
}

let server = await DevServer.start({ directory: EXAMPLE });
if (Number(values.pages) > 0) await compare(server, Number(values.pages));
server = await kill(server, Number(values.kills));
await server.dispose();
