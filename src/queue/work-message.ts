// A queue message, and the operation that it names. Owners may send messages of their own through the same queues.
import type { Env } from "../env";

/**
 * The object of the operation that a message names; undefined where the message is not the library's. The library's have
 * one field, the id, and the namespace accepts only ids that it has made.
 */
export function objectIdFromBody(body: unknown, env: Pick<Env, "OPERATIONS">): DurableObjectId | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const { id, ...others } = body as { id?: unknown };
  if (typeof id !== "string" || Object.keys(others).length > 0) return undefined;
  try {
    return env.OPERATIONS.idFromString(id);
  } catch {
    // Not an id of this namespace: another's message.
    return undefined;
  }
}
