// tables:profile, a built-in method: what is in each column of a CSV file, with progress in the metadata.
import { type OperationContext, defineMethod } from "edge-operations";
import { message, string } from "edge-operations/protobuf";
import { type TableProgress, profileTable } from "./tables-profile/profile-table";
import { piecesFromStream } from "./tables-profile/pieces";
import { PIECE_BYTES } from "./tables-profile/table-limits";
import type { TablesProfileResponse } from "./tables-profile/table-profile";

/** The largest table: 32 MiB. */
const MAX_TABLE_BYTES = 32 * 1_048_576;

const TablesProfileRequest = message("edge_operations.tables.v1.ProfileTableRequest", {
  parent: string(1, { required: true, description: "`projects/{project}/locations/{location}`" }),
});

export const tablesProfile = defineMethod({
  http: { post: "/v1/{parent=projects/*/locations/*}/tables:profile" },
  input: { contentTypes: ["text/csv"], maxBytes: MAX_TABLE_BYTES },
  request: TablesProfileRequest,
  initialMetadata: (): TableProgress => ({ rowsDone: 0, bytesDone: 0, progressPercent: 0 }),
  async run(_request, operation: OperationContext<TableProgress>): Promise<TablesProfileResponse> {
    return profileTable(piecesFromStream(operation.input, PIECE_BYTES), {
      totalBytes: operation.inputBytes,
      signal: operation.signal,
      onProgress: (progress) => operation.progress(progress),
    });
  },
});
