// The table of all methods that a deployment serves. The served methods are the described ones, because both are made
// of it.
import type { Method } from "../method/define-method";
import { apiKeys } from "./api-keys";
import { declaredMethod } from "./declared-method";
import { iamPolicy } from "./iam-policy";
import { locations } from "./locations";
import type { ApiMethod } from "./method";
import { operationMethods } from "./operations";
import { operators } from "./operators";

export function apiMethods(methods: readonly Method[]): ApiMethod[] {
  return [
    // A method's own row comes first: `POST /v1/echo:wait` is no operation's.
    ...Array.from(methods, declaredMethod),
    ...operationMethods,
    ...operators(methods),
    ...iamPolicy,
    ...locations,
    ...apiKeys,
  ];
}
