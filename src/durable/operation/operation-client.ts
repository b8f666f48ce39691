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
import type { ResolveAnswer, ResolveRequest } from "../../contract/suspension";
import { linkDenial } from "../../iam/denial";
import type { UpdateAnswer, UpdateRequest } from "../../contract/update";
import type {
  OperationLists,
  OperationStore,
  Place,
  RequestStore,
  SlotStore,
  WaitOptions,
  WatchOptions,
  Watching,
} from "../../service/ports";
import type { QuotaStore, SpendAnswer } from "../../service/start-quota";
import type { Authorizer } from "../../service/authorizer";
import { digestOfStream } from "./chunks";
import { callObject, objectById, objectByName, orEarlier, reached } from "../object-call";
import { DIRECTORY_NAME } from "../directory/directory-object";
import { operationIndexAddress, placedNamespace } from "../index/index-name";
import type { OperationObject } from "./operation-object";
import { type OperationAddress, OperationStubs, type Question, unary } from "./operation-stubs";
import type { RequestObject } from "../request/request-object";
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
  return new OperationClient(new OperationStubs(namespace, authorizer, permission));
}

class OperationClient implements OperationStore {
  readonly #stubs: OperationStubs;

  constructor(stubs: OperationStubs) {
    this.#stubs = stubs;
  }

  newId(place: Place): string {
    return childStore(this.#stubs.namespace).newId(place);
  }

  start(...start: Parameters<OperationStore["start"]>): Promise<StartAnswer> {
    return childStore(this.#stubs.namespace).start(...start);
  }

  started(name: string): Promise<OperationAnswer | undefined> {
    const call = () =>
      callObject(this.#stubs.addressOf(name), async (stub): Promise<OperationAnswer | undefined> => stub.started(name));
    return reached(() => orEarlier("started", call, () => this.get(name)));
  }

  get(name: string): Promise<OperationAnswer | undefined> {
    return this.#read<OperationAnswer>(
      name,
      unary(async (stub, access) => stub.get(name, access)),
    );
  }

  poll(name: string): Promise<OperationAnswer | undefined> {
    // A second try would be counted as a second poll.
    return this.#read<OperationAnswer>(
      name,
      unary(async (stub, access) => stub.poll(name, access), { isIdempotent: false }),
    );
  }

  update(name: string, request: UpdateRequest): Promise<UpdateAnswer> {
    return this.#stubs.ask<UpdateAnswer | "DENIED">({
      name,
      absent: { ok: false, refusal: "NOT_FOUND" },
      ask: unary(async (stub, access) => stub.update(name, request, access)),
    });
  }

  async cancel(name: string): Promise<boolean> {
    return (
      (await this.#ask<"OK">(
        name,
        unary(async (stub, access) => stub.cancel(name, access)),
      )) === "OK"
    );
  }

  async delete(name: string): Promise<boolean> {
    return (
      (await this.#ask<"OK">(
        name,
        unary(async (stub, access) => {
          const deleted = await stub.delete(name, access);
          // Nothing is left to tell that an earlier try deleted it.
          return deleted === "NOT_FOUND" && access.isRepeated ? "OK" : deleted;
        }),
      )) === "OK"
    );
  }

  async suspensions(name: string): Promise<string | undefined> {
    const answer = await this.#read<SuspensionsAnswer>(
      name,
      unary(async (stub, access) => stub.suspensions(name, access)),
    );
    return answer?.json;
  }

  async suspension(name: string, id: string): Promise<string | undefined> {
    const answer = await this.#read<SuspensionsAnswer>(
      name,
      unary(async (stub, access) => stub.suspension(name, id, access)),
    );
    return answer?.json;
  }

  async resolve(name: string, request: ResolveRequest): Promise<ResolveAnswer> {
    if (request.linkToken === undefined) {
      return this.#stubs.ask<ResolveAnswer | "DENIED">({
        name,
        absent: { ok: false, refusal: "NOT_FOUND" },
        ask: unary(async (stub, access): Promise<ResolveAnswer | "DENIED"> => stub.resolve(name, request, access)),
      });
    }
    const answer = await reached(() =>
      callObject(this.#stubs.addressOf(name), async (stub): Promise<ResolveAnswer | "DENIED"> =>
        stub.resolve(name, request, undefined),
      ),
    );
    this.#stubs.authorizer.auditLink(name, answer !== "DENIED");
    if (answer === "DENIED") throw linkDenial();
    return answer;
  }

  async explain(name: string): Promise<string | undefined> {
    const explained = await this.#read<Explained>(
      name,
      unary(async (stub, access) => stub.explain(name, access)),
    );
    return explained?.json;
  }

  retrySource(name: string): Promise<RetrySource | undefined> {
    return this.#read<RetrySource>(
      name,
      unary(async (stub, access) => stub.retrySource(name, access)),
    );
  }

  async noteRetry(name: string, by: string): Promise<void> {
    await this.#ask<"OK">(
      name,
      unary(async (stub, access) => stub.noteRetry(name, by, access)),
    );
  }

  wait(name: string, timeoutMs: number, { known, ...options }: WaitOptions = {}): Promise<ReadAnswer | undefined> {
    return this.#read<ReadAnswer>(name, (address, access) =>
      wait({ ...this.#subscription(address, access, name), ...options, timeoutMs, known }),
    );
  }

  output(name: string, offset: number): Promise<OutputAnswer | undefined> {
    return this.#read<OutputAnswer>(
      name,
      unary(async (stub, access) => stub.output(name, offset, access)),
    );
  }

  watch(
    name: string,
    { known, outputOffset, ...options }: WatchOptions = {},
  ): Promise<Watching | ReadAnswer | undefined> {
    return this.#read<Watching | ReadAnswer>(name, (address, access) =>
      watch({ ...this.#subscription(address, access, name), ...options }, { known, outputOffset }),
    );
  }

  /** undefined: no operation of this name is to be seen. */
  async #read<T extends object>(name: string, ask: Question<T | Absence>["ask"]): Promise<T | undefined> {
    const answer = await this.#ask<T>(name, ask);
    return answer === "NOT_FOUND" ? undefined : answer;
  }

  #ask<T>(name: string, ask: Question<T | Absence>["ask"]): Promise<Exclude<T | Absence, "DENIED">> {
    return this.#stubs.ask<T | Absence>({ name, absent: "NOT_FOUND", ask });
  }

  #subscription(address: OperationAddress, access: Access, name: string) {
    return {
      address,
      name,
      judgement: judgementOf(access, this.#stubs.authorizer),
      judge: async (held?: Access) =>
        judgementOf(await this.#stubs.authorizer.accessAnew(access.permission, name, held), this.#stubs.authorizer),
    };
  }
}

function judgementOf(access: Access, authorizer: Authorizer): Judgement {
  return { access, endTime: authorizer.judgementEnd() };
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
  // An earlier version kept requestIds in objects.
  const inObject = <T>(key: string, error: unknown, call: (stub: DurableObjectStub<RequestObject>) => Promise<T>) => {
    if (!REQUESTS) throw error;
    return callObject(objectByName(REQUESTS, key), call);
  };
  return {
    reserve: (scope, key, reservation) => {
      const place = { ...scope, indexShard: 0 };
      const call = () =>
        callObject(operationIndexAddress(INDEX, place), async (stub): Promise<ReserveAnswer> =>
          stub.reserve(key, reservation, place),
        );
      return reached(() =>
        orEarlier("reserve", call, async (error) => {
          const reserved = await inObject(key, error, async (stub): Promise<Reservation> => stub.reserve(reservation));
          return { ok: true, reservation: reserved };
        }),
      );
    },
    markCreated: (scope, created, operationId) => {
      const call = () =>
        callObject(operationIndexAddress(INDEX, { ...scope, indexShard: 0 }), async (stub): Promise<void> =>
          stub.markReservation(created, operationId),
        );
      return reached(() =>
        orEarlier("markReservation", call, (error) =>
          inObject(created.key, error, async (stub): Promise<void> => stub.markCreated(created.inputDigest)),
        ),
      );
    },
    digestOf: digestOfStream,
  };
}
