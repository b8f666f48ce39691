// tables:split over a bucket in memory: its raw body is read again after each interruption.
import { crashEverywhere, runMethod } from "edge-operations/testing";
import { describe, expect, it, vi } from "vitest";
import { splitTable } from "../src/split-table";

const files = vi.hoisted(() => new Map<string, string>());

vi.mock("../src/env", () => ({
  env: { REPORTS: { put: async (key: string, text: string) => files.set(key.replace(/^.*\//, ""), text) } },
}));

const request = { parent: "projects/p", prefix: "part" };
const input = Array.from({ length: 2_500 }, (_, row) => `row ${row}`).join("\n");

describe("tables:split", () => {
  it("writes each line once, wherever it is interrupted", async () => {
    const { run } = await crashEverywhere(splitTable, request, () => {
      files.clear();
      return { input, observe: () => files };
    });

    expect(run.response).toEqual({ lineCount: 2_500, objects: 3 });
    expect([...files.keys()]).toEqual(["part0.csv", "part1.csv", "part2.csv"]);
    expect([...files.values()].join("\n")).toBe(input);
  });

  it("rejects a body of another type", async () => {
    const run = runMethod(splitTable, request, { input: "{}", contentType: "application/json" });

    await expect(run).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
