// `:explain`: why an operation is where it is, for callers who may ask (longrunning.operations.explain).
import { useEffect, useState } from "preact/hooks";
import { ApiError, call, pathOf } from "./call";
import type { JsonObject } from "./json";
import { type Operation, WAITING_FOR_SLOT } from "./operation";

export interface Attempt {
  number: number;
  startTime?: string;
  endTime?: string;
  end?: string;
  code?: string;
  message?: string;
  retryable?: boolean;
}

export interface Slot {
  key: string;
  limit: number;
  held?: boolean;
  holders?: number;
  waiters?: number;
  ahead?: number;
}

/** An edge_operations.v1.OperationExplanation, as far as it is shown. */
export interface Explanation {
  state: string;
  summary: string;
  next: readonly { event: string; time: string; description: string }[];
  advice: readonly string[];
  method?: string;
  methodVersion?: string;
  statusMessage?: string;
  createTime?: string;
  startTime?: string;
  endTime?: string;
  scheduleTime?: string;
  deadline?: string;
  expireTime?: string;
  cancelRequestTime?: string;
  attempts?: readonly Attempt[];
  attemptCounts?: { failed: number; maxFailed: number; lost: number };
  lease?: { endTime?: string; connected?: boolean; lastKeepAliveTime?: string; channelLostTime?: string };
  progress?: { steps?: number; checkpointed?: boolean; sleeps?: number; inputBytes?: string };
  runSlot?: Slot;
  callerSlot?: Slot;
  priority?: number;
  starter?: string;
  startRequestId?: string;
  webhookDeliveries?: readonly JsonObject[];
  retryOf?: string;
  retry?: string;
}

/** The state as a person sees it. */
export function stateOf({ state, runSlot }: Explanation): string {
  return state === "QUEUED" && runSlot?.ahead !== undefined ? WAITING_FOR_SLOT : state;
}

export function explain(name: string, signal?: AbortSignal): Promise<Explanation> {
  return call<Explanation>(pathOf(`${name}:explain`), { signal });
}

/** Rows are explained one after another, at most so many of a page. */
const MAX_EXPLAINED = 50;

interface Known {
  done: boolean;
  explanation: Explanation;
}

const known = new Map<string, Known>();
const MAX_KNOWN = 1_000;
let isRefused = false;

/** Other credentials may ask for others. */
export function forgetExplanations(): void {
  known.clear();
  isRefused = false;
}

/** The explanations of these rows, each asked for once, and again when its operation is done. */
export function useExplanations(operations: readonly Operation[]): ReadonlyMap<string, Explanation> {
  const [, setCount] = useState(0);
  const missing = operations
    .filter(({ name, done }) => known.get(name)?.done !== true && (done || !known.has(name)))
    .slice(0, MAX_EXPLAINED);
  const key = missing.map(({ name, done }) => `${name} ${done}`).join("\n");
  useEffect(() => {
    if (key === "" || isRefused) return undefined;
    const stop = new AbortController();
    void (async () => {
      for (const { name, done } of missing) {
        try {
          const explanation = await explain(name, stop.signal);
          if (known.size >= MAX_KNOWN) known.clear();
          known.set(name, { done, explanation });
          setCount((count) => count + 1);
        } catch (error) {
          if (stop.signal.aborted) return;
          // A caller who may not ask for one may not ask for the others, and sees the rows without.
          if (error instanceof ApiError && error.code === "PERMISSION_DENIED") isRefused = true;
          if (isRefused) return;
        }
      }
    })();
    return () => stop.abort();
  }, [key]);
  return new Map(
    operations.flatMap(({ name }) => {
      const found = known.get(name);
      return found ? [[name, found.explanation]] : [];
    }),
  );
}
