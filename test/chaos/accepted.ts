// The other side of the books: which answers said that something is stored now. Anything stored beside that, a refused
// request has left behind.
import type { HostileRequest } from "./hostile-requests.ts";
import type { Outcome } from "./raw-http.ts";
import { type StoredObject, storedObjects } from "./stored-objects.ts";

export class Accepted {
  readonly operationIds = new Set<string>();
  /** Answers to SetIamPolicy, and to CreateApiKey. */
  policies = 0;
  apiKeys = 0;
  /** Starts whose answer `fields` has cut down, so that it does not name what was started. */
  unnamed = 0;

  started(name: string): void {
    this.operationIds.add(name.slice(name.lastIndexOf("/") + 1));
  }

  note({ method, target }: HostileRequest, outcome: Outcome): void {
    if (outcome.type !== "answered" || outcome.status !== 200) return;
    const path = target.split(/[?#]/)[0] ?? "";
    if (path.endsWith(":setIamPolicy")) this.policies += 1;
    if (path.endsWith("/apiKeys")) this.apiKeys += 1;
    const ids = Array.from(
      outcome.body.toString("latin1").matchAll(/\boperations\/([0-9a-f]{64})"/g),
      ([, id]) => id ?? "",
    );
    for (const id of ids) this.operationIds.add(id);
    if (ids.length === 0 && method === "POST") this.unnamed += 1;
  }
}

export interface Books {
  storedObjects: number;
  violations: string[];
}

/** Everything that is stored and that no answer accounts for. */
export function unaccounted(state: string, accepted: Accepted): Books {
  const counts = new Map<string, number>();
  const strangers = new Map<string, string>();
  const violations: string[] = [];
  for (const object of storedObjects(state)) {
    counts.set(object.className, (counts.get(object.className) ?? 0) + 1);
    for (const id of operationIdsIn(object)) {
      if (!accepted.operationIds.has(id)) strangers.set(id, shown(object));
    }
    if (isUseless(object)) violations.push(`nothing needs ${shown(object)}`);
  }
  if (strangers.size > accepted.unnamed) {
    const examples = [...strangers.values()].slice(0, MAX_EXAMPLES);
    violations.push(
      `${strangers.size} operations of no start that was answered, ${accepted.unnamed} unnamed`,
      ...examples,
    );
  }
  for (const [className, answered] of [
    ["PolicyObject", accepted.policies],
    ["KeyObject", accepted.apiKeys === 0 ? 0 : accepted.apiKeys + 1],
  ] as const) {
    const count = counts.get(className) ?? 0;
    if (count > answered) violations.push(`${count} of ${className} store something, ${answered} were answered`);
  }
  return { storedObjects: [...counts.values()].reduce((sum, count) => sum + count, 0), violations };
}

const MAX_EXAMPLES = 5;
const MAX_SHOWN_CHARACTERS = 600;

/** The operations that an object's contents are about. */
function operationIdsIn({ className, id, keys, tables }: StoredObject): string[] {
  switch (className) {
    case "OperationObject":
      return [id];
    case "OperationIndex":
      return [
        ...(tables.get("operations") ?? []).map((row) => String(row["id"])),
        ...(tables.get("reservations") ?? []).map((row) =>
          Buffer.from(row["operation_id"] as Uint8Array).toString("hex"),
        ),
      ];
    case "RequestObject":
      return [(keys.get("reservation") as { operationId: string }).operationId];
    default:
      return [];
  }
}

/** Contents without what they are for. */
function isUseless({ className, keys, tables }: StoredObject): boolean {
  if (className === "OperationObject") return !keys.has("record");
  if (className === "OperationIndex") {
    return ["operations", "reservations"].every((table) => (tables.get(table) ?? []).length === 0);
  }
  // No slots are configured.
  return className === "SlotsObject";
}

function shown({ className, id, keys, tables }: StoredObject): string {
  const contents = JSON.stringify({ keys: Object.fromEntries(keys), tables: Object.fromEntries(tables) });
  return `${className} ${id}: ${contents.slice(0, MAX_SHOWN_CHARACTERS)}`;
}
