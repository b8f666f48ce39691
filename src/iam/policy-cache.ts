// The policies of parents that an isolate remembers. An operation's own policy is never among them.
import { BoundedCache } from "../bounded-cache";
import { MAX_CACHED_POLICIES, POLICY_CACHE_MS } from "./iam-limits";
import type { Policy } from "./policy";

export class PolicyCache {
  readonly #cache = new BoundedCache<Policy>({ maxEntries: MAX_CACHED_POLICIES, maxAgeMs: POLICY_CACHE_MS });

  /** The policy as it was at most {@link POLICY_CACHE_MS} ago, or undefined. */
  get(resource: string, now: number): Policy | undefined {
    return this.#cache.get(resource, now);
  }

  /** Remembers a policy whose reading began at `readTime`, unless a later reading is here. */
  put(resource: string, policy: Policy, readTime: number): void {
    const known = this.#cache.peek(resource);
    // A clock that stands still between I/O gives two readings one time: then the revision tells.
    const isLater = known?.time === readTime ? known.value.revision > policy.revision : known && known.time > readTime;
    if (!isLater) this.#cache.set(resource, policy, readTime);
  }
}
