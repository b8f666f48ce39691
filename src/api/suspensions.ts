// Suspensions: the points at which operations wait for somebody outside (docs/waiting.md).
import { getSuspension, listSuspensions, resolveSuspension } from "../service/suspensions";
import { type ApiMethod, apiMethod } from "./method";
import { JsonAnswer } from "./answer";
import {
  GetSuspensionRequest,
  ListSuspensionsRequest,
  ListSuspensionsResponse,
  ResolveSuspensionRequest,
  Suspension,
} from "./messages/suspensions";

export const suspensions: readonly ApiMethod[] = [
  apiMethod({
    name: "edge_operations.v1.Suspensions.ListSuspensions",
    description: "Lists the suspensions of an operation.",
    http: [{ method: "GET", template: "/{version}/{parent=**/operations/*}/suspensions" }],
    request: ListSuspensionsRequest,
    response: ListSuspensionsResponse,
    permission: "longrunning.operations.get",
    on: "operation",
    handle: async (_, { resource, service: { store } }) => new JsonAnswer(await listSuspensions(store, resource)),
  }),
  apiMethod({
    name: "edge_operations.v1.Suspensions.GetSuspension",
    description: "Gets a suspension.",
    http: [{ method: "GET", template: "/{version}/{name=**/operations/*/suspensions/*}" }],
    request: GetSuspensionRequest,
    response: Suspension,
    permission: "longrunning.operations.get",
    on: "operation",
    handle: async ({ name = "" }, { resource, service: { store } }) =>
      new JsonAnswer(await getSuspension(store, { operation: resource, name })),
  }),
  apiMethod({
    name: "edge_operations.v1.Suspensions.ResolveSuspension",
    description: "Answers a suspension. The first answer wins, even before the work reaches it.",
    http: [{ method: "POST", template: "/{version}/{name=**/operations/*/suspensions/*}:resolve", body: "*" }],
    request: ResolveSuspensionRequest,
    query: ["linkToken"],
    takesLink: "linkToken",
    response: Suspension,
    permission: "longrunning.operations.resolve",
    on: "operation",
    needsBody: true,
    handle: async ({ name = "", payload, linkToken }, { resource, service: { store, principal } }) => {
      const answer = { operation: resource, name, payload, linkToken, principal };
      return new JsonAnswer(await resolveSuspension(store, answer));
    },
  }),
];
