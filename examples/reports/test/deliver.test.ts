// messages:deliver without a runtime: its steps are mocked, its sleeps and backoffs take no time.
import { crashEverywhere, runMethod, takes } from "edge-operations/testing";
import { describe, expect, it } from "vitest";
import { deliver } from "../src/deliver";

const request = { parent: "projects/p", text: "Hello.", urls: ["https://a.example/", "https://b.example/"] };

describe("messages:deliver", () => {
  it("delivers to each address once", async () => {
    const { response, steps, progress } = await runMethod(deliver, request, { steps: { "deliver *": 200 } });

    expect(response).toEqual({ statuses: [200, 200], attempts: 1 });
    expect(steps.map(({ name, runs }) => [name, runs])).toEqual([
      ["deliver 0", 1],
      ["deliver 1", 1],
    ]);
    expect(progress.at(-1)).toEqual({ delivered: 2, progressPercent: 100 });
  });

  it("aborts a request that has no answer within a minute", async () => {
    const { response, durationMs } = await runMethod(deliver, request, {
      steps: { "deliver 0": takes("2m", 200), "deliver 1": 200 },
    });

    expect(response?.statuses).toEqual([504, 200]);
    expect(durationMs).toBe(60_000);
  });

  it("retries a failed address, and not the earlier ones", async () => {
    const { response, steps } = await runMethod(deliver, request, {
      steps: {
        "deliver 0": 200,
        "deliver 1": ({ runs }) => {
          if (runs < 3) throw new Error("answered 503");
          return 200;
        },
      },
    });

    expect(response).toEqual({ statuses: [200, 200], attempts: 3 });
    expect(steps.map(({ runs }) => runs)).toEqual([1, 3]);
  });

  it("is safe to interrupt anywhere", async () => {
    const { points } = await crashEverywhere(deliver, request, () => {
      const sent = new Set<string>();
      return {
        steps: {
          "deliver *": ({ name }) => {
            sent.add(name);
            return 200;
          },
        },
        observe: () => sent,
        // Each interruption is another attempt.
        compare: ({ response }) => response?.statuses,
      };
    });

    expect(points.length).toBeGreaterThan(8);
  });

  it("rejects a request without a text", async () => {
    await expect(runMethod(deliver, { ...request, text: "" })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
