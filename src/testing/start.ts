// A start as the service performs it: the request goes through the method's HTTP binding, its decoder and the start itself.
import { declaredMethod } from "../api/methods";
import { compileHttpTemplate, matchHttpTemplate } from "../aip/http-template";
import { bindRequest } from "../client/http-rule";
import { decodeRequest } from "../http/decode-request";
import { namesFromVariables, resourceOf, targetFromPath } from "../http/path-names";
import { RequestBody } from "../http/request-body";
import { checkInputHead } from "../http/streamed-input";
import { DEFAULT_LEASE_MS, DEFAULT_RESEND_MS } from "../limits";
import type { NewOperation } from "../lifecycle/new-operation";
import type { Method } from "../method/define-method";
import type { OperationCaller } from "../method/method";
import type { JsonObject } from "../rpc/any";
import { FullShards } from "../service/full-shards";
import { type StartPorts, bodyTooLarge, emptyInput } from "../service/start-once";
import { type StartRequest, startOperation } from "../service/start-operation";
import type { RunMethodOptions } from "./method-run";
import { answerFromRecord } from "../contract/answer";
import { startedRecord } from "../lifecycle/advance";

export interface StartedInMemory {
  operation: NewOperation;
  /** As JSON text. */
  request: string;
  input: Uint8Array | undefined;
}

type StartOptions = Pick<RunMethodOptions, "input" | "contentType" | "caller"> & { now: number };

const ANONYMOUS: OperationCaller = { id: "", members: [] };

export const DEPLOYMENT: StartRequest["deployment"] = {
  policy: { leaseMs: DEFAULT_LEASE_MS, resendMs: DEFAULT_RESEND_MS, snapshot: false },
  locations: new Map(),
  indexShards: 1,
  maxOperationsPerCaller: undefined,
};

/** @throws RpcError as the service answers, or TypeError if the request does not fit the path. */
export async function startInMemory(
  method: Method,
  request: JsonObject,
  { input, contentType, caller = ANONYMOUS, now }: StartOptions,
): Promise<StartedInMemory> {
  const { http, input: rule } = method;
  const { path, query, json } = bindRequest(http, request);
  const sent = new Request(`http://localhost${path}?${new URLSearchParams(query).toString()}`, {
    method: "POST",
    headers: { "content-type": rule ? (contentType ?? rule.contentTypes[0] ?? "") : "application/json" },
    ...(rule ? { body: input ?? "" } : json === undefined ? {} : { body: JSON.stringify(json) }),
    duplex: "half",
  } as RequestInit);
  const row = declaredMethod(method);
  const { pathname, searchParams } = new URL(sent.url);
  const variables = matchHttpTemplate(compileHttpTemplate(http.post), pathname);
  if (!variables) throw new TypeError(`the path ${pathname} is not one of the method: ${http.post}`);
  const names = namesFromVariables(row, variables);
  const target = targetFromPath(pathname);
  const parent = resourceOf(row, names, target);
  const body = new RequestBody(sent);
  const binding = { method: "POST", template: http.post, body: http.body } as const;
  const decoded = await decodeRequest(row, binding, {
    request: sent,
    body,
    search: searchParams,
    names,
    resource: parent,
    target,
  });
  if (rule) checkInputHead(sent.headers, rule);
  const stream = sent.body ?? new Blob([]).stream();
  let started: StartedInMemory | undefined;
  await startOperation(
    portsThat((operation, text, bytes) => {
      started = { operation, request: text, input: bytes };
    }),
    {
      ...decoded.start,
      requestId: undefined,
      validateOnly: false,
      method,
      json: decoded.request as JsonObject,
      parent,
      target,
      apiVersion: http.post.split("/")[1] ?? "v1",
      input: rule && { stream, maxBytes: rule.maxBytes, digest: false },
      script: undefined,
      caller: { id: caller.id, members: [...caller.members], mayUseRequestId: false, httpRequestId: "test" },
      now,
      deployment: DEPLOYMENT,
    },
  );
  if (!started) throw new Error("the start stored no operation");
  return started;
}

/** The same name in each run, so that runs can be compared. */
const ID = "7e57".padEnd(64, "0");

function portsThat(
  store: (operation: NewOperation, request: string, input: Uint8Array | undefined) => void,
): StartPorts {
  return {
    fullShards: new FullShards(),
    slots: { acquire: async () => true, release: async () => {} },
    requests: {
      reserve: () => Promise.reject(new Error("a start under test has no requestId")),
      markCreated: async () => {},
      digestOf: async () => "",
    },
    store: {
      newId: () => ID,
      started: async () => undefined,
      start: async (operation, request, { input }) => {
        const bytes = input && (await bytesOf(input.stream, input.maxBytes));
        store(operation, request, bytes);
        const record = startedRecord(operation);
        return { ok: true, answer: answerFromRecord(record, "{}"), marksReservation: true };
      },
    },
  };
}

async function bytesOf(stream: ReadableStream<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of stream) {
    length += part.length;
    if (length > maxBytes) throw bodyTooLarge(maxBytes);
    parts.push(part);
  }
  if (length === 0) throw emptyInput();
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
