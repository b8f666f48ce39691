// The fetch door: the table of methods served, each row by the same steps, and one form for every answer and every error (AIP-193).
import { type IRequest, Router } from "itty-router";
import type { ServiceContext } from "../api/call";
import type { ApiMethod } from "../api/method";
import { apiMethods } from "../api/methods";
import { MAX_QUOTED_CHARACTERS } from "../limits";
import type { Method } from "../method/define-method";
import type { PresentedLink } from "../contract/suspension";
import type { StreamedInput } from "../contract/answer";
import type { Permission } from "../iam/permissions";
import { RpcError } from "../rpc/error";
import { checkWebhookConfig } from "../service/webhook-port";
import { askedPermission, authorize } from "./authorize";
import { type CorsRules, optionsResponse, withCors } from "./cors";
import { EventsAnswer } from "../api/answer";
import { decodeRequest } from "./decode-request";
import { errorResponse } from "./error-response";
import { eventsResponse } from "./event-stream";
import { type Page, descriptionPages, healthPage } from "./pages";
import { indentedJson, indentedResponse, responseFrom } from "./response";
import { refuseOtherBody, requestWithFormQuery } from "./form-query";
import { isMasked, maskOf, maskedResponse } from "./partial-response";
import { boolParameter, checkQueryText } from "./query";
import { RequestBody } from "./request-body";
import { namesFromVariables, resourceOf, targetFromPath } from "./path-names";
import { type RequestLine, type RequestNotes, notesFromPath, requestIdOf } from "./request-line";
import { type Route, compileRoutes, urlFromRequest, variablesOfMatch } from "./route";
import { verbFromPath } from "../aip/http-template";
import { checkPaths } from "./route-check";
import { streamedInput } from "./streamed-input";
import { type Known, methodsOfPath, unmatched } from "./unmatched";

export interface DoorPorts {
  cors(this: void): CorsRules;
  /**
   * Called once the request is known to be for the API; what it throws is answered. `permission`: what the method asks
   * operations for; undefined: it asks none.
   */
  service(this: void, request: Request, requestId: string, permission: Permission | undefined): Promise<ServiceContext>;
  /**
   * Throws where no call could succeed, because the deployment is set up wrongly. Resolves to faults that no call fails of.
   */
  checkSetup(this: void): Promise<readonly string[]>;
  /** Answers requests whose path nothing here serves; undefined: they are errors. */
  other?: ((this: void) => Response | Promise<Response>) | undefined;
  log(this: void, line: RequestLine): void;
}

interface Exchange {
  request: Request;
  ports: DoorPorts;
  url: URL;
  /** The method that is meant, which may come in X-HTTP-Method-Override. */
  method: string;
  body: RequestBody;
  requestId: string;
  /** For the log. */
  notes: RequestNotes;
}

/** `rows`: of what the deployment serves beside. */
export function httpDoor(methods: readonly Method[], rows: readonly ApiMethod[] = []) {
  const table = [...apiMethods(methods), ...rows];
  const routes = compileRoutes(table);
  checkPaths(routes);
  const known: Known = { routes, pages: [healthPage, ...descriptionPages(table)] };
  const routers = routersOf(known);
  return async (request: Request, ports: DoorPorts): Promise<Response> => {
    const url = urlFromRequest(request.url);
    if (ports.other && !isOwn(known, url.pathname)) return ports.other();
    const method = effectiveMethod(request);
    const requestId = requestIdOf(request);
    const startTime = Date.now();
    const exchange: Exchange = {
      request,
      ports,
      url,
      method,
      body: new RequestBody(request),
      requestId,
      notes: {},
    };
    const answered = await answer(known, routers, exchange).catch((error: unknown) => answerError(error, exchange));
    const response = withCors(request, answered, corsOf(ports));
    await exchange.body.drain();
    const { notes } = exchange;
    const durationMs = Date.now() - startTime;
    ports.log({ message: "request", requestId, method, ...notes, status: response.status, durationMs });
    if (method !== "HEAD") return response;
    await response.body?.cancel();
    return new Response(null, response);
  };
}

const NO_PARAMETERS = new URLSearchParams();

function isOwn(known: Known, path: string): boolean {
  return path !== "/" && methodsOfPath(known, path).length > 0;
}

/** The answer to a request: of a page, of the first row of the table that matches, or that nothing does. */
async function answer(known: Known, routers: DoorRouters, exchange: Exchange): Promise<Response> {
  const { method, url } = exchange;
  // HEAD answers as GET, without the body. The router is given no query, because its own reading of one takes time that
  // grows with the square of how often a parameter is repeated.
  const routed = { method: method === "HEAD" ? "GET" : method, url: url.origin + url.pathname } as IRequest;
  const router = routers.get(verbFromPath(url.pathname));
  const response = (await router?.fetch(routed, exchange)) as Response | undefined;
  if (response) return response;
  const takes = methodsOfPath(known, url.pathname);
  if (method === "OPTIONS" && takes.length > 0) return optionsResponse(exchange.request, takes);
  exchange.notes.resource = url.pathname.slice(0, MAX_QUOTED_CHARACTERS);
  throw unmatched(known, { method, path: url.pathname, takes });
}

type DoorRouters = ReturnType<typeof routersOf>;
type RouterHandler = (request: IRequest, exchange: Exchange) => Promise<Response | undefined>;
type RouterEntry = [method: string, path: RegExp, handlers: RouterHandler[], name: string];

/**
 * A router for each verb, so that a call is not compared with the templates of all others. The entries have regular expressions
 * of their own, because itty-router's syntax takes `:cancel` for a parameter.
 */
function routersOf({ routes, pages }: Known) {
  const byVerb = Map.groupBy(routes, ({ template }) => template.verb);
  const verbs = new Set(["", ...byVerb.keys()]);
  return new Map(
    Array.from(verbs, (verb) => {
      const entries = [...(verb === "" ? pages.map(entryOfPage) : []), ...(byVerb.get(verb) ?? []).map(entryOfRoute)];
      return [verb, Router<IRequest, [Exchange]>({ routes: entries })];
    }),
  );
}

function entryOfPage(page: Page): RouterEntry {
  return ["GET", page.path, [async (_, exchange) => respond(page, exchange)], page.path.source];
}

/** A path that the row does not take may be that of a later row. */
function entryOfRoute(route: Route): RouterEntry {
  const { binding, template } = route;
  const handler: RouterHandler = async ({ params }, exchange) => {
    if (exchange.method === "HEAD" && route.row.streams) return undefined;
    const encodedVariables = variablesOfMatch(route, params);
    return encodedVariables && serve(route, encodedVariables, exchange);
  };
  return [binding.method, template.regexp, [handler], template.template];
}

async function respond({ isOpen, respond: page }: Page, exchange: Exchange): Promise<Response> {
  const { request: sent, ports, method, body, requestId, notes } = exchange;
  const request = await requestWithFormQuery(sent, method, body);
  const url = urlFromRequest(request.url);
  notes.resource = url.pathname;
  // As for every call: refused where the deployment is closed, or the credentials are bad, and counted.
  if (!isOpen) notes.caller = callerOf(await ports.service(request, requestId, undefined));
  return page(url, ports.checkSetup);
}

/** A POST may stand for a method that something on its way does not let through. */
function effectiveMethod(request: Request): string {
  const override = request.method === "POST" ? request.headers.get("X-HTTP-Method-Override") : null;
  const method = override === null || override.trim() === "" ? request.method : override.trim().toUpperCase();
  // No method is longer: the rest would only go into the log and the answer.
  return method.slice(0, MAX_QUOTED_CHARACTERS);
}

/** A wrong configuration is the error of a call, not of its headers. */
function corsOf(ports: DoorPorts): CorsRules {
  try {
    return ports.cors();
  } catch (error) {
    console.error({ message: "the configuration is wrong", error: String(error) });
    return { origins: [], credentials: false };
  }
}

/** Serves a call whose path matches a row of the table: the same steps in the same order for every method. */
async function serve(
  { row, binding, version }: Route,
  encodedVariables: Readonly<Record<string, string>>,
  { request: sent, url, method, body, ports, requestId, notes }: Exchange,
): Promise<Response> {
  Object.assign(notes, { rpc: row.name }, notesFromPath(encodedVariables));
  const request = await requestWithFormQuery(sent, method, body);
  const meant = request === sent ? url : urlFromRequest(request.url);
  const { pathname, search } = meant;
  // The platform makes them where they are read.
  const searchParams = search === "" ? NO_PARAMETERS : meant.searchParams;

  // Authenticate.
  const service = await ports.service(request, requestId, askedPermission(row));
  notes.caller = callerOf(service);

  // Authorize. Nothing but the path is looked at before, and no body is read.
  const names = namesFromVariables(row, encodedVariables);
  const target = targetFromPath(pathname);
  const resource = resourceOf(row, names, target);
  const link = linkOf(row, { operation: resource, name: names["name"] ?? "", search: searchParams });
  await authorize(row, { service, resource, body, link, isMasked: isMasked(request, searchParams) });

  // Decode.
  await refuseOtherBody(sent, method, body);
  checkQueryText(search);
  const mask = maskOf(request, searchParams, row.response);
  const isIndented = prettyPrint(searchParams);
  const input = inputOf(row, { request, body, service, resource });
  const decoded = await decodeRequest(row, binding, { request, body, search: searchParams, names, resource, target });

  const { webhookConfig } = decoded.start.operationOptions;
  if (webhookConfig) checkWebhookConfig(service.webhooks, webhookConfig);

  // Handle.
  const handled = await row.handle(decoded.request as never, {
    service,
    resource,
    target,
    // `ui` is another door to `v1`.
    apiVersion: version === "ui" ? "v1" : version,
    headers: request.headers,
    request,
    start: decoded.start,
    sent: decoded.sent,
    input,
    inputProblem: () => body.problem,
    notes,
  });

  // Mask.
  if (handled instanceof EventsAnswer) return eventsResponse(handled, mask);
  const response = await responseFrom(handled, binding.method === "GET" ? request : undefined);
  if (response.status !== 200 || (!mask && !isIndented)) return response;
  if (!mask) return indentedResponse(response);
  return maskedResponse(response, mask, isIndented ? indentedJson : (json) => json);
}

/** The link by which a caller comes. */
function linkOf(
  row: ApiMethod,
  { operation, name, search }: { operation: string; name: string; search: URLSearchParams },
): PresentedLink | undefined {
  const linkToken = row.takesLink && search.get(row.takesLink);
  return linkToken ? { operation, id: name.slice(name.lastIndexOf("/") + 1), linkToken } : undefined;
}

function inputOf(row: ApiMethod, { request, body, service, resource }: InputSource): StreamedInput | undefined {
  if (row.on !== "parent" || !row.method?.input) return undefined;
  return streamedInput(request, body, row.method.input, { service, permission: row.permission, parent: resource });
}

interface InputSource {
  request: Request;
  body: RequestBody;
  service: ServiceContext;
  resource: string;
}

function callerOf({ principal }: ServiceContext): string {
  return principal.id || "anonymous";
}

/** Whether the answer is to be indented: only where it is asked for. */
function prettyPrint(search: URLSearchParams): boolean {
  const value = search.get("prettyPrint") ?? search.get("$prettyPrint");
  // The stock google-gax client sends `$prettyPrint=0`.
  if (value === "1" || value === "0") return value === "1";
  return boolParameter("prettyPrint", value ?? undefined) ?? false;
}

function answerError(thrown: unknown, { url, requestId, notes }: Exchange): Response {
  const error = RpcError.from(thrown);
  Object.assign(notes, { code: error.code, reason: error.reason });
  if (error.code === "INTERNAL" || error.cause !== undefined) {
    const { cause } = error;
    const inner = cause instanceof Error ? (cause.stack ?? cause.message) : cause;
    console.error({ message: error.message, requestId, reason: error.reason, path: url.pathname, error: inner });
  }
  return errorResponse(error, { domain: url.hostname, requestId });
}
