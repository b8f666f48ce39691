import * as fc from "fast-check";
import { Work } from "../../../../src/aip/filter/work";
import { describe, expect, test } from "vitest";
import { type Filter, parseFilter } from "../../../../src/aip/filter/filter";
import {
  MAX_FILTER_DEPTH,
  MAX_FILTER_TERMS,
  MAX_SQL_CHARACTERS,
  MAX_SQL_PARAMETERS,
} from "../../../../src/aip/filter/filter-limits";
import { type FilterRow, filterRowFromIndexRow } from "../../../../src/aip/filter/filter-row";
import { indexTableColumns } from "../../../../src/aip/filter/sql-columns";
import { NUMBERS, STRINGS, UNQUOTED_VALUES, arbitraryFilter, arbitraryRow, arbitraryTerm, quote } from "./arbitrary";
import { fill, openIndex, row, stored, withMetadata } from "./rows";

const database = openIndex();

function parsed(text: string): Filter {
  const result = parseFilter(text);
  if (!result.ok) throw new Error(`${text}: ${result.error.message}`);
  return result.filter;
}

function compiled(text: string) {
  return parsed(text).toSql(indexTableColumns);
}

/** The indexes of the rows that pass the compiled filter, as a list would ask for them. */
function select(filter: Filter): { passed: Set<number>; exact: boolean } {
  const { where, params, exact } = filter.toSql(indexTableColumns, { firstParameter: 2 });
  const statement = database.prepare(`SELECT id FROM operations WHERE parent = ?1 AND ${where} LIMIT ?`);
  const ids = statement.all("projects/p", ...params, 5_000).map(({ id }) => Number(id));
  return { passed: new Set(ids), exact };
}

/** Where SQL says other than the matcher may have it, in words; empty where they agree. */
function disagreements(rows: readonly FilterRow[], filters: readonly string[]): string[] {
  fill(database, rows);
  return filters.flatMap((text) => {
    const filter = parsed(text);
    const { passed, exact } = select(filter);
    return rows.flatMap((value, index) => {
      const matched = filter.matches(value, new Work(Infinity));
      const agrees = exact ? matched === passed.has(index) : !matched || passed.has(index);
      return agrees ? [] : [`${text}: matcher ${matched}, exact ${exact}, ${JSON.stringify(value)}`];
    });
  });
}

function expectAgreement(rows: readonly FilterRow[], filters: readonly string[]): void {
  expect(disagreements(rows, filters)).toEqual([]);
}

function terms(term: (index: number) => string): string[] {
  return Array.from({ length: MAX_FILTER_TERMS }, (_, index) => term(index));
}

function nested(text: string): string {
  return `${"NOT (a=1 OR b=2 AND c=3 OR ".repeat(MAX_FILTER_DEPTH)}${text}${")".repeat(MAX_FILTER_DEPTH)}`;
}

describe("the SQL back end", () => {
  const rows = fc.array(arbitraryRow, { minLength: 12, maxLength: 12 });

  test.each([
    ["filter", arbitraryFilter],
    ["single term", arbitraryTerm],
  ])("agrees with the matcher on any %s: exactly, or with no match left out", (_, filter) => {
    const filters = fc.array(filter, { minLength: 16, maxLength: 16 });

    fc.assert(fc.property(rows, filters, expectAgreement), { numRuns: 20 });
    expect.hasAssertions();
  });

  test("agrees with the matcher on every comparison of every value with every literal", () => {
    const values = [...STRINGS, ...NUMBERS, true, false, null, [], {}, [42], { a: 1 }];
    const literals = [...STRINGS.map(quote), ...NUMBERS.map(String), ...UNQUOTED_VALUES];
    const comparisons = ["=", "!=", "<", "<=", ">", ">=", ":"].flatMap((comparator) =>
      literals.map((literal) => `a${comparator}${literal}`),
    );
    // An exact condition is negated as it is; another has its own for that.
    const negated = comparisons.filter((text) => !compiled(text).exact).map((text) => `NOT ${text}`);

    const rowsOfValues = values.map((value) => withMetadata({ a: value }));

    expect(disagreements(rowsOfValues, [...comparisons, ...negated])).toEqual([]);
  });

  test("agrees with the matcher on every comparison of a declared string", () => {
    const literals = [...STRINGS.map(quote), ...UNQUOTED_VALUES];
    const comparisons = literals.flatMap((literal) => [
      `verb=${literal}`,
      `verb!=${literal}`,
      `verb:${literal}`,
      literal,
    ]);

    const rowsOfVerbs = STRINGS.map((verb) => row({ verb }));

    const found = disagreements(
      rowsOfVerbs,
      comparisons.map((text) => text.replace(/^-/, "NOT ")),
    );

    expect(found).toEqual([]);
  });

  test("reads the rows that the matcher reads: one is made of the other", () => {
    const samples = fc.sample(arbitraryRow, 100);

    expect(samples.map((value) => filterRowFromIndexRow(stored(value)))).toEqual(samples);
  });

  test.each([
    "done = false",
    "createTime > 2026-11-20T12:00:00.123456789Z",
    "error.code = 5",
    'name = "*/operations/*"',
    "verb:prof",
    "timeout",
    "status.state = RUNNING AND labels.env = staging",
    "labels.env != staging",
    "progressPercent >= 50",
    "metadata.@type = type.googleapis.com/google.protobuf.Struct",
    "metadata:*",
    "metadata:labels",
    "labels:*",
    "labels.starred = *",
  ])("is exact for %s", (text) => {
    expect(compiled(text).exact).toBe(true);
  });

  test.each([
    // Lists are left to the matcher.
    "tags:urgent",
    "labels.env:*",
    // The order of several pieces between wildcards.
    "verb = a*b*c*d",
    // Timestamps and durations inside JSON strings.
    "metadata.updateTime > 2026-11-20T12:00:00Z",
    "metadata.elapsed > 20s",
    // Keys that JSON paths cannot quote everywhere.
    'metadata."é" = 1',
    // More spellings than are tried.
    "a_a.b_b.c_c.d_d = 1",
  ])("leaves the last word to the matcher for %s", (text) => {
    expect(compiled(text).exact).toBe(false);
  });

  test("narrows what it leaves to the matcher", () => {
    const updateTimes = ["2026-11-25T00:00:00Z", "2026-11-10T00:00:00Z", "soon"];
    fill(
      database,
      updateTimes.map((updateTime) => withMetadata({ updateTime })),
    );

    const { passed } = select(parsed("metadata.updateTime > 2026-11-20T12:00:00Z"));

    // "soon" follows the literal as a string.
    expect([...passed]).toEqual([0, 2]);
  });

  test("binds every value and every path of a filter", () => {
    const secret = "zq7";
    const texts = [
      `${secret} = ${secret}`,
      `${secret}.${secret}:${secret}`,
      `name = "${secret}*${secret}"`,
      secret,
      `"' OR 1=1 --${secret}" = "'); DROP TABLE operations; --${secret}"`,
    ];

    for (const text of texts) expect(compiled(text).where).not.toContain(secret);
  });

  test("numbers its parameters from where the statement has got to, and binds a value once", () => {
    const { where, params } = parsed("verb = profile OR target = profile OR verb = other").toSql(indexTableColumns, {
      firstParameter: 4,
    });

    expect(params).toEqual(["profile", "other"]);
    expect([...where.matchAll(/\?\d+/g)].map(([number]) => number)).toEqual(expect.arrayContaining(["?4", "?5"]));
  });

  test("uses neither LIKE nor GLOB, whose patterns a Durable Object bounds, nor json_each, whose steps it counts as rows", () => {
    const { where } = compiled('a = "*b*" AND name = "*c" AND tags:x AND timeout');

    expect(where).not.toMatch(/LIKE|GLOB|json_each|json_tree|SELECT/i);
  });

  test("keeps the largest filters within a Durable Object's limits, and leaves the rest of them to the matcher", () => {
    const largest = [
      terms((index) => `a_b.c_d.e_f${index} = ${index}`).join(" AND "),
      terms((index) => `a.b.c.d.e.f.g.h.i.j.k.l.m.n.o${index}:${index}`).join(" OR "),
      terms((index) => `NOT x${index} != "a*${index}*b*c"`).join(" "),
      terms((index) => `error.message:a${index}*b${index}`).join(" OR "),
      nested("d:4"),
    ];

    for (const text of largest) {
      const { where, params } = compiled(text);
      expect(params.length).toBeLessThanOrEqual(MAX_SQL_PARAMETERS);
      // The words between the terms come on top.
      expect(where.length).toBeLessThanOrEqual(MAX_SQL_CHARACTERS + 2_000);
      expectAgreement([row(), withMetadata({ a: 1, x1: "a1b" })], [text]);
    }
    expect(compiled(largest[0] ?? "").exact).toBe(false);
  });
});
