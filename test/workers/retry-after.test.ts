// Retry-After follows how long a method's operations usually take, and asks nobody for it.
import { describe, expect, test } from "vitest";
import { clock } from "./clock";
import { controls } from "./controls";
import { type Started, call, runNext, startScript, startedFrom, useFreshWorld } from "./harness";

useFreshWorld();

async function retryAfter({ name }: Started): Promise<string | null> {
  return (await call("GET", `/v1/${name}`)).headers.get("Retry-After");
}

describe("Retry-After", () => {
  test("follows the durations of the method's other operations", async () => {
    // A verb of its own: what an isolate has seen it keeps.
    const first = await startScript(async () => ({}), { verb: "hurry" });
    expect(await retryAfter(first)).toBe("1");
    clock.advance(8_000);
    await runNext();
    expect(await retryAfter(first)).toBeNull();

    const second = await startScript(async () => ({}), { verb: "hurry" });
    const atFirst = await retryAfter(second);
    clock.advance(5_000);
    const later = await retryAfter(second);

    expect([atFirst, later]).toEqual(["8", "3"]);
    expect(controls.callsOf(second.id)).toEqual(["start", "get", "get"]);
  });

  test("is the end of echo:wait, which its request has", async () => {
    const started = await call("POST", "/v1/echo:wait", { ttl: "42s" });
    clock.advance(12_000);

    expect(started.headers.get("Retry-After")).toBe("42");
    expect(await retryAfter(startedFrom(started))).toBe("30");
  });
});
