// kill -9 with a thousand operations in flight: what is lost, what is done twice, and how long it takes until all is done.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inParallel } from "./measure.ts";
import { Runtime } from "./runtime.ts";
import type { Target } from "./target.ts";

export interface PowerCut {
  inFlight: number;
  /** Still not done when the patience is over. */
  lost: number;
  /** Done with a result that is not theirs. */
  wrong: number;
  /** Operations whose work was run more than once after the restart. */
  doubled: number;
  /** Until the last was done, from the restart on. */
  recoverySeconds: number;
}

const PATIENCE_MS = 90_000;
const CONCURRENCY = 32;

/** The work asks a server before it ends, which does not answer before the cut: whatever runs then is cut off. */
export async function cutPower(target: Target, count: number): Promise<PowerCut> {
  let isCut = false;
  const runs = new Map<string, number>();
  const server = createServer((request, response) => {
    if (!isCut) return;
    const key = request.url ?? "";
    runs.set(key, (runs.get(key) ?? 0) + 1);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const ranUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let runtime = await Runtime.start({ ...target, consumes: true });
  try {
    const ids: string[] = [];
    const before = target.adapter(runtime.url);
    await inParallel(count, CONCURRENCY, async (number) => {
      ids[number] = await before.start({ echo: `cut ${number}`, ranUrl: `${ranUrl}/${number}` });
    });
    const restarting = runtime.restart();
    isCut = true;
    server.closeAllConnections();
    runtime = await restarting;
    return await recovery(target, { url: runtime.url, ids, runs });
  } finally {
    server.closeAllConnections();
    server.close();
    await runtime.dispose();
  }
}

async function recovery(
  target: Target,
  { url, ids, runs }: { url: string; ids: readonly string[]; runs: ReadonlyMap<string, number> },
): Promise<PowerCut> {
  const adapter = target.adapter(url);
  const restartTime = performance.now();
  const endTime = restartTime + PATIENCE_MS;
  let lost = 0;
  let wrong = 0;
  await inParallel(ids.length, CONCURRENCY, async (number) => {
    let echo: string | undefined;
    while (echo === undefined && performance.now() < endTime) {
      echo = await adapter.get(ids[number]!);
      if (echo === undefined) await new Promise((resolve) => setTimeout(resolve, 100));
    }
    if (echo === undefined) lost += 1;
    else if (echo !== `cut ${number}`) wrong += 1;
  });
  const recoverySeconds = (performance.now() - restartTime) / 1_000;
  const doubled = [...runs.values()].filter((times) => times > 1).length;
  return { inFlight: ids.length, lost, wrong, doubled, recoverySeconds };
}
