// POST /v1/{name}:retry: a failed operation again, as a new one with the request of the first.
import { describe, expect, test } from "vitest";
import { RpcError } from "../../src/index";
import type { JsonObject } from "../../src/rpc/any";
import { eventually } from "../support/eventually";
import { ADMIN, adminKeyCredential, aGuardedDeployment, memberOf, useGuardedWorld, userOf } from "./access-harness";
import { MAKE, aDeployment, aMethod, letTimePass, recordOf, storedKeys } from "./a-deployment";
import { clock } from "./clock";
import { useFreshWorld } from "./harness";

useFreshWorld();
useGuardedWorld();

const fails = async (): Promise<object> => {
  throw new RpcError("FAILED_PRECONDITION", "The table is locked.");
};
const failing = aDeployment({ methods: [aMethod(fails)] });
const mended = aDeployment({ methods: [aMethod(async (_, request) => ({ request }), { version: "2" })] });

/** An operation that has failed, and what it was asked. */
async function failedOperation(body: JsonObject = { table: "t" }): Promise<string> {
  const { name } = (await failing.post(MAKE, body)).operation;
  expect((await failing.runToEnd(name)).error?.code).toBe(9);
  return name;
}

describe("a failed operation", () => {
  test("is retried as a new one, by the presently deployed method, with the first request", async () => {
    const name = await failedOperation();

    const { status, operation } = await mended.post(`/v1/${name}:retry`);
    const done = await mended.runToEnd(operation.name);

    expect(status).toBe(200);
    expect(operation.name).not.toBe(name);
    expect(operation.metadata.value).toMatchObject({ retryOf: name, verb: "make", target: "projects/p/things" });
    expect(done.response?.value).toEqual({ request: { parent: "projects/p", table: "t" } });
    expect(await recordOf(operation.name)).toMatchObject({ methodVersion: "2", retryOf: name });
    // Nothing about the first has changed.
    expect((await failing.get(name)).error?.message).toBe("The table is locked.");
  });

  test("may be retried again, and its retry too", async () => {
    const name = await failedOperation();
    const first = (await failing.post(`/v1/${name}:retry`)).operation.name;
    await failing.runToEnd(first);

    const second = (await mended.post(`/v1/${name}:retry`)).operation;
    const ofTheRetry = (await mended.post(`/v1/${first}:retry`)).operation;

    expect(second.metadata.value["retryOf"]).toBe(name);
    expect(ofTheRetry.metadata.value["retryOf"]).toBe(first);
  });

  test("is retried once for each requestId", async () => {
    const [name, other] = [await failedOperation(), await failedOperation()];

    const first = await mended.post(`/v1/${name}:retry`, { requestId: "once" });
    const again = await mended.post(`/v1/${name}:retry?requestId=once`);
    const ofAnother = await mended.post(`/v1/${other}:retry`, { requestId: "once" });
    const start = await mended.post(MAKE, { requestId: "once" });

    expect(again.operation.name).toBe(first.operation.name);
    expect([ofAnother.status, ofAnother.fields]).toEqual([400, ["requestId"]]);
    // A start by its method is another call: the id is free there.
    expect(start.status).toBe(200);
  });

  test("is only checked with validateOnly", async () => {
    const name = await failedOperation();
    const { json } = await mended.post(`/v1/${name}:retry`, { validateOnly: true });

    expect(json).toEqual({ done: true, response: { "@type": "type.googleapis.com/google.protobuf.Empty" } });
    const { json: list } = await mended.call("GET", "/v1/projects/p/operations");
    expect(list["operations"]).toHaveLength(1);
  });

  test("is rejected if the method does not accept its request any more", async () => {
    const name = await failedOperation();
    const stricter = aDeployment({
      methods: [
        aMethod(fails, {
          request: () => {
            throw new RpcError("INVALID_ARGUMENT", "No table is taken any more.");
          },
        }),
      ],
    });

    expect((await stricter.post(`/v1/${name}:retry`)).status).toBe(400);
  });

  test("is rejected if its method is not deployed", async () => {
    const name = await failedOperation();
    const { status, reason } = await aDeployment({ methods: [] }).post(`/v1/${name}:retry`);

    expect([status, reason]).toEqual([400, "METHOD_NOT_DEPLOYED"]);
  });

  test("keeps its request until it expires, and nothing else of its work", async () => {
    const name = await failedOperation();
    expect(["record", "request"]).toEqual(expect.arrayContaining(await storedKeys(name)));

    clock.advance(31 * 86_400_000);
    await failing.call("GET", `/v1/${name}`);
    await eventually(async () => (await storedKeys(name)).length === 0);
  });

  test("keeps its request no longer than until it is deleted", async () => {
    const name = await failedOperation();
    await failing.call("DELETE", `/v1/${name}`);
    while (await letTimePass(name));

    expect(await storedKeys(name)).toEqual([]);
    expect((await mended.post(`/v1/${name}:retry`)).status).toBe(404);
  });

  test("has the way to retry it in its explanation", async () => {
    const name = await failedOperation();
    const { json } = await mended.call("GET", `/v1/${name}:explain`);

    expect(json["retry"]).toBe(`POST /v1/${name}:retry starts it again, as a new operation with the same request.`);
  });

  test("names its retries when it is explained, each once, and shows clients nothing of them", async () => {
    const name = await failedOperation();
    const before = await failing.call("GET", `/v1/${name}`);

    const first = (await mended.post(`/v1/${name}:retry`, { requestId: "one" })).operation.name;
    await mended.post(`/v1/${name}:retry`, { requestId: "one" });
    const second = (await mended.post(`/v1/${name}:retry`)).operation.name;

    expect((await mended.call("GET", `/v1/${name}:explain`)).json["retriedBy"]).toEqual([first, second]);
    const after = await failing.call("GET", `/v1/${name}`);
    expect([after.text, after.headers.get("ETag")]).toEqual([before.text, before.headers.get("ETag")]);
  });
});

describe("RetryOperation rejects, with a reason and a remedy,", () => {
  const refusalOf = async (name: string) => {
    const { status, reason } = await mended.post(`/v1/${name}:retry`);
    return [status, reason];
  };

  test("an operation that has not ended", async () => {
    const { name } = (await mended.post(MAKE)).operation;
    expect(await refusalOf(name)).toEqual([400, "RETRY_NOT_DONE"]);
  });

  test("an operation that succeeded, whose request is erased", async () => {
    const { name } = (await mended.post(MAKE)).operation;
    await mended.runToEnd(name);

    expect(await refusalOf(name)).toEqual([400, "RETRY_SUCCEEDED"]);
    expect(await storedKeys(name)).toEqual(["record"]);
    expect(await recordOf(name)).not.toHaveProperty("request");
  });

  test("an operation that was cancelled, whose request is erased", async () => {
    const { name } = (await mended.post(MAKE)).operation;
    await mended.post(`/v1/${name}:cancel`);

    expect(await refusalOf(name)).toEqual([400, "RETRY_CANCELLED"]);
    expect(await storedKeys(name)).toEqual(["record"]);
    expect(await recordOf(name)).not.toHaveProperty("request");
  });

  test("an operation whose work is done elsewhere", async () => {
    const { name } = (await mended.post("/v1/projects/p/operations")).operation;
    await mended.patch(`/v1/${name}?updateMask=error`, { error: { code: 9, message: "No." } });

    expect(await refusalOf(name)).toEqual([400, "RETRY_EXTERNAL"]);
  });

  test("an operation whose body was streamed and is erased", async () => {
    const uploading = aDeployment({
      methods: [
        aMethod(fails, {
          http: { post: "/v1/{parent=projects/*}/things:make" },
          input: { contentTypes: ["text/csv"], maxBytes: 1_000 },
        }),
      ],
    });
    const { name } = (await uploading.post(MAKE, "a,b\n", { "Content-Type": "text/csv" })).operation;
    await uploading.runToEnd(name);

    expect(await refusalOf(name)).toEqual([400, "RETRY_INPUT_ERASED"]);
    expect(await storedKeys(name)).toEqual(["record"]);
  });

  test("an operation that failed at once", async () => {
    const refusing = aDeployment({
      methods: [aMethod(fails, { immediate: () => ({ error: new RpcError("FAILED_PRECONDITION", "No.") }) })],
    });
    const { name } = (await refusing.post(MAKE)).operation;

    expect(await refusalOf(name)).toEqual([400, "RETRY_REQUEST_ERASED"]);
  });

  test("an operation that does not exist", async () => {
    expect((await mended.post(`/v1/projects/p/operations/${"0".repeat(64)}:retry`)).status).toBe(404);
  });

  test.each([{ table: "t" }, { name: "projects/p/operations/another" }])("a body with %j", async (body) => {
    const name = await failedOperation();
    const { status, fields } = await mended.post(`/v1/${name}:retry`, body);

    expect([status, fields]).toEqual([400, Object.keys(body)]);
  });
});

describe("the permissions of RetryOperation", () => {
  const guarded = aGuardedDeployment({ methods: [aMethod(fails)] }, { MAX_OPERATIONS_PER_CALLER: "10" });
  const runner = aDeployment({ methods: [aMethod(fails)] });

  async function failedOf(starter: string): Promise<string> {
    await guarded.bind("projects/p", [{ role: "roles/longrunning.invoker", members: [memberOf(starter)] }]);
    const { json } = await guarded.call(await userOf(starter), "POST", MAKE, {});
    const name = json["name"] as string;
    await runner.deliver(name);
    return name;
  }

  test("the new operation has the first one's starter, and counts on the account of the caller", async () => {
    const name = await failedOf("ada");
    const { json } = await guarded.call(await userOf(ADMIN), "POST", `/v1/${name}:retry`, {});
    const retried = json["name"] as string;

    const byTheStarter = await guarded.call(await userOf("ada"), "GET", `/v1/${retried}`);
    const byAStranger = await guarded.call(await userOf("eve"), "GET", `/v1/${retried}`);

    expect([byTheStarter.status, byAStranger.status]).toEqual([200, 403]);
    const record = await recordOf(retried);
    expect(record?.starter).toBe((await recordOf(name))?.starter);
    expect(record?.callerSlot?.key).not.toContain(record?.starter);
  });

  test("the starter may not retry without further rights", async () => {
    const name = await failedOf("ada");
    const { status } = await guarded.call(await userOf("ada"), "POST", `/v1/${name}:retry`, {});

    expect(status).toBe(403);
  });

  test("an administrator of the operation alone may not retry it", async () => {
    const name = await failedOf("ada");
    await guarded.bind(name, [{ role: "roles/longrunning.admin", members: [memberOf("bob")] }]);
    const { status, text } = await guarded.call(await userOf("bob"), "POST", `/v1/${name}:retry`, {});

    expect(status).toBe(403);
    expect(text).toContain("longrunning.methods.invoke");
    expect((await guarded.call(adminKeyCredential, "POST", `/v1/${name}:retry`, {})).status).toBe(200);
  });
});
