// ListOperations (operations.proto, AIP-158, 159, 160, 217): pages merged over the shards of a scope, newest first.
import { parseFilter } from "../aip/filter/filter";
import { DEFAULT_PAGE_SIZE, MAX_JOINED_PAGE_CHARACTERS, MAX_PAGE_SIZE } from "../limits";
import { invalidArgument } from "../rpc/error";
import { type TokenKeys, openPageToken, sealPageToken } from "./page-token";
import type { OperationLists } from "./ports";
import { type ShardPorts, isAcrossScopes, readShards, shardsAcross } from "./shard-pages";
import { streamFromParts } from "./stream-from-parts";
import { type ReadPorts, readWhole } from "./whole-operations";

export interface ListOperationsRequest {
  parent: string;
  filter: string;
  pageSize?: number | undefined;
  pageToken?: string | undefined;
  returnPartialSuccess: boolean;
}

export interface ListPorts extends ShardPorts, ReadPorts {
  lists: OperationLists;
  /** The deployment's own token keys; undefined: the scope's. */
  tokenKeys: TokenKeys | undefined;
}

/** A page, as the JSON of a ListOperationsResponse: text, or a stream where it is large. */
export async function listOperations(
  ports: ListPorts,
  request: ListOperationsRequest,
): Promise<string | ReadableStream<Uint8Array>> {
  const { parent, filter, pageToken, returnPartialSuccess } = request;
  checkFilter(filter);
  const limit = pageLimit(request.pageSize);
  const before = pageToken
    ? await openPageToken(pageToken, { parent, filter }, () => openingKeys(ports, parent))
    : undefined;
  const shardIds = isAcrossScopes(parent) ? await shardsAcross(ports.lists, parent) : undefined;
  const merged = await readShards(ports, { parent, filter, before, limit, returnPartialSuccess, shardIds });
  const page = await readWhole(ports, { ...merged, returnPartialSuccess });
  const nextPageToken =
    page.next && (await sealPageToken(page.next, { parent, filter }, await sealingKeys(ports, parent)));
  const unreachable = [...merged.unreachable, ...page.unreachable];
  const tail = [
    "]",
    ...(nextPageToken === undefined ? [] : [`,"nextPageToken":${JSON.stringify(nextPageToken)}`]),
    ...(unreachable.length === 0 ? [] : [`,"unreachable":${JSON.stringify(unreachable)}`]),
    "}",
  ].join("");
  const parts = ['{"operations":[', ...divided(page.operations), tail];
  return isSmall(parts) ? parts.join("") : streamFromParts(parts);
}

/** With a comma between any two. */
function divided<T>(items: readonly T[]): (T | string)[] {
  return items.flatMap((item, index) => (index === 0 ? [item] : [",", item]));
}

/** Whether the parts are joined: a large page would be held a second time. */
function isSmall(parts: readonly (string | ReadableStream<Uint8Array>)[]): parts is readonly string[] {
  let characters = 0;
  for (const part of parts) characters += typeof part === "string" ? part.length : Infinity;
  return characters <= MAX_JOINED_PAGE_CHARACTERS;
}

/** A scope that never issued a token has no key, and checking this stores nothing. */
async function openingKeys({ lists, tokenKeys }: ListPorts, parent: string): Promise<readonly string[]> {
  if (tokenKeys) return tokenKeys;
  const key = await lists.existingTokenKey(parent);
  return key === undefined ? [] : [key];
}

async function sealingKeys({ lists, tokenKeys }: ListPorts, parent: string): Promise<TokenKeys> {
  return tokenKeys ?? [await lists.tokenKey(parent)];
}

/** @throws RpcError INVALID_ARGUMENT that says where the filter is wrong. */
export function checkFilter(filter: string): void {
  const parsed = parseFilter(filter);
  if (parsed.ok) return;
  const { offset, expected, message } = parsed.error;
  throw invalidArgument([{ field: "filter", description: message }], {
    reason: "FILTER_INVALID",
    metadata: { offset: String(offset), expected },
  });
}

/** The size of a page: zero and nothing mean the default, and more than the largest means that. */
export function pageLimit(pageSize = 0, byDefault = DEFAULT_PAGE_SIZE, max = MAX_PAGE_SIZE): number {
  if (pageSize >= 0) return pageSize === 0 ? byDefault : Math.min(pageSize, max);
  throw invalidArgument([{ field: "pageSize", description: `must not be negative, but is ${pageSize}` }]);
}
