// Light or dark: as the system says, until the reader chooses.
import { useState } from "preact/hooks";

type Theme = "light" | "dark";

const KEY = "edge-operations.theme";

function chosenTheme(): Theme | undefined {
  const theme = localStorage.getItem(KEY);
  return theme === "light" || theme === "dark" ? theme : undefined;
}

export function applyTheme(): void {
  const theme = chosenTheme();
  if (theme === undefined) delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

export function ThemeButton() {
  const [theme, setTheme] = useState<Theme>(
    () => chosenTheme() ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"),
  );
  const other = theme === "dark" ? "light" : "dark";
  const choose = () => {
    localStorage.setItem(KEY, other);
    applyTheme();
    setTheme(other);
  };
  return (
    <button
      type="button"
      class="quiet"
      onClick={choose}
      aria-label={`Use ${other} colours`}
      title={`Use ${other} colours`}
    >
      <span aria-hidden="true">{theme === "dark" ? "☀" : "☾"}</span>
    </button>
  );
}
