// UpdateOperation, for work that another system does: what it may say, and when it is rejected.
import type { OperationAnswer } from "./answer";
import type { Update } from "../lifecycle/event";
import type { OperationRecord } from "../lifecycle/record";
import { etag } from "./resource";
import { isExternal, isFinal } from "../lifecycle/state";

/** A decoded call. PERSISTED CONTRACT: it crosses from Worker to object. */
export interface UpdateRequest {
  update: Update;
  ifMatch?: string | undefined;
}

export type UpdateRefusal = "NOT_FOUND" | "ETAG_MISMATCH" | "ALREADY_DONE" | "RUN_BY_METHOD";

export type UpdateAnswer = { ok: true; answer: OperationAnswer } | { ok: false; refusal: UpdateRefusal };

/** Whether an update is to be applied; REPEATED: it has been, and the answer to it may have been lost. */
export function judgeUpdate(
  record: OperationRecord,
  request: UpdateRequest,
  { isRepeated }: { isRepeated?: boolean | undefined },
): "APPLY" | "REPEATED" | UpdateRefusal {
  // The If-Match of a completion was spent the first time.
  if (isRepeatedCompletion(record, request)) return "REPEATED";
  const refusal = updateRefusal(record, request);
  if (refusal === undefined) return "APPLY";
  return isRepeated && isRepeatedReport(record, request) ? "REPEATED" : refusal;
}

function isRepeatedCompletion(record: OperationRecord, { update }: UpdateRequest): boolean {
  const completion = record.external?.completion;
  const repeated = update.outcome?.completion;
  if (!isFinal(record.state) || completion === undefined || repeated === undefined) return false;
  return completion.updateMask === repeated.updateMask && completion.digest === repeated.digest;
}

function isRepeatedReport({ metadata, metadataType }: OperationRecord, { update }: UpdateRequest): boolean {
  if (update.outcome || !update.metadata) return false;
  const { type, fields } = update.metadata;
  return type === metadataType && JSON.stringify(fields) === JSON.stringify(metadata);
}

function updateRefusal(record: OperationRecord, { ifMatch }: UpdateRequest): UpdateRefusal | undefined {
  if (isFinal(record.state)) return "ALREADY_DONE";
  if (!isExternal(record.state)) return "RUN_BY_METHOD";
  if (ifMatch !== undefined && !matchesAny(ifMatch, etag(record))) return "ETAG_MISMATCH";
  return undefined;
}

/**
 * If-Match = "*" / #entity-tag (RFC 9110, 13.1.1). A weak tag is taken for the strong one that it was: whoever compresses
 * an answer on its way, as Cloudflare does, weakens its tag.
 */
function matchesAny(ifMatch: string, present: string): boolean {
  return ifMatch.split(",").some((candidate) => {
    const tag = candidate.trim().replace(/^W\//, "");
    return tag === "*" || tag === present;
  });
}
