// The Operation resource as the console shows it: its standing, progress, and default metadata.
import { codeNameFromNumber } from "../../rpc/code";
import { type Json, type JsonObject, listOf, objectOf, textOf } from "./json";

export interface Operation {
  name: string;
  done: boolean;
  metadata?: JsonObject;
  response?: JsonObject;
  error?: { code: number; message: string; details?: readonly JsonObject[] };
}

export interface Page {
  operations?: readonly Operation[];
  nextPageToken?: string;
  unreachable?: readonly string[];
}

/** The groups of states that a person tells apart. */
export type Tone = "ok" | "bad" | "off" | "wait" | "active" | "idle";

export interface Standing {
  label: string;
  tone: Tone;
}

/** QUEUED, while every slot is taken. It is a state for people alone. */
export const WAITING_FOR_SLOT = "WAITING_FOR_SLOT";

/** The states of `:explain` and of the filter field `state`, in words. */
const STANDINGS: Readonly<Record<string, Standing>> = {
  NEW: { label: "Starting", tone: "idle" },
  SCHEDULED: { label: "Scheduled", tone: "idle" },
  QUEUED: { label: "Queued", tone: "idle" },
  [WAITING_FOR_SLOT]: { label: "Waiting for a slot", tone: "wait" },
  RUNNING: { label: "Running", tone: "active" },
  SLEEPING: { label: "Sleeping", tone: "idle" },
  SUSPENDED: { label: "Waiting for an answer", tone: "wait" },
  BACKING_OFF: { label: "Will be retried", tone: "wait" },
  CANCELLING: { label: "Cancelling", tone: "off" },
  EXTERNAL: { label: "Running elsewhere", tone: "active" },
  EXTERNAL_CANCELLING: { label: "Cancelling elsewhere", tone: "off" },
  SUCCEEDED: { label: "Succeeded", tone: "ok" },
  FAILED: { label: "Failed", tone: "bad" },
  CANCELLED: { label: "Cancelled", tone: "off" },
};

const CANCELLED_CODE = 1;

/** The verb of operations whose work another system does, and the method that creates them. */
const EXTERNAL_VERB = "create";
const EXTERNAL_METHOD = "google.longrunning.Operations.CreateOperation";

/** `tables:profile`: as `:explain` names it, or of the target `projects/p/tables` and the verb `profile`. */
export function methodText({ target, verb }: Facts, explained: { method?: string } | undefined): string {
  if (explained?.method === EXTERNAL_METHOD || (verb === EXTERNAL_VERB && target !== "")) return "work done elsewhere";
  if (explained?.method !== undefined || verb === "") return explained?.method ?? "";
  return `${target.slice(target.lastIndexOf("/") + 1)}:${verb}`;
}

/** `state`: as `:explain` names it, where the caller may ask. Without it, as far as the resource tells. */
export function standingOf(operation: Operation, state?: string): Standing {
  const { done, error } = operation;
  if (done) return STANDINGS[error ? (error.code === CANCELLED_CODE ? "CANCELLED" : "FAILED") : "SUCCEEDED"]!;
  const named = state === undefined ? undefined : STANDINGS[state];
  const facts = factsOf(operation);
  if (named && !(state === "SUSPENDED" && facts.suspensions.length === 0)) return named;
  if (state === "SUSPENDED") return { label: "Waiting", tone: "wait" };
  if (facts.verb === EXTERNAL_VERB) return STANDINGS[facts.requestedCancellation ? "EXTERNAL_CANCELLING" : "EXTERNAL"]!;
  if (facts.requestedCancellation) return STANDINGS["CANCELLING"]!;
  if (facts.suspensions.length > 0) return STANDINGS["SUSPENDED"]!;
  if (facts.statusMessage.startsWith("Waiting for a slot")) return STANDINGS[WAITING_FOR_SLOT]!;
  if (facts.statusMessage.startsWith("Scheduled")) return STANDINGS["SCHEDULED"]!;
  if (facts.statusMessage.startsWith("Sleeping")) return STANDINGS["SLEEPING"]!;
  if (!facts.isDefault) return { label: "Not done", tone: "active" };
  return STANDINGS[facts.startTime === undefined ? "QUEUED" : "RUNNING"]!;
}

export interface PendingSuspension {
  id: string;
  prompt: string;
  createTime: string | undefined;
  expireTime: string | undefined;
}

/** The fields of default metadata; of metadata of a declared type, those that it happens to have. */
export interface Facts {
  /** Whether the metadata is the service's own, with all its fields. */
  isDefault: boolean;
  createTime: string | undefined;
  startTime: string | undefined;
  endTime: string | undefined;
  target: string;
  verb: string;
  statusMessage: string;
  requestedCancellation: boolean;
  progressPercent: number | undefined;
  labels: readonly (readonly [string, string])[];
  parentOperation: string;
  suspensions: readonly PendingSuspension[];
  retriedBy: string;
  /** All other fields. */
  reported: readonly (readonly [string, Json])[];
}

const OWN_FIELDS: ReadonlySet<string> = new Set([
  "@type",
  "createTime",
  "startTime",
  "endTime",
  "target",
  "verb",
  "statusMessage",
  "requestedCancellation",
  "apiVersion",
  "progressPercent",
  "labels",
  "parentOperation",
  "suspensions",
  "retriedBy",
]);

export function factsOf({ metadata = {} }: Operation): Facts {
  const isStruct = metadata["@type"] === "type.googleapis.com/google.protobuf.Struct";
  const fields = isStruct ? objectOf(metadata["value"]) : metadata;
  const text = (name: string): string => textOf(fields[name]);
  const percent = fields["progressPercent"];
  return {
    isDefault: isStruct && typeof fields["createTime"] === "string",
    createTime: optional(fields["createTime"]),
    startTime: optional(fields["startTime"]),
    endTime: optional(fields["endTime"]),
    target: text("target"),
    verb: text("verb"),
    statusMessage: text("statusMessage"),
    requestedCancellation: fields["requestedCancellation"] === true,
    progressPercent: typeof percent === "number" ? Math.min(100, Math.max(0, percent)) : undefined,
    labels: Object.entries(objectOf(fields["labels"])).map(([key, value]) => [key, textOf(value)]),
    parentOperation: text("parentOperation"),
    retriedBy: text("retriedBy"),
    suspensions: listOf(fields["suspensions"]).map((one) => {
      const { id, prompt, createTime, expireTime } = objectOf(one);
      return {
        id: textOf(id),
        prompt: textOf(prompt),
        createTime: optional(createTime),
        expireTime: optional(expireTime),
      };
    }),
    reported: Object.entries(fields).filter(([key]) => !OWN_FIELDS.has(key) || (key === "endTime" && !isStruct)),
  };
}

function optional(value: Json | undefined): string | undefined {
  return textOf(value) || undefined;
}

export function parentOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf("operations/") - 1));
}

export function idOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** Enough of an id to know it again on one screen. */
export function shortId(name: string): string {
  const id = idOf(name);
  return id.length > 12 ? id.slice(0, 8) : id;
}

/** `projects/p` → `projects/p/operations`; the service root's collection is `operations`. */
export function collectionOf(parent: string): string {
  return parent === "" ? "operations" : `${parent}/operations`;
}

export function codeName(code: number): string {
  return codeNameFromNumber(code) ?? `code ${code}`;
}
