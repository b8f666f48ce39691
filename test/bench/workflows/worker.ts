// Cloudflare Workflows, as their documentation has it: an instance is started, its status is asked for until it is done.
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
import type { BenchRequest } from "../target";

interface FlowEnv {
  FLOW: Workflow<BenchRequest>;
}

export class BenchFlow extends WorkflowEntrypoint<FlowEnv, BenchRequest> {
  override async run({ payload }: WorkflowEvent<BenchRequest>, step: WorkflowStep): Promise<unknown> {
    // Progress that others can see, and that is not lost, is a step.
    for (let number = 1; number <= (payload.reports ?? 0); number += 1) {
      await step.do(`report ${number}`, async () => number);
    }
    const { steps = 0, parallelSteps = 0, stepUrl, sleepSeconds } = payload;
    for (let number = 0; number < steps; number += 1) {
      if (stepUrl !== undefined && number % 100 === 0) await fetch(`${stepUrl}/${number}`, { method: "POST" });
      await step.do(`step ${number}`, async () => number);
    }
    if (stepUrl !== undefined) await fetch(`${stepUrl}/${steps}`, { method: "POST" });
    await Promise.all(
      Array.from({ length: parallelSteps }, (_, number) => step.do(`branch ${number}`, async () => number)),
    );
    if (sleepSeconds !== undefined) await step.sleep("sleep", sleepSeconds * 1_000);
    if (payload.held === true) await step.sleep("held", "1 hour");
    return step.do("work", async () => {
      if (payload.ranUrl !== undefined) await fetch(payload.ranUrl, { method: "POST" });
      return { echo: payload.echo };
    });
  }
}

export default {
  async fetch(request, env): Promise<Response> {
    const [, verb, id = ""] = new URL(request.url).pathname.split("/");
    switch (verb) {
      case "start": {
        const instance = await env.FLOW.create({ params: await request.json<BenchRequest>() });
        return Response.json({ id: instance.id });
      }
      case "get":
        return Response.json(await (await env.FLOW.get(id)).status());
      default:
        return new Response(null, { status: 404 });
    }
  },
} satisfies ExportedHandler<FlowEnv>;
