// The service, and beside it what the benchmark of lists needs: indexes that are filled at once and count what they read.
import type { Env } from "../../src/env";
import { OperationIndex as DeployedOperationIndex, operations } from "../../src/index";
import { operationIndexName } from "../../src/durable/index/index-name";
import { createSchema } from "../../src/durable/index/index-sql";
import { sealPageToken } from "../../src/service/page-token";

export { DirectoryObject, KeyObject, OperationObject, PolicyObject, RequestObject, SlotsObject } from "../../src/index";

const service = operations({ methods: [] });

export interface Filling {
  scope: string;
  shards: number;
  /** Operations, of all shards together. */
  count: number;
}

export interface Pages {
  /** A list, as a path with its query. */
  path: string;
  /** How many times it is asked for. */
  times: number;
  scope: string;
  shards: number;
}

export interface PagesAnswer {
  /** Operations on the page. */
  operations: number;
  /** Rows read of all shards for one page, as the platform counts them. */
  rowsRead: number;
}

/** The newest operation of a filling was created then, and each older one a second before. */
const NEWEST_CREATE_TIME = Date.UTC(2026, 0, 1);
const STRUCT = "type.googleapis.com/google.protobuf.Struct";
const BLOCK = 20_000;

interface BenchEnv extends Env {
  INDEX: DurableObjectNamespace<OperationIndex>;
}

export class OperationIndex extends DeployedOperationIndex {
  readonly #storage: DurableObjectStorage;
  #rowsRead = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#storage = ctx.storage;
    const { sql } = ctx.storage;
    const exec = sql.exec.bind(sql);
    sql.exec = ((query: string, ...values: SqlStorageValue[]) => {
      const cursor = exec(query, ...values);
      const toArray = cursor.toArray.bind(cursor);
      cursor.toArray = () => {
        const rows = toArray();
        this.#rowsRead += cursor.rowsRead;
        return rows;
      };
      return cursor;
    }) as typeof sql.exec;
  }

  /** Rows as the service writes them; one in ten runs, and one in ten has `env: staging`, another. */
  async fill({ scope, shards, count }: Filling, shard: number): Promise<void> {
    const { sql } = this.#storage;
    createSchema(sql);
    const own = Math.ceil((count - shard) / shards);
    for (let first = 0; first < own; first += BLOCK) {
      sql.exec(
        `WITH RECURSIVE numbers(own, n) AS (
           SELECT ${first}, ${first} * ${shards} + ${shard} UNION ALL
           SELECT own + 1, n + ${shards} FROM numbers WHERE own + 1 < ${Math.min(own, first + BLOCK)}),
         ids(n, id) AS MATERIALIZED (SELECT n, lower(hex(randomblob(32))) FROM numbers)
         INSERT INTO operations (create_time, id, parent, done, revision, due_time, operation, facts)
         SELECT ${NEWEST_CREATE_TIME} - n * 1000, id, ?1, n % 10 != 0, 3, 9000000000000,
           '{"name":"' || ?1 || '/operations/' || id || '","metadata":{"@type":"${STRUCT}","value":{"createTime":'
           || '"2026-01-01T00:00:00Z","target":"tables/t","verb":"profile","statusMessage":"Done.","rows":' || n
           || ',"env":"' || CASE n % 10 WHEN 5 THEN 'staging' ELSE 'production' END || '"}},"done":'
           || CASE n % 10 WHEN 0 THEN 'false}' ELSE 'true,"response":{"@type":"${STRUCT}","value":{"ok":true}}}' END,
           '{"startTime":1767225600000,"target":"tables/t","verb":"profile","requestedCancellation":false}'
         FROM ids`,
        scope,
      );
    }
  }

  /** Rows read since the last time it was asked. */
  async takeRowsRead(): Promise<number> {
    const rowsRead = this.#rowsRead;
    this.#rowsRead = 0;
    return rowsRead;
  }
}

export default {
  async fetch(request: Request, env: BenchEnv): Promise<Response> {
    const { pathname } = new URL(request.url);
    const shardsOf = ({ scope, shards }: Pick<Filling, "scope" | "shards">) =>
      Array.from({ length: shards }, (_, shard) => env.INDEX.getByName(operationIndexName(scope, shard)));
    if (pathname === "/bench/fill") {
      const filling = await request.json<Filling>();
      const stubs = shardsOf(filling);
      for (const [shard, stub] of stubs.entries()) await stub.fill(filling, shard);
      await stubs[0]?.registerShard(filling.shards - 1);
      return new Response();
    }
    if (pathname === "/bench/token") {
      const { scope, filter, createTime } = await request.json<{ scope: string; filter: string; createTime: number }>();
      const key = env.PAGE_TOKEN_KEYS ?? "";
      return new Response(await sealPageToken({ createTime, id: "" }, { parent: scope, filter }, [key]));
    }
    if (pathname === "/bench/pages") return answerPages(await request.json<Pages>(), env, shardsOf);
    return new Response(null, { status: 404 });
  },
} satisfies ExportedHandler<BenchEnv>;

async function answerPages(
  { path, times, ...filling }: Pages,
  env: BenchEnv,
  shardsOf: (filling: Pick<Filling, "scope" | "shards">) => DurableObjectStub<OperationIndex>[],
): Promise<Response> {
  let count = 0;
  for (let n = 0; n < times; n += 1) {
    const response = await service.fetch(new Request(`https://operations.example${path}`), env);
    const page = await response.json<{ operations?: unknown[] }>();
    if (!page.operations) return Response.json(page, { status: 500 });
    count = page.operations.length;
  }
  const read = await Promise.all(shardsOf(filling).map((stub) => stub.takeRowsRead()));
  const rowsRead = read.reduce((sum, rows) => sum + rows, 0) / times;
  return Response.json({ operations: count, rowsRead } satisfies PagesAnswer);
}
