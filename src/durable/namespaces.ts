// The namespaces of the objects: bound under their names, or, without a binding, those of the classes that the Worker exports.
// https://developers.cloudflare.com/workers/runtime-apis/context/#exports
import * as platform from "cloudflare:workers";
import { OBJECT_CLASSES } from "../platform/configuration";

/** A class without storage, because no migration names it, is exported as a class and not as a namespace. */
export function isNamespace(value: unknown): boolean {
  return typeof (value as Partial<DurableObjectNamespace> | undefined)?.getByName === "function";
}

const completed = new WeakMap<object, object>();

/**
 * The environment with every namespace that can be reached. A bound namespace wins. One that is neither bound nor
 * exported stays missing, and the check of the set-up says so.
 */
export function withNamespaces<E extends object>(env: E): E {
  const known = completed.get(env);
  if (known) return known as E;
  // Runtimes without the flag enable_ctx_exports, and Node, have no `exports`.
  const { exports: exported = {} } = platform as { exports?: Record<string, unknown> };
  const unbound = Object.entries(OBJECT_CLASSES).filter(
    ([binding, className]) => Reflect.get(env, binding) === undefined && isNamespace(exported[className]),
  );
  const found = Object.fromEntries(unbound.map(([binding, className]) => [binding, exported[className]]));
  const complete = unbound.length === 0 ? env : { ...env, ...found };
  completed.set(env, complete);
  return complete;
}
