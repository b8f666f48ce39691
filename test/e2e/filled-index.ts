// An index that is filled at once with the rows of many operations, of which no objects exist: for a list that would take
// minutes to start.
import { operationIndexName } from "../../src/durable/index/index-name";
import { createSchema, upsertRow } from "../../src/durable/index/index-sql";
import { OperationIndex } from "../../src/durable/index/operation-index";
import type { IndexFacts, IndexRow } from "../../src/list/index-row";

/** Of `count` operations the newest `newest` failed with "disk full", and the oldest `oldest` with "quota". The others succeeded. */
export interface Filling {
  parent: string;
  count: number;
  newest: number;
  oldest: number;
}

const STEP_MS = 1_000;
const FAR_FUTURE = 9_000_000_000_000;

export class FilledIndex extends OperationIndex {
  async fill(filling: Filling, now: number): Promise<void> {
    const { sql } = this.ctx.storage;
    createSchema(sql);
    for (let n = 0; n < filling.count; n += 1) upsertRow(sql, rowOf(filling, n, now));
  }
}

/** POST /fill */
export async function fill(request: Request, env: { INDEX: DurableObjectNamespace<FilledIndex> }): Promise<Response> {
  const filling = await request.json<Filling>();
  await env.INDEX.getByName(operationIndexName(filling.parent, 0)).fill(filling, Date.now());
  return new Response(null, { status: 204 });
}

function rowOf({ parent, count, newest, oldest }: Filling, n: number, now: number): IndexRow {
  const id = n.toString(16).padStart(64, "0");
  const createTime = now - (n + 1) * STEP_MS;
  const time = new Date(createTime).toISOString();
  const error =
    n < newest
      ? { code: 9, message: `disk full, ${n}` }
      : n >= count - oldest
        ? { code: 8, message: `quota, ${n}` }
        : undefined;
  const target = `${parent}/reports`;
  const value = { createTime: time, startTime: time, endTime: time, target, verb: "build", statusMessage: "Done." };
  const metadata = { "@type": "type.googleapis.com/google.protobuf.Struct", value };
  const facts: IndexFacts = {
    startTime: createTime,
    endTime: createTime,
    target,
    verb: "build",
    method: "reports:build",
    state: error ? "FAILED" : "SUCCEEDED",
    requestedCancellation: false,
  };
  return {
    createTime,
    id,
    parent,
    done: true,
    revision: 3,
    dueTime: FAR_FUTURE,
    operation: JSON.stringify({
      name: `${parent}/operations/${id}`,
      done: true,
      metadata,
      ...(error ? { error } : {}),
    }),
    facts: JSON.stringify(facts),
  };
}
