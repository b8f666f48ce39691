// The settings that a start may bring beside its request (operationOptions).
import type { OperationFacts } from "../lifecycle/record";
import { MAX_LABEL_CHARACTERS, MAX_LABELS } from "../limits";
import type { JsonObject } from "../rpc/any";
import type { Violations } from "../rpc/decode";

/** Absent where they are the defaults. */
export type StartSettings = Pick<OperationFacts, "labels" | "scheduleTime" | "priority" | "webhookConfig">;

/** The request that a requestId is bound to: the settings count as a part of it. */
export function boundRequest(json: JsonObject, settings: StartSettings): JsonObject {
  return Object.keys(settings).length === 0 ? json : { request: json, operationOptions: { ...settings } as JsonObject };
}

// "Keys must start with a lowercase character … Only lowercase letters, digits, underscores and hyphens" (Google's labels).
const LABEL_KEY = /^[a-z][a-z0-9_-]*$/;
const LABEL_VALUE = /^[a-z0-9_-]*$/;

/** Adds a violation for each label that is wrong. */
export function checkLabels(labels: Readonly<Record<string, string>>, violations: Violations): void {
  const entries = Object.entries(labels);
  const field = "operationOptions.labels";
  if (entries.length > MAX_LABELS)
    violations.add(field, `has ${entries.length} labels; at most ${MAX_LABELS} are allowed`);
  for (const [key, value] of entries.slice(0, MAX_LABELS)) {
    if (key.length > MAX_LABEL_CHARACTERS || !LABEL_KEY.test(key)) {
      violations.add(
        field,
        `a key must be a lowercase letter, then at most ${MAX_LABEL_CHARACTERS - 1} of a-z, 0-9, _ and -`,
      );
    } else if (value.length > MAX_LABEL_CHARACTERS || !LABEL_VALUE.test(value)) {
      violations.add(`${field}.${key}`, `must be at most ${MAX_LABEL_CHARACTERS} characters of a-z, 0-9, _ and -`);
    }
  }
}
