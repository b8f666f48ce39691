// A target of the benchmark: a Worker to run locally, and an adapter that says how its users call it.

/** The work, the same for every target: give back `echo`. */
export interface BenchRequest {
  echo: string;
  /** How often the work says how far it is. */
  reports?: number;
  /** Steps that do nothing, one after another. */
  steps?: number;
  /** The same, side by side. */
  parallelSteps?: number;
  /** Posted to before the first step, and after each hundredth. */
  stepUrl?: string;
  /** How long it sleeps, in seconds. */
  sleepSeconds?: number;
  /** Posted to by every run of the work. */
  ranUrl?: string;
  /** Go on until somebody cancels. */
  untilCancelled?: boolean;
  /** Workflows only: stay asleep, so that a start is measured alone. */
  held?: boolean;
  /** The floor's own. */
  createTime?: number;
}

export interface Target {
  name: string;
  /** wrangler.toml and entry, from the repository's root. */
  config: string;
  entry: string;
  vars: Record<string, string>;
  /** Whether its work has steps and sleeps. */
  hasSteps?: boolean;
  /** How an operation that is only started is had: by a queue that nobody consumes, or by what the request says. */
  holdsBy: "queue" | "request";
  adapter(url: string): Adapter;
}

export interface Adapter {
  /** Gives the operation's id, once its start is answered. */
  start(request: BenchRequest): Promise<string>;
  /** Its result's echo; undefined while it is not done. */
  get(id: string): Promise<string | undefined>;
  /** Comes back with the result's echo as soon as its user can have it. */
  wait(id: string): Promise<string>;
  /** Ids of the newest 100; undefined where there is no list. */
  list: (() => Promise<string[]>) | undefined;
  /** Cancels work that runs; gives the milliseconds from the call to its end as a waiter has it. undefined: it has none. */
  cancelled: ((id: string) => Promise<number>) | undefined;
}

/** A call whose answer is JSON and good. */
export async function call<T>(url: string, init?: RequestInit): Promise<T> {
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text.slice(0, 500)}`);
  return JSON.parse(text) as T;
}

export function post<T>(url: string, body: object): Promise<T> {
  return call<T>(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}
