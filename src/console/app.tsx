// The console: its bar, the page of the present address, and the keys that work everywhere.
import { useEffect, useState } from "preact/hooks";
import { type ApiError, onUnauthenticated } from "./api/call";
import { forgetExplanations } from "./api/explanations";
import { savedCredentials } from "./api/credentials";
import { parentOf } from "./api/operation";
import { forgetParents } from "./api/scopes";
import { ListPage } from "./list/list-page";
import { go } from "./navigation";
import { OperationPage } from "./operation/operation-page";
import { ParentField, recentParents, rememberParent } from "./parent-field";
import { Dialog } from "./parts/dialog";
import { type Route, hashFromRoute, routeFromHash } from "./route";
import { StartPage } from "./start/start-page";
import { SignIn } from "./sign-in";
import { ThemeButton } from "./theme";

export function App() {
  const route = useRoute();
  const [isSigningIn, setSigningIn] = useState(false);
  const [refusal, setRefusal] = useState<ApiError>();
  const [showsKeys, setShowsKeys] = useState(false);
  // Another number makes every page begin again, with other credentials.
  const [caller, setCaller] = useState(0);

  useEffect(
    () =>
      onUnauthenticated((error) => {
        setRefusal(error);
        setSigningIn(true);
      }),
    [],
  );
  useEffect(() => keys(() => setShowsKeys(true)), []);
  useEffect(() => {
    document.title = titleOf(route);
  }, [route]);

  const parent = parentOfRoute(route);
  useEffect(() => {
    if (parent !== undefined) rememberParent(parent);
  }, [parent]);
  const isSignedIn = savedCredentials(sessionStorage, localStorage) !== undefined;
  return (
    <>
      <a class="skip" href="#main" onClick={skipToMain}>
        Skip to the content
      </a>
      <header class="bar">
        <a class="brand" href={hashFromRoute({ page: "list", parent: parent ?? "", filter: "" })}>
          <img src="./console-icon.svg" alt="" width={22} height={22} />
          <span>Operations</span>
        </a>
        <ParentField parent={parent ?? recentParents()[0] ?? ""} />
        <div class="bar-side">
          <a class="button" href={hashFromRoute({ page: "start", method: "" })} data-shortcut="s">
            Start …
          </a>
          <ThemeButton />
          <button type="button" class="quiet" onClick={() => setSigningIn(true)}>
            {isSignedIn ? "Signed in" : "Sign in"}
          </button>
        </div>
      </header>
      <div key={caller} class="content">
        <PageOf route={route} />
      </div>
      {isSigningIn ? (
        <SignIn
          error={refusal}
          onClose={() => setSigningIn(false)}
          onChanged={() => {
            setSigningIn(false);
            setRefusal(undefined);
            forgetParents();
            forgetExplanations();
            setCaller(caller + 1);
          }}
        />
      ) : null}
      {showsKeys ? <Keys onClose={() => setShowsKeys(false)} /> : null}
    </>
  );
}

function PageOf({ route }: { route: Route }) {
  switch (route.page) {
    case "list":
      return <ListPage parent={route.parent} filter={route.filter} />;
    case "operation":
      return <OperationPage key={route.name} name={route.name} />;
    case "start":
      return <StartPage method={route.method} />;
    case "unknown":
      return (
        <main id="main" class="page">
          <div class="note note-warn">There is no such page.</div>
          <p>
            <a href="#/">All operations of the service root</a>
          </p>
        </main>
      );
    default:
      return route satisfies never;
  }
}

function useRoute(): Route {
  const [route, setRoute] = useState(() => routeFromHash(location.hash));
  useEffect(() => {
    const read = () => {
      setRoute(routeFromHash(location.hash));
      scrollTo(0, 0);
    };
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  return route;
}

function parentOfRoute(route: Route): string | undefined {
  if (route.page === "list") return route.parent;
  return route.page === "operation" ? parentOf(route.name) : undefined;
}

function titleOf(route: Route): string {
  switch (route.page) {
    case "list":
      return `${route.parent === "" ? "Operations" : route.parent} · Operations`;
    case "operation":
      return `${route.name.slice(route.name.lastIndexOf("/") + 1).slice(0, 8)} · Operations`;
    case "start":
      return "Start · Operations";
    case "unknown":
      return "Operations";
    default:
      return route satisfies never;
  }
}

/** The hash holds the page's address, so the link must not change it. */
function skipToMain(event: Event): void {
  event.preventDefault();
  const main = document.querySelector<HTMLElement>("#main");
  main?.setAttribute("tabindex", "-1");
  main?.focus();
}

const KEYS: readonly (readonly [string, string])[] = [
  ["/", "Filter"],
  ["p", "Parent"],
  ["j, k or ↓, ↑", "Next, previous row"],
  ["Enter", "Open the row"],
  ["u", "Up to the list"],
  ["s", "Start an operation"],
  ["?", "These keys"],
];

/** @returns takes the keys away again */
function keys(onHelp: () => void): () => void {
  const press = (event: KeyboardEvent) => {
    const { target } = event;
    const isTyping = target instanceof HTMLElement && target.matches("input, textarea, select");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const field = document.querySelector<HTMLElement>(`[data-shortcut="${CSS.escape(event.key)}"]`);
    const rows = document.querySelectorAll<HTMLElement>(".row-link");
    if (field instanceof HTMLAnchorElement) field.click();
    else if (field) field.focus();
    else if (event.key === "?") onHelp();
    else if (event.key === "u") {
      const route = routeFromHash(location.hash);
      if (route.page !== "operation") return;
      go({ page: "list", parent: parentOf(route.name), filter: "" });
    } else if (
      (event.key === "j" || event.key === "k") &&
      !(target instanceof HTMLElement && target.closest("table"))
    ) {
      rows[0]?.focus();
    } else return;
    event.preventDefault();
  };
  addEventListener("keydown", press);
  return () => removeEventListener("keydown", press);
}

function Keys({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl class="facts">
        {KEYS.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <div class="dialog-buttons">
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
