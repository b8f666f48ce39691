// Starts an operation, once for each requestId (AIP-155): mint, reserve, start that id, mark created, answer.
import { operationName } from "../aip/resource-name";
import { UNAVAILABLE_RETRY_SECONDS } from "../limits";
import type { OperationAnswer, StartRefusal, StreamedInput } from "../operation/answer";
import type { NewOperation } from "../operation/create-record";
import type { Reservation } from "../operation/reservation";
import type { JsonObject } from "../rpc/any";
import { RpcError, invalidArgument, unavailable } from "../rpc/error";
import { canonicalJson, sha256Hex } from "./digest";
import type { OperationStore, Place, RequestStore } from "./ports";

export interface StartOnce {
  /** Who asks: a requestId is the caller's own. */
  caller: string;
  method: string;
  parent: string;
  requestId: string | undefined;
  /** The request without requestId and validateOnly. */
  json: JsonObject;
  place: Place;
  input: StreamedInput | undefined;
  /** Milliseconds since 1970. */
  now: number;
  /** The operation under the name and time that were minted, or reserved by an earlier request. */
  operation(this: void, minted: Minted): NewOperation;
}

export interface Minted {
  id: string;
  name: string;
  createTime: number;
}

export interface StartPorts {
  store: Pick<OperationStore, "newId" | "start" | "get">;
  requests: RequestStore;
}

export interface StartedOperation {
  name: string;
  answer: OperationAnswer;
}

/** The operation, durable; a repetition of a requestId gives the first one. */
export async function startOnce(ports: StartPorts, start: StartOnce): Promise<StartedOperation> {
  const operationId = ports.store.newId(start.place);
  if (start.requestId === undefined) {
    const minted = mintedFrom(start, { operationId, createTime: start.now });
    const started = await ports.store.start(start.operation(minted), JSON.stringify(start.json), start);
    if (!started.ok) throw startError(started.refusal, start);
    return { name: minted.name, answer: started.answer };
  }
  const key = await sha256Hex(JSON.stringify([start.caller, start.method, start.parent, start.requestId]));
  const bodyDigest = await sha256Hex(canonicalJson(start.json));
  const mine: Reservation = { operationId, createTime: start.now, bodyDigest, created: false };
  const reserved = await ports.requests.reserve(key, mine);
  if (reserved.bodyDigest !== bodyDigest) throw anotherRequest();
  return reserved.created ? repeated(ports, start, reserved) : reservedStart(ports, start, { key, reserved });
}

function mintedFrom(
  { parent }: StartOnce,
  { operationId, createTime }: Pick<Reservation, "operationId" | "createTime">,
): Minted {
  return { id: operationId, name: operationName({ parent, id: operationId }), createTime };
}

/** Starting an id is idempotent, so whoever comes between reservation and creation starts the same one. */
async function reservedStart(
  { store, requests }: StartPorts,
  start: StartOnce,
  { key, reserved }: { key: string; reserved: Reservation },
): Promise<StartedOperation> {
  const minted = mintedFrom(start, reserved);
  const input = start.input && { ...start.input, digest: true };
  const started = await store.start(start.operation(minted), JSON.stringify(start.json), { place: start.place, input });
  if (!started.ok) throw startError(started.refusal, start);
  await requests.markCreated(key, started.inputDigest);
  if (started.sentDigest !== undefined && started.sentDigest !== started.inputDigest) throw anotherRequest();
  return { name: minted.name, answer: started.answer };
}

/** The request is compared before the operation is looked for: another body is refused also after a deletion. */
async function repeated(
  { store, requests }: StartPorts,
  start: StartOnce,
  reserved: Reservation,
): Promise<StartedOperation> {
  if (start.input && (await requests.digestOf(start.input.stream)) !== reserved.inputDigest) throw anotherRequest();
  const { name } = mintedFrom(start, reserved);
  const answer = await store.get(name);
  if (answer) return { name, answer };
  throw new RpcError(
    "ALREADY_EXISTS",
    "The operation that this requestId started was deleted. Send the request with a new requestId to start another.",
    { reason: "REQUEST_ID_USED", metadata: { operation: name } },
  );
}

function anotherRequest(): RpcError {
  const description = "was used before with another request; use a new one for this request";
  return invalidArgument([{ field: "requestId", description }], { reason: "REQUEST_ID_REUSED" });
}

function startError(refusal: StartRefusal, { input }: StartOnce): RpcError {
  switch (refusal) {
    case "INDEX_UNAVAILABLE":
      return unavailable(
        "The operation could not be listed, so it was not started. Try again.",
        UNAVAILABLE_RETRY_SECONDS,
      );
    case "INPUT_EMPTY":
      return emptyInput();
    case "INPUT_TOO_LARGE":
      return bodyTooLarge(input?.maxBytes ?? 0);
    case "INPUT_INTERRUPTED":
      return unavailable("The upload was interrupted; nothing was stored. Send it again.", UNAVAILABLE_RETRY_SECONDS);
    default:
      return refusal satisfies never;
  }
}

export function emptyInput(): RpcError {
  return invalidArgument([{ field: "body", description: "is empty; the method needs an input" }], {
    reason: "REQUEST_EMPTY",
  });
}

/** 413: the body is over its limit. */
export function bodyTooLarge(maxBytes: number): RpcError {
  return invalidArgument([{ field: "body", description: `is larger than ${maxBytes} bytes` }], {
    reason: "REQUEST_TOO_LARGE",
    httpStatus: 413,
    metadata: { maxBytes: String(maxBytes) },
  });
}
