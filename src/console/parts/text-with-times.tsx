// A sentence of the service: its timestamps in local time, and its code as code.
import { Clock } from "./time";

// The service says how long ago in brackets, as of when it answered; the page counts on.
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;
const MARKED = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z|`[^`\n]+`)/;

export function TextWithTimes({ text, now }: { text: string; now: number }) {
  return (
    <>
      {text.split(MARKED).map((part, index) => {
        if (index % 2 === 0) return part;
        const key = `${index} ${part}`;
        return TIMESTAMP.test(part) ? (
          <Clock key={key} time={part} now={now} />
        ) : (
          <code key={key}>{part.slice(1, -1)}</code>
        );
      })}
    </>
  );
}
