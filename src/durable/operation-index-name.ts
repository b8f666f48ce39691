// Which OperationIndex object holds the rows of a parent: one scope is one first collection pair (projects/p).
import { scopeFromParent } from "../aip/resource-name";
import type { OperationIndex } from "./operation-index";

/** The name of a shard of a scope. PERSISTED CONTRACT. The last `#` parts the two. */
export function operationIndexName(parent: string, shard: number): string {
  return `${scopeFromParent(parent)}#${shard}`;
}

export function operationIndexStub(
  namespace: DurableObjectNamespace<OperationIndex>,
  parent: string,
): DurableObjectStub<OperationIndex> {
  return namespace.getByName(operationIndexName(parent, 0));
}
