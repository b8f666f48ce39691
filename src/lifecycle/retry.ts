// Retrying a failed operation, as a new one with the request of the first: which may be, and what is kept for it.
import type { OperationRecord, WebhookConfig } from "./record";
import { isFinal } from "./state";

export type RetryRefusal =
  | "NOT_DONE"
  | "SUCCEEDED"
  | "CANCELLED"
  /** Another system does its work. */
  | "EXTERNAL"
  /** Its input was streamed: that is erased at the end, whatever the end is. */
  | "INPUT_ERASED"
  /** It was known at once that it fails, or it failed before requests were kept. */
  | "REQUEST_ERASED";

/** The source of a retry. PERSISTED CONTRACT: it crosses from object to Worker. */
export type RetrySource =
  | {
      ok: true;
      method: string;
      request: string;
      apiVersion: string;
      target: string;
      starter?: string | undefined;
      starterMembers?: string[] | undefined;
      labels?: Readonly<Record<string, string>> | undefined;
      priority?: number | undefined;
      webhookConfig?: Readonly<WebhookConfig> | undefined;
    }
  | { ok: false; refusal: RetryRefusal };

export function retryRefusal(record: OperationRecord): RetryRefusal | undefined {
  if (record.external) return "EXTERNAL";
  if (!isFinal(record.state)) return "NOT_DONE";
  if (record.state === "SUCCEEDED" || record.state === "CANCELLED") return record.state;
  return record.inputBytes === undefined ? undefined : "INPUT_ERASED";
}

/** Whether the request outlives the work: as long as the failed operation does, for a retry. */
export function keepsRequest(record: OperationRecord): boolean {
  return record.deleteTime === undefined && retryRefusal(record) === undefined;
}

export function retrySourceFrom(record: OperationRecord, request: string | undefined): RetrySource {
  const refusal = retryRefusal(record) ?? (request === undefined ? "REQUEST_ERASED" : undefined);
  if (refusal !== undefined || request === undefined) return { ok: false, refusal: refusal ?? "REQUEST_ERASED" };
  const { method, apiVersion, target, starter, starterMembers, labels, priority, webhookConfig } = record;
  return {
    ok: true,
    method,
    request,
    apiVersion,
    target,
    starter,
    starterMembers,
    labels,
    priority,
    webhookConfig,
  };
}
