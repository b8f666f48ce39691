// A queue message, and the operation that it names.
import type { Env, WorkMessage } from "../env";

/** undefined: whoever sent it, no try will make an operation of it. */
export function objectIdOf(message: Message<WorkMessage>, env: Env): DurableObjectId | undefined {
  try {
    return env.OPERATIONS.idFromString(message.body.id);
  } catch (error) {
    console.error({ message: "queue message names no operation", messageId: message.id, error: String(error) });
    return undefined;
  }
}
