// The work of the bulk verbs (AIP-165): a walk over the operations of a parent that match, newest first. A page is stored before
// anything is done to its operations. So a crash repeats one page at most, and a repetition does nothing twice.
import { operationName, parseOperationName } from "../aip/resource-name";
import {
  BULK_CONCURRENCY,
  BULK_PAGE_OPERATIONS,
  BULK_PAUSE_SECONDS,
  MAX_BULK_CALLS,
  MAX_BULK_PAUSES,
  MAX_BULK_SAMPLE,
} from "../limits";
import type { RowKey } from "../list/page";
import type { OperationContext } from "../method/method";
import { type Any, TYPE_URL_PREFIX } from "../rpc/any";
import { RpcError } from "../rpc/error";
import type { Status } from "../rpc/status";
import { inParallel } from "./in-parallel";
import type { MergedPage } from "./shard-pages";

export type BulkVerb = "delete" | "cancel" | "retry";

export interface BulkPorts {
  /** The next operations of a parent that match, newest first. */
  page(this: void, request: BulkPageRequest): Promise<Pick<MergedPage, "rows" | "next" | "scanned">>;
  /** How many objects a page calls at most. */
  pageCalls: number;
  /** Repeated for one operation, it does nothing more. False: nothing can be done to the operation. */
  act(this: void, verb: BulkVerb, name: string, bulk: Bulk): Promise<boolean>;
}

export interface BulkPageRequest {
  parent: string;
  filter: string;
  before: RowKey;
  limit: number;
}

/** The operation that does the work. */
export type Bulk = Pick<OperationContext<BulkProgress>, "name" | "caller" | "traceparent">;

export interface BulkRequest {
  filter: string;
  /** Without it, operations are only counted. */
  force?: boolean | undefined;
}

/** A type and no interface, because progress is JSON. */
export type BulkProgress = { scanned: number; purged: number; skipped: number };

export interface BulkResult {
  purgeCount: number;
  purgeSample: string[];
}

/** The metadata type of bulk operations, which act on no bulk operation. */
export const BULK_METADATA_TYPE = "edge_operations.v1.PurgeOperationsMetadata";

/** PERSISTED CONTRACT: the checkpoint. */
type Cursor = BulkProgress & {
  before: Place;
  pauses: number;
  /** Ids. */
  sample: string[];
  /** The page that is acted on. */
  page?: Page;
};

/** The ids of operations, and where the next page begins, unless it is the last. */
type Page = { ids: string[]; next?: Place };

/** A RowKey, as JSON. */
type Place = { createTime: number; id: string };

/** Objects that are called for one operation. A retry reads the request, reserves a requestId, takes a slot, starts, and notes it. */
const CALLS: Record<BulkVerb, number> = { delete: 1, cancel: 1, retry: 7 };

export async function runBulk(
  ports: BulkPorts,
  verb: BulkVerb,
  { filter, force = false }: BulkRequest,
  operation: OperationContext<BulkProgress>,
): Promise<BulkResult> {
  const parent = parseOperationName(operation.name)?.parent ?? "";
  const nameOf = (id: string): string => operationName({ parent, id });
  const cursor = (operation.resumeFrom as Cursor | undefined) ?? firstCursor(operation.createTime);
  let calls = 0;
  for (;;) {
    operation.signal.throwIfAborted();
    const page = cursor.page ?? (await nextPage());
    if (force && page.ids.length > 0 && !cursor.page) await operation.checkpoint({ ...cursor, page });
    const acted = force ? await act(page.ids) : page.ids;
    delete cursor.page;
    cursor.purged += acted.length;
    cursor.skipped += page.ids.length - acted.length;
    cursor.sample = [...cursor.sample, ...acted].slice(0, MAX_BULK_SAMPLE);
    const { scanned, purged, skipped, sample } = cursor;
    operation.progress({ scanned, purged, skipped });
    if (!page.next) return { purgeCount: purged, purgeSample: sample.map(nameOf) };
    cursor.before = page.next;
    const isPause = calls >= MAX_BULK_CALLS;
    if (isPause && cursor.pauses >= MAX_BULK_PAUSES) throw tooMany(purged);
    cursor.pauses += isPause ? 1 : 0;
    await operation.checkpoint(cursor);
    // Another invocation continues, which may call as many objects again.
    if (isPause) await operation.sleep(`${BULK_PAUSE_SECONDS}s`);
  }

  async function nextPage(): Promise<Page> {
    const { before } = cursor;
    const found = await ports.page({ parent, filter: filterOf(verb, filter), before, limit: BULK_PAGE_OPERATIONS });
    calls += ports.pageCalls;
    cursor.scanned += found.scanned;
    const ids = found.rows.filter((row) => isSubject(JSON.parse(row.operation) as Listed)).map(({ id }) => id);
    return found.next ? { ids, next: { createTime: found.next.createTime, id: found.next.id } } : { ids };
  }

  function isSubject(listed: Listed): boolean {
    return listed.metadata?.["@type"] !== TYPE_URL_PREFIX + BULK_METADATA_TYPE && IS_SUBJECT[verb](listed);
  }

  /** Those of a page to which it was done, in the page's order. */
  async function act(ids: readonly string[]): Promise<string[]> {
    const acted = new Set<string>();
    let failure: { error: unknown } | undefined;
    calls += ids.length * CALLS[verb];
    await inParallel(ids, BULK_CONCURRENCY, async (id) => {
      if (failure || operation.signal.aborted) return;
      try {
        if (await ports.act(verb, nameOf(id), operation)) acted.add(id);
      } catch (error) {
        failure = { error };
      }
    });
    // Thrown when nothing is under way any more: the next attempt begins with the same page.
    if (failure) throw failure.error;
    operation.signal.throwIfAborted();
    return ids.filter((id) => acted.has(id));
  }
}

/** Operations that were created after the call are not meant, nor those that a retry starts. */
function firstCursor(createTime: Date): Cursor {
  const before = { createTime: createTime.getTime() + 1, id: "" };
  return { before, pauses: 0, scanned: 0, purged: 0, skipped: 0, sample: [] };
}

/** `*` means all operations. The index finds running operations without reading the others. */
function filterOf(verb: BulkVerb, filter: string): string {
  if (filter !== "*") return filter;
  return verb === "cancel" ? "done = false" : "";
}

interface Listed {
  metadata?: Any;
  done: boolean;
  error?: Status;
}

/** Whether the verb can do something to an operation that matched. */
const IS_SUBJECT: Record<BulkVerb, (operation: Listed) => boolean> = {
  delete: () => true,
  cancel: ({ done }) => !done,
  retry: ({ error }) => error !== undefined && error.code !== CANCELLED,
};

/** google.rpc.Code.CANCELLED. */
const CANCELLED = 1;

function tooMany(purged: number): RpcError {
  const message = `It has acted on ${purged} operations, its limit. Call it again to continue.`;
  return new RpcError("RESOURCE_EXHAUSTED", message, { reason: "BULK_TOO_MANY" });
}
