// The operations of a parent: saved filters, the filter, live rows, and pages.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, call, pathOf } from "../api/call";
import { whileHidden } from "../api/follow";
import { type Operation, type Page, collectionOf, factsOf } from "../api/operation";
import { declaredMethods } from "../api/openapi";
import { startedHere } from "../api/started-here";
import { ErrorNote } from "../parts/error-note";
import { useNow } from "../parts/time";
import { useKnownParents } from "../api/scopes";
import { go } from "../navigation";
import { hashFromRoute } from "../route";
import { BulkDialog, type BulkVerb } from "./bulk-dialog";
import { FilterBox } from "./filter-box";
import { OperationTable } from "./operation-table";
import { savedFilters } from "./saved-filters";

const PAGE_SIZE = 50;
/** How often a page is read again while somebody looks at it. Each time is one request to the parent's index. */
const REFRESH_MS = 2_000;
const REFRESH_ALL_DONE_MS = 5_000;

const BULK: readonly (readonly [BulkVerb, string])[] = [
  ["cancelMatching", "Cancel …"],
  ["retryMatching", "Retry …"],
  ["purge", "Delete …"],
];

interface Shown {
  operations: readonly Operation[];
  nextPageToken: string;
  unreachable: readonly string[];
}

export function ListPage({ parent, filter }: { parent: string; filter: string }) {
  const now = useNow();
  // The tokens of the pages before this one; the last is this page's own.
  const [tokens, setTokens] = useState<readonly string[]>([""]);
  const [shown, setShown] = useState<Shown>();
  const [error, setError] = useState<unknown>();
  const [methods, setMethods] = useState<readonly string[]>([]);
  const [bulk, setBulk] = useState<BulkVerb>();
  const asked = useRef("");
  const pageToken = tokens.at(-1) ?? "";

  useEffect(() => setTokens([""]), [parent, filter]);

  const load = useCallback(
    async (signal: AbortSignal): Promise<Shown | "refused" | undefined> => {
      const query = { pageSize: PAGE_SIZE, filter, pageToken, returnPartialSuccess: true };
      const key = `${parent}\n${filter}\n${pageToken}`;
      if (asked.current !== key) setShown(undefined);
      asked.current = key;
      try {
        const page = await call<Page>(pathOf(collectionOf(parent), query), { signal });
        const { operations = [], nextPageToken = "", unreachable = [] } = page;
        const next = { operations, nextPageToken, unreachable };
        setShown(next);
        setError(undefined);
        return next;
      } catch (problem) {
        if (!signal.aborted) setError(problem);
        // Asked again, it would open the sign-in again.
        return problem instanceof ApiError && problem.isFinal ? "refused" : undefined;
      }
    },
    [parent, filter, pageToken],
  );

  useEffect(() => {
    const stop = new AbortController();
    void (async () => {
      while (!stop.signal.aborted) {
        const page = await load(stop.signal);
        if (page === "refused") return;
        const isQuiet = page !== undefined && page.operations.length > 0 && page.operations.every(({ done }) => done);
        await new Promise((resolve) => setTimeout(resolve, isQuiet ? REFRESH_ALL_DONE_MS : REFRESH_MS));
        await whileHidden(stop.signal);
      }
    })();
    return () => stop.abort();
  }, [load]);

  useEffect(() => {
    declaredMethods().then(
      (all) => setMethods(all.map(({ id }) => id)),
      // The filter is then completed without their names.
      () => setMethods([]),
    );
  }, []);

  // The verbs on all that match take one parent.
  const isMixed = parent.split("/").includes("-");
  const filterError = error instanceof ApiError && error.reason === "FILTER_INVALID" ? error : undefined;
  const filters = savedFilters(now, startedHere());
  const vocabulary = { methods, metadataPaths: metadataPathsOf(shown?.operations ?? []) };
  const onFilter = (next: string) => go({ page: "list", parent, filter: next });

  return (
    <main id="main" class="page">
      <h1 class="sr-only">Operations of {parent === "" ? "the service root" : parent}</h1>
      <Parents parent={parent} filter={filter} />
      <nav class="chips" aria-label="Saved filters">
        {filters.map(({ label, filter: saved }) => (
          <button
            key={label}
            type="button"
            class="chip"
            aria-pressed={saved === filter}
            onClick={() => onFilter(saved)}
          >
            {label}
          </button>
        ))}
      </nav>
      <FilterBox filter={filter} vocabulary={vocabulary} error={filterError} onFilter={onFilter} />
      {error !== undefined && !filterError ? <ErrorNote error={error} title="The list could not be read." /> : null}
      {shown && shown.unreachable.length > 0 ? (
        <div class="note note-warn">Parts of the list cannot be reached at present: {shown.unreachable.join(", ")}</div>
      ) : null}
      {shown === undefined && error === undefined ? <p class="faint loading">Reading …</p> : null}
      {shown && !filterError ? (
        <>
          <OperationTable operations={shown.operations} isMixed={isMixed} now={now} />
          {shown.operations.length === 0 ? (
            <EmptyList parent={parent} filter={filter} hasMore={shown.nextPageToken !== ""} />
          ) : null}
          <div class="pager">
            <span class="faint" role="status">
              {countText(shown, tokens.length)}
            </span>
            <span class="spacer" />
            {shown.operations.length === 0 || isMixed ? null : (
              <span class="bulk" role="group" aria-label="All that match">
                <span class="faint">All that match:</span>
                {BULK.map(([verb, label]) => (
                  <button key={verb} type="button" class="quiet" onClick={() => setBulk(verb)}>
                    {label}
                  </button>
                ))}
              </span>
            )}
            <button type="button" disabled={tokens.length < 2} onClick={() => setTokens(tokens.slice(0, -1))}>
              ← Newer
            </button>
            <button
              type="button"
              disabled={shown.nextPageToken === ""}
              onClick={() => setTokens([...tokens, shown.nextPageToken])}
            >
              Older →
            </button>
          </div>
        </>
      ) : null}
      {bulk === undefined ? null : (
        <BulkDialog verb={bulk} parent={parent} filter={filter} onClose={() => setBulk(undefined)} />
      )}
    </main>
  );
}

/** Where else operations are. A whole service begins at the root, where often none is. */
function Parents({ parent, filter }: { parent: string; filter: string }) {
  const known = useKnownParents();
  if (parent !== "" || known.length === 0) return null;
  return (
    <nav class="parents" aria-label="Parents">
      <span class="faint">Operations are listed by parent:</span>
      {known.map((other) => (
        <a key={other} class="mono" href={hashFromRoute({ page: "list", parent: other, filter })}>
          {other}
        </a>
      ))}
    </nav>
  );
}

function countText({ operations, nextPageToken }: Shown, page: number): string {
  const count = operations.length === 1 ? "1 operation" : `${operations.length} operations`;
  if (page === 1 && nextPageToken === "") return count;
  return `Page ${page} · ${count}${nextPageToken === "" ? ", the last page" : ", and more"}`;
}

function EmptyList({ parent, filter, hasMore }: { parent: string; filter: string; hasMore: boolean }) {
  // AIP-158: "an empty page with a token" is not the end.
  if (hasMore) return <p class="empty">No match among the operations read so far. “Older” reads on.</p>;
  if (filter !== "") {
    return (
      <div class="empty">
        <p>No operation matches this filter.</p>
        <button type="button" onClick={() => go({ page: "list", parent, filter: "" })}>
          Show all
        </button>
      </div>
    );
  }
  return (
    <div class="empty">
      <p>
        There are no operations directly under <code>{parent === "" ? "operations" : parent}</code>.
      </p>
      <p class="faint">
        Operations are listed by the parent that they were started under. Choose another one above, or start one.
      </p>
      <button type="button" onClick={() => go({ page: "start", method: "" })}>
        Start an operation
      </button>
    </div>
  );
}

function metadataPathsOf(operations: readonly Operation[]): string[] {
  const paths = operations.flatMap((operation) => {
    const { reported, labels } = factsOf(operation);
    return [...labels.map(([key]) => `labels.${key}`), ...reported.map(([key]) => `metadata.${key}`)];
  });
  return [...new Set(paths)].filter((path) => /^[\w.-]+$/.test(path)).sort();
}
