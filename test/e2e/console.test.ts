// The console in Chromium, against a real `wrangler dev` that serves its files beside the Worker (docs/console.md).
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually";
import { chromiumPath, launchChromium } from "./browser";
import { type Operation, call, json, listAll, postOperation } from "./client";
import { DevServer } from "./dev-server";
import { taskByBrowser } from "./operator-by-browser";
import { operatorTask } from "./operator-task";
import { WebhookReceiver } from "./webhook-receiver";

const SIGNING_KEY = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const chromium = chromiumPath();

const declare = chromium === undefined ? nothingTried : theConsole;
declare(chromium ?? "");

function nothingTried(): void {
  test("the console is not tried, because there is no Chromium: apt-get install chromium", () => {
    expect(process.env["REQUIRE_CHROMIUM"]).toBeUndefined();
  });
}

function theConsole(executablePath: string): void {
  let server: DevServer;
  let browser: Browser;
  let page: Page;
  /** Errors and rejected loads of the browser. */
  const complaints: string[] = [];

  beforeAll(async () => {
    [server, browser] = await Promise.all([
      DevServer.start({
        main: "test/e2e/console-worker.ts",
        assets: "dist/console",
        vars: { WEBHOOK_SIGNING_KEYS: SIGNING_KEY },
      }),
      launchChromium(executablePath),
    ]);
    page = await browser.newPage({ viewport: { width: 1_280, height: 860 } });
    page.setDefaultTimeout(20_000);
    page.on("pageerror", ({ message }) => complaints.push(message));
    page.on("request", (request) => {
      if (!request.url().startsWith(server.url)) complaints.push(request.url());
    });
    page.on("console", (message) => {
      if (message.text().includes("Content Security Policy")) complaints.push(message.text());
    });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.dispose();
  });

  const start = (path: string, body: unknown): Promise<Operation> => postOperation(`${server.url}/v1/${path}`, body);
  const get = async (name: string): Promise<Operation> => (await call<Operation>(`${server.url}/v1/${name}`)).body;
  const fail = (name: string, error: object) =>
    call(`${server.url}/v1/${name}?updateMask=error`, { ...json({ error }), method: "PATCH" });
  const open = (hash: string): Promise<unknown> => page.goto(`${server.url}/#/${hash}`);
  const rows = () => page.locator("table.operations tbody tr");
  const button = (name: string | RegExp) => page.getByRole("button", { name });
  const dialog = () => page.getByRole("dialog");

  async function runInShell(command: string): Promise<unknown> {
    const { stdout } = await promisify(execFile)("bash", ["-c", command.replace("curl", "curl -s")]);
    return JSON.parse(stdout);
  }

  /** The rules of axe that the page breaks, with the elements. */
  async function violations(rules: string): Promise<string[]> {
    await page.evaluate(axe.source);
    const found = (await page.evaluate(`axe.run(${rules})`)) as axe.AxeResults;
    return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  }

  test("shows an operation fail while the list is open, and why, in one click", async () => {
    await open("projects/live/operations");
    await page.getByText("There are no operations directly under").waitFor();
    const { name } = await start("projects/live/operations", { operation: {} });
    await rows().first().getByText("Running elsewhere").waitFor();
    await fail(name, { code: 9, message: "the disk is full" });
    await rows().first().getByText("FAILED_PRECONDITION: the disk is full").waitFor();

    await rows().first().click();
    await page.getByText(/It failed at .* with FAILED_PRECONDITION: the disk is full/).waitFor();

    expect(page.url()).toContain(name);
    expect(await page.locator(".timeline").innerText()).toContain("FAILED_PRECONDITION: the disk is full");
  });

  test("cancels an operation after a question, and shows that it ended", async () => {
    const { name } = await start("echo:wait", { ttl: "3600s" });
    await open(name);
    await button("Cancel").click();
    await dialog().getByText("Its work is asked to stop").waitFor();
    await button("Back").click();
    const before = await get(name);
    await button("Cancel").click();
    await button("Cancel the operation").click();
    await page.getByRole("status").getByText("Cancelled").waitFor();

    expect(before.done).toBe(false);
    expect((await get(name)).error?.code).toBe(1);
  });

  test("answers what an operation waits for, by a form of its schema", async () => {
    const { name } = await start("projects/console/refunds:request", { reason: "broken" });
    await open("projects/console/operations?filter=metadata.suspensions%3A*");
    await rows().first().getByText("Refund: broken").waitFor();
    await rows().first().click();
    await page.getByLabel("Yes").check();
    await button("Answer …").click();
    await dialog().getByText('"approved": true').waitFor();
    await button("Send the answer").click();
    await page.getByRole("status").getByText("Succeeded").waitFor();
    // The timeline is of `:explain`, which is read behind the state.
    await page.locator(".timeline").getByText('Answered "approval"').waitFor();

    expect((await get(name)).response?.["value"]).toEqual({ refunded: true });
  });

  test("retries a failed operation as a new one, and deletes the failed one", async () => {
    const failed = await start("projects/retries/reports:build", { title: "x", failure: "no paper" });
    await open(failed.name);
    await button("Retry").click();
    await dialog().getByRole("button", { name: "Retry" }).click();
    await eventually(() => !page.url().includes(failed.name));
    await page.getByText("Retry of", { exact: true }).waitFor();
    await open(failed.name);
    await button("Delete").click();
    await button("Delete it").click();
    await page.getByText("It was deleted while you looked at it.").waitFor();

    const left = await call<{ operations: Operation[] }>(`${server.url}/v1/projects/retries/operations`);
    expect(left.body.operations.map(({ name }) => name)).not.toContain(failed.name);
    expect(left.body.operations).toHaveLength(1);
  });

  test("shows the children of an operation as a tree, with their errors, and the way back", async () => {
    const { name } = await start("projects/tree/volumes:build", { titles: ["good", "bad"] });
    await eventually(
      async () => (await listAll(`${server.url}/v1/projects/tree/operations`)).filter(({ done }) => done).length === 3,
      { timeoutMs: 20_000 },
    );
    await open(name);
    const tree = page.locator(".tree").first();
    await tree.getByText("no ink").waitFor();
    const nodes = tree.locator("summary");
    const states = await nodes.locator(".state").allInnerTexts();
    await nodes.first().click();
    await tree.getByText("It has no children.").waitFor();
    await nodes.filter({ hasText: "no ink" }).getByRole("link").click();
    await page.getByText(/It failed .* UNAVAILABLE: no ink/).waitFor();
    const child = page.url();
    await page.getByRole("link", { name: /^child of/ }).click();
    await tree.waitFor();

    expect(states.map((state) => state.trim()).sort()).toEqual(["Failed", "Succeeded"]);
    expect(child).not.toContain(name);
    expect(page.url().endsWith(name)).toBe(true);
  });

  test("shows how the events of an operation reached its webhook", async () => {
    const receiver = await WebhookReceiver.start(SIGNING_KEY);
    try {
      const operationOptions = { webhookConfig: { uris: [receiver.uri] } };
      const { name } = await start("echo:wait", { ttl: "0s", success: { content: "told" }, operationOptions });
      const explain = `${server.url}/v1/${name}:explain`;
      const isDelivered = async () =>
        (await call<{ webhookDeliveries?: { state: string }[] }>(explain)).body.webhookDeliveries?.[0]?.state ===
        "DELIVERED";
      await eventually(isDelivered, { timeoutMs: 20_000 });
      await open(name);
      const delivery = page.locator(".delivery");
      await delivery.first().waitFor();

      expect(await delivery.count()).toBe(1);
      expect(await delivery.innerText()).toContain("DELIVERED");
      expect(receiver.events.map(({ operation }) => operation.name)).toEqual([name]);
    } finally {
      receiver.close();
    }
  });

  test("completes a filter, and shows the place of its error", async () => {
    await start("projects/filters/reports:build", { title: "x" });
    await open("projects/filters/operations");
    const filter = page.getByRole("combobox", { name: "Filter" });
    await filter.pressSequentially("stat");
    await filter.press("ArrowDown");
    await filter.press("Enter");
    await filter.pressSequentially("= SUCC");
    await filter.press("ArrowDown");
    await filter.press("Enter");
    await filter.press("Enter");
    await eventually(async () => (await filter.inputValue()) === "state = SUCCEEDED");
    const applied = page.url();
    await rows().first().getByText("Succeeded").waitFor();
    await filter.fill("Done = true");
    await filter.press("Enter");
    const marked = await page.locator(".filter-error mark").innerText();

    expect(applied).toContain("filter=state+%3D+SUCCEEDED");
    expect(marked).toBe("Done");
    expect(await page.locator(".filter-error p").innerText()).toMatch(/^Expected done/);
  });

  describe("a list of 10,000 operations", () => {
    const parent = "projects/full";
    const list = `${parent}/operations`;
    const filterTo = (filter: string) => `${list}?filter=${encodeURIComponent(filter)}`;
    const pager = () => page.locator(".pager").getByRole("status");

    beforeAll(async () => {
      const filling = { parent, count: 10_000, newest: 50, oldest: 3 };
      expect((await fetch(`${server.url}/fill`, { ...json(filling), method: "POST" })).status).toBe(204);
    });

    test("changes while it is looked at", async () => {
      const { name } = await start(list, { operation: {} });
      await open(list);
      await rows().first().getByText("Running elsewhere").waitFor();
      await fail(name, { code: 14, message: "no power" });
      await rows().first().getByText("UNAVAILABLE: no power").waitFor();

      expect(await rows().count()).toBe(50);
    });

    test("is gone through page by page with no more rows in the document than on one page", async () => {
      await open(list);
      await pager().getByText("Page 1 · 50 operations, and more").waitFor();
      const first = await page.evaluate<number>("document.querySelectorAll('*').length");
      const begin = performance.now();
      for (let number = 2; number <= 10; number += 1) {
        await button("Older →").click();
        await pager().getByText(`Page ${number} · 50 operations, and more`).waitFor();
      }
      const secondsOfPage = (performance.now() - begin) / 9_000;
      const tenth = await page.evaluate<number>("document.querySelectorAll('*').length");
      await rows().first().click();
      await page.goBack();
      await pager().getByText("Page 10 · 50 operations, and more").waitFor();
      await button("Newest").click();
      await pager().getByText("Page 1 · 50 operations, and more").waitFor();

      expect(await rows().count()).toBe(50);
      expect(tenth).toBeLessThan(first + 20);
      expect(secondsOfPage).toBeLessThan(2);
    });

    test("is searched to its end for what a filter matches, without an empty page", async () => {
      await open(filterTo("error.code = 8"));
      await pager().getByText("3 operations", { exact: true }).waitFor();

      expect(await rows().first().innerText()).toContain("quota, 9997");
      expect(await button("Older →").isDisabled()).toBe(true);
    });

    test("offers nothing older than a full page where nothing older matches", async () => {
      await open(filterTo("error.code = 9"));
      await pager().getByText("50 operations", { exact: true }).waitFor();
      const withMore = await button("Older →").isDisabled();
      await open(filterTo("error.code = 9 OR error.code = 8"));
      await pager().getByText("Page 1 · 50 operations, and more").waitFor();
      await button("Older →").click();
      await pager().getByText("Page 2 · 3 operations, the last page").waitFor();

      expect(withMore).toBe(true);
      expect(await rows().last().innerText()).toContain("quota, 9999");
    });
  });

  test("shows the texts of a hostile operation as texts, and runs none of them", async () => {
    const attack = `<img src=x onerror="globalThis.attacked=1"><script>globalThis.attacked=1</script>javascript:attacked=1`;
    const value = {
      statusMessage: attack,
      verb: attack,
      target: attack,
      [attack]: attack,
      parentOperation: "javascript:0",
    };
    const metadata = { "@type": "type.googleapis.com/google.protobuf.Struct", value };
    const { name } = await start("projects/hostile/operations", { operation: { metadata } });
    await open("projects/hostile/operations");
    await rows().first().getByText(attack).first().waitFor();
    const error = { code: 3, message: attack, details: [{ ...metadata, value: { attack } }] };
    const failed = await fail(name, error);
    await rows().first().getByText(`INVALID_ARGUMENT: ${attack}`).waitFor();
    await rows().first().click();
    await page.locator(".why").getByText(attack).waitFor();
    await page.getByText("As JSON").click();
    await page.locator("pre").first().waitFor();

    expect(failed.status).toBe(200);
    expect(await page.evaluate("globalThis.attacked")).toBeUndefined();
    expect(await page.locator("main img, main script, a[href^='javascript']").count()).toBe(0);
  });

  test("starts an operation by a form, and shows the same call for a shell", async () => {
    await open("projects/starts/operations");
    await page.getByRole("link", { name: "Start …" }).click();
    await page.getByRole("link", { name: "reports:build" }).click();
    await page.getByLabel("title").fill("it's");
    await page.getByLabel("pages").fill("2");
    await button("Only check it").click();
    await page.getByText("The request is valid. Nothing was started.").waitFor();
    const curl = await page.getByLabel("curl", { exact: true }).innerText();
    await page.getByLabel("pages").fill("99999999999");
    await button("Start").click();
    await page.getByText("It was not started.").waitFor();
    await page.getByLabel("pages").fill("2");
    await button("Start").click();
    await page.getByRole("status").getByText("Succeeded").waitFor();
    const shown = await page.getByLabel("the response", { exact: true }).innerText();
    const started = page.url();
    await open("projects/starts/operations");
    await button("Started in this tab").click();
    // The rows of the list before go, and those of the filter come.
    const own = (): Promise<(string | null)[]> =>
      rows()
        .locator("a")
        .evaluateAll((links) => links.map((link) => link.getAttribute("href")));
    await expect.poll(own, { timeout: 10_000 }).toEqual([new URL(started).hash]);
    const byShell = await runInShell(curl);

    // The parent is that of the list.
    expect(started).toContain("#/projects/starts/operations/");
    expect(JSON.parse(shown)).toMatchObject({ value: { title: "it's", pages: 2 } });
    expect(byShell).toMatchObject({ done: false, metadata: { value: { verb: "build" } } });
  });

  test("uploads a file as a raw body", async () => {
    await open(`start?method=${encodeURIComponent("/v1/projects/{project}/locations/{location}/tables:profile")}`);
    await page.getByLabel("project").fill("p");
    await page.getByLabel("location").fill("l");
    const csv = { name: "a.csv", mimeType: "text/csv", buffer: Buffer.from("id,city\n1,Bern\n2,Ulm\n") };
    await page.getByLabel("File required").setInputFiles(csv);
    await button("Start").click();
    await page.getByRole("status").getByText("Succeeded").waitFor();

    expect(await page.getByLabel("the response", { exact: true }).innerText()).toContain('"city"');
  });

  test("retries all that a filter matches, after it has counted them", async () => {
    const parent = "projects/bulk";
    const fails = { title: "x", pages: 1, failure: "no paper" };
    await Promise.all([fails, fails, fails].map((body) => start(`${parent}/reports:build`, body)));
    await start(`${parent}/reports:build`, { title: "x" });
    await open(`${parent}/operations?filter=${encodeURIComponent('state = FAILED AND method = "reports:build"')}`);
    await page.getByText("3 operations", { exact: true }).waitFor();
    await button("Retry …").click();
    await button("Retry 3 operations").click();
    await dialog().getByText("3 operations retried.").waitFor();
    await button("Close").click();

    const all = await call<{ operations: Operation[] }>(
      `${server.url}/v1/${parent}/operations?filter=method%3Areports`,
    );
    expect(all.body.operations).toHaveLength(7);
  });

  test("lets an operator find what failed of one method, see why, and retry exactly that", async () => {
    const size = { url: server.url, parent: "projects/shop", operations: 20, failed: 2 };
    const { effort } = await operatorTask(size, (task) => taskByBrowser(task, browser));

    expect(effort).toEqual({ clicks: 6, filters: 3 });
  });

  test("leads from the first page to the reason why an operation is stuck in three clicks", async () => {
    const first = await start("projects/stuck/reports:print", {});
    await eventually(async () => (await get(first.name)).metadata.value?.["startTime"] !== undefined);
    const second = await start("projects/stuck/reports:print", {});
    await page.goto(server.url);
    await page.getByRole("link", { name: "projects/-", exact: true }).click();
    await button("Waiting for a slot").click();
    await rows().first().getByText("projects/stuck").waitFor();
    await rows().first().click();
    await page.getByText("waits for a slot: 1 of 1").waitFor();
    const shown = page.url();
    await page.getByRole("status").getByText("Waiting for a slot").waitFor();
    await page.getByRole("link", { name: "Show the unfinished operations of reports:print" }).click();
    await rows().nth(1).getByText("Running.", { exact: true }).waitFor();

    expect(shown).toContain(second.name);
    expect(await rows().count()).toBe(2);
  });

  test("is worked by the keyboard alone", async () => {
    await Promise.all([1, 2].map(() => start("projects/keys/operations", { operation: {} })));
    await open("projects/keys/operations");
    await rows().nth(1).waitFor();
    const second = await rows().nth(1).locator("a").getAttribute("href");
    await page.keyboard.press("?");
    await dialog().getByText("Next, previous row").waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.locator(".why").waitFor();
    const opened = page.url();
    await page.keyboard.press("u");
    await rows().nth(1).waitFor();
    await page.keyboard.press("/");

    expect(opened.endsWith(second ?? "none")).toBe(true);
    expect(await page.evaluate("document.activeElement.getAttribute('role')")).toBe("combobox");
  });

  test("fits a phone", async () => {
    await page.setViewportSize({ width: 360, height: 640 });
    await open("projects/hostile/operations");
    await rows().first().waitFor();
    const list = await page.evaluate<number>("document.documentElement.scrollWidth");
    await rows().first().click();
    await page.locator(".why").waitFor();
    const operation = await page.evaluate<number>("document.documentElement.scrollWidth");
    await page.setViewportSize({ width: 1_280, height: 860 });

    expect({ list, operation }).toEqual({ list: 360, operation: 360 });
  });

  test.each([
    ["light", "every rule", ""],
    ["dark", "the rules on colours", '{ runOnly: ["color-contrast", "link-in-text-block"] }'],
  ] as const)("passes, in %s colours, %s of axe", async (colorScheme, _, rules) => {
    await page.emulateMedia({ colorScheme });
    const { name } = await start("projects/axe/refunds:request", { reason: "broken" });
    await open("projects/axe/operations");
    await rows().first().getByText("Refund: broken").waitFor();
    const list = await violations(rules);
    await open(name);
    await page.getByLabel("Yes").waitFor();
    await page.getByText("Policy").click();
    const operation = await violations(rules);
    await button("Cancel").click();
    const question = await violations(rules);
    await page.keyboard.press("Escape");
    await open(`start?method=${encodeURIComponent("/v1/projects/{project}/reports:build")}`);
    await page.getByLabel("title").waitFor();
    const form = await violations(rules);

    expect({ list, operation, question, form }).toEqual({ list: [], operation: [], question: [], form: [] });
  });

  test("asks nothing of any other host, and breaks no rule of its Content-Security-Policy", () => {
    expect(complaints).toEqual([]);
  });
}
