// The way from a Worker to an operation's object: a name in, an answer out; what cannot be reached is UNAVAILABLE.
import { scopeFromParent } from "../aip/resource-name";
import { MAX_CACHED_TOKEN_KEYS, MAX_WAIT_RESUBSCRIPTIONS, UNAVAILABLE_RETRY_SECONDS } from "../limits";
import type { Access } from "../iam/access";
import {
  ACCESS_HEADER,
  type Absence,
  type Explained,
  NAME_HEADER,
  type OperationAnswer,
  type StartAnswer,
  WAIT_PATH,
  type WaitMessage,
} from "../operation/answer";
import type { ShardPage } from "../operation/page";
import { unavailable } from "../rpc/error";
import type { Reservation } from "../operation/reservation";
import type { RetrySource } from "../operation/retry";
import type { UpdateAnswer } from "../operation/update";
import type { OperationLists, OperationStore, RequestStore, SlotStore } from "../service/ports";
import type { Authorizer } from "../service/authorizer";
import { digestOfStream } from "./chunks";
import type { OperationIndex } from "./operation-index";
import { placedNamespace, operationIndexStub } from "./operation-index-name";
import type { OperationObject } from "./operation-object";
import { type OperationStub, operationStubs, reached } from "./operation-stubs";
import type { RequestObject } from "./request-object";
import type { SlotsObject } from "./slots-object";

/** The operations of a namespace, as the caller may touch them. */
export function operationStore(
  namespace: DurableObjectNamespace<OperationObject>,
  authorizer: Authorizer,
): OperationStore {
  const operations = operationStubs(namespace, authorizer);
  return {
    newId: ({ jurisdiction }) => placedNamespace(namespace, jurisdiction).newUniqueId().toString(),
    start: (operation, request, { place, input }) => {
      const hint =
        place.placementHint === undefined ? {} : { locationHint: place.placementHint as DurableObjectLocationHint };
      const stub = namespace.get(namespace.idFromString(operation.id), hint);
      return reached<StartAnswer>(async () => stub.start(operation, request, input));
    },
    get: async (name) =>
      present(
        await operations.ask<OperationAnswer | Absence>({
          permission: "longrunning.operations.get",
          name,
          absent: "NOT_FOUND",
          call: async (stub, access) => stub.get(name, access),
        }),
      ),
    poll: async (name) =>
      present(
        await operations.ask<OperationAnswer | Absence>({
          permission: "longrunning.operations.get",
          name,
          absent: "NOT_FOUND",
          call: async (stub, access) => stub.poll(name, access),
        }),
      ),
    update: (name, request) =>
      operations.ask<UpdateAnswer | "DENIED">({
        permission: "longrunning.operations.update",
        name,
        absent: { ok: false, refusal: "NOT_FOUND" },
        call: async (stub, access) => stub.update(name, request, access),
      }),
    cancel: async (name) =>
      (await operations.ask<"OK" | Absence>({
        permission: "longrunning.operations.cancel",
        name,
        absent: "NOT_FOUND",
        call: async (stub, access) => stub.cancel(name, access),
      })) === "OK",
    delete: async (name) =>
      (await operations.ask<"OK" | Absence>({
        permission: "longrunning.operations.delete",
        name,
        absent: "NOT_FOUND",
        call: async (stub, access) => stub.delete(name, access),
      })) === "OK",
    explain: async (name) => {
      const explained = await operations.ask<Explained | Absence>({
        permission: "longrunning.operations.explain",
        name,
        absent: "NOT_FOUND",
        call: async (stub, access) => stub.explain(name, access),
      });
      return explained === "NOT_FOUND" ? undefined : explained.json;
    },
    retrySource: async (name) => {
      const source = await operations.ask<RetrySource | Absence>({
        permission: "longrunning.operations.retry",
        name,
        absent: "NOT_FOUND",
        call: async (stub, access) => stub.retrySource(name, access),
      });
      return source === "NOT_FOUND" ? undefined : source;
    },
    wait: async (name, timeoutMs, signal) =>
      present(
        await operations.ask<OperationAnswer | Absence>({
          permission: "longrunning.operations.wait",
          name,
          absent: "NOT_FOUND",
          call: (stub, access) => wait(stub, { name, access, timeoutMs, signal }),
        }),
      ),
  };
}

function present(answer: OperationAnswer | "NOT_FOUND"): OperationAnswer | undefined {
  return answer === "NOT_FOUND" ? undefined : answer;
}

interface Wait {
  name: string;
  access: Access;
  timeoutMs: number;
  signal: AbortSignal | undefined;
}

/** Waits on sockets, opening another where one is cut, and asks once more at the end. */
async function wait(
  stub: OperationStub,
  { name, access, timeoutMs, signal }: Wait,
): Promise<OperationAnswer | Absence> {
  const endTime = Date.now() + timeoutMs;
  for (let cuts = 0; cuts <= MAX_WAIT_RESUBSCRIPTIONS; cuts += 1) {
    const remainingMs = endTime - Date.now();
    if (remainingMs <= 0) break;
    const response = await stub.fetch(`https://operation${WAIT_PATH}`, {
      headers: {
        Upgrade: "websocket",
        [NAME_HEADER]: encodeURIComponent(name),
        [ACCESS_HEADER]: encodeURIComponent(JSON.stringify(access)),
      },
    });
    if (response.status === 403) return "DENIED";
    if (response.status === 404) return "NOT_FOUND";
    const socket = response.webSocket;
    if (!socket && response.status !== 200)
      throw unavailable("Too many clients wait on this operation. Try again.", UNAVAILABLE_RETRY_SECONDS);
    const message = socket ? await waitMessage(socket, remainingMs, signal) : await response.json<WaitMessage>();
    if (message === "timedOut" || message?.type === "done") break;
    if (message?.type === "operation") return message.answer;
    if (message?.type === "gone") return "NOT_FOUND";
  }
  return stub.get(name, access);
}

/** The one message of a waiter's socket; undefined where it was cut before. */
function waitMessage(
  socket: WebSocket,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<WaitMessage | "timedOut" | undefined> {
  return new Promise((resolve) => {
    const end = (message: WaitMessage | "timedOut" | undefined): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", timeOut);
      if (socket.readyState === WebSocket.READY_STATE_OPEN) socket.close(1000, "finished");
      resolve(message);
    };
    // A client that has gone is a wait that is over.
    const timeOut = (): void => end("timedOut");
    const timer = setTimeout(timeOut, timeoutMs);
    signal?.addEventListener("abort", timeOut);
    socket.addEventListener("message", ({ data }) => end(JSON.parse(data as string) as WaitMessage));
    socket.addEventListener("close", () => end(undefined));
    socket.addEventListener("error", () => end(undefined));
    socket.accept();
  });
}

/** The index of a namespace. */
export function operationLists(namespace: DurableObjectNamespace<OperationIndex>): OperationLists {
  return {
    page: ({ parent, jurisdiction, shard }, request) => {
      const stub = operationIndexStub(namespace, { parent, jurisdiction, indexShard: shard });
      return reached<ShardPage>(async () => stub.page(request));
    },
    tokenKey: (parent) => cachedTokenKey(parent, async () => operationIndexStub(namespace, { parent }).tokenKey()),
    existingTokenKey: (parent) =>
      cachedTokenKey(parent, async () => operationIndexStub(namespace, { parent }).existingTokenKey()),
  };
}

/** A scope's key never changes: an isolate asks for it once. */
const tokenKeys = new Map<string, string>();

async function cachedTokenKey<T extends string | undefined>(
  parent: string,
  ask: () => Promise<T>,
): Promise<T | string> {
  const scope = scopeFromParent(parent);
  const cached = tokenKeys.get(scope);
  if (cached !== undefined) return cached;
  const key = await reached(ask);
  if (tokenKeys.size >= MAX_CACHED_TOKEN_KEYS) tokenKeys.clear();
  if (key !== undefined) tokenKeys.set(scope, key);
  return key;
}

/** The slots of a namespace. */
export function slotStore(namespace: DurableObjectNamespace<SlotsObject>): SlotStore {
  return {
    acquire: ({ key, limit }, operationId) =>
      reached(async () => namespace.getByName(key).acquire({ operationId, limit, waits: false })),
    release: ({ key }, operationId) => reached(async () => namespace.getByName(key).release(operationId)),
  };
}

/** The requestIds of a namespace. */
export function requestStore(namespace: DurableObjectNamespace<RequestObject>): RequestStore {
  return {
    reserve: (key, reservation) => reached<Reservation>(async () => namespace.getByName(key).reserve(reservation)),
    markCreated: (key, inputDigest) => reached(async () => namespace.getByName(key).markCreated(inputDigest)),
    digestOf: digestOfStream,
  };
}
