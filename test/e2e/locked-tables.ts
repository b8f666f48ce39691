// A method that fails as long as a table is locked, for tasks of operators: find what failed, unlock, retry.
import { RpcError, defineMethod } from "edge-operations";
import { env } from "cloudflare:workers";

interface Bindings {
  SNAPSHOTS: KVNamespace;
}

export const tablesLoad = defineMethod({
  http: { post: "/v1/{parent=projects/*}/tables:load", body: "*" },
  request: (json: { table?: string }) => json,
  dispatch: "direct",
  async run({ table = "" }) {
    const { SNAPSHOTS } = env as unknown as Bindings;
    if ((await SNAPSHOTS.get(`lock/${table}`)) !== null) {
      throw new RpcError("FAILED_PRECONDITION", `The table ${table} is locked.`);
    }
    return { table };
  },
});

/** PUT and DELETE /locks/{table}: the cause of the failures, and its end. */
export async function locks(request: Request, { SNAPSHOTS }: Bindings): Promise<Response> {
  const table = /^\/locks\/(\w+)$/.exec(new URL(request.url).pathname)?.[1];
  if (table === undefined) return new Response("There is no such page.", { status: 404 });
  if (request.method === "DELETE") await SNAPSHOTS.delete(`lock/${table}`);
  else await SNAPSHOTS.put(`lock/${table}`, "1");
  return new Response(null, { status: 204 });
}
