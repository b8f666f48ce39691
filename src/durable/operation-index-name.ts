// Which OperationIndex object holds the row of an operation. One scope is one first collection pair (projects/p) in one
// jurisdiction, in as many shards as it has ever had.
import { scopeFromParent } from "../aip/resource-name";
import { type ObjectAddress, objectByName } from "./object-call";
import type { OperationIndex } from "./operation-index";

/** Where an operation is indexed, for as long as it lives. */
export interface IndexPlace {
  /** Its parent, or its scope. */
  parent: string;
  jurisdiction?: string | undefined;
  /** 0 unless the deployment has more. */
  indexShard?: number | undefined;
}

/** An operation's own place, and nothing else of its record. */
export function placeOf({ parent, jurisdiction, indexShard }: IndexPlace): IndexPlace {
  return { parent, jurisdiction, indexShard };
}

/** The name of a shard of a scope. PERSISTED CONTRACT. The last `#` parts the two. */
export function operationIndexName(parent: string, shard: number): string {
  return `${scopeFromParent(parent)}#${shard}`;
}

export function operationIndexAddress(
  namespace: DurableObjectNamespace<OperationIndex>,
  { parent, jurisdiction, indexShard = 0 }: IndexPlace,
): ObjectAddress<OperationIndex> {
  return objectByName(placedNamespace(namespace, jurisdiction), operationIndexName(parent, indexShard));
}

/** The part of a namespace whose objects stay in a jurisdiction. */
export function placedNamespace<T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  jurisdiction: string | undefined,
): DurableObjectNamespace<T> {
  return jurisdiction === undefined ? namespace : namespace.jurisdiction(jurisdiction as DurableObjectJurisdiction);
}
