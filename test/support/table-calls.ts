// Each method of a deployment's table as HTTP calls: one for each binding, and each kind of resource that it takes.
import type { ApiMethod, HttpBinding } from "../../src/api/method";
import { apiMethods } from "../../src/api/methods";
import type { Method } from "../../src/method/define-method";

export interface TableCall {
  id: string;
  method: HttpBinding["method"];
  /** About `projects/p`, or an operation of this id below it. */
  path: string;
  row: ApiMethod;
}

/** Methods that every caller may call, as docs/access.md says. */
const FOR_EVERYONE: ReadonlySet<string> = new Set([
  "google.iam.v1.IAMPolicy.TestIamPermissions",
  "google.cloud.location.Locations.ListLocations",
  "google.cloud.location.Locations.GetLocation",
]);

export function tableCalls(methods: readonly Method[], operationId = "1"): TableCall[] {
  return apiMethods(methods).flatMap((row) => row.http.flatMap((binding) => callsOf(row, binding, operationId)));
}

/** Those that need a permission. */
export function guardedCalls(methods: readonly Method[], operationId?: string): TableCall[] {
  return tableCalls(methods, operationId).filter(({ id }) => !FOR_EVERYONE.has(id));
}

function callsOf(row: ApiMethod, { method, template }: HttpBinding, operationId: string): TableCall[] {
  const operation = `projects/p/operations/${operationId}`;
  const resources = template.includes("{resource=**}") ? ["projects/p", operation] : [""];
  return resources.map((resource) => ({
    id: row.name,
    method,
    path: template
      .replace("{version}", "v1")
      .replace("{resource=**}", resource)
      .replace(/\{\w+=apiKeys\/\*\}/, `apiKeys/${"0".repeat(24)}`)
      .replace(/\{\w+=projects\/\*\}/, "projects/p")
      .replace(/\{\w+=projects\/\*\/locations\/\*\}/, "projects/p/locations/l")
      .replace("{name=**/operations/*/suspensions/*}", `${operation}/suspensions/approval`)
      .replace(/\{(name|parent)=\*\*\/operations\/\*\}/, operation)
      .replace(/\{(name|parent)=\*\*\}/, "projects/p"),
    row,
  }));
}
