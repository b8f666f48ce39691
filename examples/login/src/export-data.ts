// A method that works on the data of its caller.
import { RpcError, defineMethod } from "edge-operations";
import { message, string } from "edge-operations/protobuf";

const ExportDataRequest = message("example.login.v1.ExportDataRequest", {
  parent: string(1, { required: true }),
});

export const exportData = defineMethod({
  http: { post: "/v1/{parent=projects/*}/data:export", body: "*" },
  request: ExportDataRequest,
  async run(_, op) {
    const { caller } = op;
    if (!caller) throw new RpcError("UNAUTHENTICATED", "Log in to export your data.");
    const rows = await op.step("rows", () => rowsOf(caller.id));
    return { caller: caller.id, rows };
  },
});

function rowsOf(owner: string): string[] {
  return [`a row of ${owner}`];
}
