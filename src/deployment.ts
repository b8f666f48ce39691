// operations(): the handlers of a Worker that serves declared methods. The composition root.
import * as platform from "cloudflare:workers";
import { bulkMethods } from "./api/bulk";
import { issuersFromEnv } from "./authentication/config";
import { type Authenticate, ownPrincipal } from "./authentication/own-caller";
import { bulkPorts } from "./bulk-ports";
import { configFromEnv } from "./config";
import { sweep } from "./cron/sweep";
import { withNamespaces } from "./durable/namespaces";
import type { DeploymentEnv, Env } from "./env";
import { type DoorPorts, httpDoor } from "./http/door";
import type { MakeFace } from "./http/face";
import type { RequestLine } from "./http/request-line";
import type { Method } from "./method/define-method";
import { checkOptions } from "./method/declaration-check";
import { SWEEP_CRON } from "./platform/configuration";
import { queueConsumer } from "./queue/consumer";
import { deployMethods } from "./queue/operation-runner";
import { newDeploymentMemory, serviceContext } from "./request-context";
import { misconfigured } from "./rpc/error";
import type { ConditionServing } from "./conditions";
import type { DecodeScript } from "./service/emulation";
import { setupCheck } from "./setup";
import { type Location, checkLocations } from "./service/locations";
import type { WebhookServing } from "./webhook-serving";

/** The options of a deployment. `Bindings`: the environment that your own handlers take. */
export interface OperationsOptions<Bindings = DeploymentEnv> {
  methods: readonly Method[];
  /** The locations that parents may name, and where their operations live. Default: any location may be named. */
  locations?: readonly Location[];
  /**
   * Your own login: identifies the caller of a request before anything else is done for it. Where it returns undefined, the
   * credentials that AUTH configures are looked at (docs/access.md).
   */
  authenticate?(this: void, request: Request, env: Bindings): ReturnType<Authenticate<Bindings>>;
  /** Serves the methods to agents at `POST /mcp`: `mcp()` of `edge-operations/mcp` (docs/agents.md). */
  mcp?: MakeFace | undefined;
  /** Webhooks: `webhooks()` of `edge-operations/webhooks` (docs/webhooks.md). Without it the deployment serves no webhooks. */
  webhooks?: WebhookServing | undefined;
  /** Policies with conditions: `conditions()` of `edge-operations/conditions` (docs/access.md). */
  conditions?: ConditionServing | undefined;
  /** Scripted operations, to test clients: `emulation()` of `edge-operations/emulation` (docs/emulation.md). */
  emulation?: DecodeScript | undefined;
  /** Your own handler of requests. It gets those whose path the library does not serve; without it they are errors. */
  fetch?: OwnHandlers<Bindings>["fetch"] | undefined;
  /**
   * The handler of your own queues' messages. This Worker has one queue handler, the library's: it takes the messages that
   * name an operation, and hands this one all the others, a batch of them alone unchanged. Without it they are retried,
   * never acknowledged.
   */
  queue?: OwnHandlers<Bindings>["queue"] | undefined;
  /**
   * The handler of your own crons. It gets every cron event but the library's, which is known by its text, the one of the
   * sweep every five minutes. Without it, each event runs the sweep.
   */
  scheduled?: OwnHandlers<Bindings>["scheduled"] | undefined;
}

/** Handlers as the runtime calls them. They are methods, whose parameters may have narrower types of your own. */
interface OwnHandlers<Bindings> {
  fetch(this: void, request: Request, env: Bindings, ctx: ExecutionContext): Response | Promise<Response>;
  queue(this: void, batch: MessageBatch, env: Bindings, ctx: ExecutionContext): void | Promise<void>;
  scheduled(this: void, controller: ScheduledController, env: Bindings, ctx: ExecutionContext): void | Promise<void>;
}

/** The handlers of a Worker, for its default export. */
export interface OperationsWorker {
  /** `ctx` is for your own handler. */
  fetch(this: void, request: Request, env: DeploymentEnv, ctx?: ExecutionContext): Promise<Response>;
  queue(this: void, batch: MessageBatch, env: DeploymentEnv, ctx: ExecutionContext): Promise<void>;
  scheduled(this: void, controller: ScheduledController, env: DeploymentEnv, ctx?: ExecutionContext): Promise<void>;
  /** For tools that describe the deployment (`edge-operations proto`); the runtime does not look at it. */
  methods: readonly Method[];
}

/**
 * The handlers of a Worker that serves these methods and google.longrunning.Operations.
 *
 * @throws TypeError where two methods, or two locations, have one id, when the Worker starts.
 */
export function operations<Bindings = DeploymentEnv>(options: OperationsOptions<Bindings>): OperationsWorker {
  checkOperationsOptions(options);
  // The runtime gives every handler the one environment that the deployment has.
  const {
    methods,
    locations = [],
    authenticate,
    mcp,
    webhooks,
    emulation,
    ...own
  } = options as unknown as OperationsOptions;
  const locationById = uniqueById("location", locations, ({ locationId }) => locationId);
  const methodById = uniqueById("method", methods, ({ id }) => id);
  const bulk = bulkMethods(() => bulkPorts(ownEnv(), { methods: methodById, locations: locationById }));
  const served = [...methods, ...bulk];
  const servedById = uniqueById("method", served, ({ id }) => id);
  deployMethods(servedById, locationById);
  const door = httpDoor(served, webhooks?.rows);
  const face = mcp?.(methods);
  const setup = setupCheck(methods, (env) => {
    webhooks?.checkSetup(env);
    if (configFromEnv(env).emulation && !emulation)
      throw misconfigured("EMULATION", 'needs operations({ emulation: emulation() }) of "edge-operations/emulation"');
  });
  const memory = newDeploymentMemory({ webhooks, emulation });
  const consumeWork = queueConsumer(servedById, locationById, own.queue);
  const consume = webhooks ? webhooks.consumer(consumeWork) : consumeWork;
  return {
    fetch: (request, bindings, ctx) => {
      const env = complete(bindings);
      const ports: DoorPorts = {
        cors: () => {
          const { corsOrigins, corsCredentials } = configFromEnv(env);
          return { origins: corsOrigins, credentials: corsCredentials };
        },
        service: async (asked, requestId, permission) => {
          await setup.beforeCall(env, configFromEnv(env));
          return serviceContext(
            { request: asked, env, locations: locationById, requestId, permission, memory },
            // The request object that the Worker got, so that a middleware before it can know the caller by it.
            authenticate && (() => ownPrincipal(authenticate, request, env)),
          );
        },
        checkSetup: async () => setup.health(env, configFromEnv(env)),
        other: own.fetch && (() => own.fetch!(request, bindings, ctx)),
        log: requestLog(env),
      };
      return face?.(request, { ...ports, door, issuers: () => issuersFromEnv(env) }) ?? door(request, ports);
    },
    queue: (batch, env, ctx) => consume(batch, complete(env), ctx),
    scheduled: async (controller, env, ctx) => {
      if (own.scheduled && controller.cron !== SWEEP_CRON) await own.scheduled(controller, env, ctx);
      else await sweep(controller, complete(env));
    },
    methods: served,
  } satisfies ExportedHandler<DeploymentEnv> & Pick<OperationsOptions, "methods">;
}

const OPTIONS: Record<keyof Required<OperationsOptions>, true> = {
  methods: true,
  locations: true,
  authenticate: true,
  mcp: true,
  webhooks: true,
  conditions: true,
  emulation: true,
  fetch: true,
  queue: true,
  scheduled: true,
};

/** Every namespace is there, or the check of the set-up names the one that is missing. */
function complete(env: DeploymentEnv): Env {
  return withNamespaces(env) as Env;
}

/** The environment of a method of the service's own: a handler is given none. */
function ownEnv(): Env {
  const { env }: { env: object } = platform;
  return complete(env as DeploymentEnv);
}

/** JavaScript is checked as TypeScript is. */
function checkOperationsOptions(options: unknown): void {
  checkOptions("operations()", options, OPTIONS);
  const { methods, locations, fetch, queue, scheduled, authenticate, mcp, emulation } = options as Record<
    string,
    unknown
  >;
  if (!Array.isArray(methods)) {
    throw new TypeError(
      "operations() takes { methods: [...] }, a list of what defineMethod has made; [] serves work done elsewhere alone",
    );
  }
  const index = methods.findIndex((method: Partial<Method> | undefined) => typeof method?.prepare !== "function");
  if (index >= 0) throw new TypeError(`operations(): methods[${index}] is not what defineMethod makes`);
  checkLocations(locations);
  checkHandler("fetch", fetch, "(request, env, ctx), the handler of your own requests");
  checkHandler("queue", queue, "(batch, env, ctx), the handler of your own queues");
  checkHandler("scheduled", scheduled, "(controller, env, ctx), the handler of your own crons");
  checkHandler("mcp", mcp, "that mcp() of edge-operations/mcp makes");
  checkHandler("emulation", emulation, "that emulation() of edge-operations/emulation makes");
  if (authenticate !== undefined && typeof authenticate !== "function") {
    throw new TypeError(
      "operations(): authenticate must be a function (request, env) that returns { id, members }, or undefined",
    );
  }
}

function checkHandler(option: string, handler: unknown, what: string): void {
  if (handler === undefined || typeof handler === "function") return;
  throw new TypeError(`operations(): ${option} must be a function ${what}`);
}

function uniqueById<T>(what: string, items: readonly T[], idOf: (item: T) => string): ReadonlyMap<string, T> {
  const byId = new Map(items.map((item) => [idOf(item), item]));
  if (byId.size === items.length) return byId;
  throw new TypeError(`two ${what}s have one id: ${items.map(idOf).join(", ")}`);
}

function requestLog({ LOG = "" }: Pick<Env, "LOG">): (line: RequestLine) => void {
  if (LOG === "off" || LOG === "transitions") return () => {};
  return (line) => (line.status >= 500 ? console.warn(line) : console.log(line));
}
