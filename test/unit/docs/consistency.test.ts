// docs/consistency.md names every method of the Operations service, and has the delays as they are.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { API_KEY_CACHE_MS } from "../../../src/authentication/limits";
import { UsualDurations } from "../../../src/service/usual-durations";
import { operationAnswer } from "../../../src/api/answer";
import { operationMethods } from "../../../src/api/operations";
import { POLICY_CACHE_MS } from "../../../src/iam/iam-limits";
import {
  EFFECT_RETRY_MS,
  INDEX_ALARM_GRID_MS,
  INDEX_DUE_SLACK_MS,
  INDEX_PROGRESS_DELAY_MS,
  MAX_EFFECT_RETRY_MS,
  MAX_PATROL_ROWS,
  PATROL_AGE_MS,
  PATROL_INTERVAL_MS,
} from "../../../src/limits";

const document = readFileSync(resolve(import.meta.dirname, "../../../docs/consistency.md"), "utf8");
const text = document.replaceAll(/\s+/g, " ");
const toml = readFileSync(join(import.meta.dirname, "../../../wrangler.toml"), "utf8");

describe("docs/consistency.md", () => {
  test.each(operationMethods.map(({ name }) => name.split(".").at(-1)!))("names %s", (method) => {
    expect(document).toContain(method);
  });

  test("has the delays of the code", () => {
    expect(text).toContain(`in between at most every ${INDEX_PROGRESS_DELAY_MS / 1_000} seconds`);
    expect(text).toContain(
      `tried after ${EFFECT_RETRY_MS / 1_000} s, then ever less often, at least every ${MAX_EFFECT_RETRY_MS / 60_000} minutes`,
    );
    expect(text).toContain(`each isolate remembers them for ${POLICY_CACHE_MS / 1_000} s`);
    expect(text).toContain("API keys: revoked, or their grants changed | | 60 s");
    expect(API_KEY_CACHE_MS).toBeLessThan(60_000);
    expect(text).toContain(`${MAX_PATROL_ROWS} to an index object and run`);
    expect([PATROL_AGE_MS, PATROL_INTERVAL_MS]).toEqual([5 * 60_000, 15 * 60_000]);
    expect(text).toContain("for what has run for five minutes, in turns, each at most once in a quarter of an hour");
    // "No operation stays unfinished for longer than a minute past its deadline."
    expect(INDEX_DUE_SLACK_MS + INDEX_ALARM_GRID_MS).toBeLessThan(60_000);
    expect(toml).toContain("max_retries = 10");
  });

  test("shows the headers of an answer from a snapshot", () => {
    const answer = { json: "{}", done: true, etag: '"1"', snapshot: { endTime: 10_000 } } as const;
    const { headers } = operationAnswer(answer, { now: () => 100_000, usualDurations: new UsualDurations() });
    const shown = /```http\n(?<lines>.*?)```/s.exec(document)?.groups?.["lines"] ?? "";

    for (const line of shown.trim().split("\n")) {
      const [name = "", value] = line.split(": ");
      expect(headers[name]).toBe(value);
    }
    expect(shown.trim().split("\n")).toHaveLength(2);
  });
});
