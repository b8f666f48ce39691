// Emulation, for people who test clients (docs/emulation.md): what an operation is told to do instead of its method's work.
// PERSISTED CONTRACT: it stands in the record, and crosses from Worker to object to runner.
import type { JsonObject } from "../rpc/any";
import type { Status } from "../rpc/status";

export interface Emulation {
  /** The reports, with their delays after the creation, in this order. */
  progress: { afterMs: number; metadata: JsonObject; statusMessage?: string }[];
  /** How it ends, and when; absent: by a poll, a cancel, or its deadline. */
  end?: { afterMs: number } & ({ response: JsonObject } | { error: Status });
  polls: EmulatedPoll[];
  /** Polls so far; counted up to the last that anything is said of. */
  polled: number;
}

/** The effect of the n-th poll: the operation has failed by then, or the poll itself is answered with an error. */
export type EmulatedPoll = { poll: number } & ({ error: Status } | { httpError: Status });

/** The part of it that is played by a runner. */
export type EmulatedWork = Pick<Emulation, "progress" | "end">;

/** The part of a record that tells of its script. */
interface Emulated {
  emulation?: Emulation;
}

/** Whether anything is still to happen at a poll. */
export function countsPolls({ emulation }: Emulated): boolean {
  return emulation?.polls.some((one) => one.poll > emulation.polled) ?? false;
}

/** With which error the poll that was counted last is answered. */
export function httpErrorOf({ emulation }: Emulated): Status | undefined {
  const now = emulation && instructionOf(emulation);
  return now && "httpError" in now ? now.httpError : undefined;
}

/** The effect of the poll that was counted last. */
export function instructionOf({ polls, polled }: Emulation): EmulatedPoll | undefined {
  return polls.find((one) => one.poll === polled);
}
