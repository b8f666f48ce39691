// The fetch door: routes, the gate, and one form for every error (AIP-193).
import { type IRequest, Router } from "itty-router";
import { MAX_QUOTED_CHARACTERS } from "../limits";
import type { Method } from "../operation/define-method";
import { RpcError } from "../rpc/error";
import type { ServiceContext } from "./call";
import { errorResponse } from "./error-response";
import { JSON_TYPE } from "./media-type";
import { locationsRoutes } from "./locations-routes";
import { routeFromMethod } from "./method-routes";
import { operationsRoutes } from "./operations-routes";
import { RequestBody } from "./request-body";
import { type CompiledRoute, compileRoutes, matchRoute } from "./route";

/** What the router carries from stage to stage of one request. */
interface Exchange {
  service: () => ServiceContext;
  url: URL;
  body: RequestBody;
  requestId: string;
}

/** The fetch handler of a deployment with these methods. */
export function httpDoor(methods: Iterable<Method>) {
  // A method's own route comes first: `POST /v1/echo:wait` is no operation's.
  const compiled = compileRoutes([...Array.from(methods, routeFromMethod), ...operationsRoutes, ...locationsRoutes]);
  const router = Router<IRequest, [Exchange, Request]>({
    routes: [
      ["GET", /^\/healthz$/, [() => healthy()], "/healthz"],
      ["HEAD", /^\/healthz$/, [() => healthy()], "/healthz"],
      ...compiled.flatMap((route) => routerEntries(route)),
      ["ALL", /^/, [(_: IRequest, exchange: Exchange, request: Request) => refuse(compiled, exchange, request)], "*"],
    ],
    catch: (error: unknown, _request: IRequest, exchange: Exchange) => answerError(error, exchange),
  });
  /** `service` is called once the request is known to be for the API; what it throws is answered too. */
  return async (request: Request, service: () => ServiceContext): Promise<Response> => {
    const exchange: Exchange = {
      service,
      url: new URL(request.url),
      body: new RequestBody(request),
      requestId: request.headers.get("cf-ray") ?? crypto.randomUUID(),
    };
    const response = (await router.fetch(request, exchange, request)) as Response;
    await exchange.body.drain();
    if (request.method !== "HEAD") return response;
    await response.body?.cancel();
    return new Response(null, response);
  };
}

function healthy(): Response {
  return new Response('{"status":"SERVING"}', { headers: { "Content-Type": JSON_TYPE } });
}

type RouterHandler = (request: IRequest, exchange: Exchange, original: Request) => Promise<Response | undefined>;
type RouterEntry = [string, RegExp, RouterHandler[], string];

function routerEntries(compiled: CompiledRoute): RouterEntry[] {
  const { route, version, template } = compiled;
  const handler: RouterHandler = async (_request, exchange, original) => {
    const encodedVariables = matchRoute(compiled, exchange.url.pathname);
    if (!encodedVariables) return undefined;
    const service = exchange.service();
    service.gate();
    const { url, body } = exchange;
    return route.handler({ request: original, url, body, version, encodedVariables, service });
  };
  // HEAD answers as GET, without the body.
  const methods = route.method === "GET" ? ["GET", "HEAD"] : [route.method];
  return methods.map((method) => [method, template.regexp, [handler], template.template]);
}

/** What no route took: 405 where the path is known under other methods, 404 where it is not. */
function refuse(compiled: readonly CompiledRoute[], { url }: Exchange, { method }: Request): never {
  const path = url.pathname.slice(0, MAX_QUOTED_CHARACTERS);
  const known = compiled.filter((route) => matchRoute(route, url.pathname)).map(({ route }) => route.method);
  if (known.length === 0 && url.pathname !== "/healthz") {
    throw new RpcError("NOT_FOUND", `No method is served at ${JSON.stringify(path)}.`, {
      reason: "ROUTE_NOT_FOUND",
      metadata: { path },
    });
  }
  const allow = [...new Set(known.length === 0 ? ["GET"] : known)].flatMap((name) =>
    name === "GET" ? ["GET", "HEAD"] : [name],
  );
  throw new RpcError("UNIMPLEMENTED", `${JSON.stringify(path)} takes ${allow.join(", ")}, not ${method}.`, {
    reason: "METHOD_NOT_ALLOWED",
    httpStatus: 405,
    headers: { Allow: allow.join(", ") },
    metadata: { method, allow: allow.join(", ") },
  });
}

function answerError(thrown: unknown, { url, requestId }: Exchange): Response {
  const error = RpcError.from(thrown);
  if (error.code === "INTERNAL" || error.cause !== undefined) {
    const { cause } = error;
    const inner = cause instanceof Error ? (cause.stack ?? cause.message) : cause;
    console.error({ message: error.message, requestId, reason: error.reason, path: url.pathname, error: inner });
  }
  return errorResponse(error, { domain: url.hostname, requestId });
}
