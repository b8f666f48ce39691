// Cancel, delete and retry, each behind a question that says what will happen.
import { useState } from "preact/hooks";
import { call, pathOf } from "../api/call";
import type { Explanation } from "../api/explanations";
import { type Operation, factsOf, shortId } from "../api/operation";
import { rememberStarted } from "../api/started-here";
import { go } from "../navigation";
import { Dialog } from "../parts/dialog";
import { ErrorNote } from "../parts/error-note";

interface ActionsProps {
  operation: Operation;
  explanation: Explanation | undefined;
  onDone: () => void;
}

type Action = "cancel" | "delete" | "retry";

const QUESTIONS: Readonly<Record<Action, { title: string; text: string; button: string }>> = {
  cancel: {
    title: "Cancel this operation?",
    text: "Its work is asked to stop, and it ends as cancelled, or with its own result where that comes first. Nothing is retried after that.",
    button: "Cancel the operation",
  },
  delete: {
    title: "Delete this operation?",
    text: "It disappears from every list at once, with its result, and this cannot be undone. Deleting does not stop work that still runs: cancel it first.",
    button: "Delete it",
  },
  retry: {
    title: "Start it again?",
    text: "A new operation begins with the same request, and this one stays as it is.",
    button: "Retry",
  },
};

export function Actions({ operation, explanation, onDone }: ActionsProps) {
  const [asked, setAsked] = useState<Action>();
  const { requestedCancellation } = factsOf(operation);
  const isRetriable = operation.error !== undefined && explanation?.retry?.startsWith("POST ") === true;
  return (
    <div class="actions">
      {isRetriable ? (
        <button type="button" class="primary" onClick={() => setAsked("retry")}>
          Retry
        </button>
      ) : null}
      {operation.done ? null : (
        <button type="button" disabled={requestedCancellation} onClick={() => setAsked("cancel")}>
          {requestedCancellation ? "Cancelling …" : "Cancel"}
        </button>
      )}
      <button type="button" class="danger" onClick={() => setAsked("delete")}>
        Delete
      </button>
      {asked === undefined ? null : (
        <Confirmation action={asked} operation={operation} onClose={() => setAsked(undefined)} onDone={onDone} />
      )}
    </div>
  );
}

interface ConfirmationProps {
  action: Action;
  operation: Operation;
  onClose: () => void;
  onDone: () => void;
}

function Confirmation({ action, operation: { name }, onClose, onDone }: ConfirmationProps) {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  // One id for all tries of one question: a repeated click starts one retry.
  const [requestId] = useState(() => crypto.randomUUID());
  const { title, text, button } = QUESTIONS[action];
  const act = async () => {
    setBusy(true);
    setError(undefined);
    try {
      if (action === "delete") await call(pathOf(name), { method: "DELETE" });
      else if (action === "cancel") await call(pathOf(`${name}:cancel`), { method: "POST", body: {} });
      else {
        const retried = await call<Operation & { name: string }>(pathOf(`${name}:retry`), {
          method: "POST",
          body: { requestId },
        } as const);
        rememberStarted(retried.name);
        onClose();
        go({ page: "operation", name: retried.name });
        return;
      }
      onClose();
      onDone();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <p>
        <span class="mono">{shortId(name)}</span> — {text}
      </p>
      {error === undefined ? null : <ErrorNote error={error} />}
      <div class="dialog-buttons">
        <button type="button" onClick={onClose}>
          Back
        </button>
        <button
          type="button"
          class={action === "retry" ? "primary" : "danger filled"}
          disabled={isBusy}
          onClick={() => void act()}
        >
          {button}
        </button>
      </div>
    </Dialog>
  );
}
