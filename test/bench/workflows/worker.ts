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
