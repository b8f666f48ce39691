// The dead-letter queue's door: a message that could not reach its operation in all its tries. The operation is looked
// after by its own rules, which know whether there is still work to send for.
import type { Env, WorkMessage } from "../env";
import { DEAD_LETTER_RETRY_SECONDS } from "../limits";

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
  const id = objectId(message, env);
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

/** undefined: no try will make an operation of it. */
function objectId(message: Message<WorkMessage>, env: Env): DurableObjectId | undefined {
  try {
    return env.OPERATIONS.idFromString(message.body.id);
  } catch (error) {
    console.error({ message: "dead letter names no operation", messageId: message.id, error: String(error) });
    return undefined;
  }
}
