// Messages that are not the library's. The owner's handler gets them, and the library acknowledges none of them.
import type { Env } from "../env";

export type QueueHandler = (batch: MessageBatch, env: Env, ctx: ExecutionContext) => void | Promise<void>;

interface Receiver {
  handler: QueueHandler | undefined;
  env: Env;
  ctx: ExecutionContext;
}

/** Passes the messages of a batch that name no operation to the owner's handler, or leaves them to the queue. */
export async function passOn(
  batch: MessageBatch,
  others: readonly Message[],
  { handler, env, ctx }: Receiver,
): Promise<void> {
  if (others.length === 0) return;
  if (!handler) return leave(batch.queue, others);
  // A batch of the owner's messages alone keeps the platform's meaning: an error of the handler retries the whole
  // batch.
  if (others.length === batch.messages.length) return handler(batch, env, ctx);
  try {
    await handler(partOf(batch, others), env, ctx);
  } catch (error) {
    console.error({ message: "your queue handler failed", queue: batch.queue, error: String(error) });
    // Messages that the handler has acknowledged stay acknowledged, because the first decision about a message counts.
    for (const message of others) message.retry();
  }
}

/** An acknowledgement would lose them. They are retried until the queue drops them, or to its dead-letter queue. */
function leave(queue: string, others: readonly Message[]): void {
  for (const message of others) {
    console.error({
      message: "queue message names no operation; it is retried",
      queue,
      messageId: message.id,
      advice: "Give the handler of your own messages to operations({ methods, queue }).",
    });
    message.retry();
  }
}

export function partOf(batch: MessageBatch, messages: readonly Message[]): MessageBatch {
  return {
    queue: batch.queue,
    metadata: batch.metadata,
    messages,
    ackAll: () => messages.forEach((message) => message.ack()),
    retryAll: (options) => messages.forEach((message) => message.retry(options)),
  };
}
