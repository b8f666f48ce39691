// The parent whose operations are listed: typed, or chosen of those that were looked at before.
import { useEffect, useState } from "preact/hooks";
import { useKnownParents } from "./api/scopes";
import { go } from "./navigation";

const KEY = "edge-operations.parents";
const MAX_RECENT = 12;

export function recentParents(): readonly string[] {
  try {
    const parents: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(parents) ? parents.filter((parent) => typeof parent === "string") : [];
  } catch {
    // Another page of this origin wrote it.
    return [];
  }
}

export function rememberParent(parent: string): void {
  const parents = [parent, ...recentParents().filter((other) => other !== parent)].slice(0, MAX_RECENT);
  sessionStorage.setItem(KEY, JSON.stringify(parents));
}

export function ParentField({ parent }: { parent: string }) {
  const known = useKnownParents();
  const [text, setText] = useState(parent);
  useEffect(() => setText(parent), [parent]);
  const apply = () => {
    const next = text
      .trim()
      .replaceAll(/^\/+|\/+$/g, "")
      .replace(/^v1(?:beta1)?\//, "")
      .replace(/(?:^|\/)operations$/, "");
    // A pasted name of an operation opens that one.
    if (/(?:^|\/)operations\/[^/]+$/.test(next)) go({ page: "operation", name: next });
    else go({ page: "list", parent: next, filter: "" });
  };
  return (
    <form
      class="parent"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        apply();
      }}
    >
      <label for="parent">Parent</label>
      <input
        id="parent"
        class="mono"
        list="parents"
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        data-shortcut="p"
        placeholder="service root, or projects/my-project"
        value={text}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
        onFocus={({ currentTarget }) => currentTarget.select()}
        onChange={apply}
      />
      <datalist id="parents">
        {[...new Set([...recentParents(), ...known])]
          .filter((recent) => recent !== "")
          .map((recent) => (
            <option key={recent} value={recent} />
          ))}
      </datalist>
    </form>
  );
}
