// reports:generate: a result too large for an operation, written to R2 part by part, and given back as a link that expires.
import { defineMethod } from "edge-operations";
import * as pb from "edge-operations/protobuf";
import { env } from "./env";
import { linkTo } from "./links";

const GenerateReportRequest = pb.message("example.reports.v1.GenerateReportRequest", {
  parent: pb.string(1, { required: true }),
  rowCount: pb.int32(2, { required: true, description: "Rows to write." }),
});

const GenerateReportResponse = pb.message("example.reports.v1.GenerateReportResponse", {
  uri: pb.string(1, { required: true, description: "A link to the file." }),
  expireTime: pb.timestamp(2, { required: true, description: "When the link expires; the file stays." }),
  rowCount: pb.int32(3, { required: true }),
});

const GenerateReportMetadata = pb.message("example.reports.v1.GenerateReportMetadata", {
  rowsDone: pb.int32(1, { required: true }),
  rowCount: pb.int32(2, { required: true }),
});

/** The state from which the work continues. */
type Cursor = { parts: { partNumber: number; etag: string }[] };

/** 24 bytes a row: R2 wants 5 MiB in every part but the last. */
const ROWS_PER_PART = 250_000;

export const generateReport = defineMethod({
  http: { post: "/v1/{parent=projects/*}/reports:generate", body: "*" },
  request: GenerateReportRequest,
  responseType: GenerateReportResponse,
  metadataType: GenerateReportMetadata,
  initialMetadata: ({ rowCount }) => ({ rowsDone: 0, rowCount }),
  timeout: "12h",
  retention: "7d",
  async run({ rowCount }, op) {
    const key = `${op.name}.csv`;
    const uploadId = await op.step("create upload", async () => {
      const upload = await env.REPORTS.createMultipartUpload(key);
      return upload.uploadId;
    });
    const upload = env.REPORTS.resumeMultipartUpload(key, uploadId);
    const { parts } = (op.resumeFrom as Cursor | undefined) ?? { parts: [] };
    let rowsDone = Math.min(rowCount, parts.length * ROWS_PER_PART);
    while (rowsDone < rowCount) {
      op.signal.throwIfAborted();
      const end = Math.min(rowCount, rowsDone + ROWS_PER_PART);
      const { partNumber, etag } = await upload.uploadPart(parts.length + 1, rows(rowsDone, end));
      parts.push({ partNumber, etag });
      rowsDone = end;
      op.progress({ rowsDone });
      // A later invocation, or attempt, goes on behind this part.
      await op.checkpoint({ parts });
    }
    await op.step("complete upload", async () => {
      await upload.complete(parts);
    });
    return { ...(await linkTo(key, op.createTime)), rowCount };
  },
});

function rows(start: number, end: number): string {
  const lines: string[] = [];
  for (let row = start; row < end; row += 1) lines.push(`${String(row).padStart(10, "0")},${"x".repeat(12)}\n`);
  return lines.join("");
}
