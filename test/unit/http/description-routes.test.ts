// The documents name the address of the service: that of the request's URL, which the platform makes of the route.
import { expect, test } from "vitest";
import { knock } from "../../support/a-door";

test.each<[string, (json: Record<string, unknown>) => unknown]>([
  ["/$discovery/rest?version=v1", (document) => document["rootUrl"]],
  ["/openapi.json", (document) => (document["servers"] as { url: string }[])[0]?.url],
])("%s has the address of the URL, whatever the headers are", async (path, addressOf) => {
  const forged = "evil.example";
  const headers = {
    "X-Forwarded-Host": forged,
    "X-Forwarded-Proto": "http",
    Forwarded: `host=${forged};proto=http`,
    "X-Original-Host": forged,
    "X-Host": forged,
    Origin: `https://${forged}`,
    Referer: `https://${forged}/`,
  };
  const { json, text, headers: answered } = await knock("GET", path, { headers });

  expect(String(addressOf(json)).replace(/\/$/, "")).toBe("https://api.example");
  expect(text).not.toContain(forged);
  // A shared cache could give one client the address by which another has asked.
  expect(answered.get("Cache-Control")).toBe("private");
});
