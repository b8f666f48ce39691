import { describe, expect, test } from "vitest";
import type { ReservedChild } from "../../../src/contract/child";
import { ChildTable } from "../../../src/durable/operation/child-table";

/** The rows of one object, and how often they were written. */
function aStore() {
  const rows = new Map<string, string>();
  let writes = 0;
  const kv = {
    list: <T>() => [...rows].map(([key, row]): [string, T] => [key, JSON.parse(row) as T]),
    put: (key: string, row: unknown) => {
      writes += 1;
      rows.set(key, JSON.stringify(row));
    },
    delete: (key: string) => rows.delete(key),
  };
  return { rows, writes: () => writes, table: () => new ChildTable(kv) };
}

const child = (i: number): ReservedChild => ({
  key: `page ${i}`,
  id: String(i).padStart(64, "0"),
  method: "pages:render",
  createTime: 1_000,
});
const children = (count: number): ReservedChild[] => Array.from({ length: count }, (_, i) => child(i));
const all = (table: ChildTable): [number, number][] => [[0, table.children.length]];

describe("the table of children", () => {
  test("has a thousand of them, and their ends, in rows that are written once", () => {
    const { rows, writes, table } = aStore();
    const parent = table();
    for (let i = 0; i < 1_000; i += 100) parent.reserve(children(1_000).slice(i, i + 100));
    for (let i = 0; i < 1_000; i += 10)
      parent.end(
        Array.from({ length: 10 }, (_, n) => ({ place: i + n, time: 2_000, response: '{"@type":"page"}' })),
        0,
      );
    const bytes = [...rows.values()].reduce((sum, row) => sum + row.length, 0);

    expect([rows.size, writes()]).toEqual([110, 110]);
    expect(bytes).toBeLessThan(250_000);
    expect(table().endsAt([[0, 999]])).toHaveLength(1_000);
  });

  test("is the same when it is read again", () => {
    const { table } = aStore();
    const parent = table();
    parent.reserve(children(3));
    parent.end([{ place: 1, time: 2_000 }], 0);

    expect(table().claimed()).toEqual(parent.claimed());
    expect(table().claimed()[1]).toEqual({ ...child(1), end: { time: 2_000, number: 1 } });
  });

  test("keeps a child whose reservation is sent twice once", () => {
    const { table, writes } = aStore();
    const parent = table();
    parent.reserve(children(2));
    parent.reserve(children(2));

    expect([parent.children.length, writes()]).toEqual([2, 1]);
  });

  test("drops an end that comes twice", () => {
    const { table, writes } = aStore();
    const parent = table();
    parent.reserve(children(1));
    const first = parent.end([{ place: 0, time: 2_000, response: "1" }], 0);
    const second = parent.end([{ place: 0, time: 2_500, response: "2" }], 0);

    expect([first.length, second.length, writes()]).toEqual([1, 0, 2]);
    expect(parent.endOf(0)).toEqual({ place: 0, time: 2_000, response: "1", number: 1 });
  });

  test("replaces an end by the deletion of the child, unless the handler may have been given it", () => {
    const { table } = aStore();
    const parent = table();
    parent.reserve(children(2));
    parent.end([{ place: 0, time: 2_000, response: "1" }], 0);
    parent.end([{ place: 1, time: 2_000, response: "2" }], 0);
    parent.end([{ place: 0, time: 3_000, isDeleted: true }], 1);
    parent.end([{ place: 1, time: 3_000, isDeleted: true }], 1);

    expect(parent.endOf(0)).toMatchObject({ response: "1", number: 1 });
    expect(parent.endOf(1)).toEqual({ place: 1, time: 3_000, isDeleted: true, number: 2 });
  });

  test.each([
    [[[0, 2]], 2, false],
    [[[0, 2]], 1, true],
    [[[1, 2]], 1, false],
  ] as [[number, number][], number, boolean][])("a join of %j, at least %d, is met: %s", (places, atLeast, isMet) => {
    const { table } = aStore();
    const parent = table();
    parent.reserve(children(3));
    parent.end([{ place: 0, time: 2_000 }], 0);

    expect(parent.isAnyMet([{ places, atLeast }])).toBe(isMet);
  });

  test("keeps the names of children when their ends are erased", () => {
    const { table } = aStore();
    const parent = table();
    parent.reserve(children(2));
    parent.end([{ place: 0, time: 2_000 }], 0);
    parent.eraseEnds();
    const again = table();

    expect([again.children.length, again.endsAt(all(again)).length]).toEqual([2, 0]);
  });
});
