// What those who run the service ask over HTTP, beside google.longrunning (docs/operations.md): administrators alone may.
import { ExplainOperationRequest, OperationExplanation } from "../description/messages/explanation";
import { explainOperation } from "../service/operations";
import { type Call, pathVariable, queryOf } from "./call";
import { jsonResponse } from "./operation-response";
import { type Route, hasPairs } from "./route";
import { shapeFromMessage } from "./shape-from-message";

export const operatorRoutes: readonly Route[] = [
  {
    method: "GET",
    template: "/{version}/{name=**/operations/*}:explain",
    accepts: hasPairs("name"),
    rpc: {
      name: "edge_operations.v1.Operators.ExplainOperation",
      description: "Tells why an operation is where it is, and what happens next. For administrators.",
      request: ExplainOperationRequest,
      body: undefined,
      query: [],
      response: OperationExplanation,
    },
    answer: shapeFromMessage(OperationExplanation),
    handler: explain,
  },
];

async function explain(call: Call): Promise<Response> {
  queryOf(call);
  return jsonResponse(await explainOperation(call.service.store, pathVariable(call, "name")));
}
