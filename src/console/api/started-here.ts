// The operations that this tab started: the API's filter has no field for the caller.

const KEY = "edge-operations.started";
/** A filter has at most so many terms, and the last ones are those that matter. */
const MAX_STARTED = 20;

export function startedHere(): readonly string[] {
  try {
    const names: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
  } catch {
    // Another page of this origin wrote it.
    return [];
  }
}

export function rememberStarted(name: string): void {
  const names = [name, ...startedHere().filter((other) => other !== name)].slice(0, MAX_STARTED);
  sessionStorage.setItem(KEY, JSON.stringify(names));
}
