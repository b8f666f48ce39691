// Which OperationIndex object holds the rows of a parent: one scope is one first collection pair (projects/p).
import { scopeFromParent } from "../aip/resource-name";
import type { OperationIndex } from "./operation-index";

/** Where operations are indexed: by their parent, and in their jurisdiction, if they have one. */
export interface IndexPlace {
  parent: string;
  jurisdiction?: string | undefined;
}

/** The name of a shard of a scope. PERSISTED CONTRACT. The last `#` parts the two. */
export function operationIndexName(parent: string, shard: number): string {
  return `${scopeFromParent(parent)}#${shard}`;
}

export function operationIndexStub(
  namespace: DurableObjectNamespace<OperationIndex>,
  { parent, jurisdiction }: IndexPlace,
): DurableObjectStub<OperationIndex> {
  return placedNamespace(namespace, jurisdiction).getByName(operationIndexName(parent, 0));
}

/** The part of a namespace whose objects stay in a jurisdiction. */
export function placedNamespace<T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  jurisdiction: string | undefined,
): DurableObjectNamespace<T> {
  return jurisdiction === undefined ? namespace : namespace.jurisdiction(jurisdiction as DurableObjectJurisdiction);
}
