// The operations that an operation's work started, as a tree. A level is read when it is opened.
import { useEffect, useState } from "preact/hooks";
import { call, messageOf, pathOf } from "../api/call";
import { type Operation, type Page, collectionOf, factsOf, parentOf, shortId, standingOf } from "../api/operation";
import { StateMark } from "../parts/state-mark";
import { hashFromRoute } from "../route";

/** A parent has at most 1,000 children; a screen shows fewer. */
const PAGE_SIZE = 100;

export function Children({ operation }: { operation: Operation }) {
  const children = useChildren(operation);
  if (children.operations.length === 0) return null;
  return (
    <section class="card" aria-labelledby="children">
      <h2 id="children">Children</h2>
      <Level {...children} />
    </section>
  );
}

interface ChildPage {
  operations: readonly Operation[];
  hasMore: boolean;
  error: string;
}

function useChildren({ name, done }: Operation): ChildPage {
  const [page, setPage] = useState<ChildPage>({ operations: [], hasMore: false, error: "" });
  useEffect(() => {
    const stop = new AbortController();
    const query = { filter: `parentOperation = "${name}"`, pageSize: PAGE_SIZE };
    call<Page>(pathOf(collectionOf(parentOf(name)), query), { signal: stop.signal }).then(
      ({ operations = [], nextPageToken = "" }) => setPage({ operations, hasMore: nextPageToken !== "", error: "" }),
      (error: unknown) => {
        if (!stop.signal.aborted) setPage({ operations: [], hasMore: false, error: messageOf(error) });
      },
    );
    return () => stop.abort();
  }, [name, done]);
  return page;
}

function Level({ operations, hasMore, error }: ChildPage) {
  return (
    <ul class="tree">
      {operations.map((child) => (
        <Node key={child.name} operation={child} />
      ))}
      {hasMore ? <li class="faint">… and more</li> : null}
      {error === "" ? null : <li class="bad-text">{error}</li>}
    </ul>
  );
}

function Node({ operation }: { operation: Operation }) {
  const [isOpen, setOpen] = useState(false);
  const { verb, statusMessage } = factsOf(operation);
  return (
    <li>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <StateMark standing={standingOf(operation)} />{" "}
          <a class="mono" href={hashFromRoute({ page: "operation", name: operation.name })}>
            {shortId(operation.name)}
          </a>{" "}
          {verb} <span class="faint">{operation.error?.message ?? statusMessage}</span>
        </summary>
        {isOpen ? <Grandchildren operation={operation} /> : null}
      </details>
    </li>
  );
}

function Grandchildren({ operation }: { operation: Operation }) {
  const children = useChildren(operation);
  if (children.operations.length === 0 && children.error === "") return <p class="faint">It has no children.</p>;
  return <Level {...children} />;
}
