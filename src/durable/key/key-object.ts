// KeyObject: one API key, in the object of its id; and the list of all keys, in the object named `apiKeys`.
import { DurableObject } from "cloudflare:workers";
import type { ApiKeyRecord, ApiKeyPage, ApiKeyStore } from "../../authentication/api-key";
import { API_KEY_PURGE_MS, MAX_API_KEYS } from "../../authentication/limits";
import { MAX_INNER_CALL_MS } from "../../limits";
import { withNamespaces } from "../namespaces";
import { callObject, objectByName, reached } from "../object-call";

/** The bindings that this object uses. */
export interface KeyEnv {
  KEYS: DurableObjectNamespace<KeyObject>;
}

/** The name of the list's object; no key's id. PERSISTED CONTRACT. */
const LIST_NAME = "apiKeys";
const RECORD_KEY = "record";
const ENTRY_PREFIX = "entry/";

export class KeyObject extends DurableObject<KeyEnv> {
  constructor(ctx: DurableObjectState, env: KeyEnv) {
    super(ctx, withNamespaces(env));
  }

  // ── One key ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** undefined: there is no such key, and nothing is stored by asking for it. */
  async get(): Promise<ApiKeyRecord | undefined> {
    return this.#record();
  }

  async put(record: ApiKeyRecord): Promise<void> {
    this.ctx.storage.kv.put(RECORD_KEY, record);
    if (record.expireTime !== undefined) await this.ctx.storage.setAlarm(record.expireTime + API_KEY_PURGE_MS);
  }

  async revoke(revokeTime: number): Promise<ApiKeyRecord | undefined> {
    const record = this.#record();
    if (!record || record.revokeTime !== undefined) return record;
    const revoked: ApiKeyRecord = { ...record, revokeTime };
    this.ctx.storage.kv.put(RECORD_KEY, revoked);
    await this.ctx.storage.setAlarm(revokeTime + API_KEY_PURGE_MS);
    return revoked;
  }

  /** Forgets a key that has long not been good. */
  override async alarm(): Promise<void> {
    const record = this.#record();
    if (!record) return;
    // Armed first: should the list not be reached, it is retried.
    await this.ctx.storage.setAlarm(Date.now() + API_KEY_PURGE_MS);
    const list = objectByName(this.env.KEYS, LIST_NAME);
    await callObject(list, async (stub): Promise<void> => stub.removeEntry(entryOf(record)));
    await Promise.all([this.ctx.storage.deleteAlarm(), this.ctx.storage.deleteAll()]);
  }

  #record(): ApiKeyRecord | undefined {
    return this.ctx.storage.kv.get<ApiKeyRecord>(RECORD_KEY);
  }

  // ── The list ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Its entry first: no key is good that is not in the list. */
  async create(record: ApiKeyRecord): Promise<boolean> {
    const { kv } = this.ctx.storage;
    const entry = ENTRY_PREFIX + entryOf(record);
    const isRepeated = kv.get(entry) !== undefined;
    const isFull = [...kv.list({ prefix: ENTRY_PREFIX, limit: MAX_API_KEYS })].length >= MAX_API_KEYS;
    if (isFull && !isRepeated) return false;
    kv.put(entry, record.id);
    await callObject(objectByName(this.env.KEYS, record.id), async (stub): Promise<void> => stub.put(record), {
      limitMs: MAX_INNER_CALL_MS,
    });
    return true;
  }

  async entries({ cursor, limit }: { cursor: string | undefined; limit: number }): Promise<string[]> {
    const end = cursor === undefined ? {} : { end: ENTRY_PREFIX + cursor };
    const entries = this.ctx.storage.kv.list<string>({ prefix: ENTRY_PREFIX, reverse: true, limit, ...end });
    return [...entries].map(([key]) => key.slice(ENTRY_PREFIX.length));
  }

  async removeEntry(entry: string): Promise<void> {
    this.ctx.storage.kv.delete(ENTRY_PREFIX + entry);
  }
}

/** `{createTime}/{id}`: in the order of creation. */
function entryOf({ createTime, id }: ApiKeyRecord): string {
  return `${String(createTime).padStart(15, "0")}/${id}`;
}

export function apiKeyStore(namespace: DurableObjectNamespace<KeyObject>): ApiKeyStore {
  const ask = <T>(name: string, call: (stub: DurableObjectStub<KeyObject>) => Promise<T>): Promise<T> =>
    reached(() => callObject(objectByName(namespace, name), call), "The API key");
  const get = (id: string) => ask(id, async (stub): Promise<ApiKeyRecord | undefined> => stub.get());
  return {
    get,
    create: (record) => ask(LIST_NAME, async (stub): Promise<boolean> => stub.create(record)),
    revoke: (id, revokeTime) => ask(id, async (stub): Promise<ApiKeyRecord | undefined> => stub.revoke(revokeTime)),
    async list({ cursor, limit }): Promise<ApiKeyPage> {
      const entries = await ask(LIST_NAME, async (stub): Promise<string[]> => stub.entries({ cursor, limit }));
      // Each key's own object has the truth. The list knows only that the key exists.
      const records = await Promise.all(entries.map((entry) => get(entry.split("/").at(-1) ?? "")));
      return {
        records: records.filter((record) => record !== undefined),
        nextCursor: entries.length < limit ? undefined : entries.at(-1),
      };
    },
  };
}
