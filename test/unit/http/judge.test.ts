// Every method judges the caller before it does anything for the call: the table is the deployment's own, so that a method
// that is added is tested from then on.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { apiMethods } from "../../../src/api/methods";
import { MAX_BODY_READ_MS, MAX_DRAIN_MS } from "../../../src/limits";
import { echoWait } from "../../../src/worker/echo-wait";
import { type DoorAnswer, knock } from "../../support/a-door";

/** Methods that every caller may call, as docs/access.md says. */
const FOR_EVERYONE = new Set([
  "google.iam.v1.IAMPolicy.TestIamPermissions",
  "google.cloud.location.Locations.ListLocations",
  "google.cloud.location.Locations.GetLocation",
]);

const bindings = apiMethods([echoWait]).flatMap(({ name, http }) => http.map((binding) => ({ id: name, ...binding })));
const calls = bindings.flatMap(({ id, method, template }) =>
  (template.includes("{resource=**}") ? ["projects/p", "projects/p/operations/1"] : [""]).map((resource) => ({
    id,
    method,
    path: template
      .replace("{version}", "v1")
      .replace("{resource=**}", resource)
      .replace(/\{\w+=apiKeys\/\*\}/, `apiKeys/${"0".repeat(24)}`)
      .replace("{name=projects/*}", "projects/p")
      .replace("{name=projects/*/locations/*}", "projects/p/locations/l")
      .replace("{name=**/operations/*}", "projects/p/operations/1")
      .replace(/\{(name|parent)=\*\*\}/, "projects/p"),
  })),
);
const guarded = calls.filter(({ id }) => !FOR_EVERYONE.has(id));
const withBody = guarded.filter(({ method }) => method === "POST" || method === "PATCH");

/** A body of which nothing ever comes. */
function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: () => new Promise<void>(() => {}) });
}

async function answered(answer: Promise<DoorAnswer>, withinMs: number): Promise<DoorAnswer | "unanswered"> {
  const unanswered = vi.advanceTimersByTimeAsync(withinMs).then(() => "unanswered" as const);
  return Promise.race([answer, unanswered]);
}

const JSON_BODY = { "Content-Type": "application/json" };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("the routes are all here", () => {
  expect(calls.map(({ path }) => path).filter((path) => /[{*]/.test(path))).toEqual([]);
  expect(withBody.length).toBeGreaterThan(8);
});

describe("a caller who may not", () => {
  test.each(withBody)("$id ($method $path) is refused without waiting for a body that never ends", async (call) => {
    const options = { refuses: true, headers: JSON_BODY, body: endless() };
    const answer = await answered(knock(call.method, call.path, options), MAX_DRAIN_MS + 1);

    expect(answer).toMatchObject({ status: 403 });
  });

  test.each(withBody)("$id ($method $path) is refused before a malformed body is seen", async (call) => {
    const answer = await knock(call.method, call.path, {
      refuses: true,
      headers: JSON_BODY,
      body: "{".repeat(100_000),
    });

    expect(answer.status).toBe(403);
  });

  test.each(withBody)("$id ($method $path) is refused before its query is looked at", async ({ method, path }) => {
    const answer = await knock(method, `${path}?fields=unknown`, { refuses: true, headers: JSON_BODY, body: "{}" });

    expect(answer.status).toBe(403);
  });

  test.each(guarded)("$id ($method $path) is refused", async ({ method, path }) => {
    expect((await knock(method, path, { refuses: true })).status).toBe(403);
  });
});

test.each(calls.filter(({ method }) => method === "POST" || method === "PATCH"))(
  "$id ($method $path) waits for the body of a caller who may for a bounded time",
  async ({ method, path }) => {
    const options = { headers: JSON_BODY, body: endless() };
    const answer = await answered(knock(method, path, options), MAX_BODY_READ_MS + MAX_DRAIN_MS + 1);

    // A method that reads no body answers without it.
    expect(answer).not.toBe("unanswered");
  },
);

test("a body that trickles is refused when its time is up, and what came is not decoded", async () => {
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      controller.enqueue(new TextEncoder().encode(" "));
    },
  });
  const answer = await answered(
    knock("POST", "/v1/projects/p/operations/1:cancel", { headers: JSON_BODY, body }),
    MAX_BODY_READ_MS + 1,
  );

  expect(answer).toMatchObject({ status: 408, reason: "REQUEST_BODY_TOO_SLOW", calls: [] });
});
