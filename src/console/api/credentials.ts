// The caller's credentials in this browser. They stay in the tab (sessionStorage) unless the caller asks to keep them.

export type Credentials = { kind: "bearer" | "apiKey"; secret: string };

/** The part of the Web Storage API that is used, so that tests bring their own. */
export type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

const KEY = "edge-operations.credentials";

export function savedCredentials(tab: Store, kept: Store): Credentials | undefined {
  return credentialsFromText(tab.getItem(KEY)) ?? credentialsFromText(kept.getItem(KEY));
}

export function saveCredentials(
  credentials: Credentials,
  { tab, kept, keep }: { tab: Store; kept: Store; keep: boolean },
) {
  forgetCredentials(tab, kept);
  (keep ? kept : tab).setItem(KEY, JSON.stringify(credentials));
}

export function forgetCredentials(tab: Store, kept: Store): void {
  tab.removeItem(KEY);
  kept.removeItem(KEY);
}

function credentialsFromText(text: string | null): Credentials | undefined {
  try {
    const { kind, secret } = JSON.parse(text ?? "{}") as Partial<Credentials>;
    if ((kind === "bearer" || kind === "apiKey") && typeof secret === "string") return { kind, secret };
  } catch {
    // Another page of this origin wrote it. It is no credential.
  }
  return undefined;
}

export function credentialHeaders(credentials: Credentials | undefined): Record<string, string> {
  if (credentials === undefined) return {};
  return credentials.kind === "bearer"
    ? { Authorization: `Bearer ${credentials.secret}` }
    : { "x-goog-api-key": credentials.secret };
}
