// The filters that an operator asks for first.

export interface SavedFilter {
  label: string;
  filter: string;
}

/** `startedHere`: the names of operations that this tab started. */
export function savedFilters(now: number, startedHere: readonly string[]): readonly SavedFilter[] {
  const today = new Date(now);
  today.setHours(0, 0, 0, 0);
  return [
    { label: "All", filter: "" },
    { label: "Running", filter: "done = false" },
    { label: "Failed today", filter: `state = FAILED AND endTime >= "${today.toISOString()}"` },
    { label: "Waiting for an answer", filter: "metadata.suspensions:*" },
    { label: "Waiting for a slot", filter: 'done = false AND metadata.statusMessage = "Waiting for a slot*"' },
    ...(startedHere.length === 0
      ? []
      : [{ label: "Started in this tab", filter: startedHere.map((name) => `name = "${name}"`).join(" OR ") }]),
  ];
}
