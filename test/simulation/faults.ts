// The faults and their likelihoods: each history has a part of the faults, each with a likelihood of its own.
import type { Random } from "../support/random";

export const faultKinds = [
  "a request to an object is lost",
  "an object's answer is lost",
  "a call is slow",
  "a call is never answered",
  "an object is overloaded",
  "a deploy",
  "an object crashes before it commits",
  "an object crashes after it committed, before its effects",
  "an object crashes after some of its effects",
  "an object crashes between events",
  "an object is evicted with its sockets open",
  "a socket is cut",
  "a socket is cut, and one end does not notice",
  "a socket fails with an error, and no close",
  "a message cannot be sent",
  "a message is lost",
  "a message is delivered twice",
  "a message is late, behind others",
  "a message waits behind a batch that has not ended",
  "a message goes to the dead letters",
  "an acknowledged message is delivered again",
  "an alarm is late",
  "an alarm comes twice",
  "an alarm comes that nobody armed",
  "an operation's alarm fails on every try, and is dropped",
  "an index's alarm fails on every try, and is dropped",
  "a consumer dies silently",
  "a consumer stands still and comes back",
  "a consumer's clock is set back",
  "a consumer's clock jumps ahead",
  "a consumer computes until its clock is far behind",
  "a consumer uses up its CPU time",
  "the session of a claim is cut",
  "a runner cannot be called",
  "a runner's call is cut",
  "a runner's answer is lost",
  "a runner answers twice",
  "an object's clock jumps",
  "the index cannot be reached",
  "an index shard is near its limit",
  "a KV write fails",
  "a KV write fails after it was made",
  "a KV write is slow",
  "KV never takes a value",
  "a KV read fails",
  "KV refuses a second write within a second",
  "KV remembers that there was nothing",
  "KV remembers what was deleted",
  "the sweep does not run",
  "the sweep runs twice at once",
] as const;

export type Fault = (typeof faultKinds)[number];

const OPERATION_ALARM: Fault = "an operation's alarm fails on every try, and is dropped";
const INDEX_ALARM: Fault = "an index's alarm fails on every try, and is dropped";

const LIKELIHOODS = [0.005, 0.02, 0.1, 0.3] as const;

export interface FaultOptions {
  /** Nothing goes wrong by chance. */
  isCalm: boolean;
  /** Faults that no history has. */
  without: readonly string[];
}

export class Faults {
  readonly #random: Random;
  readonly #likelihoods: Partial<Record<Fault, number>> = {};
  readonly #count: (fault: Fault) => void;
  /** No more of them: what follows is how the service recovers. */
  #over = false;

  constructor(random: Random, { isCalm, without }: FaultOptions, count: (fault: Fault) => void) {
    this.#random = random;
    this.#count = count;
    const part = isCalm ? 0 : random.pick([0, 0.2, 0.5, 0.9]);
    for (const fault of faultKinds) {
      if (random.chance(part) && !without.includes(fault)) this.#likelihoods[fault] = random.pick(LIKELIHOODS);
    }
    // Where both are dropped only cron is left, which keeps no deadline to the minute.
    const { [OPERATION_ALARM]: operation, [INDEX_ALARM]: index } = this.#likelihoods;
    if (operation !== undefined && index !== undefined) {
      delete this.#likelihoods[random.pick([OPERATION_ALARM, INDEX_ALARM])];
    }
  }

  end(): void {
    this.#over = true;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Nothing goes wrong in this history: what the service promises while nothing does is to be kept. */
  get isCalm(): boolean {
    return Object.keys(this.#likelihoods).length === 0;
  }

  /** Whether a history has this fault at all. */
  has(fault: Fault): boolean {
    return !this.#over && this.#likelihoods[fault] !== undefined;
  }

  /** Whether it strikes now. */
  strikes(fault: Fault): boolean {
    const likelihood = this.#likelihoods[fault];
    if (this.#over || likelihood === undefined || !this.#random.chance(likelihood)) return false;
    this.#count(fault);
    return true;
  }

  /** It is made to happen by whoever looked for an occasion. */
  counted(fault: Fault): void {
    this.#count(fault);
  }
}
