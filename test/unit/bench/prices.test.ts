// The price of a lifecycle, from the counts that test/workers/cost.test.ts holds the service to.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  BUDGETED,
  BY_DEFAULT,
  billOf,
  dollarsPerMillion,
  lifecycleBill,
  waiterAndPoller,
  watcherOfAnHour,
} from "../../bench/prices";

test("the bill counts alarms as requests, twenty messages as one, and three operations for a queue message", () => {
  const operation = { requests: 2, messages: 20, alarms: 1, rowsRead: 1_000, rowsWritten: 3 };
  const bill = billOf({ operation, queueMessages: 1, kvWrites: 1 });

  expect(bill).toMatchObject({ objectRequests: 4, rowsWritten: 3, queueOperations: 3, kvWrites: 1 });
  // 4 × 0.15 + 1,000 × 0.001 + 3 × 1 + 3 × 0.40 + 5, and 23 events of 10 ms in 128 MB at 12.50 for a million GB-s.
  expect(dollarsPerMillion(bill)).toBeCloseTo(10.8 + 23 * 0.01 * 0.128 * 12.5, 6);
});

test.each([
  { dispatch: "queue", snapshots: false, dollars: 22 },
  { dispatch: "queue", snapshots: true, dollars: 27 },
  { dispatch: "direct", snapshots: false, dollars: 16 },
] as const)(
  "a million lifecycles by $dispatch dispatch cost at most $dollars dollars, with snapshots: $snapshots",
  ({ dollars, ...kind }) => {
    expect(dollarsPerMillion(lifecycleBill({ ...BUDGETED, ...kind }))).toBeLessThanOrEqual(dollars);
  },
);

test("a wait of any length costs less than two polls", () => {
  const { waiter, poller } = waiterAndPoller();

  expect(waiter).toBeLessThan((2 * poller) / 10);
});

test("a watch of an hour costs less than two polls, and docs/performance.md has its price", () => {
  const { poller } = waiterAndPoller();
  const watcher = watcherOfAnHour();

  expect(watcher).toBeLessThan((2 * poller) / 10);
  expect(readFileSync("docs/performance.md", "utf8")).toContain(
    `a watcher, for each hour in which nothing happens | ${watcher.toFixed(2)} more |`,
  );
});

test("every line of the log is an event, and storage grows with the retention", () => {
  const usage = { ...BUDGETED, dispatch: "queue" as const, snapshots: false };
  const dollars = (change: Partial<typeof usage>): number =>
    dollarsPerMillion(lifecycleBill({ ...usage, ...change })) - dollarsPerMillion(lifecycleBill(usage));

  // Three transitions; the expiry, the start, five polls, a wait and a tenth of a page.
  expect(dollars({ log: "off" })).toBeCloseTo(-3 * 0.6, 6);
  expect(dollars({ log: "all" })).toBeCloseTo(8.1 * 0.6, 6);
  // 20 KB at $0.20 a gigabyte and month.
  expect(dollars({ retentionDays: 30 })).toBeCloseTo((23 / 30) * 4, 6);
});

test("docs/performance.md and README.md have the price of a default deployment", () => {
  const dollars = dollarsPerMillion(lifecycleBill({ ...BY_DEFAULT, dispatch: "queue", snapshots: true }));

  expect(readFileSync("docs/performance.md", "utf8")).toContain(`requests logged | ${dollars.toFixed(2)} |`);
  expect(readFileSync("README.md", "utf8")).toContain(`about $${Math.round(dollars)} a million`);
});
