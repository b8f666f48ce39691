// One line in the log for each transition of an operation (docs/operations.md): its name, and no payload.
import type { OperationRecord } from "../../lifecycle/record";
import type { HappenedTransition, TransitionCause } from "../../lifecycle/transition";
import type { OperationEnv } from "./operation-env";

/** Causes after which the service repaired or abandoned something. */
const WARNINGS: ReadonlySet<TransitionCause> = new Set<TransitionCause>([
  "resend",
  "loseLease",
  "passAttemptLimit",
  "missHeartbeat",
  "endGrace",
  "passDeadline",
]);

/**
 * With `LOG=transitions` the end of an operation is its last line. `requestId`: of the HTTP request that caused it. The one that started the operation is named on every line. */
export function logTransition(
  { LOG }: Pick<OperationEnv, "LOG">,
  { name, method, startRequestId, traceparent }: OperationRecord,
  transition: HappenedTransition,
  requestId: string | undefined,
): void {
  if (LOG === "off" || (LOG === "transitions" && transition.cause === "expire")) return;
  const line = {
    message: "transition",
    operation: name,
    method,
    ...transition,
    ...(requestId === undefined ? {} : { requestId }),
    ...(startRequestId === undefined ? {} : { startRequestId }),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
  if (WARNINGS.has(transition.cause)) console.warn(line);
  else console.log(line);
}
