// The state of an operation as a coloured mark with its word: never as a colour alone.
import type { Standing } from "../api/operation";

export function StateMark({ standing: { label, tone } }: { standing: Standing }) {
  return (
    <span class={`state state-${tone}`}>
      <span class="dot" aria-hidden="true" />
      {label}
    </span>
  );
}
