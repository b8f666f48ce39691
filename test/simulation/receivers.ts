// Receivers of webhooks: they verify what comes, fail now and then, and may have received what they seem to have failed on.
import { createHmac } from "node:crypto";
import type { World } from "./world";

export const HOOK = "https://hooks.shop.com/";
const KEY_BYTES = Buffer.alloc(32, 7);
export const SIGNING_KEY = `whsec_${KEY_BYTES.toString("base64")}`;
/** A receiver that fails on one event more often would be tried again for hours. */
const MAX_FAILURES = 2;
const TRY_MS = 10_000;

interface SentEvent {
  headers: Record<string, string>;
  body: string;
}

export class Receivers {
  /** The types of the events that were received, by operation. */
  readonly events = new Map<string, Set<string>>();
  readonly #world: World;
  readonly #failures = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  /** `fetch`, as the deliverer calls it. */
  post(uri: string, { headers, body }: SentEvent): Promise<object> {
    const { scheduler, network, nature, random, observer } = this.#world;
    const sender = scheduler.current;
    const { promise, resolve, reject } = Promise.withResolvers<object>();
    const answer = (status: number): void =>
      scheduler.after(network.latency(), sender, () => resolve({ status, ok: status < 300, body: null }));
    this.#world.countSubrequest(sender);
    sender.output(() => {
      scheduler.after(network.latency(), nature, () => {
        const id = headers["webhook-id"] ?? "";
        const { type, data } = JSON.parse(body) as { type: string; data: { operation: { name: string } } };
        this.#world.trace(() => `${uri} is sent ${type} by ${sender.name}`);
        const content = `${id}.${headers["webhook-timestamp"]}.${body}`;
        const wanted = `v1,${createHmac("sha256", KEY_BYTES).update(content).digest("base64")}`;
        if (headers["webhook-signature"] !== wanted) observer.exceeded(sender.name, "signs an event wrongly");
        const failures = this.#failures.get(id) ?? 0;
        const fails = failures < MAX_FAILURES && random.chance(0.3);
        if (fails) this.#failures.set(id, failures + 1);
        if (!fails || random.chance(0.3)) this.#receive(data.operation.name, type);
        if (!fails) answer(204);
        else if (random.chance(0.5)) answer(503);
        else scheduler.after(TRY_MS, sender, () => reject(new DOMException("timed out", "TimeoutError")));
      });
    });
    return promise;
  }

  #receive(operation: string, type: string): void {
    const id = operation.slice(operation.lastIndexOf("/") + 1);
    const types = this.events.get(id) ?? new Set();
    this.events.set(id, types.add(type));
  }
}
