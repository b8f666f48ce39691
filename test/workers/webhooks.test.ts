// Webhooks: events of operations, signed, delivered at least once (docs/webhooks.md).
import { evictDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import type { JsonObject } from "../../src/rpc/any";
import { aDeployment, aMethod, MAKE } from "./a-deployment";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  type Started,
  advanceToAlarm,
  alarmTime,
  fireAlarm,
  outboxIsEmpty,
  presentRecord,
  startedFrom,
  useFreshWorld,
} from "./harness";
import { SIGNING_KEY, aWebhookDeployment, logged, useReceivers, verify, webhookMessages } from "./webhook-harness";

useFreshWorld();
const receivers = useReceivers();

const HOOK = "https://hooks.shop.com/a?key=hidden";
const OTHER = "https://hooks.shop.com/b";
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

type Service = ReturnType<typeof aWebhookDeployment>;

const succeeding = () => aWebhookDeployment([aMethod(async () => ({ rows: 7 }))]);

async function started(service: Service, operationOptions: JsonObject, path = MAKE): Promise<Started> {
  const { status, headers, json } = await service.call("POST", path, { operationOptions });
  return startedFrom({ status, headers, body: json });
}

/** An operation with a webhook of its own, whose work has ended. */
async function ended(service: Service, webhookConfig: JsonObject = { uris: [HOOK] }): Promise<Started> {
  const operation = await started(service, { webhookConfig });
  await service.deliver("id");
  return operation;
}

async function registered(service: Service, webhook: JsonObject = {}, parent = "projects/p/"): Promise<JsonObject> {
  const { status, json } = await service.call("POST", `/v1/${parent}webhooks`, { uri: OTHER, ...webhook });
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(json)}`);
  return json;
}

const fail = (status: number) => () => new Response(null, { status });
const received = () => receivers.current.events;
const typesAt = (uri: string) => receivers.current.receivedAt(uri).map(({ body }) => body.type);
const explained = async (service: Service, { name }: Started) =>
  (await service.call("GET", `/v1/${name}:explain`)).json["webhookDeliveries"];

/** Fires the operation's alarm and delivers the message that it sends. */
async function tryAgain(service: Service, operation: Started): Promise<void> {
  await advanceToAlarm(operation);
  if (webhookMessages() > 0) await service.deliver("webhooks");
}

describe("webhookConfig", () => {
  test("tells a webhook of the success of its operation, signed by the deployment's key", async () => {
    const service = succeeding();
    const operation = await ended(service, { uris: [HOOK], userMetadata: { order: 12 } });
    await service.deliver("webhooks");

    const [event, ...more] = received();
    expect(more).toEqual([]);
    expect(verify(event!)).toEqual(event!.body);
    expect(() => verify(event!, SIGNING_KEY.replace("YSB", "YSC"))).toThrow("No matching signature");
    const { json } = await service.call("GET", `/v1/${operation.name}`);
    expect(event!.body).toEqual({
      type: "operation.succeeded",
      timestamp: (json["metadata"] as { value: JsonObject }).value["endTime"],
      data: { operation: json, userMetadata: { order: 12 } },
    });
  });

  test("sends no message if no webhook can match the operation", async () => {
    const service = succeeding();
    const { status } = await service.call("POST", MAKE, {});
    await service.deliver("id");

    expect([status, webhookMessages()]).toEqual([200, 0]);
  });

  test("sends the headers of Standard Webhooks, and no credentials of the API", async () => {
    const service = succeeding();
    const { json } = await service.call(
      "POST",
      MAKE,
      { operationOptions: { webhookConfig: { uris: [HOOK] } } },
      { Authorization: "Bearer secret", Cookie: "session=secret" },
    );
    await service.deliver("id");
    await service.deliver("webhooks");

    const { headers } = received()[0]!;
    expect(Object.keys(headers).toSorted()).toEqual([
      "content-type",
      "user-agent",
      "webhook-id",
      "webhook-signature",
      "webhook-timestamp",
    ]);
    expect(headers["webhook-id"]).toBe(`evt_${(json["name"] as string).split("/").at(-1)}_1`);
    expect(headers["webhook-timestamp"]).toBe(String(Math.floor(Date.now() / 1_000)));
  });

  test("tells up to four webhooks, each once", async () => {
    const service = succeeding();
    const uris = ["https://a.shop.com/", "https://b.shop.com/", "https://c.shop.com/", "https://d.shop.com/"];
    await ended(service, { uris });
    await service.deliver("webhooks");

    expect(
      received()
        .map(({ uri }) => uri)
        .toSorted(),
    ).toEqual(uris);
    expect(new Set(received().map(({ headers }) => headers["webhook-id"])).size).toBe(1);
  });

  test("leaves out a response of more than 64 KiB", async () => {
    const sizes = [10, 50_000, 70_000];
    const service = aWebhookDeployment([aMethod(async (_, { size }) => ({ text: "x".repeat(size as number) }))]);
    for (const size of sizes) {
      await service.call("POST", MAKE, { size, operationOptions: { webhookConfig: { uris: [HOOK] } } });
      await service.deliver("id");
      await service.deliver("webhooks");
    }

    expect(received().map(({ body }) => "response" in body.data.operation)).toEqual([true, true, false]);
    expect(received().map(({ body }) => body.data.operation["done"])).toEqual([true, true, true]);
  });

  test("comes in the query for a method with a body of its own", async () => {
    const service = succeeding();
    const query = `operationOptions.webhookConfig.uris=${encodeURIComponent(HOOK)}`;
    const { status } = await service.call("POST", `${MAKE}?${query}`, {});
    await service.deliver("id");
    await service.deliver("webhooks");

    expect([status, typesAt(HOOK)]).toEqual([200, ["operation.succeeded"]]);
  });

  test("is rejected with a reason: a hostile URI, too many, no signing key, no webhooks", async () => {
    const service = succeeding();
    const unsigned = aWebhookDeployment([aMethod(async () => ({}))], { WEBHOOK_SIGNING_KEYS: "" });
    const plain = aDeployment({ methods: [aMethod(async () => ({}))] });
    const config = (uris: string[]) => ({ operationOptions: { webhookConfig: { uris } } });
    const answers = [
      await service.call("POST", MAKE, config(["https://169.254.169.254/"])),
      await service.call("POST", MAKE, config(Array.from({ length: 5 }, (_, index) => `https://a${index}.shop.com`))),
      await unsigned.call("POST", MAKE, config([HOOK])),
      await plain.call("POST", MAKE, config([HOOK])),
    ];

    expect(answers.map(({ status, fields }) => [status, ...fields])).toEqual([
      [400, "operationOptions.webhookConfig.uris[0]"],
      [400, "operationOptions.webhookConfig.uris"],
      [400, "operationOptions.webhookConfig"],
      [400, "operationOptions.webhookConfig"],
    ]);
    expect(answers[3]!.text).toContain("needs `webhooks: webhooks()` of edge-operations/webhooks in operations()");
    expect(controls.sent).toEqual([]);
  });

  test("is checked by validateOnly, and bound to a requestId", async () => {
    const service = succeeding();
    const options = (uri: string) => ({ operationOptions: { webhookConfig: { uris: [uri] } }, requestId: "r-1" });
    const refused = await service.call("POST", MAKE, { ...options("http://10.0.0.1/"), validateOnly: true });
    const first = await service.call("POST", MAKE, options(HOOK));
    const same = await service.call("POST", MAKE, options(HOOK));
    const another = await service.call("POST", MAKE, options(OTHER));

    expect([refused, first, same, another].map(({ status }) => status)).toEqual([400, 200, 200, 400]);
    expect(another.reason).toBe("REQUEST_ID_REUSED");
  });
});

describe("events", () => {
  test("names a failure", async () => {
    const service = aWebhookDeployment([
      aMethod(
        async () => {
          throw new TypeError("broken");
        },
        { retry: { maxAttempts: 1 } },
      ),
    ]);
    await ended(service);
    await service.deliver("webhooks");

    expect(typesAt(HOOK)).toEqual(["operation.failed"]);
    expect(received()[0]!.body.data.operation["error"]).toMatchObject({ code: 2 });
  });

  test("names a cancellation", async () => {
    const service = succeeding();
    const { name } = await started(service, { webhookConfig: { uris: [HOOK] } });
    await service.call("POST", `/v1/${name}:cancel`);
    await service.deliver("webhooks");

    expect(typesAt(HOOK)).toEqual(["operation.cancelled"]);
  });

  test("names a suspension, and then the end, in the order of webhook-timestamp", async () => {
    const service = aWebhookDeployment([
      aMethod(async (op) => ({ answer: (await op.suspend("approval", { prompt: "Go on?" })) as string })),
    ]);
    const { name } = await started(service, { webhookConfig: { uris: [HOOK] } });
    await service.deliver("id");
    await service.deliver("webhooks");
    clock.advance(5_000);
    await service.call("POST", `/v1/${name}/suspensions/approval:resolve`, { payload: "yes" });
    await service.deliver("id");
    await service.deliver("webhooks");

    expect(typesAt(HOOK)).toEqual(["operation.suspended", "operation.succeeded"]);
    const [suspended, succeeded] = received();
    expect((suspended!.body.data.operation["metadata"] as { value: JsonObject }).value["suspensions"]).toMatchObject([
      { id: "approval", prompt: "Go on?" },
    ]);
    const times = [suspended!, succeeded!].map(({ headers }) => Number(headers["webhook-timestamp"]));
    expect(times[1]! - times[0]!).toBe(5);
    expect(suspended!.headers["webhook-id"]).not.toBe(succeeded!.headers["webhook-id"]);
  });

  test("are of work done elsewhere too", async () => {
    const service = succeeding();
    const webhookConfig = { uris: [HOOK] };
    const { json } = await service.call("POST", "/v1/projects/p/operations", { operationOptions: { webhookConfig } });
    await service.call("PATCH", `/v1/${json["name"] as string}?updateMask=error`, {
      error: { code: 3, message: "no" },
    });
    await service.deliver("webhooks");

    expect(typesAt(HOOK)).toEqual(["operation.failed"]);
  });

  test("are of a retry too, whose operation keeps the webhooks of the first", async () => {
    let isBroken = true;
    const service = aWebhookDeployment([
      aMethod(
        async () => {
          if (isBroken) throw new TypeError("broken");
          return {};
        },
        { retry: { maxAttempts: 1 } },
      ),
    ]);
    const { name } = await ended(service);
    isBroken = false;
    await service.call("POST", `/v1/${name}:retry`);
    await service.deliver("id");
    await service.deliver("webhooks");
    await service.deliver("webhooks");

    expect(typesAt(HOOK)).toEqual(["operation.failed", "operation.succeeded"]);
  });

  test("of a deleted operation are dropped", async () => {
    const service = succeeding();
    const { name } = await ended(service);
    await service.call("DELETE", `/v1/${name}`);
    await service.deliver("webhooks");

    expect(received()).toEqual([]);
  });
});

describe("a delivery", () => {
  test.each([
    ["a status of 500", fail(500), { httpStatus: 500, problem: "the answer 500" }],
    ["a status of 404", fail(404), { httpStatus: 404, problem: "the answer 404" }],
    [
      "a redirect, which is not followed",
      () => new Response(null, { status: 307, headers: { Location: OTHER } }),
      { httpStatus: 307, problem: "a redirect, which is not followed" },
    ],
    ["no connection", () => Promise.reject(new TypeError(`fetch failed: ${HOOK}`)), { problem: "no connection" }],
    [
      "no answer in 10 s",
      () => Promise.reject(new DOMException("timed out", "TimeoutError")),
      { problem: "no answer in time" },
    ],
  ])("is retried within 5 s after %s", async (_, answer, shown) => {
    const service = succeeding();
    receivers.current.answer(HOOK, answer);
    const operation = await ended(service);
    await service.deliver("webhooks");
    const failTime = Date.now();

    expect(await explained(service, operation)).toMatchObject([{ state: "PENDING", tries: 1, ...shown }]);
    receivers.current.answer(HOOK, fail(200));
    await tryAgain(service, operation);

    expect(Date.now() - failTime).toBeLessThanOrEqual(3_000);
    expect(typesAt(HOOK)).toEqual(["operation.succeeded", "operation.succeeded"]);
    expect(typesAt(OTHER)).toEqual([]);
    const [first, second] = received();
    expect(second!.text).toBe(first!.text);
    expect(second!.headers["webhook-id"]).toBe(first!.headers["webhook-id"]);
    expect(second!.headers["webhook-timestamp"]).toBe(String(Math.floor(Date.now() / 1_000)));
    expect(await explained(service, operation)).toMatchObject([
      { type: "operation.succeeded", webhook: "uris/0", host: "hooks.shop.com", state: "DELIVERED", tries: 2 },
    ]);
    await outboxIsEmpty(operation);
  });

  test("takes 10 s at most, follows no redirect and reads no body", async () => {
    const service = succeeding();
    const pulls = vi.fn<() => void>();
    const cancels = vi.fn<() => void>();
    const body = new ReadableStream({ pull: pulls, cancel: cancels }, { highWaterMark: 0 });
    receivers.current.answer(HOOK, () => new Response(body));
    const timeout = vi.spyOn(AbortSignal, "timeout");
    await ended(service);
    await service.deliver("webhooks");

    expect(timeout.mock.calls).toEqual([[10_000]]);
    expect(receivers.current.options.map(({ redirect, signal }) => [redirect, signal])).toEqual([
      ["manual", timeout.mock.results[0]!.value],
    ]);
    expect([pulls.mock.calls.length, cancels.mock.calls.length]).toEqual([0, 1]);
  });

  test("is given up after 24 h of failures, and the operation is left alone then", async () => {
    const service = succeeding();
    receivers.current.answer(HOOK, fail(503));
    const operation = await ended(service);
    await service.deliver("webhooks");
    const beginTime = Date.now();
    for (let alarms = 0; (await presentRecord(operation))?.outbox.webhooks !== undefined; alarms += 1) {
      if (alarms > 60) throw new Error("it was not given up");
      await tryAgain(service, operation);
    }

    expect(Date.now() - beginTime).toBe(DAY_MS);
    expect(received().length).toBeGreaterThan(9);
    expect(await explained(service, operation)).toMatchObject([{ state: "FAILED", httpStatus: 503 }]);
  });

  test("is made by one deliverer at a time", async () => {
    const service = succeeding();
    const { promise, resolve } = Promise.withResolvers<Response>();
    receivers.current.answer(HOOK, () => promise);
    const operation = await ended(service);
    controls.sent.push(...controls.sent.filter((message) => "webhooks" in message));
    const first = service.deliver("webhooks");
    await vi.waitFor(() => expect(received()).toHaveLength(1));
    await service.deliver("webhooks");
    resolve(new Response(null));
    await first;

    expect(received()).toHaveLength(1);
    expect(await explained(service, operation)).toMatchObject([{ state: "DELIVERED", tries: 1 }]);
  });

  test.each(["its message", "its deliverer"])("is repeated where %s is lost", async (lost) => {
    const service = succeeding();
    const operation = await ended(service);
    if (lost === "its message") controls.sent.length = 0;
    else {
      // It has sent, and its report is lost with it.
      await service.deliver("webhooks", { reports: false });
      await evictDurableObject(operation.stub);
    }
    while (webhookMessages() === 0) await advanceToAlarm(operation);
    await service.deliver("webhooks");

    expect(typesAt(HOOK)).toEqual(Array.from({ length: lost === "its message" ? 1 : 2 }, () => "operation.succeeded"));
    await outboxIsEmpty(operation);
  });

  test("of which no deliverer reports sends its message ever less often", async () => {
    const service = succeeding();
    const operation = await ended(service);
    const times: number[] = [];
    for (let tries = 0; tries < 12; tries += 1) {
      await advanceToAlarm(operation);
      if (webhookMessages() > times.length + 1) times.push(Date.now());
    }

    const delays = times.slice(1).map((time, index) => time - times[index]!);
    expect(delays).toEqual(delays.toSorted((a, b) => a - b));
    expect(delays.at(-1)!).toBeGreaterThan(10 * 60_000);
  });

  test("is logged in one line a try, without the URI and without a secret", async () => {
    const service = succeeding();
    const log = logged();
    await registered(service);
    receivers.current.answer(HOOK, fail(500));
    const operation = await ended(service, { uris: [HOOK], userMetadata: { note: "private" } });
    await service.deliver("webhooks");
    await tryAgain(service, operation);

    const lines = log.filter(({ message }) => message === "webhook delivery");
    expect(
      lines.map(({ webhook, state, tries }) => [String(webhook).replace(/[0-9a-f]{24}/, "id"), state, tries]),
    ).toEqual([
      ["uris/0", "PENDING", 1],
      ["projects/p/webhooks/id", "DELIVERED", 1],
      ["uris/0", "PENDING", 2],
    ]);
    expect(lines[0]).toMatchObject({ operation: operation.name, event: "operation.succeeded", host: "hooks.shop.com" });
    expect(JSON.stringify(log)).not.toMatch(/whsec_|key=hidden|private/);
  });
});

describe("a registered webhook", () => {
  test("answers its secret at its creation alone, and verifies with it", async () => {
    const service = succeeding();
    const created = await registered(service, { displayName: "Shop", subscribedEvents: ["operation.succeeded"] });
    const { signingSecret, ...webhook } = created;
    await started(service, {});
    await service.deliver("id");
    await service.deliver("webhooks");

    expect(webhook).toMatchObject({
      name: expect.stringMatching(/^projects\/p\/webhooks\/[0-9a-f]{24}$/) as string,
      uri: OTHER,
      state: "ENABLED",
      displayName: "Shop",
      subscribedEvents: ["operation.succeeded"],
    });
    expect((await service.call("GET", `/v1/${webhook["name"] as string}`)).json).toEqual(webhook);
    expect((await service.call("GET", "/v1/projects/p/webhooks")).json).toEqual({ webhooks: [webhook] });
    const [event] = received();
    expect(verify(event!, signingSecret as string)).toEqual(event!.body);
    expect("userMetadata" in event!.body.data).toBe(false);
  });

  test.each([
    ["", "operations/", true],
    ["projects/p/", "projects/p", true],
    ["projects/q/", "projects/p", false],
    ["projects/p/locations/l/", "projects/p", false],
  ])("at %j is for an operation of %j: %s", async (parent, _, isFor) => {
    const service = succeeding();
    // One above the operation, so that its end is told to webhooks in any case.
    await registered(service, { uri: HOOK });
    await registered(service, {}, parent);
    await started(service, {});
    await service.deliver("id");
    await service.deliver("webhooks");

    expect(typesAt(HOOK)).toEqual(["operation.succeeded"]);
    expect(typesAt(OTHER)).toEqual(isFor ? ["operation.succeeded"] : []);
  });

  test("is for child operations too", async () => {
    const child = aMethod(async () => ({}), { http: { post: "/v1/{parent=projects/*}/parts:make", body: "*" } });
    const whole = aMethod(async (op) => {
      await op.join([await op.start(child, {}, { key: "one" })]);
      return {};
    });
    const service = aWebhookDeployment([child, whole]);
    await registered(service);
    await started(service, {});
    await service.deliver("id");
    await service.deliver("id");
    await service.deliver("webhooks");
    await vi.waitFor(() => expect(controls.sent.some((message) => "id" in message)).toBe(true));
    await service.deliver("id");
    while (webhookMessages() > 0) await service.deliver("webhooks");

    const verbs = received().map(
      ({ body }) => (body.data.operation["metadata"] as { value: JsonObject }).value["target"],
    );
    expect(verbs).toEqual(["projects/p/parts", "projects/p/things"]);
  });

  test("receives the events alone that it subscribes to", async () => {
    const service = succeeding();
    await registered(service, { subscribedEvents: ["operation.failed"] });
    const operation = await started(service, {});
    await service.deliver("id");
    await service.deliver("webhooks");

    expect(received()).toEqual([]);
    await outboxIsEmpty(operation);
  });

  test("is one of at most 20 of its parent", async () => {
    const service = succeeding();
    for (let count = 0; count < 20; count += 1) await registered(service, { uri: `https://h${count}.shop.com/` });
    const refused = await service.call("POST", "/v1/projects/p/webhooks", { uri: OTHER });

    expect([refused.status, refused.reason]).toEqual([429, "TOO_MANY_WEBHOOKS"]);
    await registered(service, {}, "projects/q/");
  });

  test("is changed by a mask, disabled, enabled and deleted", async () => {
    const service = succeeding();
    const { name } = await registered(service);
    const patch = (body: JsonObject, mask = "") =>
      service.call("PATCH", `/v1/${name as string}${mask && `?updateMask=${mask}`}`, body);
    const renamed = await patch({ displayName: "New", uri: "https://ignored.shop.com" }, "displayName");
    const disabled = await patch({ state: "DISABLED" });
    await started(service, {});
    await service.deliver("id");
    await service.deliver("webhooks");
    const enabled = await patch({ state: "ENABLED", subscribedEvents: ["operation.failed"] });
    const emptied = await patch({}, "subscribedEvents");
    const refused = [
      await patch({ state: "DISABLED_DUE_TO_FAILED_DELIVERIES" }),
      await patch({ uri: "https://10.0.0.1/" }),
      await patch({ subscribedEvents: ["webhook.ping"] }),
      await patch({ name: "x" }, "name"),
    ];
    const deleted = await service.call("DELETE", `/v1/${name as string}`);

    expect(
      [renamed, disabled, enabled, emptied].map(({ json }) => [json["state"], json["displayName"], json["uri"]]),
    ).toEqual([
      ["ENABLED", "New", OTHER],
      ["DISABLED", "New", OTHER],
      ["ENABLED", "New", OTHER],
      ["ENABLED", "New", OTHER],
    ]);
    expect([enabled.json["subscribedEvents"], emptied.json["subscribedEvents"]]).toEqual([["operation.failed"], []]);
    expect(refused.map(({ status }) => status)).toEqual([400, 400, 400, 400]);
    expect(refused.flatMap(({ fields }) => fields)).toEqual([
      "webhook.state",
      "webhook.uri",
      "webhook.subscribedEvents",
      "updateMask",
    ]);
    expect([deleted.status, deleted.json]).toEqual([200, {}]);
    expect((await service.call("GET", `/v1/${name as string}`)).status).toBe(404);
    expect(received()).toEqual([]);
  });

  test("is pinged once, and told of the outcome", async () => {
    const service = succeeding();
    const { name, signingSecret } = await registered(service);
    const good = await service.call("POST", `/v1/${name as string}:ping`);
    receivers.current.answer(OTHER, fail(401));
    const bad = await service.call("POST", `/v1/${name as string}:ping`);

    expect([good.json, bad.json]).toEqual([
      { delivered: true, httpStatus: 204 },
      { delivered: false, httpStatus: 401, problem: "the answer 401" },
    ]);
    expect(verify(received()[0]!, signingSecret as string)).toMatchObject({
      type: "webhook.ping",
      data: { webhook: name },
    });
  });

  test("signs with both secrets for 24 h after a rotation", async () => {
    const service = succeeding();
    const { name, signingSecret } = await registered(service);
    const { json } = await service.call("POST", `/v1/${name as string}:rotateSigningSecret`);
    await service.call("POST", `/v1/${name as string}:ping`);
    for (const secret of [signingSecret, json["signingSecret"]])
      expect(verify(received()[0]!, secret as string)).toBeDefined();
    clock.advance(DAY_MS);
    await service.call("POST", `/v1/${name as string}:ping`);

    const after = received()[1]!;
    expect(Object.keys(json)).toEqual(["signingSecret"]);
    expect(verify(after, json["signingSecret"] as string)).toBeDefined();
    expect(() => verify(after, signingSecret as string)).toThrow("No matching signature");
  });

  test("is disabled at once by 410, and says so", async () => {
    const service = succeeding();
    const log = logged();
    const { name } = await registered(service);
    receivers.current.answer(OTHER, fail(410));
    const operation = await started(service, {});
    await service.deliver("id");
    await service.deliver("webhooks");
    await outboxIsEmpty(operation);

    expect((await service.call("GET", `/v1/${name as string}`)).json["state"]).toBe(
      "DISABLED_DUE_TO_FAILED_DELIVERIES",
    );
    expect(await explained(service, operation)).toMatchObject([{ state: "FAILED", tries: 1, httpStatus: 410 }]);
    expect(log).toContainEqual({ message: "webhook disabled: its deliveries failed", webhook: name, status: 410 });
  });

  test("is disabled after 24 h of failures, and shows since when it fails", async () => {
    const service = succeeding();
    const { name } = await registered(service);
    receivers.current.answer(OTHER, fail(500));
    const operation = await started(service, {});
    await service.deliver("id");
    await service.deliver("webhooks");
    const failing = await service.call("GET", `/v1/${name as string}`);
    for (let alarms = 0; (await presentRecord(operation))?.outbox.webhooks !== undefined; alarms += 1) {
      if (alarms > 60) throw new Error("it was not given up");
      await tryAgain(service, operation);
    }
    const disabled = await service.call("GET", `/v1/${name as string}`);
    const enabled = await service.call("PATCH", `/v1/${name as string}`, { state: "ENABLED" });

    expect([failing, disabled, enabled].map(({ json }) => [json["state"], "failingSinceTime" in json])).toEqual([
      ["ENABLED", true],
      ["DISABLED_DUE_TO_FAILED_DELIVERIES", true],
      ["ENABLED", false],
    ]);
  });

  test("forgets its failures with the first success", async () => {
    const service = succeeding();
    const { name } = await registered(service);
    receivers.current.answer(OTHER, fail(500));
    const operation = await started(service, {});
    await service.deliver("id");
    await service.deliver("webhooks");
    receivers.current.answer(OTHER, fail(200));
    clock.advance(60_000);
    await fireAlarm(operation);
    await service.deliver("webhooks");

    expect(typesAt(OTHER)).toHaveLength(2);
    expect("failingSinceTime" in (await service.call("GET", `/v1/${name as string}`)).json).toBe(false);
  });

  test.each(["projects/p/operations/x/webhooks", "projects/-/webhooks", `${"a/b/".repeat(9)}webhooks`])(
    "cannot be at %s",
    async (path) => {
      const { status } = await succeeding().call("POST", `/v1/${path}`, { uri: OTHER });

      expect(status).toBe(400);
    },
  );

  test("is served where webhooks() is given alone; elsewhere the path says what to add", async () => {
    const plain = aDeployment({ methods: [aMethod(async () => ({}))] });
    const paths = ["webhooks", "projects/p/webhooks", "projects/p/webhooks/x", "projects/p/webhooks/x:ping"];
    const answers = await Promise.all(paths.map((path) => plain.call("POST", `/v1/${path}`, {})));

    for (const { status, text } of answers) {
      expect(status).toBe(404);
      expect(text).toContain("It needs `webhooks: webhooks()` of edge-operations/webhooks in operations().");
    }
  });

  test("needs its queue, and says so", async () => {
    const service = aWebhookDeployment([aMethod(async () => ({}))], { WEBHOOK_QUEUE: undefined as never });
    const { status, reason, text } = await service.call("GET", "/v1/projects/p/webhooks");

    expect([status, reason]).toEqual([500, "BINDING_MISSING"]);
    expect(text).toContain("the binding WEBHOOK_QUEUE is missing");
  });

  test("arms no alarm beyond what an operation without webhooks has, once it is delivered", async () => {
    const service = succeeding();
    const operation = await ended(service);
    await service.deliver("webhooks");
    await outboxIsEmpty(operation);
    await fireAlarm(operation);

    expect((await alarmTime(operation)) ?? Infinity).toBeGreaterThan(Date.now() + HOUR_MS);
  });
});
