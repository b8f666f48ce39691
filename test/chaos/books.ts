// The books of one run: what was asked, what was answered, and what an answer breaks of what was promised before.

/** An Operation in JSON, as it is answered. */
export interface OperationJson {
  name: string;
  done: boolean;
  metadata?: { value?: Record<string, unknown> };
  response?: { [field: string]: unknown };
  error?: { code: number; message: string };
}

export type Kind = "echo" | "profile" | "walk" | "external";

/** One start: at most one operation comes of it, under a parent that no other start has. */
export interface Entry {
  number: number;
  kind: Kind;
  /** Its operation's parent; empty for echoes, whose collection is the bare one. */
  parent: string;
  hasRequestId: boolean;
  /** The body of the start. */
  path: string;
  body: object | string;
  /** Once a start was answered. */
  name?: string;
  /** The operation as it was first seen done. */
  outcome?: string;
  isDeleteAsked: boolean;
  isDeleted: boolean;
  /** Progress from outside: the last that was sent, and the last that was answered. */
  sent: number;
  reported: number;
  /** Its worker elsewhere is one, and does one thing at a time. */
  hasBusyWorker: boolean;
}

/** The state that was known when a request was sent: an answer must not be older. */
export type Known = Readonly<Pick<Entry, "outcome" | "isDeleted" | "reported">>;

export interface Counts {
  /** Starts that came to nothing. */
  lost: number;
  /** Not done in the time that each had. */
  stuck: number;
  doneTwice: number;
  deletedAndBack: number;
  stepsRepeated: number;
  /** More than one operation of one start. */
  startedTwice: number;
  /** Progress that was answered and is not there. */
  writesLost: number;
  listsDisagree: number;
  /** Outcomes that the work does not have. */
  wrongOutcomes: number;
  /** Answers that nothing accounts for. */
  strangeAnswers: number;
}

/** The first of them tell what is wrong. */
const MAX_VIOLATIONS = 50;

export class Books {
  readonly entries: Entry[] = [];
  readonly violations: string[] = [];
  readonly counts: Counts = {
    lost: 0,
    stuck: 0,
    doneTwice: 0,
    deletedAndBack: 0,
    stepsRepeated: 0,
    startedTwice: 0,
    writesLost: 0,
    listsDisagree: 0,
    wrongOutcomes: 0,
    strangeAnswers: 0,
  };

  broken(rule: keyof Counts, text: string): void {
    this.counts[rule] += 1;
    if (this.violations.length < MAX_VIOLATIONS) this.violations.push(`${rule}: ${text}`);
  }

  /** A start was answered, for the first time or again. */
  started(entry: Entry, operation: OperationJson, known: Known): void {
    if (entry.name !== undefined && entry.name !== operation.name) {
      this.broken("startedTwice", `${entry.name} and ${operation.name} are of one requestId`);
    }
    entry.name ??= operation.name;
    this.seen(entry, operation, known);
  }

  /** The operation was seen as it stands. */
  seen(entry: Entry, operation: OperationJson, known: Known): void {
    if (known.isDeleted) this.broken("deletedAndBack", operation.name);
    const json = JSON.stringify(operation);
    if (operation.done) {
      entry.outcome ??= json;
      if (json !== entry.outcome) this.broken("doneTwice", `${entry.outcome} became ${json}`);
    } else if (known.outcome !== undefined) this.broken("doneTwice", `${known.outcome} became ${json}`);
    const shown = Number(operation.metadata?.value?.["reported"] ?? 0);
    if (shown < known.reported) this.broken("writesLost", `${operation.name} shows ${shown}, not ${known.reported}`);
  }

  /** NOT_FOUND was answered. */
  missing(entry: Entry): void {
    if (entry.isDeleteAsked) entry.isDeleted = true;
    else this.broken("lost", `${entry.name} is NOT_FOUND`);
  }
}
