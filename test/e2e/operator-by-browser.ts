// The operator's task (operator-task.ts) in the console: Chromium, clicked and typed in as the operator does.
import { strict as assert } from "node:assert";
import type { Browser, Locator, Page, Response } from "playwright-core";
import { eventually } from "../support/eventually.ts";
import type { Operation } from "./client.ts";
import type { Task } from "./operator-task.ts";

const FAILED = 'state = FAILED AND method = "tables:load"';
const WAIT_MS = 60_000;

export async function taskByBrowser(task: Task, browser: Browser): Promise<{ clicks: number; filters: number }> {
  const page = await browser.newPage({ viewport: { width: 1_280, height: 860 } });
  page.setDefaultTimeout(WAIT_MS);
  const errors: string[] = [];
  page.on("pageerror", ({ message }) => errors.push(message));
  const effort = await putRight(page, task);
  await page.close();
  assert.deepEqual(errors, []);
  return effort;
}

async function putRight(
  page: Page,
  { url, parent, failed, endCause }: Task,
): Promise<{ clicks: number; filters: number }> {
  let clicks = 0;
  let filters = 0;
  const click = async (target: Locator): Promise<void> => {
    clicks += 1;
    await target.click();
  };
  const button = (name: string) => page.getByRole("button", { name, exact: true });
  const dialog = page.getByRole("dialog");
  const setFilter = async (filter: string): Promise<void> => {
    filters += 1;
    const box = page.getByRole("combobox", { name: "Filter" });
    await box.fill(filter);
    await box.press("Enter");
  };
  /** All that a filter matches, seen page by page. */
  const seenOf = async (filter: string): Promise<string[]> => {
    const names: string[] = [];
    const older = button("Older →");
    let act = () => setFilter(filter);
    for (let isFirst = true; ; isFirst = false) {
      const answered = page.waitForResponse((response) => isPage(response, { parent, filter, isFirst }));
      await act();
      const { operations = [] } = (await (await answered).json()) as { operations?: Operation[] };
      const expected = operations.map(({ name }) => name);
      names.push(...(await eventually(() => shown(page, expected), { timeoutMs: WAIT_MS, intervalMs: 20 })));
      if (await older.isDisabled()) return names;
      act = () => click(older);
    }
  };

  await page.goto(url);
  await click(page.getByRole("link", { name: parent, exact: true }));
  const found = await seenOf(FAILED);
  assert.equal(new Set(found).size, failed);

  await click(page.locator(".row-link").first());
  await page.locator(".why").getByText("The table orders is locked.").waitFor();
  await endCause();

  clicks += 1;
  await page.goBack();
  await click(button("Retry …"));
  await click(dialog.getByRole("button", { name: `Retry ${failed} operations`, exact: true }));
  await dialog.getByText(`${failed} operations retried.`).waitFor();
  await click(dialog.getByRole("button", { name: "Close", exact: true }));

  // The list is live: it is empty when the last of them is done.
  await setFilter("metadata.retryOf:* AND done = false");
  await page.getByText("No operation matches this filter.").waitFor();
  const succeeded = await seenOf("metadata.retryOf:* AND state = SUCCEEDED");
  assert.equal(new Set(succeeded).size, failed);
  return { clicks, filters };
}

/** Whether it answers the question for the first page of the list, or for one behind it. */
function isPage(response: Response, { parent, filter, isFirst }: { parent: string; filter: string; isFirst: boolean }) {
  const { pathname, searchParams } = new URL(response.url());
  return (
    pathname === `/v1/${parent}/operations` &&
    searchParams.get("filter") === filter &&
    (searchParams.get("pageToken") === null) === isFirst &&
    response.ok()
  );
}

/** The names in the rows, once the page begins with these and has been read whole. */
async function shown(page: Page, expected: readonly string[]): Promise<string[] | undefined> {
  const links = await page
    .locator(".row-link")
    .evaluateAll((rows) => rows.map((row) => row.getAttribute("href") ?? ""));
  const status = await page.locator(".pager").getByRole("status").allInnerTexts();
  const names = links.map((href) => decodeURIComponent(href.replace("#/", "")));
  const isWhole = status.length === 1 && !status[0]!.includes("so far");
  return isWhole && names.slice(0, expected.length).join() === expected.join() ? names : undefined;
}
