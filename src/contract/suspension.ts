// Suspensions as others see them: names, links, what an answer is judged by.
import { formatTimestampMs } from "../aip/timestamp";
import type { OperationRecord, StoredSuspension } from "../lifecycle/record";
import { isFinal } from "../lifecycle/state";
import { MAX_EARLY_ANSWERS, MAX_SUSPENSION_ID_CHARACTERS } from "../limits";
import type { JsonObject } from "../rpc/any";
import type { FieldViolation } from "../rpc/status";

export const suspensionIdRule = `a suspension's name has 1 to ${MAX_SUSPENSION_ID_CHARACTERS} letters, digits, "-", "_" and ".", and begins with a letter or digit`;

const ID = new RegExp(`^[A-Za-z0-9][\\w.-]{0,${MAX_SUSPENSION_ID_CHARACTERS - 1}}$`);

/** Whether it can be the last segment of a resource name. */
export function isSuspensionId(id: unknown): id is string {
  return typeof id === "string" && ID.test(id);
}

/** `{operation}/suspensions/{id}` */
export function suspensionName(operation: string, id: string): string {
  return `${operation}/suspensions/${id}`;
}

export interface Link {
  /** Of the request that started the operation; undefined: an earlier version started it. */
  origin: string | undefined;
  operation: string;
  id: string;
  linkToken: string;
}

/** The link of a suspension. PERSISTED CONTRACT: it is given away. `https://api.example.com/v1/{operation}/suspensions/{id}:resolve?linkToken=…`. */
export function resolveUriOf({ origin = "", operation, id, linkToken }: Link): string {
  const path = suspensionName(operation, id).split("/").map(encodeURIComponent).join("/");
  return `${origin}/v1/${path}:resolve?linkToken=${linkToken}`;
}

/** A call of `:resolve`. PERSISTED CONTRACT: it crosses from Worker to object. */
export interface ResolveRequest {
  id: string;
  /** JSON text. */
  payload: string;
  /** SHA-256 of the payload as canonical JSON, hex. */
  digest: string;
  /** The member who answers, or `link`; absent where the deployment is open. */
  resolver?: string;
  /** The secret of a link, by which alone the call is then judged. */
  linkToken?: string;
}

export type ResolveRefusal =
  | "NOT_FOUND"
  | "RESOLVED"
  | "EXPIRED"
  | "ALREADY_DONE"
  | "CANCELLING"
  | "RUN_ELSEWHERE"
  | "TOO_MANY_ANSWERS";

/** `json`: an edge_operations.v1.Suspension as JSON text. PERSISTED CONTRACT: it crosses from object to Worker. */
export type ResolveAnswer =
  | { ok: true; json: string }
  | { ok: false; refusal: ResolveRefusal }
  | { ok: false; refusal: "PAYLOAD_INVALID"; violations: FieldViolation[] };

/** Whether an answer is to be stored; REPEATED: it has been, and the answer to it may have been lost. */
export function judgeResolve(
  record: OperationRecord,
  { id, digest }: Pick<ResolveRequest, "id" | "digest">,
): "APPLY" | "REPEATED" | ResolveRefusal {
  const known = record.suspensions?.find((one) => one.id === id);
  if (known?.resolution?.answer) return known.resolution.answer.digest === digest ? "REPEATED" : "RESOLVED";
  if (known?.resolution) return "EXPIRED";
  if (isFinal(record.state)) return "ALREADY_DONE";
  if (record.external) return "RUN_ELSEWHERE";
  if (record.cancellation) return "CANCELLING";
  const early = record.suspensions?.filter(({ reached }) => !reached).length ?? 0;
  return !known && early >= MAX_EARLY_ANSWERS ? "TOO_MANY_ANSWERS" : "APPLY";
}

/** Whether a link is that of a suspension, in a time that does not reveal how similar they are. */
export function isLinkOf(record: OperationRecord | undefined, id: string, linkToken: string): boolean {
  const stored = record?.suspensions?.find((one) => one.id === id)?.reached?.linkToken ?? "";
  // An absent one is compared all the same, with a text that no link has.
  const secret = stored === "" ? "-".repeat(linkToken.length) : stored;
  let difference = secret.length ^ linkToken.length;
  for (let index = 0; index < linkToken.length; index += 1)
    difference |= secret.charCodeAt(index % secret.length) ^ linkToken.charCodeAt(index);
  return difference === 0 && stored !== "";
}

/** An edge_operations.v1.Suspension as JSON; `payloadSchema` as JSON text. */
export function suspensionJson(
  record: Pick<OperationRecord, "name">,
  { id, createTime, reached, resolution }: StoredSuspension,
  payloadSchema: string | undefined,
): JsonObject {
  const resolver = resolution?.answer?.resolver;
  return {
    name: suspensionName(record.name, id),
    state: resolution ? (resolution.answer ? "RESOLVED" : "EXPIRED") : "PENDING",
    ...(reached?.prompt === undefined ? {} : { prompt: reached.prompt }),
    ...(payloadSchema === undefined ? {} : { payloadSchema: JSON.parse(payloadSchema) as JsonObject }),
    createTime: formatTimestampMs(createTime),
    ...(reached ? { expireTime: formatTimestampMs(reached.expireTime) } : {}),
    ...(resolution?.answer ? { resolveTime: formatTimestampMs(resolution.time) } : {}),
    ...(resolver === undefined ? {} : { resolver }),
  };
}

/** A link of an operation's suspension. */
export interface PresentedLink {
  operation: string;
  /** Of the suspension. */
  id: string;
  linkToken: string;
}
