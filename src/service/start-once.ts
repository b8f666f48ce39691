// Starts an operation, once for each requestId (AIP-155): mint, reserve, start that id, answer. The operation itself tells
// shard 0 of the index that it was created.
import { operationName } from "../aip/resource-name";
import { ALL_AUTHENTICATED_USERS, ALL_USERS } from "../iam/members";
import { MAX_STARTER_MEMBERS_CHARACTERS, SLOT_RETRY_SECONDS, UNAVAILABLE_RETRY_SECONDS } from "../limits";
import type { OperationAnswer, StartAnswer, StartRefusal, StreamedInput } from "../contract/answer";
import type { NewOperation } from "../lifecycle/new-operation";
import type { Reservation } from "../list/reservation";
import type { JsonObject } from "../rpc/any";
import { RpcError, invalidArgument, unavailable } from "../rpc/error";
import { retryInfo } from "../rpc/status";
import { indexShardFromId, nextShard } from "../contract/index-start";
import { canonicalJson, sha256Hex } from "./digest";
import type { FullShards } from "./full-shards";
import { slotKey, type SpendQuota } from "./start-quota";
import { type StartSettings, boundRequest } from "./start-settings";
import type { IndexScope, OperationStore, Place, RequestStore, SlotStore } from "./ports";
import type { WebhookPort } from "./webhook-port";

/** Separates the requestIds of retries from those of other starts. */
const RETRY_OPERATION = "edge_operations.v1.Operators.RetryOperation";

export interface Caller {
  /** The same for the same caller for ever; empty for everyone who sent no credentials, or need not. */
  id: string;
  /** The members of policies that it is. */
  members: readonly string[];
  /** A requestId is the caller's own: one whom nobody knows has none, but where the deployment is open to all. */
  mayUseRequestId: boolean;
  /** Names the HTTP request in the log; no requestId of AIP-155. */
  httpRequestId: string;
  /** The origin of the HTTP request's URL. */
  origin?: string | undefined;
  /** The trace that the HTTP request belongs to (W3C Trace Context). */
  traceparent?: string | undefined;
}

/** The caller that started an operation, as its record has it. */
export type Starter = Pick<NewOperation, "starter" | "starterMembers">;

/** Nothing of an anonymous caller. Members that all callers are say nothing. */
function starterFrom({ id, members }: Caller): Starter {
  if (id === "") return {};
  const own = members.filter((member) => member !== ALL_USERS && member !== ALL_AUTHENTICATED_USERS && member !== id);
  let room = MAX_STARTER_MEMBERS_CHARACTERS;
  const kept = own.filter((member) => (room -= member.length) >= 0);
  return { starter: id, ...(kept.length === 0 ? {} : { starterMembers: kept }) };
}

function startedAgain({ name, starter, starterMembers }: { name: string } & Starter) {
  return {
    ...(starter === undefined ? {} : { starter }),
    ...(starterMembers === undefined ? {} : { starterMembers }),
    retryOf: name,
  };
}

export interface StartOnce {
  caller: Caller;
  method: string;
  parent: string;
  requestId: string | undefined;
  /** The request without the parameters of every start. */
  json: JsonObject;
  operationOptions: StartSettings;
  place: Place;
  input: StreamedInput | undefined;
  /** Milliseconds since 1970. */
  now: number;
  /** Over how many index shards new operations of a scope are spread. */
  indexShards: number;
  /** How many operations the caller may have under way; undefined: no bound. */
  maxOperationsPerCaller: number | undefined;
  /** Set where it is a retry: the operation that failed, and who started that, whose the new one is to be. */
  retryOf?: ({ name: string } & Starter) | undefined;
  /** The operation under the name and time that were minted, or reserved by an earlier request. */
  operation(this: void, minted: Minted): NewOperation;
}

export interface Minted {
  id: string;
  name: string;
  createTime: number;
  /** The index shard that it is to have its row in, unless that takes no new rows. */
  indexShard: number;
}

export interface StartPorts {
  store: Pick<OperationStore, "newId" | "start" | "started">;
  requests: RequestStore;
  slots: SlotStore;
  /** Counts what callers start in a day; undefined: nothing is counted. */
  spendQuota?: SpendQuota | undefined;
  fullShards: FullShards;
  /** undefined: the deployment serves no webhooks. */
  webhooks?: Pick<WebhookPort, "areAbove"> | undefined;
}

export interface StartedOperation {
  name: string;
  answer: OperationAnswer;
}

/** The operation, durable; a repetition of a requestId gives the first one. */
export async function startOnce(ports: StartPorts, start: StartOnce): Promise<StartedOperation> {
  const operationId = ports.store.newId(start.place);
  if (start.requestId === undefined) {
    const minted = mintedFrom(ports, start, { operationId, createTime: start.now });
    const { answer } = await startMinted(ports, start, { minted, requestKey: undefined });
    return { name: minted.name, answer };
  }
  if (!start.caller.mayUseRequestId) throw anonymousRequestId();
  const { retryOf } = start;
  const method = retryOf ? RETRY_OPERATION : start.method;
  const key = await sha256Hex(JSON.stringify([start.caller.id, method, start.parent, start.requestId]));
  const request = boundRequest(retryOf ? { name: retryOf.name } : start.json, start.operationOptions);
  const bodyDigest = await sha256Hex(canonicalJson(request));
  const mine: Reservation = { operationId, createTime: start.now, bodyDigest, created: false };
  const answer = await ports.requests.reserve(scopeOf(start), key, mine);
  if (!answer.ok) throw indexFull();
  const { reservation: reserved } = answer;
  if (reserved.bodyDigest !== bodyDigest) throw anotherRequest();
  if (reserved.created) return repeated(ports, start, reserved);
  // An operation in shard 0 says with its next row that it was created, one in another shard when it is deleted or is about
  // to expire. So one that is not known to be created may be there.
  const { name } = mintedFrom(ports, start, reserved);
  const present = reserved.operationId === operationId ? undefined : await ports.store.started(name);
  if (present && !start.input) return { name, answer: present };
  return reservedStart(ports, start, { key, reserved, isPresent: present !== undefined });
}

function scopeOf({ parent, place }: StartOnce): IndexScope {
  return { parent, jurisdiction: place.jurisdiction };
}

function mintedFrom(
  { fullShards }: Pick<StartPorts, "fullShards">,
  start: StartOnce,
  { operationId: id, createTime }: Pick<Reservation, "operationId" | "createTime">,
): Minted {
  const { parent, indexShards, now } = start;
  const preferred = indexShardFromId(id, indexShards);
  const known = fullShards.known(scopeOf(start), now);
  const indexShard = nextShard({ preferred, indexShards, ...known }) ?? preferred;
  return { id, name: operationName({ parent, id }), createTime, indexShard };
}

/** Starting an id is idempotent, so whoever comes between reservation and creation starts the same one. */
async function reservedStart(
  ports: StartPorts,
  start: StartOnce,
  { key, reserved, isPresent }: { key: string; reserved: Reservation; isPresent: boolean },
): Promise<StartedOperation> {
  const minted = mintedFrom(ports, start, reserved);
  const input = start.input && { ...start.input, digest: true };
  const started = await startMinted(ports, { ...start, input }, { minted, requestKey: key, isPresent });
  const { answer, inputDigest, sentDigest, marksReservation } = started;
  // For minutes after a deploy a busy object may run the code before it, which leaves this to the Worker.
  if (!marksReservation) {
    const created = inputDigest === undefined ? { key } : { key, inputDigest };
    await ports.requests.markCreated(scopeOf(start), created, minted.id);
  }
  if (sentDigest !== undefined && sentDigest !== inputDigest) throw anotherRequest();
  return { name: minted.name, answer };
}

/** Starts under a slot of the caller's, where those are counted. One that is done at once, or present, needs none. */
async function startMinted(
  { store, slots, spendQuota, fullShards, webhooks }: StartPorts,
  start: StartOnce,
  { minted, requestKey, isPresent = false }: { minted: Minted; requestKey: string | undefined; isPresent?: boolean },
): Promise<Extract<StartAnswer, { ok: true }>> {
  const { caller, retryOf } = start;
  const operation: NewOperation = {
    ...start.operation(minted),
    startRequestId: caller.httpRequestId,
    ...(caller.origin === undefined ? {} : { origin: caller.origin }),
    ...(caller.traceparent === undefined ? {} : { traceparent: caller.traceparent }),
    ...(retryOf ? startedAgain(retryOf) : starterFrom(caller)),
    ...((await webhooks?.areAbove(start.parent)) ? { hasWebhooks: true } : {}),
  };
  const json = JSON.stringify(start.json);
  const inputBytes = start.input ? (start.input.announcedBytes ?? start.input.maxBytes) : 0;
  if (!isPresent) await spendQuota?.({ parent: start.parent, bytes: json.length + inputBytes });
  const limit = operation.outcome || isPresent ? undefined : start.maxOperationsPerCaller;
  const callerSlot = limit === undefined ? undefined : { key: await slotKey("caller", start.caller.id), limit };
  if (callerSlot && !(await slots.acquire(callerSlot, minted.id))) throw tooManyUnderWay(callerSlot.limit);
  const { place, input, indexShards, now } = start;
  const slotted = callerSlot ? { ...operation, callerSlot } : operation;
  const scope = scopeOf(start);
  const options = {
    indexShards,
    known: fullShards.known(scope, now),
    ...(requestKey === undefined ? {} : { requestKey }),
  };
  const started = await store.start(slotted, json, { place, input, options });
  if (started.shards) fullShards.note(scope, started.shards, now);
  // A repetition may come when the operation is done, and has given its slot back.
  if (callerSlot && started.ok && started.answer.done) await slots.release(callerSlot, minted.id);
  if (started.ok) return started;
  if (callerSlot) await slots.release(callerSlot, minted.id);
  throw startError(started.refusal, start.input, minted);
}

function tooManyUnderWay(limit: number): RpcError {
  const message = `You have ${limit} running operations, the limit. Wait for one, or cancel one.`;
  return new RpcError("RESOURCE_EXHAUSTED", message, {
    reason: "TOO_MANY_OPERATIONS",
    details: [retryInfo(SLOT_RETRY_SECONDS)],
    headers: { "Retry-After": String(SLOT_RETRY_SECONDS) },
    metadata: { limit: String(limit) },
  });
}

/** The request is compared before the operation is looked for: another body is rejected also after a deletion. */
async function repeated(ports: StartPorts, start: StartOnce, reserved: Reservation): Promise<StartedOperation> {
  const { store, requests } = ports;
  if (start.input && (await requests.digestOf(start.input.stream)) !== reserved.inputDigest) throw anotherRequest();
  const { name } = mintedFrom(ports, start, reserved);
  const answer = await store.started(name);
  if (answer) return { name, answer };
  throw requestIdUsed(name);
}

function requestIdUsed(name: string): RpcError {
  return new RpcError(
    "ALREADY_EXISTS",
    "The operation that this requestId started was deleted. Send the request with a new requestId to start another.",
    { reason: "REQUEST_ID_USED", metadata: { operation: name } },
  );
}

function anonymousRequestId(): RpcError {
  const description = "needs credentials: a requestId is its caller's own";
  return invalidArgument([{ field: "requestId", description }], { reason: "REQUEST_ID_ANONYMOUS" });
}

function anotherRequest(): RpcError {
  const description = "was used before with another request; use a new one for this request";
  return invalidArgument([{ field: "requestId", description }], { reason: "REQUEST_ID_REUSED" });
}

export function startError(
  refusal: StartRefusal,
  input: StreamedInput | undefined,
  { name }: Pick<Minted, "name">,
): RpcError {
  switch (refusal) {
    case "DELETED":
      return requestIdUsed(name);
    case "INDEX_UNAVAILABLE":
      return unavailable(
        "The operation could not be listed, so it was not started. Try again.",
        UNAVAILABLE_RETRY_SECONDS,
      );
    case "INDEX_FULL":
      return indexFull();
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

function indexFull(): RpcError {
  const message =
    "All index shards of this parent's project are full, so no operation can start until others " +
    "expire. Delete unneeded operations, or use another project.";
  return new RpcError("RESOURCE_EXHAUSTED", message, { reason: "INDEX_FULL" });
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
