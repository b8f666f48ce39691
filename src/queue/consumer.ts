// The queue door: claims each operation's work with its object, acknowledges, and works on behind the acknowledgement.
import { configFromEnv } from "../config";
import type { Env, WorkMessage } from "../env";
import { CLAIM_RETRY_DELAY_SECONDS } from "../limits";
import type { Method } from "../operation/define-method";
import { isDeadLetterQueue, repairDeadLetters } from "./dead-letters";
import { RunChannel } from "./run-channel";
import { runOperation } from "./run-operation";
import { objectIdOf } from "./work-message";

/** The queue handler of a deployment with these methods. */
export function queueConsumer(methods: ReadonlyMap<string, Method>) {
  return async function queue(batch: MessageBatch<WorkMessage>, env: Env, ctx: ExecutionContext): Promise<void> {
    if (isDeadLetterQueue(batch.queue)) return repairDeadLetters(batch, env);
    const { auth, invocationMs } = configFromEnv(env);
    const options = { methods, showInnerErrors: auth === "open", invocationMs };
    await Promise.all(
      batch.messages.map(async (message) => {
        const channel = await claim(message, env);
        if (channel) ctx.waitUntil(runOperation(channel, options));
      }),
    );
  };
}

/** The Queue's own retry serves only a claim that could not be reached: from the claim on, the object sees to the rest. */
async function claim(message: Message<WorkMessage>, env: Env): Promise<RunChannel | undefined> {
  const id = objectIdOf(message, env);
  if (!id) {
    message.ack();
    return undefined;
  }
  try {
    // Another stub for each call: one that has failed once goes on failing.
    const channel = await RunChannel.claim({ fetch: (...request) => env.OPERATIONS.get(id).fetch(...request) });
    message.ack();
    return channel;
  } catch (error) {
    console.warn({ message: "claim not reached", id: String(id), error: String(error) });
    message.retry({ delaySeconds: CLAIM_RETRY_DELAY_SECONDS });
    return undefined;
  }
}
