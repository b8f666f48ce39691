// PolicyObject: the policy of one parent, or of the service root. An operation's own is in its OperationObject.
import { DurableObject } from "cloudflare:workers";
import { type Policy, emptyPolicy } from "../../iam/policy";
import { type SetPolicyRequest, type SetPolicyResult, setPolicy } from "../../iam/set-policy";

const POLICY_KEY = "policy";

export class PolicyObject extends DurableObject {
  /** The policy; an empty one where none was set, for which nothing is stored. */
  async get(): Promise<Policy> {
    return this.#policy();
  }

  /** Nothing is awaited between reading and writing: of two that send the same etag, one is refused. */
  async set(request: SetPolicyRequest): Promise<SetPolicyResult> {
    const result = setPolicy(this.#policy(), request);
    if (result.ok) this.ctx.storage.kv.put(POLICY_KEY, result.policy);
    return result;
  }

  #policy(): Policy {
    return this.ctx.storage.kv.get<Policy>(POLICY_KEY) ?? emptyPolicy();
  }
}
