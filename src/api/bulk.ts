// operations:purge, :cancelMatching, :retryMatching (AIP-165): methods of the service's own, declared as its users declare theirs.
import { type Method, type OwnMethod, defineMethod } from "../method/define-method";
import { refine } from "../protobuf/refine";
import { type BulkPorts, type BulkRequest, type BulkVerb, runBulk } from "../service/bulk-operations";
import { checkFilter } from "../service/list-operations";
import { PurgeOperationsMetadata, PurgeOperationsRequest, PurgeOperationsResponse } from "./messages/bulk";

const bulkRequest = refine(PurgeOperationsRequest, ({ filter, force }): BulkRequest => {
  if (filter !== "*") checkFilter(filter);
  return { filter, force };
});

/** `ports` is called by the runner alone. */
export function bulkMethods(ports: () => BulkPorts): readonly Method[] {
  const bulk = (verb: BulkVerb, id: string, own: Pick<OwnMethod, "name" | "description" | "alsoNeeds">): Method => ({
    ...defineMethod({
      http: { post: `/v1/{parent=**}/operations:${id}`, body: "*" },
      request: bulkRequest,
      responseType: PurgeOperationsResponse,
      metadataType: PurgeOperationsMetadata,
      initialMetadata: () => ({ scanned: 0, purged: 0, skipped: 0 }),
      timeout: "7d",
      // An attempt fails where an object cannot be reached, and a million operations have many objects.
      retry: { maxAttempts: 100, maxBackoff: "1m" },
      run: (request, operation) => runBulk(ports(), verb, request, operation),
    }),
    own: {
      name: `edge_operations.v1.Operators.${own.name}Operations`,
      description: `${own.description} the operations directly under a parent that match, or only counts them.`,
      permission: `longrunning.operations.${verb}`,
      alsoNeeds: own.alsoNeeds,
    },
  });
  return [
    bulk("delete", "purge", { name: "Purge", description: "Deletes" }),
    bulk("cancel", "cancelMatching", { name: "CancelMatching", description: "Cancels" }),
    bulk("retry", "retryMatching", {
      name: "RetryMatching",
      description: "Retries",
      alsoNeeds: "longrunning.methods.invoke",
    }),
  ];
}
