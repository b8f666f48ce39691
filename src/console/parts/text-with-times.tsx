// A sentence of the service, its timestamps shown in local time.
import { Clock } from "./time";

// The service says how long ago in brackets, as of when it answered; the page counts on.
const TIMESTAMP = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/;

export function TextWithTimes({ text, now }: { text: string; now: number }) {
  return (
    <>
      {text
        .split(TIMESTAMP)
        .map((part, index) => (index % 2 === 1 ? <Clock key={`${index} ${part}`} time={part} now={now} /> : part))}
    </>
  );
}
