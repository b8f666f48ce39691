// The webhooks of parents: in the objects that have their policies.
import type { StoredWebhook, StoredWebhooks } from "../../contract/webhook";
import { BoundedCache } from "../../bounded-cache";
import { UNAVAILABLE_RETRY_SECONDS } from "../../limits";
import { MAX_CACHED_WEBHOOK_PARENTS, WEBHOOK_CACHE_MS } from "../../webhook/limits";
import { unavailable } from "../../rpc/error";
import { webhookResources } from "../../service/webhooks";
import type { WebhookPort } from "../../service/webhook-port";
import { callObject, objectByName, reached } from "../object-call";
import type { PolicyObject } from "./policy-object";

export type WebhookCache = BoundedCache<readonly StoredWebhook[]>;

export function newWebhookCache(): WebhookCache {
  return new BoundedCache({ maxEntries: MAX_CACHED_WEBHOOK_PARENTS, maxAgeMs: WEBHOOK_CACHE_MS });
}

const WEBHOOKS_KEY = "webhooks";

/** The webhooks of a parent, in its object. undefined: they have changed since the revision that `next` is based on. */
export function parentDoor(kv: SyncKvStorage, next: StoredWebhooks | undefined): StoredWebhooks | undefined {
  const stored = kv.get<StoredWebhooks>(WEBHOOKS_KEY) ?? { revision: 0, webhooks: [] };
  if (!next) return stored;
  if (next.revision !== stored.revision) return undefined;
  kv.put(WEBHOOKS_KEY, { ...next, revision: next.revision + 1 });
  return next;
}

/** Changes that raced with others are made again: each is small, and few come at once. */
const MAX_CHANGE_TRIES = 5;

export function webhookStore(
  policies: DurableObjectNamespace<PolicyObject>,
  cache: WebhookCache,
  now: () => number,
): Pick<WebhookPort, "areAbove" | "list" | "read" | "change"> {
  const ask = <T>(resource: string, call: (stub: DurableObjectStub<PolicyObject>) => Promise<T>): Promise<T> =>
    reached(() => callObject(objectByName(policies, resource), call), "The webhooks");
  const read = async (resource: string): Promise<StoredWebhooks> => {
    const readTime = now();
    const stored = await ask(resource, async (stub): Promise<StoredWebhooks | undefined> => stub.webhooks());
    if (!stored) throw unavailable("The webhooks are being deployed. Try again.", UNAVAILABLE_RETRY_SECONDS);
    cache.set(resource, stored.webhooks, readTime);
    return stored;
  };
  const list = async (resource: string) => cache.get(resource, now()) ?? (await read(resource)).webhooks;
  return {
    list,
    read: async (resource) => (await read(resource)).webhooks,
    async areAbove(parent) {
      try {
        const lists = await Promise.all(webhookResources(parent).map(list));
        return lists.some((webhooks) => webhooks.length > 0);
      } catch (error) {
        // The deliverer asks again when there is something to deliver.
        console.warn({ message: "the webhooks above a start were not read", parent, error: String(error) });
        return true;
      }
    },
    async change(resource, change) {
      for (let tries = 0; tries < MAX_CHANGE_TRIES; tries += 1) {
        const { revision, webhooks } = await read(resource);
        const changed = change(webhooks);
        const next: StoredWebhooks = { revision, webhooks: changed };
        if (await ask(resource, async (stub): Promise<StoredWebhooks | undefined> => stub.webhooks(next))) {
          cache.set(resource, changed, now());
          return changed;
        }
      }
      throw unavailable("The webhooks are changed by others at the same time. Try again.", UNAVAILABLE_RETRY_SECONDS);
    },
  };
}
