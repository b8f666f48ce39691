// The answer to a call that started an operation, waited for as the client prefers (Prefer, RFC 7240).
import { MAX_WAIT_MS } from "../limits";
import { EMPTY_TYPE_URL } from "../rpc/any";
import type { CodeName } from "../rpc/code";
import { RpcError } from "../rpc/error";
import type { StartedOperation } from "../service/start-once";
import { JsonAnswer, operationAnswer } from "./answer";
import type { Call } from "./call";

/** The Operation, waited for as `Prefer: wait=N` asks; or, of a request that was only checked, one that is done. */
export async function startedAnswer(call: Call, started: StartedOperation | undefined): Promise<JsonAnswer> {
  if (!started) return new JsonAnswer(`{"done":true,"response":{"@type":"${EMPTY_TYPE_URL}"}}`);
  call.notes.operation = started.name;
  const waitMs = preferredWaitMs(call.headers.get("Prefer"));
  if (waitMs === undefined) return operationAnswer(started.answer, call.service);
  const waited = started.answer.done ? started.answer : await waitOrLatest(call, started, waitMs);
  return operationAnswer(waited, call.service, preferenceApplied(waitMs));
}

/** A caller who may start may not always wait: an anonymous caller is no starter. */
const NO_WAIT: ReadonlySet<CodeName> = new Set<CodeName>(["UNAVAILABLE", "UNAUTHENTICATED", "PERMISSION_DENIED"]);

/** The operation was started: whatever happens to the wait, its answer is the operation. */
async function waitOrLatest(call: Call, { name, answer }: StartedOperation, waitMs: number) {
  try {
    return (await call.service.waits.wait(name, waitMs, { request: call.request })) ?? answer;
  } catch (error) {
    if (error instanceof RpcError && NO_WAIT.has(error.code)) return answer;
    throw error;
  }
}

/** `wait=N` of a Prefer header, in milliseconds, capped as WaitOperation is; undefined where it has none that is valid. */
export function preferredWaitMs(prefer: string | null): number | undefined {
  // A preference that is not understood is ignored (RFC 7240, section 2).
  const seconds = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;])/i.exec(prefer ?? "")?.[1];
  return seconds === undefined ? undefined : Math.min(MAX_WAIT_MS, Number(seconds) * 1_000);
}

export function preferenceApplied(waitMs: number): Record<string, string> {
  return { "Preference-Applied": `wait=${waitMs / 1_000}` };
}
