// Events of child operations: the work starts some, and goes on when enough of them have ended.
import type { Draft } from "./draft";
import { move } from "./draft";
import type { OperationEvent, Refusal } from "./event";
import { mark, remember } from "./runner-events";
import { wake } from "./wake";

/** The object has written children down. A runner that did not receive the answer sends them again. */
export function saveChildren(
  draft: Draft,
  { count, ...memory }: Extract<OperationEvent, { type: "saveChildren" }>,
): Refusal | undefined {
  const { record } = draft;
  return move(draft, "report", () => {
    record.children = { started: 0, ...record.children, count };
    remember(draft, memory);
    mark(record);
  });
}

/** The work stands still for children, and enough of them have ended. */
export function childrenEnded(draft: Draft): Refusal | undefined {
  return draft.record.suspension?.waitsFor.joins ? wake(draft, "resume") : "NOT_ALLOWED";
}
