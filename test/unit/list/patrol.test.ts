// The patrol is decided without a clock: which part of a walk comes next, and where it stands behind it.
import { describe, expect, test } from "vitest";
import { MAX_PATROL_ROWS, PATROL_AGE_MS, PATROL_INTERVAL_MS } from "../../../src/limits";
import { type Patrol, nextPatrolPart, patrolBehind } from "../../../src/list/patrol";

const NOW = 1_795_249_510_772;
const rows = (count: number) => Array.from({ length: count }, (_, n) => ({ createTime: n, id: `id-${n}`, more: true }));

describe("a patrol of the running operations", () => {
  test("begins at the oldest, and omits young ones", () => {
    expect(nextPatrolPart(undefined, NOW)).toEqual({
      patrol: { startTime: NOW },
      createdBefore: NOW - PATROL_AGE_MS,
      limit: MAX_PATROL_ROWS,
    });
  });

  test("continues after the last row of a full part, however long ago it began", () => {
    const part = nextPatrolPart(undefined, NOW)!;
    const behind = patrolBehind(part, rows(MAX_PATROL_ROWS));
    const last = MAX_PATROL_ROWS - 1;

    expect(behind).toEqual({ startTime: NOW, after: { createTime: last, id: `id-${last}` } });
    for (const later of [NOW + 1, NOW + 10 * PATROL_INTERVAL_MS]) {
      expect(nextPatrolPart(behind, later)).toMatchObject({ patrol: behind, createdBefore: later - PATROL_AGE_MS });
    }
  });

  test.each([0, 1, MAX_PATROL_ROWS - 1])("ends with a part of %i rows, and rests until the next is due", (count) => {
    const behind: Patrol = patrolBehind(nextPatrolPart(undefined, NOW)!, rows(count));

    expect(behind).toEqual({ startTime: NOW });
    expect(nextPatrolPart(behind, NOW + PATROL_INTERVAL_MS - 1)).toBeUndefined();
    expect(nextPatrolPart(behind, NOW + PATROL_INTERVAL_MS)?.patrol).toEqual({ startTime: NOW + PATROL_INTERVAL_MS });
  });

  test("checks each row once, whatever the number", () => {
    const all = rows(2 * MAX_PATROL_ROWS + 7);
    const seen: string[] = [];
    let stored: Patrol | undefined;
    for (let run = 0; run < 3; run += 1) {
      const part = nextPatrolPart(stored, NOW + run)!;
      const first = part.patrol.after ? all.findIndex(({ id }) => id === part.patrol.after?.id) + 1 : 0;
      const some = all.slice(first, first + part.limit);
      seen.push(...some.map(({ id }) => id));
      stored = patrolBehind(part, some);
    }

    expect(seen).toEqual(all.map(({ id }) => id));
    expect(nextPatrolPart(stored, NOW + 3)).toBeUndefined();
  });
});
