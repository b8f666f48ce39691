import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { curlLine } from "../../../src/console/start/curl-line";

/** The words that a shell hands to curl. */
function wordsOf(line: string): string[] {
  const script = `curl() { printf '%s\\0' "$@"; }\n${line}`;
  return execFileSync("bash", ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1);
}

test("the curl line gives a shell the body as it is, whatever is in it", () => {
  const body = { title: `it's "$HOME" \`id\` \\ ; echo` };
  const line = curlLine({
    method: "POST",
    url: "https://a.example/v1/x:y",
    body,
    file: undefined,
    credentials: undefined,
  });

  expect(wordsOf(line)).toEqual([
    "https://a.example/v1/x:y",
    "-H",
    "Content-Type: application/json",
    "-d",
    JSON.stringify(body),
  ]);
});

test("the curl line sends a file as it is, and names no secret", () => {
  const file = { contentType: "text/csv", name: "my table.csv" };
  const line = curlLine({ method: "POST", url: "https://a.example/", body: undefined, file, credentials: "bearer" });

  expect(wordsOf(line)).toEqual([
    "https://a.example/",
    "-H",
    "Authorization: Bearer ",
    "-H",
    "Content-Type: text/csv",
    "--data-binary",
    "@my table.csv",
  ]);
});
