// Plays the script of a client under test in place of a method's function: progress and an end, each at its time.
import type { EmulatedWork } from "../lifecycle/emulation";
import type { OperationContext } from "../method/method";
import type { JsonObject } from "../rpc/any";
import type { Status } from "../rpc/status";

/** The outcome, when its time has come. Every pause is a durable sleep, after which this is called again. */
export async function emulatedOutcome(
  { progress, end }: EmulatedWork,
  operation: Pick<OperationContext, "createTime" | "deadline" | "progress" | "sleepUntil">,
  now: () => number,
): Promise<{ response: JsonObject } | { error: Status }> {
  const startMs = operation.createTime.getTime();
  const reported: JsonObject = {};
  const pauseUntil = async (timeMs: number): Promise<void> => {
    // All at once. A replay that began with the first would show clients progress that goes back.
    if (timeMs > now()) report();
    await operation.sleepUntil(new Date(timeMs));
  };
  const report = (): void => {
    if (Object.keys(reported).length > 0) operation.progress(reported);
  };
  for (const { afterMs, metadata, statusMessage } of progress) {
    await pauseUntil(startMs + afterMs);
    Object.assign(reported, metadata, statusMessage === undefined ? {} : { statusMessage });
  }
  await pauseUntil(end ? startMs + end.afterMs : operation.deadline.getTime());
  report();
  if (!end) throw new Error("the deadline has passed, and the operation is not done");
  return end;
}
