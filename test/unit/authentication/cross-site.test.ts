import { describe, expect, test } from "vitest";
import { rejectCrossSite } from "../../../src/authentication/cross-site";
import { rpcErrorOf } from "../../support/an-rpc-error";

const JSON_TYPE = { "Content-Type": "application/json" };
const PAGE = "https://app.example.com";

function requestWith(method: string, headers: Record<string, string>): Request {
  return new Request("https://api.example/v1/operations", { method, headers });
}

describe("a change with credentials that a browser sends by itself", () => {
  test.each<[string, Record<string, string>]>([
    // A client that is no browser, and a page of the service's own.
    ["POST", JSON_TYPE],
    ["POST", { ...JSON_TYPE, Origin: "https://api.example" }],
    ["POST", { ...JSON_TYPE, Origin: "https://api.example", "Sec-Fetch-Site": "same-origin" }],
    ["POST", { ...JSON_TYPE, "Sec-Fetch-Site": "same-origin" }],
    ["POST", { ...JSON_TYPE, Origin: PAGE, "Sec-Fetch-Site": "cross-site" }],
    ["POST", { "Content-Type": "text/csv; charset=utf-8" }],
    ["POST", { "Content-Type": "application/json; charset=utf-8", "Sec-Fetch-Site": "none" }],
    ["DELETE", {}],
    ["DELETE", { Origin: PAGE }],
    ["PATCH", JSON_TYPE],
  ])("is accepted: %s %j", (method, headers) => {
    expect(() => rejectCrossSite(requestWith(method, headers), [PAGE])).not.toThrow();
  });

  test.each<[string, Record<string, string>]>([
    ["POST", { ...JSON_TYPE, Origin: "https://evil.example" }],
    ["POST", { ...JSON_TYPE, Origin: "null" }],
    ["POST", { ...JSON_TYPE, Origin: "http://api.example" }],
    ["POST", { ...JSON_TYPE, Origin: "https://api.example:8443" }],
    ["POST", { ...JSON_TYPE, Origin: "https://other.example.com", "Sec-Fetch-Site": "same-site" }],
    ["POST", { ...JSON_TYPE, "Sec-Fetch-Site": "cross-site" }],
    ["POST", { ...JSON_TYPE, "Sec-Fetch-Site": "same-site" }],
    ["DELETE", { Origin: "https://evil.example" }],
    ["PATCH", { ...JSON_TYPE, Origin: "https://evil.example" }],
    // A request that a form, or fetch() without a preflight request, can send.
    ["POST", {}],
    ["POST", { Origin: "https://api.example" }],
    ["POST", { "Content-Type": "text/plain" }],
    ["POST", { "Content-Type": "text/plain;application/json" }],
    ["POST", { "Content-Type": "application/x-www-form-urlencoded" }],
    ["POST", { "Content-Type": "multipart/form-data; boundary=x" }],
  ])("is rejected: %s %j", async (method, headers) => {
    expect(await rpcErrorOf(() => rejectCrossSite(requestWith(method, headers), [PAGE]))).toMatchObject({
      code: "PERMISSION_DENIED",
      reason: "CROSS_SITE_REQUEST",
    });
  });

  test("is rejected from every page if every origin may read", async () => {
    const request = requestWith("POST", { ...JSON_TYPE, Origin: PAGE });

    expect(await rpcErrorOf(() => rejectCrossSite(request, "any"))).toMatchObject({ reason: "CROSS_SITE_REQUEST" });
  });

  test("is rejected for a WebSocket, which a page of any origin may open and read", async () => {
    const request = requestWith("GET", { Upgrade: "websocket", Origin: "https://evil.example" });
    const own = requestWith("GET", { Upgrade: "websocket", Origin: "https://api.example" });

    expect(await rpcErrorOf(() => rejectCrossSite(request, [PAGE]))).toMatchObject({ reason: "CROSS_SITE_REQUEST" });
    expect(() => rejectCrossSite(own, [PAGE])).not.toThrow();
  });

  test.each(["GET", "HEAD", "OPTIONS"])("a %s changes nothing", (method) => {
    expect(() => rejectCrossSite(requestWith(method, { Origin: "https://evil.example" }), [])).not.toThrow();
  });
});
