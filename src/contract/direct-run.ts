// Direct dispatch: an operation's object calls a runner of the same Worker and holds the call. PERSISTED CONTRACT: for minutes
// after a deploy old and new code talk to each other. Fields and methods are only ever added.
import type { Claimed, LastWord, MessageToObject, MessageToRunner } from "./run-channel";

/** The entrypoint under which a Worker exports its runner, beside the classes of its objects. */
export const RUNNER_EXPORT = "OperationRunner";

/** The runner, as an operation's object calls it. */
export interface DirectRunner {
  /**
   * Does the claimed work; `claimTime` is when the object sent the call (milliseconds since 1970). undefined: the runner has
   * lost the work and has no result.
   */
  run(claimed: Claimed, object: DirectObject, claimTime: number): Promise<LastWord | undefined>;
}

/** The answer to a runner that listens: a message, or that nothing has happened and the lease is kept. */
export type Notice = Extract<MessageToRunner, { type: "cancel" | "stop" | "answers" }> | { type: "leaseKept" };

/** The operation's object, as its runner calls it back within the call. Each answer but `stop` confirms the lease. */
export interface DirectObject {
  /** Takes a message of the run channel, and gives the answer that the channel would send; undefined for progress. */
  send(message: MessageToObject): Promise<MessageToRunner | undefined>;
  /** Keeps the lease. The object answers when it has a message, or else after a part of the lease. */
  listen(): Promise<Notice>;
  /** Input and large results: the requests that a run channel's runner makes to the object's `fetch`. */
  request(request: Request): Promise<Response>;
}

/**
 * The object's answer to a claim by call. The runner sends its messages by `calls`, until it opens its socket. Calls on a
 * returned stub belong to the session of the claim, so they are no requests of their own:
 * https://developers.cloudflare.com/durable-objects/platform/pricing/
 */
export interface ClaimAnswer {
  claimed: Claimed;
  calls: Pick<DirectObject, "send"> & Disposable;
}
