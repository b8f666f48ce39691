// The way from a run to its operation's object. It has two transports: the run channel of a queue consumer, and the call of
// direct dispatch.
import type { ReservedChild, StoredEnd } from "../contract/child";
import type { Claimed, LastWord, News, ProgressMessage } from "../contract/run-channel";
import type { SuccessfulOutcome } from "../lifecycle/event";
import type { AttemptMemory, JoinCondition } from "../lifecycle/record";

export type SaveStep = { type: "saveStep"; name: string; result: string; order: number } & AttemptMemory;

/** A value to store. The channel numbers it and adds the token. */
export type SaveMessage =
  | SaveStep
  | ({ type: "saveCheckpoint"; cursor: string } & AttemptMemory)
  | ({ type: "saveSleeps"; restsUntil?: number } & AttemptMemory)
  | ({ type: "saveChildren"; children: ReservedChild[] } & AttemptMemory)
  | ({ type: "saveSuspensions" } & AttemptMemory)
  | { type: "saveOutput"; offset: number; text: string };

/** The outcome of a runner's message: stored, or void because another runner has the work. */
export type Settlement = "settled" | "stopped";

/** Events that reach a run from outside. */
export interface RunListener {
  /** A client asked to stop. */
  onCancel(): void;
  /** Suspensions were answered or have expired, and children have ended. */
  onAnswers(news: News): void;
  /** The work is lost: to a deadline, another runner, or silence longer than the lease. */
  onStop(): void;
}

/** Values too large for a message. */
export interface LargeValueStore {
  /** The streamed input from its beginning. */
  input(): Promise<ReadableStream<Uint8Array>>;
  /** The JSON text of a finished step's large result. */
  stepResult(place: number): Promise<string>;
  /** The JSON text of a suspension's large answer. */
  answer(id: string): Promise<string>;
  /** The outcomes of those children at these places that have ended. */
  childEnds(places: JoinCondition["places"]): Promise<StoredEnd[]>;
  /** Stores a step's large result. */
  saveStep(step: SaveStep): Promise<Settlement>;
  /** Stores a large response, which the final message names; undefined after the work is lost. */
  saveResponse(response: string): Promise<SuccessfulOutcome | undefined>;
}

export interface Channel {
  readonly claimed: Claimed;
  /** Delivers the events of the run to its listener, past ones too. */
  listen(listener: RunListener): void;
  /** The work waits for something. Until then a channel may leave out what keeps its lease. */
  keepLease(): void;
  /** Sends progress, which may be lost: the final message carries it again. */
  sendProgress(progress: ProgressMessage): void;
  /** Stores a value. */
  save(message: SaveMessage): Promise<Settlement>;
  /** Sends the final message, and closes. */
  finish(lastWord: LastWord): Promise<Settlement>;
  close(): void;
  readonly largeValues: LargeValueStore;
  /** Whether the work is still its own, as far as it can know, by a clock that shows the time of the last I/O. */
  holdsLease(): boolean;
  /** Stops the work if the lease has expired. Awaited before each part of the work. */
  confirmLease(): Promise<void>;
}
