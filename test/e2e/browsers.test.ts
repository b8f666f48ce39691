// The page of docs/browsers.md in Chromium, as it is printed, and a component with useOperation; also behind a connection that
// is cut.
import { existsSync, readFileSync } from "node:fs";
import { type IncomingMessage, type Server, type ServerResponse, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { type Browser, type Page, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DevServer } from "./dev-server";
import { codeBlocks } from "./session";

const ROOT = resolve(import.meta.dirname, "../..");
const CHROMIUM = "/usr/bin/chromium";

/** A component that shows an operation by its name. */
const COMPONENT = `
import { createElement as h, useState, useEffect } from "react";
import { createRoot } from "react-dom/client";
import { useOperation } from "edge-operations/react";

function Countdown() {
  const [name, setName] = useState();
  useEffect(() => {
    const request = { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"seconds": 5}' };
    fetch("/v1/projects/p/countdowns:run", request).then(async (started) => setName((await started.json()).name));
  }, []);
  const { operation, error } = useOperation(name);
  const text = error ? String(error) : operation?.done ? "Done." : "";
  return h("div", {}, h("progress", { max: 100, value: operation?.metadata.progressPercent ?? 0 }), h("p", {}, text));
}
createRoot(document.body).render(h(Countdown));
`;

let server: DevServer;
let front: Server;
let origin: string;
let browser: Browser;
let pages: Record<string, string>;
/** The last event ids of the watches that the front has passed on for each page. */
const watches = new Map<string, string[]>();
/** Pages whose first watch the front cuts behind its second event. */
const CUT = "/cut";

beforeAll(async () => {
  server = await DevServer.start({ directory: "examples/starter" });
  const page = codeBlocks(readFileSync(join(ROOT, "docs/browsers.md"), "utf8"), "html")[0]!;
  const { outputFiles } = await build({
    stdin: { contents: COMPONENT, resolveDir: ROOT },
    bundle: true,
    format: "esm",
    write: false,
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "error",
    alias: { "edge-operations/react": join(ROOT, "dist/react.js") },
  });
  const script = outputFiles[0]!.text;
  const react = `<!doctype html><body></body><script type="module">${script}</script>`;
  pages = { "/": page, "/react": react, [CUT]: page, [`${CUT}/react`]: react };
  front = createServer(answer);
  await new Promise<void>((listening) => {
    front.listen(0, "127.0.0.1", listening);
  });
  origin = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
  if (existsSync(CHROMIUM)) {
    const args = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"];
    browser = await chromium.launch({ executablePath: CHROMIUM, args });
  }
});

afterAll(async () => {
  await browser?.close();
  front?.closeAllConnections();
  front?.close();
  await server?.dispose();
});

/** The pages, and the service behind them, from one origin. */
function answer(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const path = incoming.url ?? "";
  const page = pages[path];
  if (page !== undefined) {
    outgoing.setHeader("Content-Type", "text/html");
    outgoing.end(page);
    return;
  }
  const { method, headers } = incoming;
  const from = new URL(headers.referer ?? origin).pathname;
  const ofPage = watches.get(from) ?? [];
  const isWatch = path.endsWith(":watch");
  if (isWatch) watches.set(from, [...ofPage, String(headers["last-event-id"] ?? "")]);
  const isCut = isWatch && from.startsWith(CUT) && ofPage.length === 0;
  let events = 0;
  const passedOn = request(
    server.url + path,
    { method, headers: { ...headers, host: new URL(server.url).host } },
    (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.on("data", (chunk: Buffer) => {
        // The page has the events before: Node sends a chunk after the call that writes it.
        if (isCut && events >= 2) return void outgoing.destroy();
        outgoing.write(chunk);
        events += chunk.toString().split("event: operation").length - 1;
      });
      response.on("end", () => outgoing.end());
    },
  );
  passedOn.on("error", () => outgoing.destroy());
  outgoing.on("close", () => passedOn.destroy());
  incoming.pipe(passedOn);
}

const OBSERVE = `
  globalThis.seen = [];
  const look = () => {
    const value = document.querySelector("progress")?.value;
    if (value !== undefined && value !== seen.at(-1)) seen.push(value);
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
`;

/** The values of the page's bar in their order, up to the end of the operation. */
async function valuesOfBar(path: string): Promise<{ values: number[]; page: Page }> {
  const page = await browser.newPage();
  await page.addInitScript(OBSERVE);
  await page.goto(origin + path);
  await page.locator("p", { hasText: "Done." }).waitFor({ timeout: 60_000 });
  const values: number[] = await page.evaluate("seen");
  return { values, page };
}

// A machine without Chromium says so; CI installs it, and sets the variable. Most of the time passes in the countdowns.
describe
  .skipIf(!existsSync(CHROMIUM) && process.env["REQUIRE_CHROMIUM"] === undefined)
  .concurrent("in Chromium", () => {
    test.each(["/", "/react"])("the bar of %s moves at least five times in five seconds", async (path) => {
      const { values, page } = await valuesOfBar(path);
      await page.close();

      expect(values.toSorted((a, b) => a - b)).toEqual(values);
      expect(values.length).toBeGreaterThanOrEqual(6);
      expect(values.at(-1)).toBe(100);
      expect(watches.get(path)).toEqual([""]);
    });

    test.each([CUT, `${CUT}/react`])("the bar of %s moves as often behind a connection that is cut", async (path) => {
      const { values, page } = await valuesOfBar(path);
      await page.close();

      expect(values.toSorted((a, b) => a - b)).toEqual(values);
      expect(values.length).toBeGreaterThanOrEqual(6);
      expect(values.at(-1)).toBe(100);
      expect(watches.get(path)).toEqual(["", expect.stringMatching(/./)]);
    });
  });
