// Rows of operations. A row's link is its id; the arrow keys, or j and k, go from row to row.
import { type Explanation, stateOf, useExplanations } from "../api/explanations";
import { type Operation, codeName, factsOf, methodText, parentOf, shortId, standingOf } from "../api/operation";
import { Progress } from "../parts/progress";
import { StateMark } from "../parts/state-mark";
import { TextWithTimes } from "../parts/text-with-times";
import { Ago, lengthText } from "../parts/time";
import { hashFromRoute } from "../route";

interface OperationTableProps {
  operations: readonly Operation[];
  /** Whether the rows are of several parents. */
  isMixed: boolean;
  now: number;
}

export function OperationTable({ operations, isMixed, now }: OperationTableProps) {
  // Metadata of a declared type has no createTime. `:explain` has it, for callers who may ask.
  const explanations = useExplanations(operations.filter((operation) => !factsOf(operation).isDefault));
  if (operations.length === 0) return null;
  return (
    <table class="operations" onKeyDown={moveByKey}>
      <thead>
        <tr>
          <th scope="col">State</th>
          <th scope="col">Operation</th>
          <th scope="col">What it says</th>
          <th scope="col" class="number">
            Started
          </th>
          <th scope="col" class="number">
            Took
          </th>
        </tr>
      </thead>
      <tbody>
        {operations.map((operation) => (
          <Row
            key={operation.name}
            operation={operation}
            explained={explanations.get(operation.name)}
            isMixed={isMixed}
            now={now}
          />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  operation: Operation;
  explained: Explanation | undefined;
  isMixed: boolean;
  now: number;
}

function Row({ operation, explained, isMixed, now }: RowProps) {
  const { name, done, error } = operation;
  const facts = factsOf(operation);
  const own = facts.isDefault ? facts : undefined;
  const createTime = own?.createTime ?? explained?.createTime;
  const endTime = done ? (own?.endTime ?? explained?.endTime) : new Date(now).toISOString();
  const method = methodText(facts, explained);
  const percent = done ? 0 : (facts.progressPercent ?? 0);
  return (
    <tr>
      <td>
        <StateMark standing={standingOf(operation, done || !explained ? undefined : stateOf(explained))} />
      </td>
      <td>
        <a class="row-link" href={hashFromRoute({ page: "operation", name })}>
          <span class="mono">{shortId(name)}</span>
          {method === "" ? null : <span class="method">{method}</span>}
        </a>
        {isMixed ? <span class="tag">{parentOf(name)}</span> : null}
        {facts.labels.map(([key, value]) => (
          <span key={key} class="tag">
            {key}={value}
          </span>
        ))}
      </td>
      <td class="says">
        {percent > 0 ? <Progress percent={percent} label={`Progress of ${shortId(name)}`} /> : null}
        <span class={error ? "bad-text" : "faint"}>
          <TextWithTimes text={saysOf(operation, explained)} now={now} />
        </span>
      </td>
      <td class="number">{createTime === undefined ? "–" : <Ago time={createTime} now={now} />}</td>
      <td class="number">
        {createTime === undefined || endTime === undefined
          ? "–"
          : lengthText(Date.parse(endTime) - Date.parse(createTime))}
      </td>
    </tr>
  );
}

/** The error of a failed operation, the question of one that waits for an answer, else the status message. */
function saysOf(operation: Operation, explained: Explanation | undefined): string {
  const { done, error } = operation;
  if (error) return `${codeName(error.code)}: ${error.message}`;
  const { suspensions, statusMessage } = factsOf(operation);
  const [question] = suspensions;
  if (!done && question) return question.prompt || question.id;
  return done ? "" : statusMessage || (explained?.statusMessage ?? "");
}

function moveByKey(event: KeyboardEvent): void {
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (step === undefined || !(event.currentTarget instanceof HTMLElement)) return;
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>(".row-link")];
  const at = links.findIndex((link) => link === document.activeElement);
  const next = links[Math.min(links.length - 1, Math.max(0, at + step))];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
