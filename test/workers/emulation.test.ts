// Scripts for the tests of clients: progress, ends, polls and starts, in a deployment that emulates, and nowhere else.
import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { emulation } from "../../src/emulation";
import { echoWait } from "../../src/worker/echo-wait";
import { type Answer, aDeployment, aMethod, objectOf } from "./a-deployment";
import { clock } from "./clock";
import { controls } from "./controls";
import { useFreshWorld } from "./harness";

useFreshWorld();

const methods = [
  echoWait,
  aMethod(async () => {
    throw new Error("its own work was run");
  }),
];
const emulating = aDeployment({ methods, emulation: emulation() }, { EMULATION: "on" });
const deployed = aDeployment({ methods });

const locked = {
  code: 9,
  message: "It is locked.",
  details: [
    { "@type": "type.googleapis.com/google.rpc.Help", links: [{ description: "Why", url: "https://a.example" }] },
  ],
};

const header = (script: object): Record<string, string> => ({ "X-Emulation-Script": JSON.stringify(script) });

function start(script: object, path = "/v1/projects/p/things:make"): Promise<Answer> {
  return emulating.call("POST", path, {}, header(script));
}

async function get(name: string): Promise<Answer> {
  return emulating.call("GET", `/v1/${name}`);
}

/** Lets the operation sleep for a time, and go on. */
async function playOn(name: string, ms: number): Promise<void> {
  clock.advance(ms);
  await runDurableObjectAlarm(objectOf(name));
  await emulating.deliver(name);
}

describe("a scripted operation", () => {
  test("shows its progress at the scripted times, and ends as scripted, without its method's work", async () => {
    const script = {
      progress: [
        { after: "10s", metadata: { rows: 1, progressPercent: 10 }, statusMessage: "Reading." },
        { after: "20s", metadata: { rows: 2 } },
      ],
      end: { after: "30s", response: { rows: 3 } },
    };
    const { operation } = await start(script);
    const seen = [];
    await emulating.deliver(operation.name);
    for (let times = 0; times < 3; times += 1) {
      seen.push((await get(operation.name)).operation);
      await playOn(operation.name, 10_000);
    }
    const { operation: done } = await get(operation.name);

    expect(seen.map(({ metadata }) => metadata.value["rows"])).toEqual([undefined, 1, 2]);
    expect(seen[1]?.metadata.value).toMatchObject({ progressPercent: 10, statusMessage: "Reading." });
    expect(seen.map(({ done: isDone }) => isDone)).toEqual([false, false, false]);
    expect(done).toMatchObject({ done: true, response: { value: { rows: 3 } }, metadata: { value: { rows: 2 } } });
  });

  test("ends with the exact scripted error, UNAVAILABLE too, without a retry", async () => {
    const { operation } = await start({ end: { after: "5s", error: { ...locked, code: 14 } } });
    await emulating.deliver(operation.name);
    await playOn(operation.name, 5_000);

    expect((await get(operation.name)).operation).toMatchObject({ done: true, error: { ...locked, code: 14 } });
  });

  test("has the types that its method declares", async () => {
    const script = { end: { response: { content: "scripted" } } };
    const { operation } = await start(script, "/v1beta1/echo:wait");
    await emulating.deliver(operation.name);

    expect((await get(operation.name)).operation.response).toEqual({
      "@type": "type.googleapis.com/google.showcase.v1beta1.WaitResponse",
      content: "scripted",
    });
  });

  test("is cancelled like any other", async () => {
    const { operation } = await start({ end: { after: "3600s" } });
    await emulating.deliver(operation.name);
    await emulating.call("POST", `/v1/${operation.name}:cancel`);

    expect((await get(operation.name)).operation).toMatchObject({ done: true, error: { code: 1 } });
  });
});

describe("scripted polls", () => {
  test("return errors, or the failed operation, at their numbers", async () => {
    const { operation } = await start({
      polls: [
        { poll: 1, httpError: { code: 14 } },
        { poll: 2, httpError: { code: 7, message: "Not you.", details: locked.details } },
        { poll: 4, error: locked },
      ],
    });
    await emulating.deliver(operation.name);
    const answers = [];
    for (let poll = 0; poll < 6; poll += 1) answers.push(await get(operation.name));

    expect(answers.map(({ status }) => status)).toEqual([503, 403, 200, 200, 200, 200]);
    expect(answers[0]?.headers.get("Retry-After")).toBe("1");
    expect(answers[0]?.json["error"]).toMatchObject({ status: "UNAVAILABLE" });
    expect(answers[1]).toMatchObject({ reason: "EMULATED", json: { error: { message: "Not you." } } });
    expect(JSON.stringify(answers[1]?.json)).toContain("google.rpc.Help");
    expect(answers[2]?.operation).toMatchObject({ done: false });
    expect(answers.slice(3).map((answer) => answer.operation)).toMatchObject(
      Array.from({ length: 3 }, () => ({ done: true, error: locked })),
    );
    // Counted until all has happened: another request each; no longer then.
    const id = operation.name.split("/").at(-1)!;
    const calls = controls.callsOf(id).filter((call) => call === "get" || call === "poll");
    expect(calls).toEqual([...Array.from({ length: 4 }, () => ["get", "poll"]).flat(), "get", "get"]);
  });

  test("are GETs of the operation alone, not lists, waits and repeated starts", async () => {
    const body = { requestId: "r1" };
    const script = header({ polls: [{ poll: 1, error: locked }] });
    const { operation } = await emulating.call("POST", "/v1/projects/p/things:make", body, script);
    await emulating.deliver(operation.name);

    const repeated = await emulating.call("POST", "/v1/projects/p/things:make", body, script);
    const waited = await emulating.call("POST", `/v1/${operation.name}:wait?timeout=0s`);
    const listed = await emulating.call("GET", "/v1/projects/p/operations");
    const polled = await get(operation.name);

    expect([repeated, waited].map((answer) => answer.operation.done)).toEqual([false, false]);
    expect(listed.json["operations"]).toMatchObject([{ done: false }]);
    expect(polled.operation).toMatchObject({ done: true, error: locked });
  });
});

describe("a scripted start", () => {
  test("returns its error until its time, and starts nothing", async () => {
    const until = new Date(Date.now() + 5_000).toISOString();
    const script = { start: { httpError: { code: 14, message: "Busy." }, until } };
    const refused = await start(script);
    const listed = await emulating.call("GET", "/v1/projects/p/operations");
    clock.advance(5_000);
    const started = await start(script);

    expect(refused).toMatchObject({ status: 503, reason: "EMULATED", json: { error: { message: "Busy." } } });
    expect(listed.json["operations"] ?? []).toEqual([]);
    expect(started).toMatchObject({ status: 200, operation: { done: false } });
  });

  test("stores the operation before its slow answer", async () => {
    const slow = start({ start: { delay: "0.3s" } });
    const names = [];
    while (names.length === 0) {
      const { json } = await emulating.call("GET", "/v1/projects/p/operations");
      names.push(...((json["operations"] as { name: string }[] | undefined) ?? []).map(({ name }) => name));
    }
    const isAnswered = await Promise.race([slow.then(() => true), get(names[0]!).then(() => false)]);

    expect(isAnswered).toBe(false);
    expect((await slow).operation.name).toBe(names[0]);
  });

  test("is INVALID_ARGUMENT with a wrong script, also with validateOnly", async () => {
    for (const query of ["", "?validateOnly=true"]) {
      const { status, fields } = await start({ end: { after: "soon" } }, `/v1/projects/p/things:make${query}`);

      expect(status).toBe(400);
      expect(fields).toEqual(["X-Emulation-Script.end.after"]);
    }
  });
});

test("a deployment with EMULATION=on and without the option fails every call", async () => {
  const withoutDecoder = aDeployment({ methods }, { EMULATION: "on" });
  const answer = await withoutDecoder.post("/v1/echo:wait", { ttl: "1s" }, header({}));

  expect(answer).toMatchObject({ status: 500, reason: "CONFIGURATION_INVALID" });
  expect(answer.text).toContain("edge-operations/emulation");
  expect((await withoutDecoder.call("GET", "/healthz")).status).toBe(503);
});

describe("a deployment without EMULATION", () => {
  test("ignores the header of a script", async () => {
    const script = header({ start: { httpError: { code: 14 } }, polls: [{ poll: 1, httpError: { code: 14 } }] });

    const { status, operation } = await deployed.call("POST", "/v1/echo:wait", { success: { content: "own" } }, script);

    expect(status).toBe(200);
    expect(operation).toMatchObject({ done: true, response: { content: "own" } });
    expect((await deployed.call("POST", "/v1/echo:wait", {}, { "X-Emulation-Script": "{" })).status).toBe(200);
  });

  test("rejects a script as a field of a request", async () => {
    const { status, fields } = await deployed.call("POST", "/v1/echo:wait", { emulationScript: {} });

    expect(status).toBe(400);
    expect(fields).toEqual(["emulationScript"]);
  });
});
