// links:check in plain Node: a step for each address, whose first try may fail.
import { runMethod } from "edge-operations/testing";
import { describe, expect, it } from "vitest";
import { checkLinks } from "../src/check-links";

const urls = Array.from({ length: 20 }, (_, index) => `https://site.example/${index}`);

describe("links:check", () => {
  it("asks each address once, and again where that fails", async () => {
    const { response, steps, attempts } = await runMethod(
      checkLinks,
      { parent: "projects/p", urls },
      {
        steps: {
          "check 3": ({ runs }) => {
            if (runs === 1) throw new Error("answered 503");
            return 404;
          },
          "check *": 200,
        },
      },
    );

    expect(response).toEqual({ broken: ["https://site.example/3"] });
    expect(attempts).toBe(1);
    expect(steps.map(({ name, runs }) => [name, runs])).toEqual(
      expect.arrayContaining([
        ["check 0", 1],
        ["check 3", 2],
        ["check 19", 1],
      ]),
    );
    expect(steps).toHaveLength(20);
  });
});
