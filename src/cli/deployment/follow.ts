// Waiting for an operation's end from a terminal: by :watch or :wait, or by get where a service has neither. Ctrl-C ends the
// command, and not the operation.
import type { OperationHandle, OperationState } from "edge-operations/client";
import { EXIT, Exit } from "../exit-codes.ts";
import { print, printJson, printOperation } from "./output.ts";
import { ProgressLine } from "./progress-line.ts";

export interface FollowOptions {
  json: boolean;
  /** In milliseconds; undefined: as long as it takes. */
  timeoutMs: number | undefined;
  /** Each state is printed, and not the last one alone. */
  everyState: boolean;
  /** The command that continues with it. */
  command: "wait" | "watch";
  /** The arguments that say which deployment it is, for the command that continues. */
  connectionFlags: readonly string[];
}

const POLL_MS = 2_000;
/** Services without WaitOperation answer with one of these. */
const NO_WAIT = new Set<unknown>(["UNIMPLEMENTED", "NOT_FOUND", "INVALID_ARGUMENT"]);

/** Prints the end, and exits as it was. */
export async function follow(handle: OperationHandle, options: FollowOptions): Promise<void> {
  const { json, timeoutMs, everyState } = options;
  const line = new ProgressLine();
  const abort = new AbortController();
  const interrupt = (): void => abort.abort(new Exit(EXIT.interrupted));
  process.once("SIGINT", interrupt);
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => abort.abort(new Exit(EXIT.notDone)), timeoutMs);
  let told = "";
  const show = (): void => {
    const { latest } = handle;
    if (!latest) return;
    line.show(latest);
    const text = JSON.stringify(latest.resource);
    if (everyState && json && text !== told) print(text);
    told = text;
  };
  // The time on the line goes on while nothing changes.
  const ticker = setInterval(show, 1_000);
  try {
    await handle.get({ signal: abort.signal });
    show();
    const state = await ended(handle, { signal: abort.signal, show, everyState });
    line.show(state);
    line.end();
    if (!json) printOperation(state);
    else if (!everyState) printJson(state.resource);
    throw new Exit(exitCodeOfState(state));
  } catch (error) {
    if (!(error instanceof Exit) || (error.code !== EXIT.interrupted && error.code !== EXIT.notDone)) throw error;
    line.end();
    const again = ["edge-operations", options.command, handle.name, ...options.connectionFlags].join(" ");
    process.stderr.write(`${handle.name} goes on. Go on waiting:\n  ${again}\n`);
    throw error;
  } finally {
    clearInterval(ticker);
    clearTimeout(timer);
    process.off("SIGINT", interrupt);
  }
}

async function ended(
  handle: OperationHandle,
  { signal, show, everyState }: { signal: AbortSignal; show: () => void; everyState: boolean },
): Promise<OperationState> {
  try {
    if (everyState) {
      for await (const state of handle.watch({ signal })) {
        show();
        if (state.done) return state;
      }
    }
    return await handle.wait({ signal, progressIntervalMs: 1_000, onProgress: show });
  } catch (error) {
    // The operation is there: it was read before.
    if (!NO_WAIT.has((error as { code?: unknown }).code)) throw error;
  }
  for (;;) {
    const state = await handle.get({ signal });
    show();
    if (state.done) return state;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, POLL_MS);
      signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason as Error)), { once: true });
    });
  }
}

function exitCodeOfState({ error }: OperationState): number {
  if (!error) return EXIT.done;
  return error.code === "CANCELLED" ? EXIT.operationCancelled : EXIT.operationFailed;
}
