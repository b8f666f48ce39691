// The texts that may stand at the caret of a filter (AIP-160, docs/filters.md): a field, a comparator, a value, a connective.

export interface Completion {
  /** The text that replaces the word at the caret. */
  insert: string;
  hint: string;
}

export interface Completions {
  /** The part of the filter that is replaced. */
  from: number;
  to: number;
  options: readonly Completion[];
}

export interface Vocabulary {
  /** The ids of the methods that the deployment declares. */
  methods: readonly string[];
  /** Paths below `metadata` that rows on the screen have. */
  metadataPaths: readonly string[];
}

/** The fields of every operation, with what they hold. */
const FIELDS: readonly Completion[] = [
  { insert: "state", hint: "QUEUED, RUNNING, FAILED, …" },
  { insert: "done", hint: "true or false" },
  { insert: "method", hint: "the method that started it" },
  { insert: "error.code", hint: "number of a google.rpc.Code" },
  { insert: "error.message", hint: "text of its error" },
  { insert: "createTime", hint: "time" },
  { insert: "startTime", hint: "time" },
  { insert: "endTime", hint: "time" },
  { insert: "scheduleTime", hint: "time" },
  { insert: "expireTime", hint: "time" },
  { insert: "labels.", hint: "a label's value" },
  { insert: "parentOperation", hint: "the operation that started it" },
  { insert: "name", hint: "full name" },
  { insert: "target", hint: "the resource it works on" },
  { insert: "verb", hint: "last word of its method" },
  { insert: "requestedCancellation", hint: "true or false" },
  { insert: "metadata.suspensions:*", hint: "waits for an answer" },
  { insert: "metadata.", hint: "fields that its work reported" },
  { insert: "response.", hint: "its result" },
];

const STATES = [
  "QUEUED",
  "RUNNING",
  "SLEEPING",
  "SUSPENDED",
  "BACKING_OFF",
  "CANCELLING",
  "EXTERNAL",
  "EXTERNAL_CANCELLING",
  "SUCCEEDED",
  "FAILED",
  "CANCELLED",
];

/** The codes that operations end with most often. */
const CODES: readonly Completion[] = [
  { insert: "1", hint: "CANCELLED" },
  { insert: "2", hint: "UNKNOWN" },
  { insert: "3", hint: "INVALID_ARGUMENT" },
  { insert: "4", hint: "DEADLINE_EXCEEDED" },
  { insert: "5", hint: "NOT_FOUND" },
  { insert: "7", hint: "PERMISSION_DENIED" },
  { insert: "8", hint: "RESOURCE_EXHAUSTED" },
  { insert: "9", hint: "FAILED_PRECONDITION" },
  { insert: "13", hint: "INTERNAL" },
  { insert: "14", hint: "UNAVAILABLE" },
];

const COMPARATORS: readonly Completion[] = [
  { insert: "=", hint: "equals; * is a wildcard in text" },
  { insert: "!=", hint: "differs" },
  { insert: ":", hint: "has; :* means it is set" },
];
const ORDERS: readonly Completion[] = [
  { insert: ">=", hint: "at or after" },
  { insert: "<=", hint: "at or before" },
];
const CONNECTIVES: readonly Completion[] = [
  { insert: "AND", hint: "both" },
  { insert: "OR", hint: "either; binds tighter than AND" },
];

const COMPARISON = /([\w.@-]+)\s*(?:!=|<=|>=|=|<|>|:)\s*$/;
const WORD = /(?:"(?:[^"\\]|\\.)*|[\w.@:*-]*)$/;

export function completionsAt(filter: string, caret: number, vocabulary: Vocabulary, now: number): Completions {
  const before = filter.slice(0, caret);
  const fresh = wordAt(before, /[\w.@-]*$/);
  const compared = COMPARISON.exec(before.slice(0, before.length - wordAt(before, WORD).length));
  if (compared && !before.endsWith(" AND ")) {
    const word = wordAt(before, WORD).replace(/^:/, "");
    const values = valuesOf(compared[1] ?? "", vocabulary, now);
    return replacing(filter, caret, word, matching(values, word.replaceAll('"', "")));
  }
  // `state:FAIL`: the colon stands in the word.
  const inWord = /([\w.]+)(?:!=|<=|>=|=|<|>|:)("?[\w.*:-]*)$/.exec(before);
  if (inWord) {
    const word = inWord[2] ?? "";
    return replacing(
      filter,
      caret,
      word,
      matching(valuesOf(inWord[1] ?? "", vocabulary, now), word.replaceAll('"', "")),
    );
  }
  const previous = before.slice(0, before.length - fresh.length).trimEnd();
  if (previous !== "" && before.length > previous.length) {
    const last = previous.split(/[\s(]+/).at(-1) ?? "";
    if (isField(last)) return replacing(filter, caret, fresh, fresh === "" ? comparatorsOf(last) : []);
    const isJoined = /(?:^|[\s(])(?:AND|OR|NOT)$/.test(previous) || previous.endsWith("(");
    if (!isJoined) return replacing(filter, caret, fresh, matching(CONNECTIVES, fresh));
  }
  const reported = vocabulary.metadataPaths.map((path) => ({ insert: path, hint: "in the rows below" }));
  const known = new Set(FIELDS.map(({ insert }) => insert));
  const fields = [...FIELDS, ...reported.filter(({ insert }) => !known.has(insert))];
  const exact = fields.some(({ insert }) => insert === fresh);
  return replacing(
    filter,
    caret,
    fresh,
    exact ? comparatorsOf(fresh) : matching(fields, fresh),
    exact ? "after" : "over",
  );
}

function wordAt(before: string, pattern: RegExp): string {
  return pattern.exec(before)?.[0] ?? "";
}

function replacing(
  filter: string,
  caret: number,
  word: string,
  options: readonly Completion[],
  place: "over" | "after" = "over",
): Completions {
  const rest = place === "over" ? (/^[\w.@-]*/.exec(filter.slice(caret))?.[0] ?? "") : "";
  return { from: place === "over" ? caret - word.length : caret, to: caret + rest.length, options };
}

function isField(word: string): boolean {
  return FIELDS.some(({ insert }) => insert === word) || /^(?:labels|metadata|response)\.[\w.]+$/.test(word);
}

function comparatorsOf(field: string): readonly Completion[] {
  return field.endsWith("Time") || field === "error.code" ? [...ORDERS, ...COMPARATORS] : COMPARATORS;
}

function matching(options: readonly Completion[], word: string): readonly Completion[] {
  const typed = word.toLowerCase();
  const starts = options.filter(({ insert }) => insert.replaceAll('"', "").toLowerCase().startsWith(typed));
  const holds = options.filter((option) => !starts.includes(option) && option.insert.toLowerCase().includes(typed));
  return typed === "" ? options : [...starts, ...holds].filter(({ insert }) => insert !== word);
}

function valuesOf(field: string, { methods }: Vocabulary, now: number): readonly Completion[] {
  if (field === "state") return STATES.map((insert) => ({ insert, hint: "" }));
  if (field === "done" || field === "requestedCancellation") {
    return ["true", "false"].map((insert) => ({ insert, hint: "" }));
  }
  if (field === "error.code") return CODES;
  if (field === "method") return methods.map((id) => ({ insert: quoted(id), hint: "" }));
  if (field.endsWith("Time")) {
    return TIMES.map(([hint, ms]) => ({ insert: quoted(new Date(now - ms).toISOString()), hint }));
  }
  return [];
}

const TIMES: readonly (readonly [string, number])[] = [
  ["an hour ago", 3_600_000],
  ["a day ago", 86_400_000],
  ["a week ago", 604_800_000],
];

export function quoted(text: string): string {
  return /^[\w-]+$/.test(text) ? text : `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
