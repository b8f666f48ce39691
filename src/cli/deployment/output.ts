// The output of commands: tables and sentences for people, JSON for programs (--json, one value a line).
import type { OperationState } from "edge-operations/client";

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** A text of a service, as a terminal may show it: control characters would move its cursor or change its colours. */
export function plain(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it replaces
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g, " ");
}

/** A field of an answer, as a table shows it. */
export function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

/** Columns of equal width, the last one as wide as it is. */
export function printTable(titles: readonly string[], rows: readonly (readonly string[])[]): void {
  const lines = [titles, ...rows.map((row) => row.map(plain))];
  const widths = titles.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  for (const line of lines) {
    print(
      line
        .map((text, column) => (column === line.length - 1 ? text : text.padEnd(widths[column] ?? 0)))
        .join("  ")
        .trimEnd(),
    );
  }
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value));
}

export function printPretty(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** How an operation is, in one word: a google.rpc.Code where it failed. */
export function stateOf({ done, error, metadata }: OperationState): string {
  if (error) return error.code;
  if (done) return "SUCCEEDED";
  const { progressPercent: percent, requestedCancellation } = metadata;
  if (requestedCancellation === true) return "CANCELLING";
  return typeof percent === "number" && percent > 0 ? `RUNNING ${Math.floor(percent)}%` : "RUNNING";
}

/** Why it failed, or what it does. */
export function detailOf({ error, metadata }: OperationState): string {
  const { statusMessage, purged, scanned } = metadata as Record<string, unknown>;
  if (error) return error.message;
  if (typeof statusMessage === "string") return statusMessage;
  // Of a bulk verb.
  return typeof purged === "number" ? `${purged} operations, ${textOf(scanned)} rows read` : "";
}

export function printOperation(state: OperationState): void {
  const { name, metadata, response, error } = state;
  const lines: [string, string | undefined][] = [
    ["name", name],
    ["state", stateOf(state)],
    ["detail", detailOf(state) || undefined],
    ["verb", metadata.verb],
    ["target", metadata.target],
    ["created", metadata.createTime],
    ["started", metadata.startTime],
    ["ended", metadata.endTime],
    ["reason", error && error.reason !== error.code ? error.reason : undefined],
  ];
  for (const [title, text] of lines) if (text !== undefined && text !== "") print(`${title.padEnd(8)}  ${plain(text)}`);
  if (response !== undefined) {
    print("response");
    printPretty(response);
  }
}
