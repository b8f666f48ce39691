// One row of the table: all that the door needs to serve a method, and the documents to describe it.
import type { Permission } from "../iam/permissions";
import type { Method } from "../method/define-method";
import type { Message } from "../protobuf/declaration";
import type { JsonObject } from "../rpc/any";
import type { AdministratorAction } from "../service/authorizer";
import type { EventsAnswer, JsonAnswer } from "./answer";
import type { Call } from "./call";

export interface HttpBinding {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  /** `{version}` at its head stands for each served version. `**` stands for collections and ids in turn. */
  template: string;
  /** HttpRule.body: `"*"`, the field that is the body, or undefined: no JSON body is read. */
  body?: string | undefined;
}

/**
 * The callers that may call. The door judges a permission on a parent before it reads anything but the path. An
 * operation's own object judges a permission on the operation, before existence: with the method's own call where that
 * is the first thing done for the caller, else with a call before the body is read.
 */
type Access =
  | {
      permission: Permission;
      /**
       * The kind of the name in the path; `parents`: a parent in which collection ids may be the wildcard `-`
       * (AIP-159).
       */
      on: "operation" | "parent" | "parents" | "resource";
      /** Whether a call without a body is malformed. Then the caller is judged before that is said. */
      needsBody?: true;
    }
  | { permission: AdministratorAction; on: "deployment" }
  | { permission: "none"; on: "everyone" };

interface Row {
  /** Its full name: `google.longrunning.Operations.GetOperation`. */
  name: string;
  description: string;
  /** The first is the method's own; those of another HTTP method are additional_bindings, which discovery documents lack. */
  http: readonly [HttpBinding, ...HttpBinding[]];
  /** undefined: nothing declares it, and its JSON may be any object. */
  request: Message | undefined;
  /** Fields that may come in the query although the path or the whole body has them. Given twice, they must agree. */
  query?: readonly string[];
  /** The query parameter that has the secret of a suspension's link: it stands for the permission. */
  takesLink?: "linkToken";
  /** The path may have the operation's full name as one segment, percent-encoded: so the stock google-gax client asks. */
  takesEncodedName?: true;
  response: Message;
  /** Whether it answers with server-sent events, each of which is a response. It takes no HEAD. */
  streams?: true;
  /** Whether it starts an operation: it takes StartParameters and Prefer. */
  starts?: true;
  /** The method of the deployment that it starts, where it does. That one decodes its own request. */
  method?: Method;
  /** Takes out of the request's JSON what the method ignores, before the rest is decoded. */
  select?(json: JsonObject, resource: string): JsonObject;
  handle(request: never, call: Call): Promise<object>;
}

export type ApiMethod = Row & Access;

interface TypedRow<Request extends object, Response extends object> extends Row {
  request: Message<Request>;
  response: Message<Response>;
  handle(request: Request, call: Call): Promise<Response | JsonAnswer | EventsAnswer>;
}

/** A row whose handler is given what the request's message declares, and returns what the response's does. */
export function apiMethod<Request extends object, Response extends object>(
  row: TypedRow<Request, Response> & Access,
): ApiMethod {
  return row;
}

/** The methods that a template's `{version}` stands for; all mean the same resource. */
export const API_VERSIONS = ["v1", "v1beta1", "ui"] as const;
