// The targets, by name. Another needs its Worker and an adapter here, and nothing else.
import { eventually } from "../support/eventually.ts";
import { type Target, call, post } from "./target.ts";

/** How long a user of Workflows lets pass between two looks; the less, the sooner he knows and the more it costs. */
const POLL_MS = 10;

interface Operation {
  name: string;
  done: boolean;
  response?: { value: { echo: string } };
  error?: { code: number };
  metadata?: { value: { startTime?: string } };
}

/** google.rpc.Code. */
const CANCELLED = 1;

function echoOf({ done, response }: Operation): string | undefined {
  if (done && !response) throw new Error("an operation ended without a response");
  return response?.value.echo;
}

/** That it runs shows in its metadata. */
async function isRunning(url: string): Promise<boolean> {
  return (await call<Operation>(url)).metadata?.value.startTime !== undefined;
}

/** As `npm start` has it; the lease short, so that work is missed soon that died with its machine. */
const SERVICE_VARS = { AUTH: "open", RESEND_SECONDS: "3", LEASE_SECONDS: "5" };

/** The service as its users call it, with a method of test/bench/service. */
function adapterOf(verb: "echo" | "echoBriefly" | "echoDirectly"): Target["adapter"] {
  return (url) => ({
    start: async (request) => (await post<Operation>(`${url}/v1/projects/p/things:${verb}`, request)).name,
    get: async (name) => echoOf(await call<Operation>(`${url}/v1/${name}`)),
    wait: async (name) => {
      for (;;) {
        const echo = echoOf(await post<Operation>(`${url}/v1/${name}:wait`, { timeout: "60s" }));
        if (echo !== undefined) return echo;
      }
    },
    list: async () => {
      const page = await call<{ operations: Operation[] }>(`${url}/v1/projects/p/operations?pageSize=100`);
      return page.operations.map(({ name }) => name);
    },
    cancelled: async (name) => {
      await eventually(() => isRunning(`${url}/v1/${name}`));
      const waiting = post<Operation>(`${url}/v1/${name}:wait`, { timeout: "60s" });
      const time = performance.now();
      await post(`${url}/v1/${name}:cancel`, {});
      const { done, error } = await waiting;
      if (!done || error?.code !== CANCELLED) throw new Error("a cancelled operation did not end as cancelled");
      return performance.now() - time;
    },
  });
}

/** The service without the features that the floor lacks: log lines and snapshots in KV. */
const service: Target = {
  name: "service",
  config: "wrangler.toml",
  entry: "test/bench/service/worker.ts",
  vars: { ...SERVICE_VARS, KV_SNAPSHOTS: "off", LOG: "off" },
  hasSteps: true,
  holdsBy: "queue",
  adapter: adapterOf("echo"),
};

/** The same without the queue. */
const direct: Target = { ...service, name: "direct", holdsBy: "request", adapter: adapterOf("echoDirectly") };

/** Its operations expire a minute after their ends. */
export const shortLived: Target = { ...service, name: "short-lived", adapter: adapterOf("echoBriefly") };

const withAll: Target = { ...service, name: "snapshots and log", vars: SERVICE_VARS, hasSteps: false };

interface FloorRecord {
  result?: { echo: string };
}

const floor: Target = {
  name: "floor",
  config: "test/bench/floor/wrangler.toml",
  entry: "test/bench/floor/worker.ts",
  vars: {},
  holdsBy: "queue",
  adapter: (url) => ({
    start: async (request) => (await post<{ id: string }>(`${url}/start`, request)).id,
    get: async (id) => (await call<FloorRecord>(`${url}/get/${id}`)).result?.echo,
    wait: async (id) => {
      for (;;) {
        const { result } = await call<FloorRecord>(`${url}/wait/${id}`);
        if (result) return result.echo;
      }
    },
    list: async () => (await call<{ id: string }[]>(`${url}/list`)).map(({ id }) => id),
    cancelled: undefined,
  }),
};

/** The floor with the service's promises, for budgets that the bare floor makes unreachable. */
const floorWithPromises: Target = {
  ...floor,
  name: "floor with promises",
  config: "test/bench/floor-with-promises/wrangler.toml",
  entry: "test/bench/floor-with-promises/worker.ts",
};

/** The same promises without the queue. */
const floorDirect: Target = {
  ...floor,
  name: "direct floor",
  config: "test/bench/floor-direct/wrangler.toml",
  entry: "test/bench/floor-direct/worker.ts",
  holdsBy: "request",
};

interface InstanceStatus {
  status: string;
  output?: { echo: string } | null;
}

const workflows: Target = {
  name: "workflows",
  config: "test/bench/workflows/wrangler.toml",
  entry: "test/bench/workflows/worker.ts",
  vars: {},
  hasSteps: true,
  holdsBy: "request",
  adapter: (url) => {
    const get = async (id: string): Promise<string | undefined> => {
      const { status, output } = await call<InstanceStatus>(`${url}/get/${id}`);
      if (status === "errored" || status === "terminated") throw new Error(`the instance ${id} is ${status}`);
      return status === "complete" ? output?.echo : undefined;
    };
    return {
      start: async (request) => (await post<{ id: string }>(`${url}/start`, request)).id,
      get,
      wait: async (id) => {
        for (;;) {
          const echo = await get(id);
          if (echo !== undefined) return echo;
          // There is nothing to wait on: this is what its users do.
          await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        }
      },
      list: undefined,
      cancelled: undefined,
    };
  },
};

export const TARGETS: readonly Target[] = [service, direct, withAll, floor, floorWithPromises, floorDirect, workflows];
