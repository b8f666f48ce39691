// Cancels, retries or deletes all that a filter matches: counted first, then done, and followed to its end.
import { useEffect, useRef, useState } from "preact/hooks";
import { call, pathOf } from "../api/call";
import { follow } from "../api/follow";
import { listOf, objectOf, textOf } from "../api/json";
import { type Operation, collectionOf, shortId } from "../api/operation";
import { Dialog } from "../parts/dialog";
import { ErrorNote } from "../parts/error-note";
import { hashFromRoute } from "../route";

export type BulkVerb = "cancelMatching" | "retryMatching" | "purge";

interface Words {
  verb: string;
  done: string;
  note: string;
}

const WORDS: Readonly<Record<BulkVerb, Words>> = {
  cancelMatching: { verb: "Cancel", done: "cancelled", note: "Work that runs is asked to stop." },
  retryMatching: {
    verb: "Retry",
    done: "retried",
    note: "Each that failed starts again, as a new operation with the same request.",
  },
  purge: {
    verb: "Delete",
    done: "deleted",
    note: "They disappear with their results, and this cannot be undone. Deleting does not stop work that still runs.",
  },
};

interface BulkDialogProps {
  verb: BulkVerb;
  parent: string;
  filter: string;
  onClose: () => void;
}

interface Counted {
  count: number;
  sample: readonly string[];
}

export function BulkDialog({ verb, parent, filter, onClose }: BulkDialogProps) {
  const [counted, setCounted] = useState<Counted>();
  const [running, setRunning] = useState<Operation>();
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const stop = useRef(new AbortController());
  const { verb: word, done, note } = WORDS[verb];
  useEffect(() => {
    const { current } = stop;
    countMatching({ verb, parent, filter }, current.signal).then(setCounted, (problem: unknown) => {
      if (!current.signal.aborted) setError(problem);
    });
    return () => current.abort();
  }, []);

  const act = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const operation = await startBulk({ verb, parent, filter }, { force: true });
      setRunning(operation);
      await follow(
        operation.name,
        { onOperation: setRunning, onError: setError, onGone: () => setError(new Error("It was deleted meanwhile.")) },
        stop.current.signal,
      );
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };

  return (
    <Dialog title={`${word} what the filter matches?`} onClose={onClose}>
      <p>
        {filter === "" ? "All operations" : <code class="break">{filter}</code>} directly under{" "}
        <code>{collectionOf(parent)}</code>. {note}
      </p>
      {error === undefined ? null : <ErrorNote error={error} />}
      <div role="status">
        {running ? (
          <Running operation={running} counted={counted} done={done} />
        ) : counted ? (
          <Match counted={counted} done={done} />
        ) : error === undefined ? (
          <p class="faint">Counting …</p>
        ) : null}
      </div>
      <div class="dialog-buttons">
        <button type="button" onClick={onClose}>
          {running ? "Close" : "Back"}
        </button>
        {running ? null : (
          <button
            type="button"
            class={verb === "retryMatching" ? "primary" : "danger filled"}
            disabled={isBusy || counted === undefined || counted.count === 0}
            onClick={() => void act()}
          >
            {word} {counted ? operationsText(counted.count) : "…"}
          </button>
        )}
      </div>
    </Dialog>
  );
}

function Match({ counted: { count, sample }, done }: { counted: Counted; done: string }) {
  return (
    <>
      <p class="lead">
        {count === 0 ? `Nothing matches that could be ${done}.` : `${operationsText(count)} would be ${done}.`}
      </p>
      {sample.length === 0 ? null : (
        <p class="faint mono break">
          {sample.slice(0, 8).map(shortId).join(", ")}
          {count > 8 ? ", …" : ""}
        </p>
      )}
    </>
  );
}

interface RunningProps {
  operation: Operation;
  counted: Counted | undefined;
  done: string;
}

function Running({ operation, counted, done }: RunningProps) {
  const { purged = 0, skipped = 0 } = objectOf(operation.metadata);
  const count = operation.done ? Number(operation.response?.["purgeCount"] ?? purged) : Number(purged);
  const total = Math.max(counted?.count ?? 0, count);
  return (
    <>
      <p class="lead">
        {operation.error
          ? operation.error.message
          : `${operationsText(count)} ${done}${operation.done ? "." : " so far …"}`}
      </p>
      {Number(skipped) > 0 ? <p>{operationsText(Number(skipped))} could not be.</p> : null}
      {operation.done ? null : <progress max={Math.max(1, total)} value={count} aria-label="Progress" />}
      <p class="faint small-text">
        It goes on without this page:{" "}
        <a href={hashFromRoute({ page: "operation", name: operation.name })}>{shortId(operation.name)}</a>
      </p>
    </>
  );
}

function operationsText(count: number): string {
  return count === 1 ? "1 operation" : `${count.toLocaleString("en")} operations`;
}

type Matching = Pick<BulkDialogProps, "verb" | "parent" | "filter">;

function startBulk({ verb, parent, filter }: Matching, { force }: { force: boolean }): Promise<Operation> {
  return call<Operation>(pathOf(`${collectionOf(parent)}:${verb}`), {
    method: "POST",
    body: { filter: filter === "" ? "*" : filter, force, requestId: crypto.randomUUID() },
  });
}

/** Counts by an operation, which is deleted again: the list is to hold what somebody did, not what was asked. */
async function countMatching(matching: Matching, signal: AbortSignal): Promise<Counted> {
  const { name } = await startBulk(matching, { force: false });
  let latest: Operation | undefined;
  let problem: unknown;
  await follow(
    name,
    {
      onOperation: (operation) => (latest = operation),
      onError: (error) => (problem = error),
      onGone: () => (problem = new Error("The count was deleted meanwhile.")),
    },
    signal,
  );
  await call(pathOf(name), { method: "DELETE" });
  if (latest?.error) throw new Error(latest.error.message);
  if (!latest?.done) throw problem;
  const { purgeCount = 0, purgeSample } = objectOf(latest.response);
  return { count: Number(purgeCount), sample: listOf(purgeSample).map(textOf) };
}
