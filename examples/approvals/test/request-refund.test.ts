// refunds:request: who approves, who does not, and an approval that nobody gives.
import { crashEverywhere, runMethod, takes } from "edge-operations/testing";
import { describe, expect, it } from "vitest";
import { requestRefund } from "../src/request-refund";

const request = { parent: "projects/p", amountCents: 1200, reason: "Arrived broken", approvalTimeout: "259200s" };

describe("refunds:request", () => {
  it("pays after an approval two days later", async () => {
    const { response, steps } = await runMethod(requestRefund, request, {
      answers: { approval: takes("2d", { approved: true, note: "Sorry." }) },
    });

    expect(response).toEqual({ refunded: true, note: "Sorry." });
    expect(steps.map(({ name }) => name)).toEqual(["pay"]);
  });

  it("pays nothing if it is not approved", async () => {
    const { response, steps } = await runMethod(requestRefund, request, { answers: { approval: { approved: false } } });

    expect(response?.refunded).toBe(false);
    expect(steps).toEqual([]);
  });

  it("ends with DEADLINE_EXCEEDED without an answer for three days", async () => {
    const { error, durationMs } = await runMethod(requestRefund, request);

    expect(error?.code).toBe("DEADLINE_EXCEEDED");
    expect(durationMs).toBe(3 * 86_400_000);
  });

  it("is safe to interrupt anywhere", async () => {
    const { points } = await crashEverywhere(requestRefund, request, { answers: { approval: { approved: true } } });

    expect(points).toContain("the moment before a suspension was stored");
  });
});
