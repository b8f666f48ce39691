// Operations that do not exist cost an object call each, and those calls must not meet in one object.
import { expect, test } from "vitest";
import { absentObjectName } from "../../../../src/durable/operation/operation-stubs";
import { NO_OPERATION_OBJECTS } from "../../../../src/limits";

const NAMES = 100 * NO_OPERATION_OBJECTS;
const guesses = Array.from({ length: NAMES }, (_, number) => `projects/p/operations/${number.toString(16)}`);

test("stubOf spreads names of operations that do not exist evenly over a bounded number of objects", () => {
  const loads = new Map<string, number>();
  for (const name of guesses.map(absentObjectName)) loads.set(name, (loads.get(name) ?? 0) + 1);

  expect(loads.size).toBe(NO_OPERATION_OBJECTS);
  expect(Math.max(...loads.values())).toBeLessThan(200);
});

test("stubOf maps a name to the same object every time", () => {
  expect(guesses.map(absentObjectName)).toEqual(guesses.map(absentObjectName));
});
