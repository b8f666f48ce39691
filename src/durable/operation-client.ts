// The way from a Worker to an operation's object: a name in, an answer out; what cannot be reached is UNAVAILABLE.
import { parseOperationName, scopeFromParent } from "../aip/resource-name";
import { MAX_CACHED_TOKEN_KEYS, MAX_WAIT_RESUBSCRIPTIONS, UNAVAILABLE_RETRY_SECONDS } from "../limits";
import { NAME_HEADER, type OperationAnswer, type StartAnswer, WAIT_PATH, type WaitMessage } from "../operation/answer";
import type { ShardPage } from "../operation/page";
import { RpcError, unavailable } from "../rpc/error";
import type { Reservation } from "../operation/reservation";
import type { UpdateAnswer } from "../operation/update";
import type { OperationLists, OperationStore, RequestStore, SlotStore } from "../service/ports";
import { digestOfStream } from "./chunks";
import type { OperationIndex } from "./operation-index";
import { placedNamespace, operationIndexStub } from "./operation-index-name";
import type { OperationObject } from "./operation-object";
import type { RequestObject } from "./request-object";
import type { SlotsObject } from "./slots-object";

type Stub = DurableObjectStub<OperationObject>;

/** The operations of a namespace. */
export function operationStore(namespace: DurableObjectNamespace<OperationObject>): OperationStore {
  /** undefined: the id is none of this namespace's, so there is nothing to ask. */
  const stubFromName = (name: string): Stub | undefined => {
    const id = parseOperationName(name)?.id;
    if (id === undefined) return undefined;
    try {
      return namespace.get(namespace.idFromString(id));
    } catch {
      // idFromString refuses whatever is not an id of the namespace: a guessed name never creates an object.
      return undefined;
    }
  };
  const ask = async <T>(name: string, absent: T, call: (stub: Stub) => Promise<T>): Promise<T> => {
    const stub = stubFromName(name);
    return stub ? reached(() => call(stub)) : absent;
  };
  return {
    newId: ({ jurisdiction }) => placedNamespace(namespace, jurisdiction).newUniqueId().toString(),
    start: (operation, request, { place, input }) => {
      const hint =
        place.placementHint === undefined ? {} : { locationHint: place.placementHint as DurableObjectLocationHint };
      const stub = namespace.get(namespace.idFromString(operation.id), hint);
      return reached<StartAnswer>(async () => stub.start(operation, request, input));
    },
    update: (name, request) =>
      ask<UpdateAnswer>(name, { ok: false, refusal: "NOT_FOUND" }, (stub) => stub.update(name, request)),
    get: (name) => ask<OperationAnswer | undefined>(name, undefined, (stub) => stub.get(name)),
    cancel: (name) => ask(name, false, (stub) => stub.cancel(name)),
    delete: (name) => ask(name, false, (stub) => stub.delete(name)),
    wait: (name, timeoutMs, signal) =>
      ask<OperationAnswer | undefined>(name, undefined, (stub) => wait(stub, { name, timeoutMs, signal })),
  };
}

async function reached<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof RpcError) throw error;
    throw unavailable("The operation could not be reached. Try again.", UNAVAILABLE_RETRY_SECONDS, error);
  }
}

interface Wait {
  name: string;
  timeoutMs: number;
  signal: AbortSignal | undefined;
}

/** Waits on sockets, opening another where one is cut, and asks once more at the end. */
async function wait(stub: Stub, { name, timeoutMs, signal }: Wait): Promise<OperationAnswer | undefined> {
  const endTime = Date.now() + timeoutMs;
  for (let cuts = 0; cuts <= MAX_WAIT_RESUBSCRIPTIONS; cuts += 1) {
    const remainingMs = endTime - Date.now();
    if (remainingMs <= 0) break;
    const response = await stub.fetch(`https://operation${WAIT_PATH}`, {
      headers: { Upgrade: "websocket", [NAME_HEADER]: encodeURIComponent(name) },
    });
    if (response.status === 404) return undefined;
    const socket = response.webSocket;
    if (!socket && response.status !== 200)
      throw unavailable("Too many clients wait on this operation. Try again.", UNAVAILABLE_RETRY_SECONDS);
    const message = socket ? await waitMessage(socket, remainingMs, signal) : await response.json<WaitMessage>();
    if (message === "timedOut" || message?.type === "done") break;
    if (message?.type === "operation") return message.answer;
    if (message?.type === "gone") return undefined;
  }
  return stub.get(name);
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
    tokenKey: async (parent) => {
      const scope = scopeFromParent(parent);
      const key =
        tokenKeys.get(scope) ?? (await reached(async () => operationIndexStub(namespace, { parent }).tokenKey()));
      if (tokenKeys.size >= MAX_CACHED_TOKEN_KEYS) tokenKeys.clear();
      tokenKeys.set(scope, key);
      return key;
    },
  };
}

/** A scope's key never changes: an isolate asks for it once. */
const tokenKeys = new Map<string, string>();

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
