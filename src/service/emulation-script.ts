// The script of a client under test (docs/emulation.md), decoded and checked against the method that it stands in for.
import { durationToMs, parseDuration } from "../aip/duration";
import { parseTimestamp, timestampToMs } from "../aip/timestamp";
import { MAX_EMULATED_DELAY_MS, MAX_EMULATED_EVENTS, MAX_METADATA_CHARACTERS, MAX_TIMEOUT_MS } from "../limits";
import type { EmulatedPoll, Emulation } from "../lifecycle/emulation";
import { RESERVED_METADATA_FIELDS } from "../contract/resource";
import { duration, int32, messageField, repeated, string, struct, timestamp } from "../protobuf/fields";
import { fieldPathText } from "../protobuf/field-path";
import type { Message } from "../protobuf/declaration";
import { type MessageType, message } from "../protobuf/message";
import { oneof } from "../protobuf/oneof";
import { type Violate, refine } from "../protobuf/refine";
import { RpcStatus, errorStatus } from "../protobuf/rpc-status";
import type { Json } from "../rpc/any";
import { invalidArgument } from "../rpc/error";
import { type DecodeScript, type Emulated, type EmulationScript, SCRIPT_HEADER } from "./emulation";

const name = (short: string): string => `edge_operations.emulation.v1.${short}`;

const StartScript = message(name("Start"), {
  delay: duration(1),
  httpError: messageField(2, RpcStatus),
  until: timestamp(3),
});
const ProgressScript = message(name("Progress"), { after: duration(1), metadata: struct(2), statusMessage: string(3) });
const EndScript = message(name("End"), {
  after: duration(1),
  result: oneof({ error: messageField(2, RpcStatus), response: struct(3) }),
});
const PollScript = message(name("Poll"), {
  poll: int32(1, { required: true }),
  result: oneof({ error: messageField(2, RpcStatus), httpError: messageField(3, RpcStatus) }, { required: true }),
});
const ScriptMessage = message(name("Script"), {
  start: messageField(1, StartScript),
  progress: repeated(messageField(2, ProgressScript)),
  end: messageField(3, EndScript),
  polls: repeated(messageField(4, PollScript)),
});

/** Makes the option `emulation` of `operations()`. A deployment without it carries no decoder of scripts. */
export function emulation(): DecodeScript {
  return decodeScript;
}

/** Decodes a script. Throws INVALID_ARGUMENT with what is wrong with it, field by field. */
export function decodeScript(text: string, emulated: Emulated): EmulationScript {
  const schema = refine(ScriptMessage, (script, violate) => scriptFrom(script, emulated, violate));
  const result = schema["~standard"].validate(jsonFrom(text));
  // The schema of a declared message knows no other way.
  if (result instanceof Promise) throw new TypeError("a script is decoded at once");
  if (result.issues === undefined) return result.value;
  const [first, ...more] = result.issues.map(({ path = [], message: description }) => ({
    field: [SCRIPT_HEADER, fieldPathText(path)].filter(Boolean).join("."),
    description,
  }));
  throw invalidArgument([first ?? { field: SCRIPT_HEADER, description: "is no script" }, ...more]);
}

function jsonFrom(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw invalidArgument([{ field: SCRIPT_HEADER, description: `is no JSON: ${(error as Error).message}` }]);
  }
}

function scriptFrom(
  { start = {}, progress = [], end, polls = [] }: MessageType<typeof ScriptMessage>,
  emulated: Emulated,
  violate: Violate,
): EmulationScript {
  for (const [field, { length }] of Object.entries({ progress, polls })) {
    if (length > MAX_EMULATED_EVENTS) violate([field], `has ${length} entries; at most ${MAX_EMULATED_EVENTS}`);
  }
  const reports = progressFrom(progress, emulated, violate);
  const ending = end && endFrom(end, emulated, violate);
  const lastMs = reports.at(-1)?.afterMs ?? 0;
  if (ending && ending.afterMs < lastMs) violate(["end", "after"], "must not be before the last progress");
  return {
    emulation: { progress: reports, ...(ending ? { end: ending } : {}), polls: pollsFrom(polls, violate), polled: 0 },
    start: {
      delayMs: msOf(start.delay, { path: ["start", "delay"], maxMs: MAX_EMULATED_DELAY_MS, violate }),
      ...(start.httpError ? { httpError: errorStatus(start.httpError, ["start", "httpError"], violate) } : {}),
      untilMs: untilFrom(start.until),
    },
  };
}

function untilFrom(until: string | undefined): number {
  const time = until === undefined ? undefined : parseTimestamp(until);
  return time ? timestampToMs(time) : Number.POSITIVE_INFINITY;
}

function progressFrom(
  progress: readonly MessageType<typeof ProgressScript>[],
  { method, initialMetadata }: Emulated,
  violate: Violate,
): Emulation["progress"] {
  let shown: object = initialMetadata;
  let lastMs = 0;
  return progress.map(({ after, metadata = {}, statusMessage }, index) => {
    const path = ["progress", index] as const;
    const afterMs = msOf(after, { path: [...path, "after"], maxMs: MAX_TIMEOUT_MS, violate });
    if (afterMs < lastMs) violate([...path, "after"], "must not be before the one above it");
    lastMs = afterMs;
    shown = { ...shown, ...metadata };
    if (JSON.stringify(shown).length > MAX_METADATA_CHARACTERS) violate([...path, "metadata"], "is too large");
    if (method.metadataType === undefined) {
      const reserved = Object.keys(metadata).filter((field) => RESERVED_METADATA_FIELDS.has(field));
      for (const field of reserved) violate([...path, "metadata", field], "is set by the service");
    }
    check(method.metadataMessage, shown, [...path, "metadata"], violate);
    return { afterMs, metadata, ...(statusMessage ? { statusMessage } : {}) };
  });
}

function endFrom(
  { after, error, response = {} }: MessageType<typeof EndScript>,
  { method }: Emulated,
  violate: Violate,
): NonNullable<Emulation["end"]> {
  const afterMs = msOf(after, { path: ["end", "after"], maxMs: MAX_TIMEOUT_MS, violate });
  if (error) return { afterMs, error: errorStatus(error, ["end", "error"], violate) };
  check(method.responseMessage, response, ["end", "response"], violate);
  return { afterMs, response };
}

function pollsFrom(polls: readonly MessageType<typeof PollScript>[], violate: Violate): EmulatedPoll[] {
  return polls.map(({ poll, error, httpError = {} }, index) => {
    if (poll < 1) violate(["polls", index, "poll"], "counts from 1");
    if (polls.findIndex((other) => other.poll === poll) !== index) {
      violate(["polls", index, "poll"], `poll ${poll} is there already`);
    }
    if (error) return { poll, error: errorStatus(error, ["polls", index, "error"], violate) };
    return { poll, httpError: errorStatus(httpError, ["polls", index, "httpError"], violate) };
  });
}

/** An emulation cannot report or return what the method's own work could not. */
function check(
  declared: Message | undefined,
  value: object,
  path: readonly (string | number)[],
  violate: Violate,
): void {
  const result = declared?.["~standard"].validate(value);
  for (const issue of result?.issues ?? []) {
    const inner = (issue.path ?? []).map((segment) => (typeof segment === "object" ? segment.key : segment));
    violate([...path, ...(inner as (string | number)[])], issue.message);
  }
}

function msOf(
  text: string | undefined,
  { path, maxMs, violate }: { path: readonly (string | number)[]; maxMs: number; violate: Violate },
): number {
  const parsed = text === undefined ? undefined : parseDuration(text);
  const ms = parsed ? durationToMs(parsed) : 0;
  if (ms < 0 || ms > maxMs) violate(path, `must be from 0s to ${maxMs / 1_000}s`);
  return ms;
}
