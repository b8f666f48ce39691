// Rights that end while a body is sent: the upload is cut, its caller is answered as a fresh call is, nothing is stored.
import { listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { eventually } from "../support/eventually";
import { MAKE, aMethod } from "./a-deployment";
import { type Credential, aGuardedDeployment, memberOf, useGuardedWorld, userOf } from "./access-harness";
import { clock } from "./clock";

useGuardedWorld();

const { bind, worker, environment } = aGuardedDeployment({
  methods: [
    aMethod(async () => ({}), {
      http: { post: "/v1/{parent=projects/*}/things:make" },
      input: { contentTypes: ["text/csv"], maxBytes: 8_000_000 },
    }),
  ],
});

beforeAll(() => clock.start());
afterAll(() => clock.stop());

const invokers = (name: string) => [{ role: "roles/longrunning.invoker", members: [memberOf(name)] }];

/** Objects that work of an earlier file may have left. */
let earlier: ReadonlySet<string> = new Set();

beforeEach(async () => {
  earlier = new Set((await listDurableObjectIds(env.OPERATIONS)).map(String));
});

/** The storage of the objects of this test's operations. */
async function storedRows(): Promise<number[]> {
  const ids = (await listDurableObjectIds(env.OPERATIONS)).filter((id) => !earlier.has(String(id)));
  return Promise.all(
    ids.map((id) => runInDurableObject(env.OPERATIONS.get(id), async (_, { storage }) => (await storage.list()).size)),
  );
}

/** A start whose body is sent as the test says. */
function anUpload(credential: Credential) {
  const { readable, writable } = new IdentityTransformStream();
  const body = writable.getWriter();
  const request = new Request(`https://operations.example${MAKE}`, {
    method: "POST",
    headers: { ...credential, "Content-Type": "text/csv" },
    body: readable,
  });
  const answered = worker.fetch(request, environment).then(async (response) => {
    const { error } = await response.json<{ error?: { details?: { reason?: string }[] } }>();
    return { status: response.status, reason: error?.details?.find(({ reason }) => reason)?.reason };
  });
  return { body, answered };
}

const row = new Uint8Array(1_048_576).fill(97);

test("an upload is cut when its caller's token expires, while the client sends nothing", async () => {
  await bind("projects/p", invokers("late-sender"));
  // Good for one second more, with what clocks may differ.
  const { body, answered } = anUpload(await userOf("late-sender", { expiresIn: -59 }));
  await body.write(row);
  await eventually(async () => Math.max(0, ...(await storedRows())) > 0);
  clock.advance(2_000);

  // The rest of the body is drained, and the client gets an answer.
  expect(await answered).toEqual({ status: 401, reason: "CREDENTIALS_EXPIRED" });
  await eventually(async () => Math.max(0, ...(await storedRows())) === 0);
});

test("an upload is cut at its end if the right to start is revoked by then", async () => {
  await bind("projects/p", invokers("sender"));
  const { body, answered } = anUpload(await userOf("sender"));
  await body.write(row);
  await eventually(async () => Math.max(0, ...(await storedRows())) > 0);
  await bind("projects/p", invokers("another"));
  clock.advance(31_000);
  await body.close();

  expect((await answered).status).toBe(403);
  await eventually(async () => Math.max(0, ...(await storedRows())) === 0);
});

test("an upload that takes longer than a check is valid is stored if the right remains", async () => {
  await bind("projects/p", invokers("sender"));
  const { body, answered } = anUpload(await userOf("sender"));
  await body.write(row);
  clock.advance(31_000);
  await body.close();

  expect((await answered).status).toBe(200);
});
