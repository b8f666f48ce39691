// CPU of refused requests, one after another on a runtime that does nothing else: a stranger costs (nearly) nothing.
import { type HostileRequest, bytesOf, isCutShort } from "./hostile-requests.ts";
import { type Outcome, exchange } from "./raw-http.ts";

/** A request that is refused takes at most this; the clock of proc(5) has ticks of 10 ms. */
export const MAX_REFUSAL_CPU_MS = 100;
const TICK_MS = 10;
/** The collector, or an alarm, may fall into one measurement; into three of one request, it does not. */
const MEASUREMENTS = 3;
const MAX_ANSWER_MS = 10_000;

export interface RefusalCost {
  requests: number;
  /** Of all of them, divided by their number. */
  meanCpuMs: number;
  /** Of one, the least of its measurements. */
  worstCpuMs: number;
  violations: string[];
}

export interface MeasuredHost {
  url: string;
  /** CPU time that it has had, in milliseconds. */
  cpuMs: () => number;
}

/** Sends each request again if it is dear, and keeps its least cost. Those that are not refused do not count. */
export async function costOfRefusals(
  { url, cpuMs }: MeasuredHost,
  requests: readonly HostileRequest[],
): Promise<RefusalCost> {
  const { host, port } = new URL(url);
  const send = async (request: HostileRequest): Promise<{ outcome: Outcome; ms: number }> => {
    const before = cpuMs();
    const outcome = await exchange({
      port: Number(port),
      bytes: bytesOf(request, host),
      isHead: request.method === "HEAD",
      isBrokenOff: isCutShort(request),
      timeoutMs: MAX_ANSWER_MS,
    });
    return { outcome, ms: cpuMs() - before };
  };
  const cost: RefusalCost = { requests: 0, meanCpuMs: 0, worstCpuMs: 0, violations: [] };
  let totalMs = 0;
  for (const request of requests) {
    let { outcome, ms } = await send(request);
    if (outcome.type !== "answered" || outcome.status < 400) continue;
    cost.requests += 1;
    totalMs += ms;
    for (let tries = 1; tries < MEASUREMENTS && ms > TICK_MS; tries += 1) ms = Math.min(ms, (await send(request)).ms);
    cost.worstCpuMs = Math.max(cost.worstCpuMs, ms);
    if (ms <= MAX_REFUSAL_CPU_MS + TICK_MS) continue;
    cost.violations.push(`${ms} ms of CPU for a refusal: ${bytesOf(request, host).toString("latin1").slice(0, 300)}`);
  }
  cost.meanCpuMs = Number((totalMs / Math.max(1, cost.requests)).toFixed(2));
  return cost;
}
