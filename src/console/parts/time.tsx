// Times as people read them: how long ago, how long it took, and the exact time on demand.
import { useEffect, useState } from "preact/hooks";

const UNITS: readonly (readonly [string, number])[] = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
];

/** `4m 12s`, `2h 5m`, `3d`: at most two units; below a second, milliseconds. */
export function lengthText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  let rest = Math.round(ms / 1_000);
  const parts: string[] = [];
  for (const [unit, seconds] of UNITS) {
    const count = Math.floor(rest / seconds);
    rest -= count * seconds;
    if (count > 0) parts.push(`${count}${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}

export function agoText(time: string, now: number): string {
  const ms = now - Date.parse(time);
  if (Number.isNaN(ms)) return time;
  if (Math.abs(ms) < 1_000) return "now";
  const [length = ""] = lengthText(Math.abs(ms)).split(" ");
  return ms > 0 ? `${length} ago` : `in ${length}`;
}

/** Local time with seconds, and the date where it is not today's. */
export function clockText(time: string, now: number): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  const clock = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
  const isToday = date.toDateString() === new Date(now).toDateString();
  return isToday ? clock : `${date.toLocaleDateString([], { month: "short", day: "numeric" })} ${clock}`;
}

/** The present time, renewed once a second while the page is looked at. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setNow(Date.now());
    }, 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

export function Ago({ time, now }: { time: string; now: number }) {
  return (
    <time dateTime={time} title={`${new Date(time).toLocaleString()} (${time})`}>
      {agoText(time, now)}
    </time>
  );
}

export function Clock({ time, now }: { time: string; now: number }) {
  return (
    <time dateTime={time} title={`${agoText(time, now)} (${time})`}>
      {clockText(time, now)}
    </time>
  );
}
