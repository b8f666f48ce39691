import { RpcError } from "edge-operations";
import { crashEverywhere, runMethod, takes } from "edge-operations/testing";
import { expect, test } from "vitest";
import { renderSite } from "../src/render-site";

const request = { parent: "projects/p", urls: ["https://a.example", "https://b.example", "https://c.example"] };

test("counts the pages that were rendered, and those that were not", async () => {
  const { response, children } = await runMethod(renderSite, request, {
    children: {
      "pages:render": ({ key, request: { url } }) =>
        key === "page 1" ? new RpcError("FAILED_PRECONDITION", "It cannot be rendered.") : { url: url! },
    },
  });

  expect(response).toEqual({ done: 2, failed: 1 });
  expect(children.map(({ key, request: page }) => [key, page["url"]])).toEqual([
    ["page 0", "https://a.example"],
    ["page 1", "https://b.example"],
    ["page 2", "https://c.example"],
  ]);
});

test("waits for the pages", async () => {
  const { durationMs, invocations } = await runMethod(renderSite, request, {
    children: { "pages:render": takes("5m", { url: "https://a.example" }) },
  });

  expect([durationMs, invocations]).toEqual([300_000, 2]);
});

test("starts each page once, wherever its machine dies", async () => {
  const { points, run } = await crashEverywhere(renderSite, request, () => {
    const started: string[] = [];
    return {
      children: { "pages:render": ({ key }) => ({ url: String(started.push(key)) }) },
      observe: () => started,
    };
  });

  expect(run.response).toEqual({ done: 3, failed: 0 });
  expect(points.length).toBeGreaterThan(5);
});
