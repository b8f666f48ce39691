// ListScopes: the scopes of a deployment that the directory knows, with their shards and sizes.
import { ROOT } from "../iam/policy-resources";
import { MAX_DIRECTORY_SHARDS, MAX_SCOPE_PAGE_SHARDS, MAX_SCOPE_PAGE_SIZE, SHARD_SIZE_CONCURRENCY } from "../limits";
import { inParallel } from "./in-parallel";
import { pageLimit } from "./list-operations";
import type { OperationLists } from "./ports";

export interface ListScopesRequest {
  pageSize?: number | undefined;
  pageToken?: string | undefined;
}

export interface Scope {
  name: string;
  shards: number;
  sizeBytes: string;
}

/** The scopes in the order of their names. A page token is the last name seen. */
export async function listScopes(
  lists: Pick<OperationLists, "shards" | "shardSize">,
  { pageSize, pageToken }: ListScopesRequest,
): Promise<{ scopes: Scope[]; nextPageToken?: string }> {
  const limit = pageLimit(pageSize, MAX_SCOPE_PAGE_SIZE, MAX_SCOPE_PAGE_SIZE);
  const known = await lists.shards(MAX_DIRECTORY_SHARDS);
  const all = Map.groupBy(known, ({ scope }) => (scope === "" ? ROOT : (scope ?? "")));
  const rest = [...all].filter(([name]) => name > (pageToken ?? "")).toSorted(([a], [b]) => (a < b ? -1 : 1));
  let calls = 0;
  const page = rest.slice(0, limit).filter(([, shards], index) => {
    calls += shards.length;
    return index === 0 || calls <= MAX_SCOPE_PAGE_SHARDS;
  });
  const scopes = page.map(([name, shards]) => ({ name, shards: shards.length, bytes: 0 }));
  const asked = page.flatMap(([, shards], index) => shards.map(({ id }) => ({ id, scope: scopes[index] })));
  await inParallel(asked, SHARD_SIZE_CONCURRENCY, async ({ id, scope }) => {
    const bytes = await lists.shardSize(id);
    if (scope) scope.bytes += bytes;
  });
  const last = page.length < rest.length ? page.at(-1)?.[0] : undefined;
  return {
    scopes: scopes.map(({ name, shards, bytes }) => ({ name, shards, sizeBytes: String(bytes) })),
    ...(last === undefined ? {} : { nextPageToken: last }),
  };
}
