// Work that a test holds up, and the loss of an object.
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { eventually } from "../support/eventually";
import { type Started, alarmTime } from "./harness";

/** The alarm of new work is armed a second after its start. */
export const alarmIsArmed = (operation: Started): Promise<boolean> =>
  eventually(async () => (await alarmTime(operation)) !== undefined);

/** The object is reset, as by a deploy: what it holds in memory is gone, calls included, and so are all stubs. */
export async function reset({ name, id, stub }: Started): Promise<Started> {
  await runInDurableObject(stub, (_instance, state) => state.abort("the object is reset")).catch(() => undefined);
  return { name, id, stub: env.OPERATIONS.get(env.OPERATIONS.idFromString(id)) };
}

/** A script that runs until it is released, or aborted. */
export function untilReleased() {
  const released = Promise.withResolvers<void>();
  const reasons: unknown[] = [];
  let runs = 0;
  return {
    release: released.resolve,
    reasons,
    /** A look, and no promise of the runner's: code that awaits one goes on in the runner's invocation, and ends with it. */
    running: () => eventually(() => runs > 0),
    script: async ({ signal }: { signal: AbortSignal }) => {
      runs += 1;
      const aborted = new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => {
          reasons.push(signal.reason);
          reject(signal.reason as Error);
        });
      });
      await Promise.race([released.promise, aborted]);
      return { answer: runs };
    },
  };
}
