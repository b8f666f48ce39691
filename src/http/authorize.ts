// Judges by a method's row whether the caller may call it, before any other work for the call (docs/threat-model.md).
import type { ServiceContext } from "../api/call";
import type { PresentedLink } from "../contract/suspension";
import type { ApiMethod } from "../api/method";
import { isOperation } from "../iam/policy-resources";
import type { Permission } from "../iam/permissions";
import type { RequestBody } from "./request-body";

export interface AuthorizedCall {
  service: Pick<ServiceContext, "authorize" | "permit" | "permitLink" | "administer">;
  resource: string;
  body: Pick<RequestBody, "isAbsent">;
  /** The link that the caller presents: then it alone is judged. */
  link: PresentedLink | undefined;
  isMasked: boolean;
}

export async function authorize(
  row: ApiMethod,
  { service, resource, body, link, isMasked }: AuthorizedCall,
): Promise<void> {
  if (link) return service.permitLink(link);
  switch (row.on) {
    case "everyone":
      return;
    case "deployment":
      return service.administer(row.permission, resource);
    case "parent":
    case "parents":
      return service.authorize(row.permission, resource);
    case "operation":
    case "resource": {
      if (row.on === "resource" && !isOperation(resource)) return service.authorize(row.permission, resource);
      // The rights may be the operation's own. Where no body is to be read and no mask to be compiled, the method's own call of
      // the object is the first thing done for the caller: it judges and answers at once.
      const isReadFirst = row.needsBody || isMasked || !body.isAbsent;
      if (isReadFirst) await service.permit(row.permission, resource);
    }
  }
}

export function askedPermission(row: ApiMethod): Permission | undefined {
  return row.on === "everyone" || row.on === "deployment" ? undefined : row.permission;
}
