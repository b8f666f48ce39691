// The answers that an operation waits for: one form each, made of the JSON Schema that the method declares.
import { useState } from "preact/hooks";
import { ApiError } from "../api/call";
import type { Json } from "../api/json";
import { type Suspension, resolveSuspension } from "../api/suspensions";
import { SchemaForm } from "../form/schema-form";
import { Dialog } from "../parts/dialog";
import { ErrorNote } from "../parts/error-note";
import { Clock, useNow } from "../parts/time";

interface SuspensionFormsProps {
  operation: string;
  suspensions: readonly Suspension[];
  onResolved: () => void;
}

export function SuspensionForms({ suspensions, onResolved }: SuspensionFormsProps) {
  const pending = suspensions.filter(({ state }) => state === "PENDING");
  return (
    <>
      {pending.map((suspension) => (
        <SuspensionForm key={suspension.name} suspension={suspension} onResolved={onResolved} />
      ))}
    </>
  );
}

function SuspensionForm({ suspension, onResolved }: { suspension: Suspension; onResolved: () => void }) {
  const { name, prompt = "", payloadSchema = {}, expireTime } = suspension;
  const id = name.slice(name.lastIndexOf("/") + 1);
  const now = useNow();
  const [payload, setPayload] = useState<Json | undefined>({});
  const [isAsked, setAsked] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const headingId = `suspension-${id}`;
  const send = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await resolveSuspension(name, payload ?? null);
      onResolved();
    } catch (problem) {
      setError(problem);
    }
    setAsked(false);
    setBusy(false);
  };
  return (
    <section class="card question" aria-labelledby={headingId}>
      <h2 id={headingId}>
        It waits for an answer: <span class="mono">{id}</span>
      </h2>
      {prompt === "" ? null : <p class="lead selectable">{prompt}</p>}
      {expireTime === undefined ? null : (
        <p class="faint">
          Until <Clock time={expireTime} now={now} />
        </p>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setAsked(true);
        }}
      >
        <SchemaForm
          schema={payloadSchema}
          value={payload ?? {}}
          onChange={setPayload}
          violations={error instanceof ApiError ? error.violations : []}
          label="Answer"
        />
        {error === undefined ? null : <ErrorNote error={error} />}
        <button type="submit" class="primary" disabled={payload === undefined}>
          Answer …
        </button>
      </form>
      {isAsked ? (
        <Dialog title="Send this answer?" onClose={() => setAsked(false)}>
          <p>The first answer counts, and cannot be changed. The work goes on with it:</p>
          <pre class="answer">{JSON.stringify(payload ?? null, null, 2)}</pre>
          <div class="dialog-buttons">
            <button type="button" onClick={() => setAsked(false)}>
              Back
            </button>
            <button type="button" class="primary" disabled={isBusy} onClick={() => void send()}>
              Send the answer
            </button>
          </div>
        </Dialog>
      ) : null}
    </section>
  );
}
