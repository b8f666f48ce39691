import { describe, expect, test } from "vitest";
import { nearestName } from "../../../src/aip/nearest";

describe("nearestName", () => {
  test.each([
    ["timeOut", "timeout"],
    ["time_out", "timeout"],
    ["tiemout", "timeout"],
    ["retyr", "retry"],
    ["maxConcurent", "maxConcurrent"],
  ])("suggests for %s the name %s", (name, meant) => {
    expect(nearestName(name, ["retry", "timeout", "maxConcurrent", "run"])).toBe(meant);
  });

  test.each(["", "x", "go", "concurrency", "t".repeat(10_000)])("suggests nothing for %.20s", (name) => {
    expect(nearestName(name, ["retry", "timeout", "run"])).toBeUndefined();
  });
});
