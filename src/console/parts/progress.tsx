// How much of the work is done, where the work reports it.

export function Progress({ percent, label }: { percent: number; label: string }) {
  return (
    <span class="progress">
      <progress max={100} value={percent} aria-label={label} />
      <span class="number faint">{Math.round(percent)} %</span>
    </span>
  );
}
