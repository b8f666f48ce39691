// A `fetch` that answers from a script, for clients of the service, and a clock that moves when everything waits for it.
import type { Clock, FetchLike, ResponseLike } from "../../src/client/platform";

export interface SentCall {
  /** `POST /v1/operations/1:wait`. */
  call: string;
  headers: Record<string, string>;
  body: unknown;
}

export interface ScriptedAnswer {
  status?: number;
  headers?: Record<string, string>;
  json?: unknown;
  text?: string;
  /** Milliseconds before the answer. */
  afterMs?: number;
}

export interface ServiceByFetch {
  fetch: FetchLike;
  clock: Clock;
  calls: SentCall[];
  /** The pauses and time limits that have passed, in milliseconds. */
  waited: number[];
}

/** One answer for each call, in order: an Error is a network failure, `"never"` no answer at all. */
export function aServiceByFetch(...answers: (ScriptedAnswer | Error | "never")[]): ServiceByFetch {
  const calls: SentCall[] = [];
  const waited: number[] = [];
  const timers = new Set<{ time: number; run: () => void }>();
  let now = Date.UTC(2026, 0, 1);
  /** Everything but the clock goes on by microtasks, so then nothing else is under way. */
  const passTime = (): void => {
    const [next] = [...timers].toSorted((one, other) => one.time - other.time);
    if (!next) return;
    timers.delete(next);
    waited.push(next.time - now);
    now = next.time;
    next.run();
  };
  const clock: Clock = {
    now: () => now,
    after: (ms, run) => {
      const timer = { time: now + ms, run };
      timers.add(timer);
      setImmediate(passTime);
      return () => timers.delete(timer);
    },
  };
  const fetch: FetchLike = async (url, { method, headers, body, signal }) => {
    const { pathname, search } = new URL(url, "http://own.example");
    calls.push({ call: `${method} ${pathname}${search}`, headers, body: sentBody(body) });
    const answer = answers.shift();
    if (answer === undefined) throw new Error(`no answer is left for ${url}`);
    if (answer instanceof Error) throw answer;
    if (answer === "never") return neverAnswered(signal);
    now += answer.afterMs ?? 0;
    return responseFrom(answer);
  };
  return { fetch, calls, clock, waited };
}

function sentBody(body: unknown): unknown {
  return typeof body === "string" && body.startsWith("{") ? (JSON.parse(body) as unknown) : body;
}

function neverAnswered(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => reject(signal.reason as Error));
  return promise;
}

function responseFrom({ status = 200, headers = {}, json, text = JSON.stringify(json) }: ScriptedAnswer): ResponseLike {
  const all = new Headers({ "content-type": "application/json", ...headers });
  return { status, headers: all, text: async () => text };
}
