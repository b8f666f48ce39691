// Copies a text, and says that it did.
import { useEffect, useState } from "preact/hooks";

export function CopyButton({ text, what }: { text: string; what: string }) {
  const [state, setState] = useState<"" | "Copied" | "Not copied">("");
  useEffect(() => {
    if (state === "") return undefined;
    const timer = setTimeout(() => setState(""), 1_500);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => setState("Copied"),
      // The browser, or its user, does not allow it.
      () => setState("Not copied"),
    );
  };
  return (
    <button type="button" class="quiet small" onClick={copy} aria-label={`Copy ${what}`}>
      <span aria-live="polite">{state === "" ? "Copy" : state}</span>
    </button>
  );
}
