// The filter of a list: a combobox (https://www.w3.org/WAI/ARIA/apg/patterns/combobox/) that completes fields and values,
// and shows where the service found an error.
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../api/call";
import { type Vocabulary, completionsAt } from "./completions";

interface FilterBoxProps {
  filter: string;
  vocabulary: Vocabulary;
  error: unknown;
  onFilter: (filter: string) => void;
}

const MAX_OPTIONS = 8;

export function FilterBox({ filter, vocabulary, error, onFilter }: FilterBoxProps) {
  const [text, setText] = useState(filter);
  const [caret, setCaret] = useState(0);
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  /** Where the caret goes with the next rendering, which sets the value. */
  const nextCaret = useRef<number | undefined>(undefined);
  const id = useId();
  useEffect(() => setText(filter), [filter]);
  useLayoutEffect(() => {
    const { current: place } = nextCaret;
    if (place === undefined) return;
    nextCaret.current = undefined;
    input.current?.setSelectionRange(place, place);
  });

  const { from, to, options: all } = completionsAt(text, caret, vocabulary, Date.now());
  const options = isOpen ? all.slice(0, MAX_OPTIONS) : [];

  const edit = () => {
    const { value, selectionStart } = input.current!;
    setText(value);
    setCaret(selectionStart ?? value.length);
    setActive(-1);
  };
  const accept = (insert: string) => {
    const isOpenEnded = insert.endsWith(".");
    const before = text.slice(0, from);
    const gap = /^[=<>!]/.test(insert) && before !== "" && !before.endsWith(" ") ? " " : "";
    const added = `${gap}${insert}${isOpenEnded || insert === ":" ? "" : " "}`;
    const next = before + added + text.slice(to).trimStart();
    const place = before.length + added.length;
    setText(next);
    setCaret(place);
    setActive(-1);
    nextCaret.current = place;
    input.current?.focus();
  };
  const apply = () => {
    setOpen(false);
    setText(text.trim());
    onFilter(text.trim());
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) setOpen(true);
      else if (options.length > 0) {
        const step = event.key === "ArrowDown" ? 1 : -1;
        setActive(active < 0 && step < 0 ? options.length - 1 : (active + step + options.length) % options.length);
      }
    } else if (event.key === "Enter") {
      event.preventDefault();
      const option = options[active];
      if (option) accept(option.insert);
      else apply();
    } else if (event.key === "Tab" && !event.shiftKey && options[active]) {
      event.preventDefault();
      accept(options[active].insert);
    } else if (event.key === "Escape") {
      if (isOpen) setOpen(false);
      else if (text !== filter) setText(filter);
      else input.current?.blur();
    }
  };

  const listId = `${id}-list`;
  return (
    <div class="filter-box">
      <div class="filter-line">
        <label class="sr-only" for={id}>
          Filter
        </label>
        <input
          ref={input}
          id={id}
          class="mono"
          type="text"
          role="combobox"
          aria-expanded={options.length > 0}
          aria-controls={listId}
          aria-autocomplete="list"
          aria-activedescendant={options[active] ? `${id}-${active}` : undefined}
          aria-invalid={error instanceof ApiError}
          aria-describedby={`${id}-error`}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          placeholder="Filter, for example: state = FAILED AND method = …"
          data-shortcut="/"
          value={text}
          onInput={() => {
            edit();
            setOpen(true);
          }}
          onClick={() => {
            edit();
            setOpen(true);
          }}
          onKeyUp={(event) => {
            if (event.key === "ArrowLeft" || event.key === "ArrowRight") edit();
          }}
          onKeyDown={onKeyDown}
          onBlur={() => setOpen(false)}
        />
        {text === "" && filter === "" ? null : (
          <button type="button" class="quiet" onClick={() => onFilter("")} aria-label="Clear the filter">
            Clear
          </button>
        )}
        <button type="button" onClick={apply}>
          Apply
        </button>
      </div>
      <ul id={listId} role="listbox" aria-label="Completions" class="completions" hidden={options.length === 0}>
        {options.map(({ insert, hint }, index) => (
          <li
            key={insert}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === active}
            // The field keeps the focus, or the list would close before the click.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => accept(insert)}
          >
            <code>{insert}</code> <span class="faint">{hint}</span>
          </li>
        ))}
      </ul>
      <div id={`${id}-error`} aria-live="polite">
        {error instanceof ApiError && error.reason === "FILTER_INVALID" ? (
          <FilterErrorNote filter={filter} error={error} />
        ) : null}
      </div>
    </div>
  );
}

/** The filter with a mark at the place of its error, and what was expected there. */
function FilterErrorNote({ filter, error }: { filter: string; error: ApiError }) {
  const characters = Array.from(filter);
  const offset = Math.min(Number(error.metadata["offset"] ?? "0"), characters.length);
  const found = characters.slice(offset).join("");
  const length = Array.from(/^(?:[\w.-]+|.)/u.exec(found)?.[0] ?? "").length;
  return (
    <div class="filter-error">
      <code class="filter-echo">
        {characters.slice(0, offset).join("")}
        <mark>{length === 0 ? "␣" : characters.slice(offset, offset + length).join("")}</mark>
        {characters.slice(offset + length).join("")}
      </code>
      <p>{error.message.replace(/^filter: /, "")}</p>
    </div>
  );
}
