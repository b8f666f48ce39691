// The queue door: claims the work that each message names, acknowledges the message, and does the work. The handler awaits
// it, because the platform gives the handler 15 minutes, and about 30 seconds to what a handler leaves under waitUntil.
import { configFromEnv } from "../config";
import type { Env } from "../env";
import type { Method } from "../method/define-method";
import type { Locations } from "../service/locations";
import { childStarts } from "./child-starts";
import { type QueueHandler, passOn } from "./other-messages";
import { type ObjectStub, RunChannel } from "./run-channel";
import { type RunOptions, runOperation } from "./run-operation";
import { objectIdFromBody } from "./work-message";
import { workersPlatform } from "./workers-platform";

/**
 * The queue handler of a deployment with these methods. It takes every message that names an operation, from whichever
 * queue: a lane, a method's own queue, or the dead-letter queue of either. A dead letter is claimed like any other message,
 * because a claim also settles what is due and arms an alarm that was lost. All other messages are `other`'s.
 */
export function queueConsumer(methods: ReadonlyMap<string, Method>, locations: Locations, other?: QueueHandler) {
  return async function queue(batch: MessageBatch, env: Env, ctx: ExecutionContext): Promise<void> {
    const work: { message: Message; id: DurableObjectId }[] = [];
    const others: Message[] = [];
    for (const message of batch.messages) {
      const id = objectIdFromBody(message.body, env);
      if (id) work.push({ message, id });
      else others.push(message);
    }
    if (work.length === 0) return passOn(batch, others, { handler: other, env, ctx });
    const { auth, invocationMs } = configFromEnv(env);
    const showInnerErrors = auth === "open";
    const children = childStarts(env, locations);
    const options: RunOptions = { methods, showInnerErrors, invocationMs, platform: workersPlatform, children };
    await Promise.all([
      ...work.map(async ({ message, id }) => {
        const channel = await claim(message, id, env);
        if (channel) await runOperation(channel, options);
      }),
      passOn(batch, others, { handler: other, env, ctx }),
    ]);
  };
}

/**
 * The Queue's own retry serves only a claim that could not be reached: after the claim, the object retries what is lost.
 * An acknowledgement counts when the invocation ends. An invocation that dies has its message delivered again, whose claim
 * is then refused, and acknowledged, as long as the object waits for the dead runner.
 */
async function claim(message: Message, id: DurableObjectId, env: Env): Promise<RunChannel | undefined> {
  try {
    // Another stub for each call, because a stub that has failed once keeps failing.
    // The cast, because the type of the stub's own methods is too deep for the compiler.
    const newStub = (): ObjectStub => (env.OPERATIONS as DurableObjectNamespace).get(id) as unknown as ObjectStub;
    const channel = await RunChannel.claim({
      fetch: (...request) => newStub().fetch(...request),
      claim: () => newStub().claim(),
    });
    message.ack();
    return channel;
  } catch (error) {
    const { attempts } = message;
    console.warn({ message: "claim not reached", id: String(id), attempts, error: String(error) });
    // After the configured delay of the queue's consumer.
    message.retry();
    return undefined;
  }
}
