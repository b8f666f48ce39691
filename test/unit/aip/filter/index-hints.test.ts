import { expect, test } from "vitest";
import { parseFilter } from "../../../../src/aip/filter/filter";
import type { IndexHints } from "../../../../src/aip/filter/index-hints";

const NOON = Date.UTC(2026, 10, 20, 12);

const hints: [filter: string, hints: IndexHints][] = [
  ["", {}],
  ["done = false", { done: false }],
  ["done:true verb = x", { done: true }],
  ["done != true", { done: false }],
  ["NOT done = true AND a = 1", { done: false }],
  ["-done=false", { done: true }],
  ["NOT (done = true OR a = 1)", {}],
  ["done = false OR a = 1", {}],
  ["(a = 1 AND done = false) b = 2", { done: false }],
  ["createTime >= 2026-11-20T12:00:00Z", { createTimeRange: { min: NOON } }],
  ["create_time > 2026-11-20T12:00:00Z", { createTimeRange: { min: NOON + 1 } }],
  ["createTime < 2026-11-20T12:00:00.0001Z", { createTimeRange: { max: NOON } }],
  ["createTime > 2026-11-20T12:00:00.0001Z", { createTimeRange: { min: NOON + 1 } }],
  ["createTime = 2026-11-20T14:00:00+02:00", { createTimeRange: { min: NOON, max: NOON } }],
  [
    "createTime > 2026-11-20T11:00:00Z createTime >= 2026-11-20T12:00:00Z AND createTime <= 2026-11-20T12:00:01Z done=true",
    { done: true, createTimeRange: { min: NOON, max: NOON + 1_000 } },
  ],
  ["createTime != 2026-11-20T12:00:00Z", {}],
  ["startTime > 2026-11-20T12:00:00Z", {}],
];

test.each(hints)("takes from %j the hints %j", (text, expected) => {
  const parsed = parseFilter(text);

  expect(parsed.ok && parsed.filter.hints).toEqual(expected);
});
