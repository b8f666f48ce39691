// The port to the API keys: implemented by durable/, replaced by a fake in tests. Every method throws UNAVAILABLE where
// what it asks cannot be reached.
import type { ApiKeyRecord } from "./api-key";

export interface ApiKeyStore {
  /** undefined: there is no such key. Asking stores nothing. */
  get(id: string): Promise<ApiKeyRecord | undefined>;
  /** False: there are MAX_API_KEYS already. */
  create(record: ApiKeyRecord): Promise<boolean>;
  /** The key as it then is: revoked now, or before. undefined: there is no such key. */
  revoke(id: string, revokeTime: number): Promise<ApiKeyRecord | undefined>;
  /** Keys, newest first, from behind `cursor`; revoked and expired ones too, until they are purged. */
  list(page: { cursor: string | undefined; limit: number }): Promise<ApiKeyPage>;
}

export interface ApiKeyPage {
  records: ApiKeyRecord[];
  /** undefined: there are no more. */
  nextCursor: string | undefined;
}
