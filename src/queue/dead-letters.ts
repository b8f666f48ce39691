// The dead-letter queue's door: a message that could not reach its operation in all its tries. The operation is looked
// after by its own rules, which know whether there is still work to send for.
import type { Env, WorkMessage } from "../env";
import { DEAD_LETTER_RETRY_SECONDS } from "../limits";
import { objectIdOf } from "./work-message";

/** How the name of a dead-letter queue ends, whatever the deployment calls its queues. */
const DEAD_LETTER_SUFFIX = "-dead-letters";

export function isDeadLetterQueue(queue: string): boolean {
  return queue.endsWith(DEAD_LETTER_SUFFIX);
}

/** Each operation settles what is due and arms its alarm, which sends the message again where nobody has claimed the work. */
export async function repairDeadLetters(batch: MessageBatch<WorkMessage>, env: Env): Promise<void> {
  await Promise.all(batch.messages.map((message) => repair(message, env)));
}

async function repair(message: Message<WorkMessage>, env: Env): Promise<void> {
  const id = objectIdOf(message, env);
  if (!id) return message.ack();
  try {
    const row = await env.OPERATIONS.get(id).reconcile();
    console.warn({
      message: "dead letter",
      id: message.body.id,
      operation: row === undefined ? "none" : "looked after",
    });
    message.ack();
  } catch (error) {
    console.error({ message: "dead letter: operation not reached", id: message.body.id, error: String(error) });
    message.retry({ delaySeconds: DEAD_LETTER_RETRY_SECONDS });
  }
}
