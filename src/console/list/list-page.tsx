// The operations of a parent: saved filters, the filter, live rows, and pages.
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "../api/call";
import { type Operation, factsOf } from "../api/operation";
import { declaredMethods } from "../api/openapi";
import { startedHere } from "../api/started-here";
import { ErrorNote } from "../parts/error-note";
import { useNow } from "../parts/time";
import { isWildcard, useKnownParents } from "../api/scopes";
import { go } from "../navigation";
import { hashFromRoute } from "../route";
import { BulkDialog, type BulkVerb } from "./bulk-dialog";
import { FilterBox } from "./filter-box";
import { OperationTable } from "./operation-table";
import type { ShownPage } from "./read-page";
import { savedFilters } from "./saved-filters";
import { useList } from "./use-list";

const BULK: readonly (readonly [BulkVerb, string])[] = [
  ["cancelMatching", "Cancel …"],
  ["retryMatching", "Retry …"],
  ["purge", "Delete …"],
];

export function ListPage({ parent, filter }: { parent: string; filter: string }) {
  const now = useNow();
  const { shown, error, number, showNewest, showNewer, showOlder } = useList(parent, filter);
  const [methods, setMethods] = useState<readonly string[]>([]);
  const [bulk, setBulk] = useState<BulkVerb>();

  useEffect(() => {
    declaredMethods().then(
      (all) => setMethods(all.map(({ id }) => id)),
      // The filter is then completed without their names.
      () => setMethods([]),
    );
  }, []);

  // The verbs on all that match take one parent.
  const isMixed = isWildcard(parent);
  const filterError = error instanceof ApiError && error.reason === "FILTER_INVALID" ? error : undefined;
  const isSearching = shown === undefined || (shown.isPartial && shown.operations.length === 0);
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
      {isSearching && error === undefined ? (
        <p class="faint loading" role="status">
          {shown === undefined ? "Reading …" : "No match among the operations read so far. Reading on …"}
        </p>
      ) : null}
      {!isSearching && !filterError ? (
        <>
          <OperationTable operations={shown.operations} isMixed={isMixed} now={now} />
          {shown.operations.length === 0 ? <EmptyList parent={parent} filter={filter} number={number} /> : null}
          <div class="pager">
            <span class="faint" role="status">
              {countText(shown, number)}
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
            {number < 3 ? null : (
              <button type="button" onClick={showNewest}>
                ⇤ Newest
              </button>
            )}
            <button type="button" disabled={number < 2} onClick={showNewer}>
              ← Newer
            </button>
            <button type="button" disabled={shown.nextPageToken === ""} onClick={showOlder}>
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
        <span key={other}>
          <a class="mono" href={hashFromRoute({ page: "list", parent: other, filter })}>
            {other}
          </a>
          {other.endsWith("/-") ? <span class="faint"> all {other.split("/").at(-2)}</span> : null}
        </span>
      ))}
    </nav>
  );
}

function countText({ operations, nextPageToken, isPartial }: ShownPage, number: number): string {
  const count = operations.length === 1 ? "1 operation" : `${operations.length} operations`;
  if (isPartial) return `Page ${number} · ${count} among those read so far`;
  if (number === 1 && nextPageToken === "") return count;
  return `Page ${number} · ${count}${nextPageToken === "" ? ", the last page" : ", and more"}`;
}

function EmptyList({ parent, filter, number }: { parent: string; filter: string; number: number }) {
  const known = useKnownParents();
  if (number > 1) return <p class="empty">Nothing older matches.</p>;
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
  const all = known.find(isWildcard);
  return (
    <div class="empty">
      <p>There are no operations directly under {parent === "" ? "the service root" : <code>{parent}</code>}.</p>
      <p class="faint">
        Operations are listed by the parent that they were started under. Choose another one above, or start one.
      </p>
      {parent !== "" || all === undefined ? null : (
        <button type="button" class="primary" onClick={() => go({ page: "list", parent: all, filter: "" })}>
          Show all {all.split("/").at(-2)}
        </button>
      )}
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
