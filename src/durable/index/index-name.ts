// Which OperationIndex holds an operation's row. A scope is a first collection pair (projects/p) in one jurisdiction.
import { scopeFromParent } from "../../aip/resource-name";
import { type ObjectAddress, objectByName } from "../object-call";

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

export function operationIndexAddress<Index extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<Index>,
  { parent, jurisdiction, indexShard = 0 }: IndexPlace,
): ObjectAddress<Index> {
  const placed = placedNamespace(namespace, jurisdiction);
  const name = operationIndexName(parent, indexShard);
  // Without jurisdictions the scope's indexes in each of them still are objects of their own.
  return objectByName(placed, placed === namespace && jurisdiction !== undefined ? `${name}@${jurisdiction}` : name);
}

/** The part of a namespace whose objects stay in a jurisdiction. */
export function placedNamespace<T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  jurisdiction: string | undefined,
): DurableObjectNamespace<T> {
  if (jurisdiction === undefined) return namespace;
  try {
    return namespace.jurisdiction(jurisdiction as DurableObjectJurisdiction);
  } catch (error) {
    // Told by the runtime's own words, not by a variable: one that is left set would move data out of its jurisdiction.
    if (!(error instanceof Error) || !error.message.includes(NOT_IN_LOCAL_RUNTIME)) throw error;
    warnOnce(jurisdiction);
    return namespace;
  }
}

/** From workerd, `src/workerd/server/server.c++`; the platform implements jurisdictions and never throws this. */
const NOT_IN_LOCAL_RUNTIME = "Jurisdiction restrictions are not implemented in workerd";

let isWarned = false;

function warnOnce(jurisdiction: string): void {
  if (isWarned) return;
  isWarned = true;
  const message = "the local runtime has no jurisdictions: objects are created without one here";
  console.warn({ message, jurisdiction });
}
