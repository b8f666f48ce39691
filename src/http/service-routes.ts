// All routes of a deployment: what is served is what is described, since both are made of this table.
import type { Method } from "../method/define-method";
import { apiKeysRoutes } from "./api-keys-routes";
import { iamRoutes } from "./iam-routes";
import { locationsRoutes } from "./locations-routes";
import { routeFromMethod } from "./method-routes";
import { operationsRoutes } from "./operations-routes";
import { operatorRoutes } from "./operator-routes";
import type { Route } from "./route";

export function serviceRoutes(methods: readonly Method[]): Route[] {
  return [
    // A method's own route comes first: `POST /v1/echo:wait` is no operation's.
    ...Array.from(methods, routeFromMethod),
    ...operationsRoutes,
    ...operatorRoutes(methods),
    ...iamRoutes,
    ...locationsRoutes,
    ...apiKeysRoutes,
  ];
}
