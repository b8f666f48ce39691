// The facts that an explanation needs beside the record: the present state around an operation.

/** How an operation stands with its SlotsObject. PERSISTED CONTRACT: it crosses between objects. */
export interface SlotStanding {
  /** How many hold a slot, and how many wait for one. */
  holders: number;
  waiters: number;
  isHeld: boolean;
  /** How many wait before this one; absent where it does not wait. */
  ahead?: number;
}

/** All times are milliseconds since 1970. */
export interface LiveFacts {
  alarmTime: number | undefined;
  /** Whether the channel of the runner with the lease is open, and when the runner last sent something on it. */
  isConnected: boolean;
  lastKeepAliveTime: number | undefined;
  /** The binding through which its last queue message went; undefined where no queue is bound. */
  lane: string | undefined;
  waiters: number;
  /** How many of its child operations have ended. */
  endedChildren: number;
  /** Where the method bounds how many run: undefined where the slots could not be asked. */
  runSlot: SlotStanding | undefined;
}
