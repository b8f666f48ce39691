// One operation with all that is known of it, renewed as it changes.
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "../api/call";
import { type Explanation, explain } from "../api/explanations";
import { follow, whileHidden } from "../api/follow";
import type { Operation } from "../api/operation";
import { type Suspension, listSuspensions } from "../api/suspensions";

export interface LiveOperation {
  operation: Operation | undefined;
  isGone: boolean;
  /** The latest call failed; the operation is as it was last seen. */
  error: unknown;
  explanation: Explanation | undefined;
  /** Why there is no explanation. */
  explanationError: ApiError | undefined;
  suspensions: readonly Suspension[];
  /** Reads all of it again, after an action. */
  renew: () => void;
}

/** Slots, leases and queues change without the operation. */
const EXPLAIN_MS = 3_000;

export function useOperation(name: string): LiveOperation {
  const [operation, setOperation] = useState<Operation>();
  const [isGone, setGone] = useState(false);
  const [error, setError] = useState<unknown>();
  const [explanation, setExplanation] = useState<Explanation>();
  const [explanationError, setExplanationError] = useState<ApiError>();
  const [suspensions, setSuspensions] = useState<readonly Suspension[]>([]);
  const [round, setRound] = useState(0);

  useEffect(() => {
    const stop = new AbortController();
    void follow(
      name,
      {
        onOperation: (next) => {
          setOperation(next);
          setError(undefined);
        },
        onError: setError,
        onGone: () => setGone(true),
      },
      stop.signal,
    );
    return () => stop.abort();
  }, [name, round]);

  const isDone = operation?.done;
  useEffect(() => {
    if (operation === undefined || isGone) return undefined;
    const stop = new AbortController();
    void (async () => {
      while (!stop.signal.aborted) {
        const isAllowed = await Promise.all([
          explain(name, stop.signal).then(
            (found) => {
              setExplanation(found);
              setExplanationError(undefined);
              return true;
            },
            (problem: unknown) => {
              if (stop.signal.aborted) return false;
              if (problem instanceof ApiError) setExplanationError(problem);
              return !(problem instanceof ApiError && problem.httpStatus >= 400 && problem.httpStatus < 500);
            },
          ),
          listSuspensions(name, stop.signal).then(setSuspensions, () => {
            // A caller who may get the operation may read them; a lost call is repeated with the next round.
          }),
        ]);
        if (isDone || !isAllowed[0]) return;
        await new Promise((resolve) => setTimeout(resolve, EXPLAIN_MS));
        await whileHidden(stop.signal);
      }
    })();
    return () => stop.abort();
  }, [operation, isGone, round]);

  return {
    operation,
    isGone,
    error,
    explanation,
    explanationError,
    suspensions,
    renew: () => setRound((count) => count + 1),
  };
}
