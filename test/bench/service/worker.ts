// The service with one method that does as good as nothing: what is measured is the service.
import { type OperationContext, defineMethod, operations } from "../../../src/index";
import type { JsonObject } from "../../../src/rpc/any";
import type { BenchRequest } from "../target";

export * from "../../../src/objects";

const echo = defineMethod({
  id: "things:echo",
  http: { post: "/v1/{parent=projects/*}/things:echo", body: "*" },
  request: (json: JsonObject) => json as JsonObject & BenchRequest,
  run: giveBack,
});

/** The same, called by its object. Held, it is asleep: so far a start alone goes. */
const echoDirectly = defineMethod({
  id: "things:echoDirectly",
  http: { post: "/v1/{parent=projects/*}/things:echoDirectly", body: "*" },
  dispatch: "direct",
  request: (json: JsonObject) => json as JsonObject & BenchRequest,
  async run(request, op) {
    if (request.held === true) await op.sleep("30m");
    return giveBack(request, op);
  },
});

/** Forgotten as soon as can be: to see what is left after that. */
const echoBriefly = defineMethod({
  id: "things:echoBriefly",
  http: { post: "/v1/{parent=projects/*}/things:echoBriefly", body: "*" },
  request: (json: JsonObject) => json as JsonObject & BenchRequest,
  retention: "60s",
  run: giveBack,
});

async function steps({ steps: count = 0, parallelSteps = 0, stepUrl }: BenchRequest, op: OperationContext) {
  for (let number = 0; number < count; number += 1) {
    if (stepUrl !== undefined && number % 100 === 0) await fetch(`${stepUrl}/${number}`, { method: "POST" });
    await op.step(`step ${number}`, () => number);
  }
  if (stepUrl !== undefined) await fetch(`${stepUrl}/${count}`, { method: "POST" });
  await Promise.all(Array.from({ length: parallelSteps }, (_, number) => op.step(`branch ${number}`, () => number)));
}

async function giveBack(request: BenchRequest, op: OperationContext): Promise<{ echo: string }> {
  const { echo: text, reports = 0, ranUrl, untilCancelled = false } = request;
  await steps(request, op);
  if (request.sleepSeconds !== undefined) await op.sleep(`${request.sleepSeconds}s`);
  for (let number = 1; number <= reports; number += 1) op.progress({ progressPercent: number });
  if (ranUrl !== undefined) await fetch(ranUrl, { method: "POST" });
  if (untilCancelled)
    await new Promise((_, reject) => op.signal.addEventListener("abort", () => reject(op.signal.reason)));
  return { echo: text };
}

export default operations({ methods: [echo, echoBriefly, echoDirectly] });
