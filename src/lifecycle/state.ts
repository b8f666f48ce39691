// The lifecycle of an operation: one table, from which everything else that knows a state is derived (AIP-151).

/** Where an operation stands. `NEW` is before its record exists. */
export type State =
  | "NEW"
  | "QUEUED"
  | "RUNNING"
  | "SLEEPING"
  /** The work waits for something outside it: an answer, or the ends of child operations. */
  | "SUSPENDED"
  | "BACKING_OFF"
  | "CANCELLING"
  /** The work is done elsewhere, by whoever calls UpdateOperation. */
  | "EXTERNAL"
  | "EXTERNAL_CANCELLING"
  | "SUCCEEDED"
  | "FAILED"
  | "CANCELLED";

export type Transition =
  /** Accepted: its work waits for a consumer. */
  | "enqueue"
  /** Accepted: its work begins at a later time. */
  | "schedule"
  /** Accepted: its object calls a runner, with no message and no claim. */
  | "dispatch"
  /** Accepted: its work is done elsewhere. */
  | "await"
  /** Accepted, and its result was known at once. */
  | "succeedAtOnce"
  | "failAtOnce"
  /** Its queue message was not claimed in time, and is sent again. */
  | "resend"
  /** A consumer came for it, but too many of its kind run: it waits for a slot. */
  | "hold"
  /** A consumer takes the work, under a new fence token. */
  | "claim"
  /** The work reports progress, stores a step or keeps its lease. */
  | "report"
  /** The system that does the work elsewhere reports progress, which is its heartbeat. */
  | "update"
  /** The work stops until a time. */
  | "sleep"
  /** The work stops until it has what it waits for, or the time for that is over. */
  | "suspend"
  /** A suspension was answered or has expired, and the work does not stand still for it. */
  | "resolve"
  /** A suspension for which the work stands still was answered or has expired, or the children that it waits for have ended. */
  | "resume"
  /** The work yields to a new invocation, to continue from what is stored. */
  | "yield"
  /** The consumer has no such method or version, and gives the work back unrun. */
  | "release"
  /** The attempt failed, or was lost, and another will follow. */
  | "backOff"
  /** The time it was scheduled, slept or backed off for has come. */
  | "wake"
  /** The same, and its object calls a runner. */
  | "wakeDirectly"
  /** The work ended with a response. */
  | "succeed"
  /** The work ended with an error, and no other attempt follows. */
  | "fail"
  /** A client under test has scripted that it has failed by now (docs/emulation.md). */
  | "failByScript"
  /** Its time is over: its deadline, its heartbeat timeout, or its grace period after a cancel request. */
  | "timeOut"
  /** The system that does the work elsewhere ended it, with a response or with an error. */
  | "complete"
  | "completeInError"
  /** A client asks to stop. */
  | "cancel"
  /** A client asks to stop work whose own metadata has no field to show the request in. */
  | "cancelUnseen";

/**
 * The table: from a state, by a transition, to a state. A pair that is not in it is rejected. A final state has no row
 * that leads elsewhere. Deletion is no state: a deleted operation goes through the same states, hidden, to its end.
 */
export const lifecycle = {
  NEW: {
    enqueue: "QUEUED",
    dispatch: "RUNNING",
    schedule: "SLEEPING",
    await: "EXTERNAL",
    succeedAtOnce: "SUCCEEDED",
    failAtOnce: "FAILED",
  },
  QUEUED: {
    resend: "QUEUED",
    hold: "QUEUED",
    claim: "RUNNING",
    resolve: "QUEUED",
    failByScript: "FAILED",
    timeOut: "FAILED",
    cancel: "CANCELLED",
  },
  RUNNING: {
    report: "RUNNING",
    sleep: "SLEEPING",
    suspend: "SUSPENDED",
    resolve: "RUNNING",
    yield: "QUEUED",
    release: "QUEUED",
    backOff: "BACKING_OFF",
    succeed: "SUCCEEDED",
    fail: "FAILED",
    failByScript: "FAILED",
    timeOut: "FAILED",
    cancel: "CANCELLING",
  },
  SLEEPING: {
    wake: "QUEUED",
    wakeDirectly: "RUNNING",
    resolve: "SLEEPING",
    failByScript: "FAILED",
    timeOut: "FAILED",
    cancel: "CANCELLED",
  },
  // `wake`: a durable timer that the work awaits beside its suspensions.
  SUSPENDED: {
    resume: "QUEUED",
    wake: "QUEUED",
    wakeDirectly: "RUNNING",
    resolve: "SUSPENDED",
    timeOut: "FAILED",
    cancel: "CANCELLED",
  },
  BACKING_OFF: {
    wake: "QUEUED",
    wakeDirectly: "RUNNING",
    resolve: "BACKING_OFF",
    failByScript: "FAILED",
    timeOut: "FAILED",
    cancel: "CANCELLED",
  },
  // Nothing continues after a cancel request: the work ends with its result, or it was cancelled.
  CANCELLING: {
    report: "CANCELLING",
    cancel: "CANCELLING",
    succeed: "SUCCEEDED",
    sleep: "CANCELLED",
    suspend: "CANCELLED",
    yield: "CANCELLED",
    release: "CANCELLED",
    backOff: "CANCELLED",
    fail: "CANCELLED",
    timeOut: "CANCELLED",
  },
  EXTERNAL: {
    update: "EXTERNAL",
    complete: "SUCCEEDED",
    completeInError: "FAILED",
    timeOut: "FAILED",
    cancel: "EXTERNAL_CANCELLING",
    cancelUnseen: "CANCELLED",
  },
  EXTERNAL_CANCELLING: {
    // A report brings the worker's own metadata, which has no field to show the request in.
    update: "CANCELLED",
    cancel: "EXTERNAL_CANCELLING",
    complete: "SUCCEEDED",
    completeInError: "FAILED",
    timeOut: "CANCELLED",
  },
  SUCCEEDED: {},
  FAILED: {},
  CANCELLED: {},
} as const satisfies Record<State, Partial<Record<Transition, State>>>;

declare const entered: unique symbol;

/** A state that a record is in. `newState` and `nextState` alone give one, so that every state comes from the table. */
export type EnteredState = State & { readonly [entered]: true };

/** The state of a record before its start. */
export const newState = "NEW" as EnteredState;

/** Where a transition leads from a state; undefined where the table rejects it. */
export function nextState(state: State, transition: Transition): EnteredState | undefined {
  const row: Partial<Record<Transition, State>> = lifecycle[state];
  return row[transition] as EnteredState | undefined;
}

/** Whether nothing leads out of a state: `Operation.done`. */
export function isFinal(state: State): boolean {
  return finalStates.has(state);
}

const finalStates: ReadonlySet<string> = new Set(
  Object.entries(lifecycle).flatMap(([state, row]) =>
    Object.values(row).every((next) => next === state) ? [state] : [],
  ),
);

export function isExternal(state: State): boolean {
  return nextState(state, "update") !== undefined;
}

/** Whether the work stands still until it wakes. */
export function isResting(state: State): boolean {
  return nextState(state, "wake") !== undefined;
}
