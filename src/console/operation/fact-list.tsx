// The facts of an operation: times, attempts, slots, steps, labels, and the names by which logs are searched.
import type { ComponentChildren } from "preact";
import type { Explanation, Slot } from "../api/explanations";
import { type Operation, factsOf, shortId } from "../api/operation";
import { CopyButton } from "../parts/copy-button";
import { Clock, lengthText } from "../parts/time";
import { hashFromRoute } from "../route";

interface FactListProps {
  operation: Operation;
  explanation: Explanation | undefined;
  now: number;
}

export function FactList({ operation, explanation: explained, now }: FactListProps) {
  const facts = factsOf(operation);
  const own = facts.isDefault ? facts : undefined;
  const createTime = own?.createTime ?? explained?.createTime;
  const startTime = own?.startTime ?? explained?.startTime;
  const endTime = operation.done ? (own?.endTime ?? explained?.endTime) : undefined;
  const until = operation.done ? endTime : new Date(now).toISOString();
  const clock = (time: string | undefined) => (time === undefined ? undefined : <Clock time={time} now={now} />);
  const { attemptCounts: counts, progress, lease } = explained ?? {};
  const rows: readonly (readonly [string, ComponentChildren])[] = [
    ["Created", clock(createTime)],
    ["Scheduled for", clock(explained?.scheduleTime)],
    ["Work began", clock(startTime)],
    ["Ended", clock(endTime)],
    ["Took", createTime && until ? lengthText(Date.parse(until) - Date.parse(createTime)) : undefined],
    ["Deadline", operation.done ? undefined : clock(explained?.deadline)],
    ["Expires", clock(explained?.expireTime)],
    [
      "Attempts",
      counts && `${counts.failed} of ${counts.maxFailed} failed${counts.lost > 0 ? `, ${counts.lost} lost` : ""}`,
    ],
    ["Runner", lease && (lease.connected === true ? "connected" : "not connected")],
    ["Steps stored", progress?.steps],
    ["Checkpoint", progress?.checkpointed === true ? "stored" : undefined],
    ["Slot", explained?.runSlot && slotText(explained.runSlot)],
    ["Caller's slot", explained?.callerSlot && slotText(explained.callerSlot)],
    ["Priority", explained?.priority],
    ["Target", facts.target || undefined],
    ["Method version", explained?.methodVersion],
    ["Started by", explained?.starter],
    ["Retry of", link(explained?.retryOf)],
    ["Retried by", link(facts.retriedBy)],
    ["Child of", link(facts.parentOperation)],
    [
      "Log's request id",
      explained?.startRequestId && (
        <span class="with-copy">
          <span class="mono break">{explained.startRequestId}</span>
          <CopyButton text={explained.startRequestId} what="the request id" />
        </span>
      ),
    ],
  ];
  return (
    <section class="card" aria-labelledby="facts">
      <h2 id="facts">Facts</h2>
      <dl class="facts">
        {rows.map(([label, value]) =>
          value === undefined || value === "" ? null : (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
      {facts.labels.length === 0 ? null : (
        <p>
          {facts.labels.map(([key, value]) => (
            <span key={key} class="tag">
              {key}={value}
            </span>
          ))}
        </p>
      )}
    </section>
  );
}

function link(name: string | undefined): ComponentChildren {
  if (name === undefined || name === "") return undefined;
  return (
    <a class="mono" href={hashFromRoute({ page: "operation", name })}>
      {shortId(name)}
    </a>
  );
}

function slotText({ key, limit, holders, ahead, held }: Slot): string {
  const taken = holders === undefined ? `at most ${limit}` : `${holders} of ${limit} taken`;
  const standing = held === true ? ", holds one" : ahead === undefined ? "" : `, ${ahead} before it`;
  return `${key}: ${taken}${standing}`;
}
