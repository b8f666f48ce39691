// PolicyObject: the policy of one parent, or of the service root, and the webhooks that are registered there. An operation's
// own policy is in its OperationObject.
import { DurableObject } from "cloudflare:workers";
import { type Policy, emptyPolicy } from "../../iam/policy";
import type { StoredWebhooks } from "../../contract/webhook";
import { doors } from "../webhook-doors";
import { type SetPolicyRequest, type SetPolicyResult, setPolicy } from "../../iam/set-policy";

const POLICY_KEY = "policy";

export class PolicyObject extends DurableObject {
  /** The policy; an empty one where none was set, for which nothing is stored. */
  async get(): Promise<Policy> {
    return this.#policy();
  }

  /** Nothing is awaited between reading and writing: of two that send the same etag, one is rejected. */
  async set(request: SetPolicyRequest): Promise<SetPolicyResult> {
    const result = setPolicy(this.#policy(), request);
    if (result.ok) this.ctx.storage.kv.put(POLICY_KEY, result.policy);
    return result;
  }

  /** The webhooks that are registered here. `next` replaces them; undefined where they have changed since. */
  async webhooks(next?: StoredWebhooks): Promise<StoredWebhooks | undefined> {
    return doors.parent?.(this.ctx.storage.kv, next);
  }

  #policy(): Policy {
    return this.ctx.storage.kv.get<Policy>(POLICY_KEY) ?? emptyPolicy();
  }
}
