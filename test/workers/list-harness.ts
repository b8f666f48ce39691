// Lists as clients ask for them, of a deployment whose variables and whose index a test decides; and what they cost.
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { Env } from "../../src/env";
import { createSchema } from "../../src/durable/index/index-sql";
import type { Json, JsonObject } from "../../src/rpc/any";
import type { OperationJson } from "./harness";
import worker, { type OperationIndex } from "./worker";

export interface ListPage {
  status: number;
  names: string[];
  operations: OperationJson[];
  nextPageToken: string | undefined;
  unreachable: string[] | undefined;
  /** The page in UTF-8. */
  bytes: number;
  error: JsonObject | undefined;
  /** Fields of the error's BadRequest. */
  fields: string[];
}

export interface DeploymentOptions {
  variables?: Partial<Env>;
  /** Whether a call to a shard, by its name (`projects/p#0`), fails. */
  fails?: (shard: string) => boolean;
}

/** The worker under test, deployed with these variables beside others over the same objects. */
export function aDeployment({ variables = {}, fails = () => false }: DeploymentOptions = {}) {
  const environment = { ...env, ...variables, INDEX: failing(env.INDEX, fails) } as Env;

  async function call(method: string, path: string, body?: Json): Promise<{ status: number; text: string }> {
    const init =
      body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const response = await worker.fetch(
      new Request(`https://operations.example${path}`, { method, ...init }),
      environment,
    );
    return { status: response.status, text: await response.text() };
  }

  async function mustCall(method: string, path: string, body?: Json): Promise<OperationJson> {
    const { status, text } = await call(method, path, body);
    if (status !== 200) throw new Error(`${method} ${path}: ${status} ${text}`);
    return JSON.parse(text) as OperationJson;
  }

  async function list(
    parent: string,
    query: Record<string, string | number | boolean | undefined> = {},
  ): Promise<ListPage> {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
    const collection = parent === "" ? "operations" : `${parent}/operations`;
    return pageFrom(await call("GET", `/v1/${collection}?${parameters.toString()}`));
  }

  return {
    call,
    list,
    /** An operation that somebody else works on. */
    async create(parent = "projects/p", metadata?: JsonObject): Promise<string> {
      const operation = metadata === undefined ? {} : { metadata: { "@type": STRUCT, value: metadata } };
      return (await mustCall("POST", `/v1/${parent}/operations`, { operation })).name;
    },
    async report(name: string, value: JsonObject): Promise<void> {
      await mustCall("PATCH", `/v1/${name}?updateMask=metadata`, { metadata: { "@type": STRUCT, value } });
    },
    async finish(name: string, value: JsonObject = {}): Promise<void> {
      await mustCall("PATCH", `/v1/${name}?updateMask=response`, { response: { "@type": STRUCT, value } });
    },
    async delete(name: string): Promise<void> {
      await mustCall("DELETE", `/v1/${name}`);
    },
    /** Every page, to the end. */
    async walk(parent: string, query: Record<string, string | number | undefined> = {}): Promise<ListPage[]> {
      const pages: ListPage[] = [];
      let pageToken: string | undefined;
      do {
        const page = await list(parent, { ...query, pageToken });
        if (page.status !== 200) throw new Error(JSON.stringify(page.error));
        pages.push(page);
        pageToken = page.nextPageToken;
      } while (pageToken !== undefined);
      return pages;
    },
  };
}

export type Deployment = ReturnType<typeof aDeployment>;

const STRUCT = "type.googleapis.com/google.protobuf.Struct";

export function pageFrom({ status, text }: { status: number; text: string }): ListPage {
  const {
    operations = [],
    nextPageToken,
    unreachable,
    error,
  } = JSON.parse(text) as {
    operations?: OperationJson[];
    nextPageToken?: string;
    unreachable?: string[];
    error?: JsonObject & { details: { fieldViolations?: { field: string }[] }[] };
  };
  return {
    status,
    names: operations.map(({ name }) => name),
    operations,
    nextPageToken,
    unreachable,
    bytes: new TextEncoder().encode(text).length,
    error,
    fields: error?.details.flatMap(({ fieldViolations = [] }) => fieldViolations.map(({ field }) => field)) ?? [],
  };
}

function failing(namespace: Env["INDEX"], fails: (shard: string) => boolean): Env["INDEX"] {
  const getByName = (name: string): DurableObjectStub<OperationIndex> => {
    const stub = namespace.getByName(name);
    return new Proxy(stub, {
      get: (target, property) =>
        property === "page"
          ? async (...parameters: Parameters<OperationIndex["page"]>) => {
              if (fails(name)) throw new Error(`${name} is out of reach`);
              return target.page(...parameters);
            }
          : (Reflect.get(target, property) as unknown),
    });
  };
  const byId = { get: namespace.get.bind(namespace), idFromString: namespace.idFromString.bind(namespace) };
  return { getByName, ...byId } as Env["INDEX"];
}

export function shardOf(scope: string, shard = 0): DurableObjectStub<OperationIndex> {
  return env.INDEX.getByName(`${scope}#${shard}`);
}

// ── Rows ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Rows by which to fill a shard in one statement; `n` counts from 1, and is the row's age in reverse. */
export interface Filling {
  count: number;
  /** The shard, where there are several: ids differ between them. */
  shard?: number;
  parent?: string;
  /** SQL over `n`: 1 for what is done. */
  done?: string;
  /** SQL over `n`: the metadata's Struct as JSON. */
  metadata?: string;
}

/** The oldest row of a filling was created then, and every next one a millisecond later. */
export const FIRST_CREATE_TIME = Date.UTC(2026, 0, 1);

/** Fills a shard with rows as the service writes them. */
export async function fillShard(
  stub: DurableObjectStub<OperationIndex>,
  { count, shard = 0, parent = "projects/p", done = "n % 10 != 0", metadata = "json_object('n', n)" }: Filling,
): Promise<void> {
  await runInDurableObject(stub, (_instance, { storage }) => {
    createSchema(storage.sql);
    storage.sql.exec(
      `WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})
       INSERT INTO operations (create_time, id, parent, done, revision, due_time, operation, facts)
       SELECT ${FIRST_CREATE_TIME} + n, printf('%064x', n * 64 + ${shard}), ?1, ${done}, 1, 9000000000000,
         json_object('name', ?1 || '/operations/' || printf('%064x', n * 64 + ${shard}),
           'metadata', json_object('@type', '${STRUCT}', 'value', json(${metadata})),
           'done', json(CASE WHEN ${done} THEN 'true' ELSE 'false' END)),
         '{"target":"t","verb":"run","requestedCancellation":false}'
       FROM numbers`,
      parent,
    );
  });
}

/** The rows that a shard's statements have read and written, as the platform counts them. */
export interface Cost {
  rowsRead: number;
  rowsWritten: number;
  /** Calls of setAlarm: a row written each. */
  alarms: number;
}

const costs = new WeakMap<SqlStorage, Cost>();

/** Counts from zero; what it gives goes on counting. */
export async function countCost(stub: DurableObjectStub<OperationIndex>): Promise<Cost> {
  return runInDurableObject(stub, (_instance, { storage }) => {
    const cost = costs.get(storage.sql) ?? watched(storage);
    costs.set(storage.sql, cost);
    return Object.assign(cost, { rowsRead: 0, rowsWritten: 0, alarms: 0 });
  });
}

function watched(storage: DurableObjectStorage): Cost {
  const cost = { rowsRead: 0, rowsWritten: 0, alarms: 0 };
  const { sql } = storage;
  const exec = sql.exec.bind(sql);
  sql.exec = ((query: string, ...values: SqlStorageValue[]) => {
    const cursor = exec(query, ...values);
    // A statement that gives no rows is over; any other is, once its rows were taken.
    cost.rowsWritten += cursor.rowsWritten;
    for (const method of ["toArray", "one"] as const) {
      const take = cursor[method].bind(cursor) as () => never;
      cursor[method] = () => {
        const taken = take();
        cost.rowsRead += cursor.rowsRead;
        return taken;
      };
    }
    return cursor;
  }) as typeof sql.exec;
  const setAlarm = storage.setAlarm.bind(storage);
  storage.setAlarm = (...parameters) => {
    cost.alarms += 1;
    return setAlarm(...parameters);
  };
  return cost;
}
