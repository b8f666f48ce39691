import { describe, expect, test } from "vitest";
import { growth } from "../../bench/calm-memory";

const MIB = 1_048_576;

function looksOf(resident: number[], heap = resident.map(() => 10)) {
  return resident.map((mib, index) => ({ resident: mib * MIB, heap: heap[index]! * MIB }));
}

describe("growth", () => {
  test.each<[string, number[]]>([
    ["stays", [300, 300, 300, 300, 300]],
    ["takes one large step of the allocator, and stays", [218, 253, 253, 254, 253]],
    ["rises ever less", [313, 316, 318, 319.5, 320]],
    ["falls", [300, 290, 295, 280, 281]],
    ["rises by a tenth in two looks", [300, 329]],
  ])("allows memory that %s", (_, resident) => {
    expect(growth(looksOf(resident))).toEqual([]);
  });

  test.each<[string, number[]]>([
    ["takes the same for every request", [300, 308, 316, 324, 332]],
    ["does so, and is given back once", [300, 312, 324, 320, 332]],
    ["takes a large step besides", [300, 340, 348, 356, 364]],
    ["rises by more than a tenth in two looks", [300, 331]],
  ])("does not allow resident memory that %s", (_, resident) => {
    expect(growth(looksOf(resident))).toEqual([expect.stringContaining("resident memory grows steadily")]);
  });

  test("does not allow a heap that rises by more than a tenth and 2 MiB", () => {
    const resident = [300, 300, 300, 300, 300];

    expect(growth(looksOf(resident, [10, 10.7, 11.4, 12.1, 12.8]))).toEqual([]);
    expect(growth(looksOf(resident, [10, 10.8, 11.6, 12.4, 13.2]))).toHaveLength(1);
  });

  test("needs two measurements", () => {
    expect(() => growth(looksOf([300]))).toThrow("two looks");
  });
});
