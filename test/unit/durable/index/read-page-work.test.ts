// A page's work is bounded, whatever its filter and its rows are: a shard serves all callers of its scope.
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { createSchema, upsertRow } from "../../../../src/durable/index/index-sql";
import { readPage } from "../../../../src/durable/index/read-page";
import { MAX_SCANNED_ROWS } from "../../../../src/limits";
import type { RowKey } from "../../../../src/list/page";
import type { JsonObject } from "../../../../src/rpc/any";
import { anId, anIndexRow, sqlStorageFrom } from "../../../support/an-index";

const PARENT = "projects/p";

function anIndexOf(count: number, metadata: JsonObject): SqlStorage {
  const sql = sqlStorageFrom(new DatabaseSync(":memory:"));
  createSchema(sql);
  const row = anIndexRow({ parent: PARENT, metadata });
  for (let n = 0; n < count; n += 1) upsertRow(sql, { ...row, id: anId() });
  return sql;
}

function terms(term: (index: number) => string, operator: string): string {
  return Array.from({ length: 63 }, (_, index) => term(index)).join(` ${operator} `);
}

const second = (index: number): string => String(index % 60).padStart(2, "0");

describe("a page that has used its budget of work", () => {
  test.each<[string, string, JsonObject]>([
    [
      "timestamps in lists",
      terms((index) => `a:"2026-01-01T00:00:${second(index)}Z"`, "OR"),
      { a: Array.from({ length: 690 }, () => "2025-01-01T00:00:00Z") },
    ],
    [
      "durations in lists",
      terms((index) => `a:${index}.5s`, "OR"),
      { a: Array.from({ length: 2_000 }, () => "1.25s") },
    ],
    ["numbers in lists", terms((index) => `a:${index + 10}`, "OR"), { a: Array.from({ length: 8_000 }, () => 1) }],
    ["wildcards on a long text", `a = "*${"x".repeat(1_900)}y${"x".repeat(1_900)}*z*"`, { a: "x".repeat(16_000) }],
    [
      "lists within lists",
      terms((index) => `a.b.c:${index}`, "OR"),
      { a: Array.from({ length: 120 }, () => ({ b: Array.from({ length: 60 }, () => ({ c: 7 })) })) },
    ],
  ])("is short and says where the next page begins: %s", (_, filter, metadata) => {
    const count = 600;
    const request = {
      parent: PARENT,
      filter: filter.replaceAll(/\b([abk]\d*)(?=[ :.])/g, "metadata.$1"),
      limit: 1_000,
    };
    const sql = anIndexOf(count, metadata);
    const page = readPage(sql, request);

    // Without a bound it would read all 600 rows, in many seconds, and there would be no next page.
    expect(page.next).toBeDefined();
    // It counts as one that has read all it may: no other round of the same call is worth it.
    expect(page.scanned).toBe(MAX_SCANNED_ROWS);
  });

  test("shows each row once, together with the pages after it", () => {
    const sql = anIndexOf(200, { a: Array.from({ length: 690 }, () => "2025-01-01T00:00:00Z"), b: 1 });
    const filter = `${terms((index) => `metadata.a:"2026-01-01T00:00:${second(index)}Z"`, "OR")} OR metadata.b = 1`;
    const ids: string[] = [];
    let pages = 0;
    let before: RowKey | undefined;
    do {
      const page = readPage(sql, { parent: PARENT, filter, before, limit: 1_000 });
      ids.push(...page.rows.map(({ id }) => id));
      before = page.next;
      pages += 1;
    } while (before);

    expect(pages).toBeGreaterThan(2);
    expect(new Set(ids).size).toBe(200);
    expect(ids).toHaveLength(200);
  });
});

test("a page of a usual filter over thousands of rows stays within the budget", () => {
  const sql = anIndexOf(MAX_SCANNED_ROWS - 300, {
    a: "x".repeat(400),
    film: "y",
    tags: ["a", "b"],
    startTime: "2026-01-01T00:00:00Z",
  });
  const filter =
    'metadata.film = a AND metadata.tags:c AND metadata.startTime > "2025-01-01T00:00:00Z" AND NOT error:*';
  const page = readPage(sql, { parent: PARENT, filter, limit: 100 });

  expect(page).toMatchObject({ rows: [] });
  expect(page.next).toBeUndefined();
});
