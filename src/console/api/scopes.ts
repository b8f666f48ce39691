// The parents under which operations are found: those of the scopes that the service knows, for callers who may ask
// (GET /v1/scopes), and those that the declared methods start operations under.
import { useEffect, useState } from "preact/hooks";
import { call, pathOf } from "./call";
import { declaredMethods, parentOfMethod } from "./openapi";

const MAX_SCOPES = 50;

async function knownScopes(): Promise<readonly string[]> {
  const { scopes = [] } = await call<{ scopes?: { name: string }[] }>(pathOf("scopes", { pageSize: MAX_SCOPES }));
  return scopes.map(({ name }) => name).filter((name) => name !== "operations");
}

let asked: Promise<readonly string[]> | undefined;

async function parents(): Promise<readonly string[]> {
  const [scopes, methods] = await Promise.allSettled([knownScopes(), declaredMethods()]);
  const declared = methods.status === "fulfilled" ? methods.value.map(({ path }) => parentOfMethod(path)) : [];
  // Whether the caller may list across projects is the same question as whether it may name the scopes.
  const known = scopes.status === "fulfilled" ? [...declared, ...scopes.value] : [];
  const named = [...new Set(known)].filter((parent) => parent !== "");
  // Those of all projects first, the shortest before its parts.
  return [
    ...named.filter(isWildcard).sort((a, b) => a.length - b.length),
    ...named.filter((name) => !isWildcard(name)),
  ];
}

/** `projects/-`: of all projects. */
export function isWildcard(parent: string): boolean {
  return parent.split("/").includes("-");
}

/** Other credentials may see others. */
export function forgetParents(): void {
  asked = undefined;
}

export function useKnownParents(): readonly string[] {
  const [known, setKnown] = useState<readonly string[]>([]);
  useEffect(() => {
    asked ??= parents();
    void asked.then(setKnown);
  }, []);
  return known;
}
