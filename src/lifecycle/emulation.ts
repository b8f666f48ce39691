// Emulation, for people who test clients (docs/emulation.md): what an operation is told to do instead of its method's work.
// PERSISTED CONTRACT: it stands in the record, and crosses from Worker to object to runner.
import type { JsonObject } from "../rpc/any";
import type { Status } from "../rpc/status";
import { type Draft, fail, move } from "./draft";
import type { Refusal } from "./event";
import type { OperationRecord } from "./record";

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

/** Whether anything is still to happen at a poll. */
export function countsPolls({ emulation }: OperationRecord): boolean {
  return emulation?.polls.some((one) => one.poll > emulation.polled) ?? false;
}

/**
 * A client asked for the operation. By the n-th poll the operation has failed if the script says so, whatever its other
 * end.
 */
export function poll(draft: Draft): Refusal | undefined {
  const { record } = draft;
  const { emulation } = record;
  if (!emulation || !countsPolls(record)) return "NOT_ALLOWED";
  record.emulation = { ...emulation, polled: emulation.polled + 1 };
  const now = instructionOf(record.emulation);
  // The poll counts even where the table refuses the failure: in a finished operation, and in one that was asked to stop.
  if (now && "error" in now) move(draft, "failByScript", () => fail(draft, now.error));
  return undefined;
}

/** With which error the poll that was counted last is answered. */
export function httpErrorOf({ emulation }: OperationRecord): Status | undefined {
  const now = emulation && instructionOf(emulation);
  return now && "httpError" in now ? now.httpError : undefined;
}

function instructionOf({ polls, polled }: Emulation): EmulatedPoll | undefined {
  return polls.find((one) => one.poll === polled);
}
