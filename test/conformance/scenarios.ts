// The scenarios for every client that can play them: each with the sentence that promises it.
import { expect } from "vitest";
import type { Client, EchoOperation, Seen } from "./client";
import type { Front, SeenRequest } from "./front";
import type { Any, Service } from "./service";

/** The pages that describe the resource and its methods, and what they refer to. */
export const sources = {
  operations: "REST Resource: operations",
  locations: "REST Resource: projects.locations.operations",
  locationsUnion: "REST Resource: projects.locations.operations, union type",
  regions: "REST Resource: projects.regions.operations",
  proto: "google/longrunning/operations.proto",
  iam: "google/iam/v1/policy.proto",
  http: "google/api/http.proto",
  errors: "AIP-193",
  retries: "AIP-194",
  parameters: "System parameters",
} as const;

export interface Play {
  client: Client;
  service: Service;
  front: Front;
  /** A number that no other play has. */
  mark: number;
}

export interface Scenario {
  /** A sentence in the present tense: "{client} …". */
  title: string;
  source: readonly [keyof typeof sources, string];
  /** Whether a client can play it; every one where it is left out. */
  needs?: (client: Client) => boolean;
  play: (play: Play) => Promise<void>;
}

const RUNNING = { done: false, response: undefined, error: undefined };
const UNKNOWN: Any = { "@type": "type.googleapis.com/example.of.no.client.Thing", id: 1234 };
const CANCELLED = 1;
/** By its name, its number, or the HTTP status. */
const NOT_FOUND = ["NOT_FOUND", 5, 404];
const ABORTED = ["ABORTED", 10, 409];
const CONTENT = { content: "hello" };

export const scenarios = {
  get: {
    title: "gets an operation that runs",
    source: ["operations", "Gets the latest state of a long-running operation."],
    async play({ client, service, mark }) {
      const { name } = await service.create(client.parent, client.metadata(mark));

      expect(await client.get(name)).toMatchObject({ name, ...RUNNING });
    },
  },
  metadata: {
    title: "decodes metadata of a type of its own",
    source: ["operations", "Service-specific metadata associated with the operation."],
    async play({ client, service, mark }) {
      const { name } = await service.create(client.parent, client.metadata(mark));

      const { metadata } = await client.get(name);

      expect(decodedTimes(metadata)).toMatchObject(fieldsOf(client.metadata(mark)));
    },
  },
  response: {
    title: "decodes the response of a type of its own",
    source: ["locationsUnion", "The normal response of the operation in case of success."],
    async play({ client, service, mark }) {
      const { response } = client;
      const { name } = await service.createDone(client.parent, client.metadata(mark), { response });

      const seen = await client.get(name);

      expect(seen).toMatchObject({ done: true, error: undefined });
      expect(seen.response).toMatchObject(fieldsOf(response));
    },
  },
  empty: {
    title: "decodes the response of a method without data",
    source: [
      "operations",
      "If the original method returns no data on success, such as Delete, the response is google.protobuf.Empty.",
    ],
    async play({ client, service, mark }) {
      const response = { "@type": "type.googleapis.com/google.protobuf.Empty" };
      const { name } = await service.createDone(client.parent, client.metadata(mark), { response });

      expect(await client.get(name)).toMatchObject({ done: true, response: {} });
    },
  },
  error: {
    title: "gets the error of a failed operation",
    source: ["locations", "The error result of the operation in case of failure or cancellation."],
    async play({ client, service, mark }) {
      const error = { code: 9, message: "The bucket is locked." };
      const { name } = await service.createDone(client.parent, client.metadata(mark), { error });

      expect(await client.get(name)).toMatchObject({ done: true, response: undefined, error });
    },
  },
  errorDetails: {
    title: "reads an error with details",
    source: [
      "operations",
      "Any user-facing error message should be localized and sent in the google.rpc.Status.details field",
    ],
    async play({ client, service, mark }) {
      const details = [{ "@type": "type.googleapis.com/google.protobuf.Duration", value: "3s" }];
      const error = { code: 9, message: "The bucket is locked.", details };
      const { name } = await service.createDone(client.parent, client.metadata(mark), { error });

      expect(await client.get(name)).toMatchObject({ done: true, error: { code: 9, message: error.message } });
    },
  },
  struct: {
    title: "gets an operation with the default metadata, a Struct",
    source: ["operations", "An object containing fields of an arbitrary type."],
    async play({ client, service }) {
      const { name } = await service.create(client.parent);

      expect(await client.get(name)).toMatchObject({ name, ...RUNNING });
    },
  },
  unknownType: {
    title: "gets an operation with metadata of an unknown type",
    source: ["locations", 'An additional field "@type" contains a URI identifying the type.'],
    async play({ client, service }) {
      const { name } = await service.create(client.parent, UNKNOWN);

      expect(await client.get(name)).toMatchObject({ name, ...RUNNING });
    },
  },
  list: {
    title: "lists the operations that a filter names",
    source: ["regions", "Lists operations that match the specified filter in the request."],
    needs: ({ list }) => list !== undefined,
    async play({ client, service, mark }) {
      const { name } = await service.create(client.parent, client.metadata(mark));
      await service.create(client.parent, client.metadata(mark + 1));

      const listed = await client.list!({ parent: client.parent, filter: client.filter(mark), pageSize: 10 });

      expect(listed).toEqual([expect.objectContaining({ name, ...RUNNING })]);
    },
  },
  pages: {
    title: "walks all pages of a list",
    source: ["proto", "The standard List next-page token."],
    needs: ({ list }) => list !== undefined,
    async play({ client, service, mark }) {
      const names: string[] = [];
      for (let count = 0; count < 5; count += 1) {
        names.push((await service.create(client.parent, client.metadata(mark))).name);
      }

      const listed = await client.list!({ parent: client.parent, filter: client.filter(mark), pageSize: 2 });

      expect(listed.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
    },
  },
  listUnknownType: {
    title: "lists operations of which one has metadata of an unknown type",
    source: ["locations", 'An additional field "@type" contains a URI identifying the type.'],
    needs: ({ list }) => list !== undefined,
    async play({ client, service, mark }) {
      const { name } = await service.create(client.parent, client.metadata(mark));
      const { name: unknown } = await service.create(client.parent, UNKNOWN);

      const filter = `name = "${name}" OR name = "${unknown}"`;
      const listed = await client.list!({ parent: client.parent, filter, pageSize: 10 });

      expect(listed.map((operation) => operation.name)).toEqual([unknown, name]);
    },
  },
  cancel: {
    title: "cancels an operation",
    source: ["regions", "Starts asynchronous cancellation on a long-running operation."],
    needs: ({ cancel }) => cancel !== undefined,
    async play({ client, service, mark }) {
      const { name } = await service.create(client.parent, client.metadata(mark));

      await client.cancel!(name);

      expect(await client.get(name)).toMatchObject({ done: true, error: { code: CANCELLED } });
    },
  },
  cancelDone: {
    title: "cancels an operation that is done, which changes nothing",
    source: ["proto", "On successful cancellation, the operation is not deleted"],
    needs: ({ cancel }) => cancel !== undefined,
    async play({ client, service, mark }) {
      const { response } = client;
      const { name } = await service.createDone(client.parent, client.metadata(mark), { response });

      await client.cancel!(name);

      expect(await client.get(name)).toMatchObject({ done: true, error: undefined });
    },
  },
  delete: {
    title: "deletes an operation, which is NOT_FOUND then",
    source: ["regions", "Deletes a long-running operation."],
    needs: (client) => client.delete !== undefined,
    async play({ client, service, mark }) {
      const { name } = await service.create(client.parent, client.metadata(mark));

      await client.delete!(name);

      const error = await failureOf(client.get(name));
      expect(NOT_FOUND).toContain(client.seenError(error).code);
    },
  },
  wait: {
    title: "waits until an operation is done",
    source: [
      "proto",
      "Waits until the specified long-running operation is done or reaches at most a specified timeout",
    ],
    needs: ({ wait }) => wait !== undefined,
    async play({ client, service, mark }) {
      const operation = await service.create(client.parent, client.metadata(mark));

      const waited = client.wait!(operation.name, "30s");
      await service.finish(operation, { response: client.response });

      expect(await waited).toMatchObject({ done: true, response: fieldsOf(client.response) });
    },
  },
  waitTimeout: {
    title: "has the latest state when the timeout of a wait has passed",
    source: ["proto", "returning the latest state"],
    needs: ({ wait }) => wait !== undefined,
    async play({ client, service, mark }) {
      const { name } = await service.create(client.parent, client.metadata(mark));

      expect(await client.wait!(name, "0.050s")).toMatchObject({ name, ...RUNNING });
    },
  },
  getIamPolicy: {
    title: "gets the policy of an operation, an empty one at first",
    source: ["regions", "Gets the access control policy for a resource."],
    needs: ({ getIamPolicy }) => getIamPolicy !== undefined,
    async play({ client, service, mark }) {
      const { name } = await service.create(client.parent, client.metadata(mark));

      expect(await client.getIamPolicy!(name)).toMatchObject({ bindings: [] });
    },
  },
  setIamPolicy: {
    title: "sets the policy of an operation",
    source: ["regions", "Sets the access control policy on the specified resource."],
    needs: ({ setIamPolicy }) => setIamPolicy !== undefined,
    async play({ client, service, mark }) {
      const { name } = await service.create(client.parent, client.metadata(mark));
      const bindings = [{ role: "roles/longrunning.viewer", members: ["user:a@example.com"] }];

      await client.setIamPolicy!(name, { bindings });

      const { bindings: stored } = await client.getIamPolicy!(name);
      expect(stored).toEqual([expect.objectContaining({ role: bindings[0]!.role, members: bindings[0]!.members })]);
    },
  },
  etag: {
    title: "returns a policy's etag unchanged, and is rejected with a stale one",
    source: [
      "iam",
      "An `etag` is returned in the response to `getIamPolicy`, and systems are expected to put that etag in the request to `setIamPolicy`",
    ],
    needs: ({ setIamPolicy }) => setIamPolicy !== undefined,
    async play({ client, service, mark }) {
      const { name } = await service.create(client.parent, client.metadata(mark));
      const { etag = "" } = await client.getIamPolicy!(name);
      const bindings = [{ role: "roles/longrunning.viewer", members: ["allUsers"] }];

      const stored = await client.setIamPolicy!(name, { bindings, etag });
      const stale = await failureOf(client.setIamPolicy!(name, { bindings, etag }));

      expect(etag).not.toBe("");
      expect(stored.etag).not.toBe(etag);
      expect(ABORTED).toContain(client.seenError(stale).code);
      const raw = await service.send<{ etag: string }>(`/v1/${name}:getIamPolicy`);
      expect(stored.etag).toBe(raw.etag);
    },
  },
  testIamPermissions: {
    title: "tests its permissions on an operation",
    source: ["regions", "Returns permissions that a caller has on the specified resource."],
    needs: ({ testIamPermissions }) => testIamPermissions !== undefined,
    async play({ client, service, mark }) {
      const { name } = await service.create(client.parent, client.metadata(mark));
      const permissions = ["longrunning.operations.get", "longrunning.operations.delete"];

      expect((await client.testIamPermissions!(name, permissions)).toSorted()).toEqual(permissions.toSorted());
    },
  },
  missing: {
    title: "has code and reason of an error answer",
    source: ["errors", "every error carries an ErrorInfo with a reason"],
    async play({ client }) {
      const failed = client.get(`${client.parent === "" ? "" : `${client.parent}/`}operations/none`);

      const { code, reason } = client.seenError(await failureOf(failed));

      expect(NOT_FOUND).toContain(code);
      expect(reason).toMatch(/^[A-Z][A-Z0-9_]+[A-Z0-9]$/);
    },
  },
  shedLoad: {
    title: "retries by itself if load is shed with 503",
    source: ["retries", "UNAVAILABLE is the code that clients retry"],
    needs: ({ retriesUnavailable }) => retriesUnavailable,
    async play({ client, service, front, mark }) {
      const { name } = await service.create(client.parent, client.metadata(mark));
      front.takeRequests();
      front.shed(2);

      expect(await client.get(name)).toMatchObject({ name });

      expect(front.takeRequests().map(({ status }) => status)).toEqual([503, 503, 200]);
    },
  },
  echo: {
    title: "starts an operation, polls it, and decodes metadata and response",
    source: [
      "operations",
      "For other methods, the response should have the type XxxResponse, where Xxx is the original method name.",
    ],
    needs: ({ echo }) => echo !== undefined,
    async play({ client }) {
      const operation = await client.echo!.wait({ ttl: { seconds: 1 }, success: CONTENT });

      expect(operation.name).toMatch(/^operations\//);
      expect(operation.metadata).toMatchObject({ endTime: { nanos: expect.any(Number) as number } });
      const [response, metadata] = await operation.promise();
      expect(response).toMatchObject(CONTENT);
      expect(metadata).toEqual(operation.metadata);
    },
  },
  echoAtOnce: {
    title: "starts an operation that is done at once",
    source: ["operations", "If true, the operation is completed, and either error or response is available."],
    needs: ({ echo }) => echo !== undefined,
    async play({ client }) {
      const operation = await client.echo!.wait({ ttl: { seconds: 0 }, success: CONTENT });

      const [response] = await operation.promise();

      expect(response).toMatchObject(CONTENT);
    },
  },
  echoError: {
    title: "fails with the code of the operation that it polls",
    source: ["operations", "The status code, which should be an enum value of google.rpc.Code."],
    needs: ({ echo }) => echo !== undefined,
    async play({ client }) {
      const error = { code: 8, message: "It is full." };
      const operation = await client.echo!.wait({ ttl: { seconds: 0, nanos: 200_000_000 }, error });

      expect(await failureOf(operation.promise())).toMatchObject(error);
    },
  },
  echoCancel: {
    title: "cancels an operation that it started, and sees the cancellation",
    source: ["operations", "The error result of the operation in case of failure or cancellation."],
    needs: ({ echo }) => echo !== undefined,
    async play({ client }) {
      const operation = await client.echo!.wait({ ttl: { seconds: 3_600 } });

      await operation.cancel();

      const again = await client.echo!.checkWaitProgress(operation.name ?? "");
      expect(await failureOf(again.promise())).toMatchObject({ code: CANCELLED });
    },
  },
  echoByName: {
    title: "resumes an operation by its name",
    source: ["operations", "The server-assigned name, which is only unique within the same service"],
    needs: ({ echo }) => echo !== undefined,
    async play({ client }) {
      const { name = "" } = await client.echo!.wait({ ttl: { seconds: 0, nanos: 300_000_000 }, success: CONTENT });

      const [response] = await (await client.echo!.checkWaitProgress(name)).promise();

      expect(response).toMatchObject(CONTENT);
    },
  },
  stableMetadata: {
    title: "sees no progress without a change, because unchanged metadata has the same bytes",
    source: ["operations", "It typically contains progress information and common metadata such as create time."],
    needs: ({ echo }) => echo !== undefined,
    async play({ client, front }) {
      const operation = await client.echo!.wait({ ttl: { seconds: 1 }, success: CONTENT });
      const progress = progressOf(operation);
      front.takeRequests();

      await operation.promise();

      expect(front.takeRequests().length).toBeGreaterThan(2);
      expect(progress).toEqual([]);
    },
  },
  scriptedFailure: {
    title: "finds an operation failed at its third poll, with code and details",
    source: ["operations", "The error result of the operation in case of failure or cancellation."],
    needs: ({ echo }) => echo !== undefined,
    async play({ client, front }) {
      const details = [{ "@type": "type.googleapis.com/google.protobuf.Duration", value: "3s" }];
      const error = { code: 9, message: "It is locked.", details };
      const operation = await client.echo!.wait({ ttl: { seconds: 60 } }, { polls: [{ poll: 3, error }] });
      front.takeRequests();

      expect(await failureOf(operation.promise())).toMatchObject({ code: 9, message: "It is locked." });

      expect(front.takeRequests().map(({ status }) => status)).toEqual([200, 200, 200]);
    },
  },
  scriptedUnavailable: {
    title: "continues to poll after polls with 503",
    source: ["retries", "UNAVAILABLE is the code that clients retry"],
    needs: ({ echo }) => echo !== undefined,
    async play({ client, front }) {
      const busy = [1, 2].map((poll) => ({ poll, httpError: { code: 14 } }));
      const script = { polls: busy, end: { after: "0.5s", response: CONTENT } };
      const operation = await client.echo!.wait({ ttl: { seconds: 60 } }, script);
      front.takeRequests();

      const [response] = await operation.promise();

      expect(response).toMatchObject(CONTENT);
      expect(front.takeRequests().filter(({ status }) => status === 503)).toHaveLength(2);
    },
  },
  scriptedProgress: {
    title: "gets progress when the metadata changes",
    source: ["operations", "It typically contains progress information and common metadata such as create time."],
    needs: ({ echo }) => echo !== undefined,
    async play({ client }) {
      const endTime = "2040-01-01T00:00:00Z";
      const script = { progress: [{ after: "0.5s", metadata: { endTime } }] };
      const operation = await client.echo!.wait({ ttl: { seconds: 60 } }, script);
      const heard = new Promise<unknown>((resolve) => operation.on("progress", resolve));
      const ended = failureOf(operation.promise());

      expect(decodedTimes((await heard) as object)).toEqual({ endTime });

      await operation.cancel();
      expect(await ended).toMatchObject({ code: CANCELLED });
    },
  },
  scriptedSlowStart: {
    title: "waits for a slow start, and has one operation of it",
    source: [
      "operations",
      "This resource represents a long-running operation that is the result of a network API call.",
    ],
    needs: ({ echo }) => echo !== undefined,
    async play({ client, front }) {
      front.takeRequests();

      const operation = await client.echo!.wait({ ttl: { seconds: 0 } }, { start: { delay: "1.5s" }, end: {} });
      await operation.promise();

      expect(front.takeRequests().filter(({ method }) => method === "POST")).toHaveLength(1);
    },
  },
  trailingQuestionMark: {
    title: "is served if its URL ends with `?`",
    source: ["http", "automatically become HTTP query parameters if there is no HTTP request body."],
    async play(play) {
      const { target, status } = await requestOf(play, "get");

      expect(status).toBe(200);
      expect(target).toMatch(/\?$/);
    },
    needs: ({ name }) => name === "google-gax",
  },
  encodedFullName: {
    title: "is served for `operations/{percent-encoded full name}`",
    source: ["proto", "Gets the latest state of a long-running operation."],
    needs: ({ name }) => name === "google-gax",
    async play(play) {
      const { target, status } = await requestOf(play, "get");

      expect(status).toBe(200);
      expect(target).toMatch(/^\/v1\/operations\/operations%2F/);
    },
  },
  typeOfNoBody: {
    title: "is served if it sends a Content-Type without a body",
    source: ["http", "automatically become HTTP query parameters if there is no HTTP request body."],
    needs: ({ name }) => name.startsWith("@google-cloud") || name === "google-gax",
    async play(play) {
      for (const method of ["get", "delete"] as const) {
        const { headers, body, status } = await requestOf(play, method);

        expect(status).toBe(200);
        expect(headers["content-type"]).toBe("application/json");
        expect(body).toBe("");
      }
    },
  },
  enumEncoding: {
    title: "is served with `$alt=json%3Benum-encoding=int`",
    source: ["parameters", "alt and $alt choose the form of the answer"],
    needs: ({ testIamPermissions }) => testIamPermissions !== undefined,
    async play({ client, front }) {
      front.takeRequests();

      await client.testIamPermissions!(`${client.parent}/operations/none`, ["longrunning.operations.get"]);

      const [request] = front.takeRequests();
      expect(request).toMatchObject({ status: 200 });
      expect(request!.target).toContain("?$alt=json%3Benum-encoding=int");
    },
  },
  encodedColon: {
    title: "is served if it sends `%3A` for the colon of a name",
    source: ["http", "all characters except `[-_.~/0-9a-zA-Z]` are percent-encoded"],
    needs: ({ name }) => name.startsWith("@google-cloud"),
    async play({ client, service, front, mark }) {
      const parent = client.parent.replace("conformance", "example.com:conformance");
      const { name } = await service.create(parent, client.metadata(mark));
      front.takeRequests();

      expect(await client.get(name)).toMatchObject({ name, ...RUNNING });
      const listed = await client.list!({ parent, filter: client.filter(mark), pageSize: 10 });
      await client.cancel!(name);
      await client.delete!(name);

      expect(listed).toHaveLength(1);
      for (const { target } of front.takeRequests()) expect(target).toContain("/example.com%3Aconformance/");
    },
  },
  nameInList: {
    title: "lists by `/v1/operations?name=operations`",
    source: ["proto", "The name of the operation's parent resource."],
    needs: ({ name }) => name === "@googleapis/serviceusage",
    async play({ client, service, front, mark }) {
      const { name } = await service.create("", client.metadata(mark));
      front.takeRequests();

      const listed = await client.list!({ parent: "operations", filter: client.filter(mark), pageSize: 10 });

      expect(listed).toEqual([expect.objectContaining({ name })]);
      expect(front.takeRequests()[0]!.target).toMatch(/^\/v1\/operations\?.*\bname=operations\b/);
    },
  },
  errorInfo: {
    title: "gets the error of a cancelled operation, which has no ErrorInfo",
    source: ["operations", "A list of messages that carry the error details."],
    needs: ({ cancel }) => cancel !== undefined,
    async play({ client, service, mark }) {
      const { name } = await service.create(client.parent, client.metadata(mark));
      await client.cancel!(name);

      const { error } = await client.get(name);

      expect(error).toMatchObject({ code: CANCELLED });
      // An empty list is left out, as proto JSON leaves it.
      expect((await service.send(`/v1/${name}`)).error).not.toHaveProperty("details");
    },
  },
  uiVersion: {
    title: "is served at `/ui/…`",
    source: ["locationsUnion", "The server-assigned name, which is only unique within the same service"],
    needs: ({ name }) => name === "@google-cloud/aiplatform",
    async play(play) {
      for (const method of ["get", "cancel", "delete"] as const) {
        expect(await requestOf(play, method)).toMatchObject({ target: expect.stringMatching(/^\/ui\/projects\//) });
      }
    },
  },
  postWithoutBody: {
    title: "cancels by a POST of zero bytes",
    source: ["regions", "Starts asynchronous cancellation on a long-running operation."],
    needs: ({ name }) => name.startsWith("@googleapis"),
    async play(play) {
      const { method, body, status } = await requestOf(play, "cancel");

      expect({ method, body, status }).toEqual({ method: "POST", body: "", status: 200 });
    },
  },
} as const satisfies Record<string, Scenario>;

export type ScenarioId = keyof typeof scenarios;

/** The request of a client for one call, which must succeed. */
async function requestOf(
  { client, service, front, mark }: Play,
  method: "get" | "cancel" | "delete",
): Promise<SeenRequest> {
  const { name } = await service.create(client.parent, client.metadata(mark));
  front.takeRequests();
  await client[method]!(name);
  const [request, ...more] = front.takeRequests();
  expect(more).toEqual([]);
  return request!;
}

function progressOf(operation: EchoOperation): unknown[] {
  const progress: unknown[] = [];
  operation.on("progress", (metadata) => progress.push(metadata));
  return progress;
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  const [outcome] = await Promise.allSettled([promise]);
  if (outcome.status === "fulfilled") throw new Error(`it succeeds: ${JSON.stringify(outcome.value)}`);
  return outcome.reason;
}

/** The fields of an Any; a well-known type's are under `value`. */
function fieldsOf({ "@type": _type, ...fields }: Any): object {
  return fields;
}

/** google.protobuf.Timestamp as JSON has it, at the top of a message. */
function decodedTimes(message: Seen["metadata"]): object {
  const entries = Object.entries(message ?? {}).map(([field, value]: [string, unknown]) => {
    const { seconds } = (value ?? {}) as { seconds?: string };
    if (seconds === undefined) return [field, value] as const;
    return [field, new Date(Number(seconds) * 1_000).toISOString().replace(".000Z", "Z")] as const;
  });
  return Object.fromEntries(entries);
}
