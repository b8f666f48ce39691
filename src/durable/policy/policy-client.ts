// The policies of parents and operations, as the present caller may touch them.
import { isOperation } from "../../iam/policy-resources";
import { type Permission, operationPermissions } from "../../iam/permissions";
import type { Policy } from "../../iam/policy";
import type { PolicyCache } from "../../iam/policy-cache";
import type { SetPolicyResult } from "../../iam/set-policy";
import type { Absence } from "../../contract/answer";
import type { Authorizer } from "../../service/authorizer";
import type { PolicyStore } from "../../service/iam-policy";
import type { OperationObject } from "../operation/operation-object";
import { callObject, objectByName, reached } from "../object-call";
import { mustAsk, OperationStubs, unary } from "../operation/operation-stubs";
import type { PolicyObject } from "./policy-object";

export interface PolicyNamespaces {
  operations: DurableObjectNamespace<OperationObject>;
  policies: DurableObjectNamespace<PolicyObject>;
}

export function policyReader(policies: DurableObjectNamespace<PolicyObject>): (resource: string) => Promise<Policy> {
  return (resource) =>
    reached(() => callObject(objectByName(policies, resource), async (stub): Promise<Policy> => stub.get()));
}

/** The policies, as the caller may touch them who needs the permission for it. A set puts its result into `cache`. */
export function policyStore(
  { operations, policies }: PolicyNamespaces,
  authorizer: Authorizer,
  { permission, cache, now }: { permission: Permission | undefined; cache: PolicyCache; now: () => number },
): PolicyStore {
  const stubs = new OperationStubs(operations, authorizer, permission);
  return {
    get: async (resource) => {
      if (!isOperation(resource)) {
        await authorizer.require(mustAsk(permission), resource);
        return policyReader(policies)(resource);
      }
      const policy = await stubs.ask<Policy | Absence>({
        name: resource,
        absent: "NOT_FOUND",
        ask: unary(async (operation, access) => operation.getPolicy(resource, access)),
      });
      return policy === "NOT_FOUND" ? undefined : policy;
    },
    set: async (resource, request) => {
      if (!isOperation(resource)) {
        await authorizer.require(mustAsk(permission), resource);
        const result = await reached(() =>
          callObject(objectByName(policies, resource), async (stub, { isRepeated }): Promise<SetPolicyResult> =>
            stub.set(isRepeated ? { ...request, isRepeated } : request),
          ),
        );
        if (result.ok) cache.put(resource, result.policy, now());
        return result;
      }
      const result = await stubs.ask<SetPolicyResult | Absence>({
        name: resource,
        absent: "NOT_FOUND",
        ask: unary(async (operation, access) => operation.setPolicy(resource, request, access)),
      });
      return result === "NOT_FOUND" ? { ok: false, refusal: result } : result;
    },
    test: async (resource, permissions) => {
      if (!isOperation(resource)) return authorizer.granted(permissions, resource);
      const asked = [...new Set([...permissions, ...operationPermissions])];
      const granted = await authorizer.granted(asked, resource);
      const { id, members } = authorizer.principal;
      const own = await reached(() =>
        callObject(stubs.addressOf(resource), async (operation): Promise<Permission[] | undefined> =>
          operation.testPermissions(resource, asked, { id, members: [...members] }),
        ),
      );
      // An operation that does not exist gives an empty set.
      const held = new Set(own ? [...granted, ...own] : []);
      // A caller who has no permission that acts on an operation is told the same whether or not it exists.
      if (!operationPermissions.some((one) => held.has(one))) return [];
      return permissions.filter((one) => held.has(one));
    },
  };
}
