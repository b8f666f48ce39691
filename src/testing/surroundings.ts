// Date and fetch while methods run under test: code of a run sees the run's clock, and its calls of fetch are noticed.
import { AsyncLocalStorage } from "node:async_hooks";

/** The events of a run's code. */
export interface Surroundings {
  now(): number;
  /** Called before each call of fetch that is not within a step. */
  onFetch(text: string, callee: typeof globalThis.fetch): void;
}

const current = new AsyncLocalStorage<{ run: Surroundings; isInStep: boolean }>();
let runs = 0;
let restore: (() => void) | undefined;

/** Runs work whose code, and all that it calls later, belongs to a run. */
export function within<T>(run: Surroundings, isInStep: boolean, work: () => T): T {
  return current.run({ run, isInStep }, work);
}

/** Replaces the globals while at least one run continues. */
export async function withSurroundings<T>(work: () => Promise<T>): Promise<T> {
  if (runs === 0) restore = replaceGlobals();
  runs += 1;
  try {
    return await work();
  } finally {
    runs -= 1;
    if (runs === 0) restore?.();
  }
}

function replaceGlobals(): () => void {
  const { Date: realDate, fetch: realFetch } = globalThis;
  const nowOf = (): number => current.getStore()?.run.now() ?? realDate.now();
  const testDate = new Proxy(realDate, {
    // Without arguments it is the present time; instanceof goes by the prototype, which is the real one's.
    construct: (target, parameters: [], newTarget) =>
      Reflect.construct(target, parameters.length === 0 ? [nowOf()] : parameters, newTarget) as object,
    apply: () => new realDate(nowOf()).toString(),
    get: (target, name, receiver) => (name === "now" ? nowOf : (Reflect.get(target, name, receiver) as unknown)),
  });
  const testFetch: typeof fetch = (...parameters) => {
    const store = current.getStore();
    if (store && !store.isInStep) store.run.onFetch(textOfFetch(...parameters), testFetch);
    return realFetch(...parameters);
  };
  globalThis.Date = testDate;
  globalThis.fetch = testFetch;
  return () => {
    // A mock of the test's own, which came later, stays.
    if (globalThis.Date === testDate) globalThis.Date = realDate;
    if (globalThis.fetch === testFetch) globalThis.fetch = realFetch;
  };
}

/** `POST https://example.com/inbox`. */
function textOfFetch(input: Parameters<typeof fetch>[0], init: RequestInit = {}): string {
  const request = typeof input === "object" && "url" in input ? input : { url: String(input), method: "GET" };
  return `${(init.method ?? request.method).toUpperCase()} ${request.url}`;
}
