// Signing in: a bearer token, an API key, or nothing where the deployment knows the caller by a cookie.
import { useState } from "preact/hooks";
import type { ApiError } from "./api/call";
import { type Credentials, forgetCredentials, saveCredentials, savedCredentials } from "./api/credentials";
import { Dialog } from "./parts/dialog";
import { ErrorNote } from "./parts/error-note";

interface SignInProps {
  error: ApiError | undefined;
  onClose: () => void;
  /** The credentials have changed: everything is read again with them. */
  onChanged: () => void;
}

export function SignIn({ error, onClose, onChanged }: SignInProps) {
  const saved = savedCredentials(sessionStorage, localStorage);
  const [kind, setKind] = useState<Credentials["kind"]>(saved?.kind ?? "bearer");
  const [secret, setSecret] = useState("");
  const [keep, setKeep] = useState(false);
  const apply = () => {
    // A pasted header holds its scheme.
    const bare = secret.trim().replace(/^bearer\s+/i, "");
    if (bare === "") return;
    saveCredentials({ kind, secret: bare }, { tab: sessionStorage, kept: localStorage, keep });
    onChanged();
  };
  return (
    <Dialog title="Sign in" onClose={onClose}>
      {error === undefined ? null : <ErrorNote error={error} />}
      <p class="faint">
        The console calls the API as you, and may do what you may. Where you are signed in to this site by a cookie,
        there is nothing to enter: sign in there, and try again.
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          apply();
        }}
      >
        <fieldset class="plain">
          <legend class="sr-only">Kind of credentials</legend>
          <div class="radios">
            <label>
              <input type="radio" name="kind" checked={kind === "bearer"} onChange={() => setKind("bearer")} />
              Bearer token
            </label>
            <label>
              <input type="radio" name="kind" checked={kind === "apiKey"} onChange={() => setKind("apiKey")} />
              API key
            </label>
          </div>
        </fieldset>
        <div class="field">
          <label for="secret">{kind === "bearer" ? "Token" : "Key"}</label>
          <input
            id="secret"
            class="mono"
            type="password"
            autocomplete="off"
            spellcheck={false}
            value={secret}
            onInput={({ currentTarget }) => setSecret(currentTarget.value)}
          />
        </div>
        <label class="check">
          <input type="checkbox" checked={keep} onChange={({ currentTarget }) => setKeep(currentTarget.checked)} />
          Keep it in this browser. Otherwise it is gone with this tab.
        </label>
        <div class="dialog-buttons">
          {saved === undefined ? null : (
            <button
              type="button"
              onClick={() => {
                forgetCredentials(sessionStorage, localStorage);
                onChanged();
              }}
            >
              Sign out
            </button>
          )}
          <span class="spacer" />
          <button type="button" onClick={onClose}>
            Close
          </button>
          {error === undefined ? null : (
            <button type="button" onClick={onChanged}>
              Try again
            </button>
          )}
          <button type="submit" class="primary" disabled={secret.trim() === ""}>
            Sign in
          </button>
        </div>
      </form>
    </Dialog>
  );
}
