// One operation: where it is and why, what happened, what comes, and what can be done about it.
import type { JsonObject } from "../api/json";
import { type Explanation, stateOf } from "../api/explanations";
import {
  type Operation,
  WAITING_FOR_SLOT,
  codeName,
  factsOf,
  methodText,
  parentOf,
  shortId,
  standingOf,
} from "../api/operation";
import { quoted } from "../list/completions";
import { ErrorNote } from "../parts/error-note";
import { JsonView } from "../parts/json-view";
import { Progress } from "../parts/progress";
import { StateMark } from "../parts/state-mark";
import { CopyButton } from "../parts/copy-button";
import { Clock, lengthText, useNow } from "../parts/time";
import { TextWithTimes } from "../parts/text-with-times";
import { hashFromRoute } from "../route";
import { Actions } from "./actions";
import { Children } from "./children";
import { FactList } from "./fact-list";
import { Policy } from "./policy";
import { SuspensionForms } from "./suspension-forms";
import { timelineOf } from "./timeline";
import { useOperation } from "./use-operation";

export function OperationPage({ name }: { name: string }) {
  const now = useNow();
  const live = useOperation(name);
  const { operation, explanation, suspensions, isGone, error, renew } = live;
  const parent = parentOf(name);
  const list = hashFromRoute({ page: "list", parent, filter: "" });

  if (operation === undefined || isGone) {
    return (
      <main id="main" class="page">
        <nav class="crumbs" aria-label="Breadcrumb">
          <a href={list}>← {parent === "" ? "operations" : parent}</a>
        </nav>
        {isGone ? (
          <div class="note note-warn" role="status">
            <strong>There is no such operation.</strong>
            <p>
              {operation === undefined
                ? "It was deleted, or has expired, or the name is wrong."
                : "It was deleted while you looked at it."}
            </p>
            <p class="mono selectable">{name}</p>
          </div>
        ) : error === undefined ? (
          <p class="faint loading">Reading …</p>
        ) : (
          <ErrorNote error={error} title="The operation could not be read." />
        )}
      </main>
    );
  }

  const facts = factsOf(operation);
  const method = methodText(facts, explanation);
  const standing = standingOf(operation, explanation && stateOf(explanation));
  const moments = timelineOf(operation, explanation, suspensions);
  return (
    <main id="main" class="page">
      <nav class="crumbs" aria-label="Breadcrumb">
        <a href={list}>← {parent === "" ? "operations" : parent}</a>
        {facts.parentOperation === "" ? null : (
          <a href={hashFromRoute({ page: "operation", name: facts.parentOperation })}>
            child of {shortId(facts.parentOperation)}
          </a>
        )}
      </nav>
      <header class="operation-head">
        <div>
          <h1>
            {method === "" ? "Operation" : method} <span class="mono faint">{shortId(name)}</span>
          </h1>
          <p class="full-name">
            <span class="mono faint selectable">{name}</span>
            <CopyButton text={name} what="the name" />
          </p>
        </div>
        <div class="head-side">
          <span role="status">
            <StateMark standing={standing} />
          </span>
          <Actions operation={operation} explanation={explanation} onDone={renew} />
        </div>
      </header>
      {error === undefined ? null : (
        <div class="note note-warn" role="status">
          The latest reading failed; this is the state seen last.
        </div>
      )}

      <SuspensionForms operation={name} suspensions={suspensions} onResolved={renew} />

      <div class="columns">
        <div class="main-column">
          <section class={`card why why-${standing.tone}`} aria-labelledby="why">
            <h2 id="why">Why it is where it is</h2>
            <Why live={live} now={now} />
            {operation.done || !facts.progressPercent ? null : (
              <Progress percent={facts.progressPercent} label="Progress" />
            )}
          </section>

          <section class="card" aria-labelledby="timeline">
            <h2 id="timeline">Timeline</h2>
            <ol class="timeline">
              {moments.map(({ time, title, text, tone, isComing }, index) => (
                <li key={`${time} ${title} ${index}`} class={`moment state-${tone}${isComing ? " coming" : ""}`}>
                  <span class="dot" aria-hidden="true" />
                  <Clock time={time} now={now} />
                  <div>
                    <strong>{title}</strong>
                    {sinceText(time, moments[0]?.time)}
                    {text === "" ? null : (
                      <p class="selectable">
                        <TextWithTimes text={text} now={now} />
                      </p>
                    )}
                  </div>
                </li>
              ))}
            </ol>
          </section>

          <Result operation={operation} />
          <Resource operation={operation} />
          <Deliveries deliveries={explanation?.webhookDeliveries ?? []} />
          <Children key={name} operation={operation} />
        </div>
        <aside class="side-column" aria-label="Facts">
          <FactList operation={operation} explanation={explanation} now={now} />
          <Policy key={name} name={name} />
        </aside>
      </div>
    </main>
  );
}

/** How long after the creation, to the millisecond where that tells moments apart. */
function sinceText(time: string, begin = time) {
  const ms = Date.parse(time) - Date.parse(begin);
  return ms > 0 ? <span class="since"> +{lengthText(ms)}</span> : null;
}

/** The explanation in plain words; for callers who may not ask for one, what the operation itself says. */
function Why({ live, now }: { live: ReturnType<typeof useOperation>; now: number }) {
  const { operation, explanation, explanationError } = live;
  if (explanation) return <Explained operation={operation!} explanation={explanation} now={now} />;
  const { error, done } = operation!;
  const { statusMessage } = factsOf(operation!);
  const says = error
    ? `It ended with ${codeName(error.code)}: ${error.message}`
    : done
      ? "It succeeded."
      : statusMessage || "It is not done.";
  return (
    <>
      <p class="lead selectable">
        <TextWithTimes text={says} now={now} />
      </p>
      {explanationError === undefined ? null : (
        <p class="faint small-text">
          {explanationError.code === "PERMISSION_DENIED" || explanationError.code === "UNAUTHENTICATED"
            ? "The whole explanation is for callers with longrunning.operations.explain on it."
            : `The whole explanation could not be read: ${explanationError.message}`}
        </p>
      )}
    </>
  );
}

/** States in which the work itself says how far it is. */
const WORKING: ReadonlySet<string> = new Set(["RUNNING", "EXTERNAL"]);

function unfinishedOf(method: string): string {
  return `done = false AND method = ${quoted(method)}`;
}

interface ExplainedProps {
  operation: Operation;
  explanation: Explanation;
  now: number;
}

function Explained({ operation, explanation, now }: ExplainedProps) {
  const { summary, advice, retry, state, method } = explanation;
  const status = explanation.statusMessage || factsOf(operation).statusMessage;
  return (
    <>
      <p class="lead selectable">
        <TextWithTimes text={summary} now={now} />
      </p>
      {status === "" || !WORKING.has(state) || status === "Running." ? null : (
        <p class="selectable">
          Its work says: <q>{status}</q>
        </p>
      )}
      {advice.map((text) => (
        <p key={text} class="advice selectable">
          <TextWithTimes text={text} now={now} />
        </p>
      ))}
      {method === undefined || stateOf(explanation) !== WAITING_FOR_SLOT ? null : (
        <p>
          <a href={hashFromRoute({ page: "list", parent: parentOf(operation.name), filter: unfinishedOf(method) })}>
            Show the unfinished operations of {method}
          </a>
        </p>
      )}
      {retry === undefined || retry.startsWith("POST ") ? null : <p class="faint selectable">{retry}</p>}
    </>
  );
}

function Result({ operation: { done, error, response } }: { operation: Operation }) {
  if (!done) return null;
  if (error === undefined) {
    return (
      <section class="card" aria-labelledby="result">
        <h2 id="result">Response</h2>
        <JsonView value={response ?? {}} label="the response" />
      </section>
    );
  }
  // The error itself is in the explanation above.
  if (!error.details || error.details.length === 0) return null;
  return (
    <section class="card" aria-labelledby="result">
      <h2 id="result">Details of the error</h2>
      <JsonView value={[...error.details]} label="the error's details" />
    </section>
  );
}

/** How the events of the operation reached its webhooks. */
function Deliveries({ deliveries }: { deliveries: readonly JsonObject[] }) {
  if (deliveries.length === 0) return null;
  return (
    <section class="card" aria-labelledby="deliveries">
      <h2 id="deliveries">Webhook deliveries</h2>
      {deliveries.map((delivery) => (
        <dl key={JSON.stringify(delivery)} class="facts delivery">
          {Object.entries(delivery).map(([field, value]) => (
            <div key={field}>
              <dt>{field}</dt>
              <dd>{typeof value === "object" ? JSON.stringify(value) : String(value)}</dd>
            </div>
          ))}
        </dl>
      ))}
    </section>
  );
}

/** The resource as the API gives it. */
function Resource({ operation }: { operation: Operation }) {
  return (
    <section class="card" aria-labelledby="resource">
      <details>
        <summary>
          <h2 id="resource">As JSON</h2>
        </summary>
        <JsonView value={operation as unknown as JsonObject} label="the operation" />
      </details>
    </section>
  );
}
