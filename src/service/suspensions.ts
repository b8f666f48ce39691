// Suspensions (docs/waiting.md): request in, response out, over ports.
import { type ResolveRefusal, isSuspensionId, suspensionIdRule, suspensionName } from "../contract/suspension";
import { ALL_USERS } from "../iam/members";
import { EVERYONE_MAY, type Principal } from "../iam/principal";
import { MAX_EARLY_ANSWERS, MAX_PAYLOAD_BYTES, SLOT_RETRY_SECONDS } from "../limits";
import type { Json } from "../rpc/any";
import { RpcError, invalidArgument, notFound } from "../rpc/error";
import { type FieldViolation, retryInfo } from "../rpc/status";
import { fitsUtf8 } from "../rpc/utf8";
import { LINK } from "./authorizer";
import { canonicalJson, sha256Hex } from "./digest";
import type { OperationStore } from "./ports";

const OPERATION_TYPE = "google.longrunning.Operation";
const SUSPENSION_TYPE = "edge_operations.v1.Suspension";

/** An edge_operations.v1.ListSuspensionsResponse as JSON. */
export async function listSuspensions(store: Pick<OperationStore, "suspensions">, operation: string): Promise<string> {
  const suspensions = await store.suspensions(operation);
  if (!suspensions) throw notFound(OPERATION_TYPE, operation);
  return suspensions;
}

export interface NamedSuspension {
  operation: string;
  /** `{operation}/suspensions/{id}` */
  name: string;
}

/** An edge_operations.v1.Suspension as JSON. */
export async function getSuspension(
  store: Pick<OperationStore, "suspension">,
  { operation, name }: NamedSuspension,
): Promise<string> {
  const suspension = await store.suspension(operation, idOf(name));
  if (!suspension) throw notFound(SUSPENSION_TYPE, name);
  return suspension;
}

export interface ResolveSuspensionRequest extends NamedSuspension {
  payload: Json | undefined;
  /** The secret of a link: then it is judged in the place of the caller. */
  linkToken: string | undefined;
  principal: Principal;
}

/** Answers a suspension: an edge_operations.v1.Suspension as JSON. */
export async function resolveSuspension(
  store: Pick<OperationStore, "resolve">,
  { operation, name, payload, linkToken, principal }: ResolveSuspensionRequest,
): Promise<string> {
  const id = idOf(name);
  if (!isSuspensionId(id)) throw invalidArgument([{ field: "name", description: suspensionIdRule }]);
  if (payload === undefined) throw invalidArgument([{ field: "payload", description: "is required" }]);
  const json = JSON.stringify(payload);
  if (!fitsUtf8(json, MAX_PAYLOAD_BYTES)) {
    throw invalidArgument([{ field: "payload", description: `has more than ${MAX_PAYLOAD_BYTES} bytes of JSON` }]);
  }
  const resolver = linkToken === undefined ? memberOf(principal) : LINK;
  const answer = await store.resolve(operation, {
    id,
    payload: json,
    digest: await sha256Hex(canonicalJson(payload)),
    ...(resolver === undefined ? {} : { resolver }),
    ...(linkToken === undefined ? {} : { linkToken }),
  });
  if (answer.ok) return answer.json;
  if (answer.refusal === "PAYLOAD_INVALID") throw invalidArgument(answer.violations as [FieldViolation]);
  throw resolveError(answer.refusal, { operation, name: suspensionName(operation, id) });
}

function idOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** The member who answers, by an address where there is one; undefined where the deployment is open. */
function memberOf(principal: Principal): string | undefined {
  if (principal === EVERYONE_MAY) return undefined;
  const address = principal.members.find((member) => /^(?:user|serviceAccount):/.test(member));
  return address ?? (principal.id || ALL_USERS);
}

function resolveError(refusal: ResolveRefusal, { operation, name }: NamedSuspension): RpcError {
  const quoted = JSON.stringify(name);
  switch (refusal) {
    case "NOT_FOUND":
      return notFound(OPERATION_TYPE, operation);
    case "RESOLVED":
      return new RpcError(
        "FAILED_PRECONDITION",
        `The suspension ${quoted} was answered before, with another payload.`,
        {
          reason: "SUSPENSION_RESOLVED",
        },
      );
    case "EXPIRED":
      return new RpcError("FAILED_PRECONDITION", `The suspension ${quoted} has expired.`, {
        reason: "SUSPENSION_EXPIRED",
      });
    case "ALREADY_DONE":
      return new RpcError("FAILED_PRECONDITION", `The operation ${JSON.stringify(operation)} is done.`, {
        reason: "OPERATION_DONE",
      });
    case "CANCELLING":
      return new RpcError("FAILED_PRECONDITION", `The operation ${JSON.stringify(operation)} was asked to stop.`, {
        reason: "OPERATION_CANCELLING",
      });
    case "RUN_ELSEWHERE":
      return new RpcError(
        "FAILED_PRECONDITION",
        `The work of ${JSON.stringify(operation)} is done elsewhere, and waits for no answer here.`,
        { reason: "OPERATION_RUN_ELSEWHERE" },
      );
    case "TOO_MANY_ANSWERS":
      return new RpcError(
        "RESOURCE_EXHAUSTED",
        `${MAX_EARLY_ANSWERS} answers wait for the work to reach their suspensions, and no more are kept.`,
        {
          reason: "TOO_MANY_ANSWERS",
          details: [retryInfo(SLOT_RETRY_SECONDS)],
          headers: { "Retry-After": String(SLOT_RETRY_SECONDS) },
        },
      );
    default:
      return refusal satisfies never;
  }
}
