// The deliveries of events: the schedule of tries, and what an operation remembers of them.
import { describe, expect, test } from "vitest";
import { formatTimestampMs } from "../../../src/aip/timestamp";
import type { WebhookFacts } from "../../../src/contract/webhook";
import { MAX_SETTLED_DELIVERIES } from "../../../src/webhook/limits";
import {
  type Delivery,
  afterTry,
  deliveriesOf,
  givenUp,
  isDue,
  reportOf,
  retryDelayMs,
} from "../../../src/webhook/delivery";
import type { JsonObject } from "../../../src/rpc/any";

const NOW = Date.UTC(2026, 10, 21);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const hook = { webhook: "webhooks/a", uri: "https://hooks.shop.com:8443/a?key=secret", secrets: [] };
const other = { ...hook, webhook: "webhooks/b" };
const ended = { number: 1, type: "operation.succeeded", time: NOW };

function factsWith(webhooks: Partial<WebhookFacts["webhooks"]> = {}): WebhookFacts {
  return {
    id: "8f21",
    name: "operations/8f21",
    parent: "",
    webhooks: { count: 1, pending: [ended], ...webhooks },
  };
}

function aDelivery(): Delivery {
  const [delivery] = deliveriesOf(factsWith(), () => [hook], NOW);
  return delivery!;
}

describe("deliveriesOf", () => {
  test("makes one for each webhook of an event, due at once, without the URI's path and query", () => {
    const made = deliveriesOf(factsWith(), () => [hook, other], NOW);

    expect(made.map(({ webhook, state, tries }) => [webhook, state, tries])).toEqual([
      ["webhooks/a", "PENDING", 0],
      ["webhooks/b", "PENDING", 0],
    ]);
    expect(made.every((delivery) => isDue(delivery, NOW))).toBe(true);
    expect(JSON.stringify(made)).not.toContain("secret");
    expect(made[0]!.host).toBe("hooks.shop.com:8443");
  });

  test("keeps the known deliveries, and makes none for a webhook that is newer than the event", () => {
    const known = afterTry(aDelivery(), { isDelivered: false }, NOW, 0);
    const facts = factsWith({ deliveries: [known as unknown as JsonObject] });

    expect(deliveriesOf(facts, () => [hook, other], NOW)).toEqual([known]);
  });
});

describe("afterTry", () => {
  test("delivers with a success, and tries no more", () => {
    const delivered = afterTry(aDelivery(), { isDelivered: true, status: 204 }, NOW, 0.5);

    expect(delivered).toMatchObject({ state: "DELIVERED", tries: 1, httpStatus: 204 });
    expect(delivered.nextTryTime).toBeUndefined();
    expect(isDue(delivered, NOW + DAY_MS)).toBe(false);
  });

  test.each([0, 0.5, 0.999])("makes the second try within 3 s, whatever the chance (%d)", (random) => {
    const failed = afterTry(aDelivery(), { isDelivered: false, status: 500, problem: "the answer 500" }, NOW, random);

    expect(failed).toMatchObject({ state: "PENDING", httpStatus: 500, problem: "the answer 500" });
    expect(isDue(failed, NOW)).toBe(false);
    expect(isDue(failed, NOW + 3_000)).toBe(true);
  });

  test.each([0, 0.999])("tries over exactly 24 h with growing delays, then gives up (%d)", (random) => {
    let delivery = aDelivery();
    let now = NOW;
    const delays: number[] = [];
    while (delivery.state === "PENDING") {
      delivery = afterTry(delivery, { isDelivered: false }, now, random);
      if (delivery.nextTryTime !== undefined) delays.push(Date.parse(delivery.nextTryTime) - now);
      now = Date.parse(delivery.nextTryTime ?? new Date(now).toISOString());
    }

    expect(now - NOW).toBe(DAY_MS);
    expect(delivery).toMatchObject({ state: "FAILED", tries: delays.length + 1 });
    expect(delivery.tries).toBeGreaterThan(9);
    expect(delivery.tries).toBeLessThan(16);
    expect(delays.slice(0, 6)).toEqual(delays.slice(0, 6).toSorted((a, b) => a - b));
    expect(Math.max(...delays)).toBeLessThanOrEqual(4 * HOUR_MS);
  });

  test("stops its tries when the webhook is deleted", () => {
    expect(afterTry(aDelivery(), { isDelivered: false, status: 410, isFinal: true }, NOW, 0)).toMatchObject({
      state: "FAILED",
      tries: 1,
      httpStatus: 410,
    });
  });

  test("forgets the problem of the try before", () => {
    const failed = afterTry(aDelivery(), { isDelivered: false, status: 500, problem: "the answer 500" }, NOW, 0);

    expect(afterTry(failed, { isDelivered: true, status: 200 }, NOW + 3_000, 0)).toEqual({
      ...failed,
      state: "DELIVERED",
      tries: 2,
      httpStatus: 200,
      lastTryTime: formatTimestampMs(NOW + 3_000),
      nextTryTime: undefined,
      problem: undefined,
    });
  });
});

test("retryDelayMs grows to 4 h, less up to a quarter", () => {
  expect([1, 2, 3, 20].map((tries) => retryDelayMs(tries, 0))).toEqual([3_000, 15_000, 75_000, 4 * HOUR_MS]);
  expect(retryDelayMs(20, 1)).toBe(3 * HOUR_MS);
});

describe("reportOf", () => {
  test("settles an event of which every delivery has an end", () => {
    const done = afterTry(aDelivery(), { isDelivered: true, status: 200 }, NOW, 0);
    const gone = givenUp({ ...aDelivery(), webhook: "webhooks/b" }, "the webhook was deleted or disabled");

    expect(reportOf(factsWith(), [done, gone])).toEqual({ count: 1, pending: [], deliveries: [done, gone] });
    expect(gone).toMatchObject({ state: "FAILED", problem: "the webhook was deleted or disabled" });
  });

  test("keeps an event that one webhook has not received, and what the others have", () => {
    const done = afterTry(aDelivery(), { isDelivered: true, status: 200 }, NOW, 0);
    const failed = afterTry({ ...aDelivery(), webhook: "webhooks/b" }, { isDelivered: false }, NOW, 0);

    expect(reportOf(factsWith(), [done, failed])).toEqual({
      count: 1,
      pending: [ended],
      deliveries: [done, failed],
      nextTime: NOW + 3_000,
    });
  });

  test("remembers the latest settled deliveries alone", () => {
    const settled = Array.from({ length: MAX_SETTLED_DELIVERIES + 5 }, (_, index) => ({
      ...afterTry(aDelivery(), { isDelivered: true }, NOW, 0),
      webhook: `webhooks/${index}`,
    }));
    const { deliveries = [] } = reportOf(factsWith(), settled);

    expect(deliveries.map(({ webhook }) => webhook)).toEqual(
      settled.slice(-MAX_SETTLED_DELIVERIES).map(({ webhook }) => webhook),
    );
  });
});
