// The deliveries of an operation's events: which are to be tried, and what follows from a try. Pure.
import { formatTimestampMs } from "../aip/timestamp";
import type { WebhookFacts } from "../contract/webhook";
import type { WebhookEvent } from "../lifecycle/record";
import type { WebhookReport } from "../lifecycle/event";
import {
  MAX_SETTLED_DELIVERIES,
  MAX_WEBHOOK_RETRY_MS,
  MIN_WEBHOOK_RETRY_MS,
  WEBHOOK_RETRY_FACTOR,
  WEBHOOK_WINDOW_MS,
} from "./limits";
import type { JsonObject } from "../rpc/any";

/** How the delivery of one event to one webhook stands, as `:explain` shows it. PERSISTED CONTRACT. */
export interface Delivery {
  /** The event's number. */
  event: number;
  type: string;
  /** The webhook's name; of a webhook of the start, `uris/` and its place. */
  webhook: string;
  host: string;
  state: "PENDING" | "DELIVERED" | "FAILED";
  tries: number;
  firstTryTime?: string;
  lastTryTime?: string;
  nextTryTime?: string;
  httpStatus?: number;
  problem?: string;
}

/** A webhook that receives events of an operation. */
export interface Target {
  webhook: string;
  uri: string;
  secrets: readonly string[];
}

/** The outcome of a try that decides what follows. */
export interface TryOutcome {
  isDelivered: boolean;
  status?: number | undefined;
  problem?: string | undefined;
  /** Nothing is to be retried: the webhook is gone, disabled, or not allowed. */
  isFinal?: boolean | undefined;
}

/** "410 Gone … the sender should disable the endpoint" (Standard Webhooks, Delivery). */
export const GONE_STATUS = 410;

/** The deliveries of all pending events. An event that is new to the deliverer gets one for each of its webhooks. */
export function deliveriesOf(
  { webhooks: { pending, deliveries = [] } }: WebhookFacts,
  targetsOf: (event: WebhookEvent) => readonly Target[],
  now: number,
): Delivery[] {
  const known = deliveries as unknown as Delivery[];
  const added = pending
    .filter(({ number }) => !known.some(({ event }) => event === number))
    .flatMap((event) => targetsOf(event).map((target) => newDelivery(event, target, now)));
  return [...known, ...added];
}

function newDelivery({ number, type }: WebhookEvent, { webhook, uri }: Target, now: number): Delivery {
  const nextTryTime = formatTimestampMs(now);
  return { event: number, type, webhook, host: new URL(uri).host, state: "PENDING", tries: 0, nextTryTime };
}

export function isDue({ state, nextTryTime }: Delivery, now: number): boolean {
  return state === "PENDING" && timeOf(nextTryTime) <= now;
}

function timeOf(text: string | undefined): number {
  return text === undefined ? 0 : Date.parse(text);
}

/** The delivery after a try. `random`: 0 ≤ r < 1, spreads what failed together. */
export function afterTry(delivery: Delivery, outcome: TryOutcome, now: number, random: number): Delivery {
  const { nextTryTime: _next, httpStatus: _status, problem: _problem, ...kept } = delivery;
  const firstTime = delivery.firstTryTime === undefined ? now : timeOf(delivery.firstTryTime);
  const tries = delivery.tries + 1;
  const tried: Delivery = {
    ...kept,
    tries,
    firstTryTime: formatTimestampMs(firstTime),
    lastTryTime: formatTimestampMs(now),
    ...(outcome.status === undefined ? {} : { httpStatus: outcome.status }),
    ...(outcome.problem === undefined ? {} : { problem: outcome.problem }),
  };
  if (outcome.isDelivered) return { ...tried, state: "DELIVERED" };
  const endTime = firstTime + WEBHOOK_WINDOW_MS;
  if (outcome.isFinal || now >= endTime) return { ...tried, state: "FAILED" };
  const nextTime = Math.min(now + retryDelayMs(tries, random), endTime);
  return { ...tried, nextTryTime: formatTimestampMs(nextTime) };
}

/** The webhook is gone or disabled: nothing is tried. */
export function givenUp(delivery: Delivery, problem: string): Delivery {
  const { nextTryTime: _, ...kept } = delivery;
  return { ...kept, state: "FAILED", problem };
}

/** Grows from 3 s to 4 h, less up to a quarter. */
export function retryDelayMs(tries: number, random: number): number {
  const delayMs = Math.min(MAX_WEBHOOK_RETRY_MS, MIN_WEBHOOK_RETRY_MS * WEBHOOK_RETRY_FACTOR ** (tries - 1));
  return Math.round(delayMs * (1 - random / 4));
}

/** The report of a pass: events without a delivery that is pending are settled, and of those the latest are remembered. */
export function reportOf({ webhooks }: WebhookFacts, deliveries: readonly Delivery[]): WebhookReport {
  const open = deliveries.filter(({ state }) => state === "PENDING");
  const pending = webhooks.pending.filter(({ number }) => open.some(({ event }) => event === number));
  const isPending = ({ event }: Delivery): boolean => pending.some(({ number }) => number === event);
  const settled = deliveries.filter((delivery) => !isPending(delivery)).slice(-MAX_SETTLED_DELIVERIES);
  const times = open.map(({ nextTryTime }) => timeOf(nextTryTime));
  return {
    count: webhooks.count,
    pending,
    deliveries: [...settled, ...deliveries.filter(isPending)] as unknown as JsonObject[],
    ...(times.length === 0 ? {} : { nextTime: Math.min(...times) }),
  };
}
