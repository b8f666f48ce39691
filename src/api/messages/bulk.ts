// Messages of POST /v1/{parent}/operations:purge, :cancelMatching and :retryMatching (AIP-165).
import { bool, int32, repeated, string } from "../../protobuf/fields";
import { message } from "../../protobuf/message";

export const PurgeOperationsRequest = message("edge_operations.v1.PurgeOperationsRequest", {
  parent: string(1, { description: "Absent: the root." }),
  filter: string(2, {
    required: true,
    description: "As that of a list; `*` means all.",
  }),
  force: bool(3, { description: "Without it, they are only counted." }),
});

export const PurgeOperationsMetadata = message(
  "edge_operations.v1.PurgeOperationsMetadata",
  {
    scanned: int32(1, { description: "About how many rows of the index were read." }),
    purged: int32(2, { description: "Operations acted on, or that would be." }),
    skipped: int32(3, { description: "Matches to which it could not be done." }),
  },
  { description: "The progress of a bulk operation." },
);

export const PurgeOperationsResponse = message(
  "edge_operations.v1.PurgeOperationsResponse",
  {
    purgeCount: int32(1, { description: "Operations acted on, or that would be." }),
    purgeSample: repeated(string(2, { description: "The names of the newest 100 of them." })),
  },
  { description: "The outcome of a bulk operation." },
);
