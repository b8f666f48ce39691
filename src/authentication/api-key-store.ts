// The port to the API keys: implemented by durable/, replaced by a fake in tests. Every method throws UNAVAILABLE if
// the key's object cannot be reached.
import type { ApiKeyRecord } from "./api-key";

export interface ApiKeyStore {
  /** undefined: the key does not exist. The call stores nothing. */
  get(id: string): Promise<ApiKeyRecord | undefined>;
  /** False: MAX_API_KEYS exist. */
  create(record: ApiKeyRecord): Promise<boolean>;
  /** The key after the revocation. undefined: the key does not exist. */
  revoke(id: string, revokeTime: number): Promise<ApiKeyRecord | undefined>;
  /** Keys, newest first, from after `cursor`; revoked and expired ones too, until they are purged. */
  list(page: { cursor: string | undefined; limit: number }): Promise<ApiKeyPage>;
}

export interface ApiKeyPage {
  records: ApiKeyRecord[];
  /** undefined: the end of the list. */
  nextCursor: string | undefined;
}
