// The way from a Worker to an operation's object: a name in, an answer out; what cannot be reached is UNAVAILABLE.
import { parseOperationName, scopeFromParent } from "../../aip/resource-name";
import { BoundedCache } from "../../bounded-cache";
import { MAX_CACHED_TOKEN_KEYS } from "../../limits";
import type { Env } from "../../env";
import type { Access } from "../../iam/access";
import type { Permission } from "../../iam/permissions";
import type {
  Absence,
  Explained,
  OperationAnswer,
  OutputAnswer,
  ReadAnswer,
  StartAnswer,
  SuspensionsAnswer,
} from "../../contract/answer";
import type { KnownShard, ShardPage } from "../../list/page";
import type { Reservation, ReserveAnswer } from "../../list/reservation";
import type { RetrySource } from "../../lifecycle/retry";
import type { ResolveAnswer } from "../../contract/suspension";
import { linkDenial } from "../../iam/denial";
import type { UpdateAnswer } from "../../contract/update";
import type { OperationLists, OperationStore, RequestStore, SlotStore, Watching } from "../../service/ports";
import type { QuotaStore, SpendAnswer } from "../../service/start-quota";
import type { Authorizer } from "../../service/authorizer";
import { digestOfStream } from "./chunks";
import { callObject, lacksMethod, objectById, objectByName, reached } from "../object-call";
import { DIRECTORY_NAME } from "../directory/directory-object";
import { operationIndexAddress, placedNamespace } from "../index/index-name";
import type { OperationObject } from "./operation-object";
import { type OperationAddress, operationStubs, unary } from "./operation-stubs";
import type { SlotsObject } from "../slots/slots-object";
import { type Judgement, wait } from "./wait";
import { watch } from "./watch";

/** The operations of a namespace, as their parents may touch them. */
export function childStore(namespace: DurableObjectNamespace<OperationObject>): ChildStore {
  return {
    newId: ({ jurisdiction }) => placedNamespace(namespace, jurisdiction).newUniqueId().toString(),
    start: (operation, request, { place, input, options: startOptions }) => {
      const hint =
        place.placementHint === undefined ? {} : { locationHint: place.placementHint as DurableObjectLocationHint };
      const address = objectById(namespace, operation.id, hint);
      // A start repeats the id that was minted for it. An upload can be read only once, and takes as long as it takes.
      const options = input ? { isIdempotent: false, limitMs: Infinity } : {};
      return reached<StartAnswer>(() =>
        callObject(
          address,
          async (stub): Promise<StartAnswer> => stub.start(operation, request, input, startOptions),
          options,
        ),
      );
    },
    read: (name) =>
      reached(async () => {
        const address = objectById(namespace, parseOperationName(name)?.id ?? "");
        const answer = await callObject(address, async (stub): Promise<OperationAnswer | undefined> =>
          stub.started(name),
        );
        return answer && new Response(answer.json).text();
      }),
  };
}

interface ChildStore extends Pick<OperationStore, "newId" | "start"> {
  /** The JSON text of an operation; undefined: it does not exist. */
  read(name: string): Promise<string | undefined>;
}

/** The operations of a namespace, as the caller may touch them who needs the permission for it. */
export function operationStore(
  namespace: DurableObjectNamespace<OperationObject>,
  authorizer: Authorizer,
  permission: Permission | undefined,
): OperationStore {
  const { ask, addressOf } = operationStubs(namespace, authorizer, permission);
  const { newId, start } = childStore(namespace);
  const subscription = (address: OperationAddress, access: Access, name: string) => ({
    address,
    name,
    judgement: judgementOf(access, authorizer),
    judge: async (held?: Access) => judgementOf(await authorizer.accessAnew(access.permission, name, held), authorizer),
  });
  const get = (name: string): Promise<OperationAnswer | "NOT_FOUND"> =>
    ask<OperationAnswer | Absence>({
      name,
      absent: "NOT_FOUND",
      ask: unary(async (stub, access) => stub.get(name, access)),
    });
  return {
    newId,
    start,
    started: (name) =>
      reached(async () => {
        try {
          return await callObject(addressOf(name), async (stub): Promise<OperationAnswer | undefined> =>
            stub.started(name),
          );
        } catch (error) {
          if (!lacksMethod(error, "started")) throw error;
          return present(await get(name));
        }
      }),
    get: async (name) => present(await get(name)),
    poll: async (name) =>
      present(
        await ask<OperationAnswer | Absence>({
          name,
          absent: "NOT_FOUND",
          // A second try would be counted as a second poll.
          ask: unary(async (stub, access) => stub.poll(name, access), { isIdempotent: false }),
        }),
      ),
    update: (name, request) =>
      ask<UpdateAnswer | "DENIED">({
        name,
        absent: { ok: false, refusal: "NOT_FOUND" },
        ask: unary(async (stub, access) => stub.update(name, request, access)),
      }),
    cancel: async (name) =>
      (await ask<"OK" | Absence>({
        name,
        absent: "NOT_FOUND",
        ask: unary(async (stub, access) => stub.cancel(name, access)),
      })) === "OK",
    delete: async (name) =>
      (await ask<"OK" | Absence>({
        name,
        absent: "NOT_FOUND",
        ask: unary(async (stub, access) => {
          const deleted = await stub.delete(name, access);
          // Nothing is left to tell that an earlier try deleted it.
          return deleted === "NOT_FOUND" && access.isRepeated ? "OK" : deleted;
        }),
      })) === "OK",
    suspensions: async (name) =>
      present(
        await ask<SuspensionsAnswer | Absence>({
          name,
          absent: "NOT_FOUND",
          ask: unary(async (stub, access) => stub.suspensions(name, access)),
        }),
      )?.json,
    suspension: async (name, id) =>
      present(
        await ask<SuspensionsAnswer | Absence>({
          name,
          absent: "NOT_FOUND",
          ask: unary(async (stub, access) => stub.suspension(name, id, access)),
        }),
      )?.json,
    resolve: async (name, request) => {
      if (request.linkToken === undefined) {
        return ask<ResolveAnswer | "DENIED">({
          name,
          absent: { ok: false, refusal: "NOT_FOUND" },
          ask: unary(async (stub, access): Promise<ResolveAnswer | "DENIED"> => stub.resolve(name, request, access)),
        });
      }
      const answer = await reached(() =>
        callObject(addressOf(name), async (stub): Promise<ResolveAnswer | "DENIED"> =>
          stub.resolve(name, request, undefined),
        ),
      );
      authorizer.auditLink(name, answer !== "DENIED");
      if (answer === "DENIED") throw linkDenial();
      return answer;
    },
    explain: async (name) => {
      const explained = await ask<Explained | Absence>({
        name,
        absent: "NOT_FOUND",
        ask: unary(async (stub, access) => stub.explain(name, access)),
      });
      return explained === "NOT_FOUND" ? undefined : explained.json;
    },
    retrySource: async (name) => {
      const source = await ask<RetrySource | Absence>({
        name,
        absent: "NOT_FOUND",
        ask: unary(async (stub, access) => stub.retrySource(name, access)),
      });
      return source === "NOT_FOUND" ? undefined : source;
    },
    noteRetry: async (name, by) => {
      await ask<"OK" | Absence>({
        name,
        absent: "NOT_FOUND",
        ask: unary(async (stub, access) => stub.noteRetry(name, by, access)),
      });
    },
    wait: async (name, timeoutMs, { known, ...options } = {}) =>
      present(
        await ask<ReadAnswer | Absence>({
          name,
          absent: "NOT_FOUND",
          ask: (address, access) => wait({ ...subscription(address, access, name), ...options, timeoutMs, known }),
        }),
      ),
    output: async (name, offset) =>
      present(
        await ask<OutputAnswer | Absence>({
          name,
          absent: "NOT_FOUND",
          ask: unary(async (stub, access) => stub.output(name, offset, access)),
        }),
      ),
    watch: async (name, { known, outputOffset, ...options } = {}) =>
      present(
        await ask<Watching | ReadAnswer | Absence>({
          name,
          absent: "NOT_FOUND",
          ask: (address, access) =>
            watch({ ...subscription(address, access, name), ...options }, { known, outputOffset }),
        }),
      ),
  };
}

function judgementOf(access: Access, authorizer: Authorizer): Judgement {
  return { access, endTime: authorizer.judgementEnd() };
}

function present<T extends object>(answer: T | "NOT_FOUND"): T | undefined {
  return answer === "NOT_FOUND" ? undefined : answer;
}

/** The keys of page tokens by scope: one never changes, so a deployment asks for it once. */
export type TokenKeyCache = BoundedCache<string>;

export function newTokenKeyCache(): TokenKeyCache {
  return new BoundedCache({ maxEntries: MAX_CACHED_TOKEN_KEYS });
}

export function operationLists(
  { INDEX: namespace, DIRECTORY }: Pick<Env, "INDEX" | "DIRECTORY">,
  tokenKeys: TokenKeyCache,
): OperationLists {
  const cached = async <T extends string | undefined>(parent: string, ask: () => Promise<T>): Promise<T | string> => {
    const scope = scopeFromParent(parent);
    const key = tokenKeys.get(scope) ?? (await reached(ask));
    if (key !== undefined) tokenKeys.set(scope, key);
    return key;
  };
  return {
    page: ({ parent, jurisdiction, shard, shardId }, request) => {
      const address =
        shardId === undefined
          ? operationIndexAddress(namespace, { parent, jurisdiction, indexShard: shard })
          : objectById(namespace, shardId);
      return reached<ShardPage>(() => callObject(address, async (stub): Promise<ShardPage> => stub.page(request)));
    },
    tokenKey: (parent) =>
      cached(parent, () =>
        callObject(operationIndexAddress(namespace, { parent }), async (stub): Promise<string> => stub.tokenKey()),
      ),
    existingTokenKey: (parent) =>
      cached(parent, () =>
        callObject(operationIndexAddress(namespace, { parent }), async (stub): Promise<string | undefined> =>
          stub.existingTokenKey(),
        ),
      ),
    shards: (limit) =>
      reached(() =>
        callObject(objectByName(DIRECTORY, DIRECTORY_NAME), async (stub): Promise<KnownShard[]> => stub.shards(limit)),
      ),
    shardSize: (shardId) =>
      reached(() => callObject(objectById(namespace, shardId), async (stub): Promise<number> => stub.size())),
  };
}

/** The quotas of a namespace. A call that is repeated after a lost answer counts twice: a quota is approximate. */
export function quotaStore(namespace: DurableObjectNamespace<SlotsObject>): QuotaStore {
  return {
    spend: (key, request) =>
      reached(() =>
        callObject(objectByName(namespace, key), async (stub): Promise<SpendAnswer> => stub.spend(request)),
      ),
  };
}

export function slotStore(namespace: DurableObjectNamespace<SlotsObject>): SlotStore {
  return {
    acquire: ({ key, limit }, operationId) =>
      reached(() =>
        callObject(objectByName(namespace, key), async (stub): Promise<boolean> =>
          stub.acquire({ operationId, limit, waits: false }),
        ),
      ),
    release: ({ key }, operationId) =>
      reached(() => callObject(objectByName(namespace, key), async (stub): Promise<void> => stub.release(operationId))),
  };
}

/** The requestIds of a deployment: shard 0 of each scope's index reserves them. */
export function requestStore({ INDEX, REQUESTS }: Pick<Env, "INDEX" | "REQUESTS">): RequestStore {
  return {
    reserve: (scope, key, reservation) => {
      const place = { ...scope, indexShard: 0 };
      return reached<ReserveAnswer>(async () => {
        try {
          return await callObject(operationIndexAddress(INDEX, place), async (stub): Promise<ReserveAnswer> =>
            stub.reserve(key, reservation, place),
          );
        } catch (error) {
          if (!REQUESTS || !lacksMethod(error, "reserve")) throw error;
          // For minutes after a deploy a busy shard may run the code before it, which keeps requestIds in objects.
          const reserved = await callObject(objectByName(REQUESTS, key), async (stub): Promise<Reservation> =>
            stub.reserve(reservation),
          );
          return { ok: true, reservation: reserved };
        }
      });
    },
    markCreated: (scope, created, operationId) =>
      reached(async () => {
        try {
          await callObject(operationIndexAddress(INDEX, { ...scope, indexShard: 0 }), async (stub): Promise<void> =>
            stub.markReservation(created, operationId),
          );
        } catch (error) {
          if (!REQUESTS || !lacksMethod(error, "markReservation")) throw error;
          await callObject(objectByName(REQUESTS, created.key), async (stub): Promise<void> =>
            stub.markCreated(created.inputDigest),
          );
        }
      }),
    digestOf: digestOfStream,
  };
}
