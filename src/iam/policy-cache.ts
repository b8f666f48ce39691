// An isolate's cache of parents' policies, bounded in age and number.
import { MAX_CACHED_POLICIES, POLICY_CACHE_MS } from "./iam-limits";
import type { Policy } from "./policy";

interface Entry {
  policy: Policy;
  /** The time at which reading it began, in milliseconds since 1970. */
  readTime: number;
}

/**
 * It keeps values, never running reads: in a Worker one request must not wait for another's I/O. It never has an
 * operation's own policy.
 */
export class PolicyCache {
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry>();

  /** The policy as it was at most {@link POLICY_CACHE_MS} ago, or undefined. */
  get(resource: string, now: number): Policy | undefined {
    const entry = this.#entries.get(resource);
    if (!entry || now - entry.readTime >= POLICY_CACHE_MS) return undefined;
    this.#entries.delete(resource);
    this.#entries.set(resource, entry);
    return entry.policy;
  }

  /** Remembers a policy, unless the cache has a later reading. */
  put(resource: string, policy: Policy, readTime: number): void {
    const entry = this.#entries.get(resource);
    if (entry && isLater(entry, { policy, readTime })) return;
    this.#entries.delete(resource);
    const oldest = this.#entries.keys().next();
    if (this.#entries.size >= MAX_CACHED_POLICIES && !oldest.done) this.#entries.delete(oldest.value);
    this.#entries.set(resource, { policy, readTime });
  }
}

/** A clock that stands still between I/O can give two readings one time. Then the revision decides. */
function isLater(one: Entry, other: Entry): boolean {
  if (one.readTime !== other.readTime) return one.readTime > other.readTime;
  return one.policy.revision > other.policy.revision;
}
