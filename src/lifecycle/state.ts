// The lifecycle of an operation: one table, from which everything else that knows a state is derived (AIP-151).

/** Where an operation stands. `NEW` is before its record exists. */
export type State =
  | "NEW"
  | "QUEUED"
  | "RUNNING"
  | "SLEEPING"
  | "BACKING_OFF"
  | "CANCELLING"
  /** The work is done elsewhere, by whoever calls UpdateOperation. */
  | "EXTERNAL"
  | "EXTERNAL_CANCELLING"
  | "SUCCEEDED"
  | "FAILED"
  | "CANCELLED";

/** What may happen to an operation. */
export type Transition =
  /** Accepted: its work waits for a consumer. */
  | "enqueue"
  /** Accepted: its work is done elsewhere. */
  | "await"
  /** Its queue message was not claimed in time, and is sent again. */
  | "resend"
  /** It is its turn, but too many of its kind run: it waits for a slot. */
  | "hold"
  /** A consumer takes the work, under a new fence token. */
  | "claim"
  /** The work reports progress, stores a step or keeps its lease. */
  | "report"
  /** Whoever does the work elsewhere reports progress, which is its heartbeat. */
  | "update"
  /** The work stops until a time. */
  | "sleep"
  /** The work gives way to a new invocation, to go on from what is stored. */
  | "yield"
  /** The attempt failed and another will follow. */
  | "backOff"
  /** The time it slept or backed off for has come. */
  | "wake"
  /** The work ended with a response. */
  | "succeed"
  /** The work ended with an error, for good. */
  | "fail"
  /** A client asks to stop. */
  | "cancel"
  /** It was stopped, or given up after its grace period. */
  | "confirmCancel";

/**
 * The table: from a state, by a transition, to a state. A pair that is not in it is refused. A final state has no row
 * that leads elsewhere. Deletion is no state: a deleted operation goes through the same states, hidden, to its end.
 */
export const lifecycle = {
  NEW: { enqueue: "QUEUED", await: "EXTERNAL", succeed: "SUCCEEDED", fail: "FAILED" },
  QUEUED: { resend: "QUEUED", hold: "QUEUED", claim: "RUNNING", cancel: "CANCELLED", fail: "FAILED" },
  RUNNING: {
    report: "RUNNING",
    sleep: "SLEEPING",
    yield: "QUEUED",
    backOff: "BACKING_OFF",
    succeed: "SUCCEEDED",
    fail: "FAILED",
    cancel: "CANCELLING",
  },
  SLEEPING: { wake: "QUEUED", cancel: "CANCELLED", fail: "FAILED" },
  BACKING_OFF: { wake: "QUEUED", cancel: "CANCELLED", fail: "FAILED" },
  CANCELLING: {
    report: "CANCELLING",
    cancel: "CANCELLING",
    succeed: "SUCCEEDED",
    confirmCancel: "CANCELLED",
  },
  EXTERNAL: {
    update: "EXTERNAL",
    succeed: "SUCCEEDED",
    fail: "FAILED",
    cancel: "EXTERNAL_CANCELLING",
    confirmCancel: "CANCELLED",
  },
  EXTERNAL_CANCELLING: {
    update: "EXTERNAL_CANCELLING",
    cancel: "EXTERNAL_CANCELLING",
    succeed: "SUCCEEDED",
    fail: "FAILED",
    confirmCancel: "CANCELLED",
  },
  SUCCEEDED: {},
  FAILED: {},
  CANCELLED: {},
} as const satisfies Record<State, Partial<Record<Transition, State>>>;

/** Where a transition leads from a state; undefined where the table refuses it. */
export function nextState(state: State, transition: Transition): State | undefined {
  const row: Partial<Record<Transition, State>> = lifecycle[state];
  return row[transition];
}

/** Whether nothing leads out of a state: `Operation.done`. */
export function isFinal(state: State): boolean {
  return Object.values(lifecycle[state]).every((next) => next === state);
}

/** Whether the work is done elsewhere in this state. */
export function isExternal(state: State): boolean {
  return nextState(state, "update") !== undefined;
}

/** Whether an operation counts among those that its caller has under way. Nothing here can end deleted work elsewhere. */
export function holdsCallerSlot({ state, deleteTime }: { state: State; deleteTime?: number | undefined }): boolean {
  return !isFinal(state) && !(deleteTime !== undefined && isExternal(state));
}
