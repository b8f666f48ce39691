// JSON as indented text with its kinds of values told apart. All of it is text of the page, and none of it markup.
import type { Json } from "../api/json";
import { CopyButton } from "./copy-button";

/** Above it, kinds are not told apart: a page of a million elements helps nobody. */
const MAX_COLOURED_CHARACTERS = 40_000;

const TOKENS = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

export function JsonView({ value, label }: { value: Json; label: string }) {
  const text = JSON.stringify(value, null, 2);
  return (
    <div class="json">
      <div class="json-bar">
        <CopyButton text={text} what={label} />
      </div>
      <pre tabIndex={0} aria-label={label}>
        {text.length > MAX_COLOURED_CHARACTERS ? text : coloured(text)}
      </pre>
    </div>
  );
}

function coloured(text: string) {
  const parts: (string | preact.JSX.Element)[] = [];
  let end = 0;
  for (const match of text.matchAll(TOKENS)) {
    const [whole, string, colon] = match;
    parts.push(text.slice(end, match.index));
    const kind = string === undefined ? "json-other" : colon === undefined ? "json-string" : "json-key";
    parts.push(<span class={kind}>{string ?? whole}</span>, colon ?? "");
    end = match.index + whole.length;
  }
  return [...parts, text.slice(end)];
}
