// defineMethod: a declaration checked and given its defaults, once, when the Worker starts.
import type { DurationText } from "../aip/duration";
import { type HttpTemplate, compileHttpTemplate } from "../aip/http-template";
import {
  DEFAULT_GRACE_MS,
  DEFAULT_RESULT_BYTES,
  DEFAULT_RETENTION_MS,
  DEFAULT_TIMEOUT_MS,
  MAX_GRACE_MS,
  MAX_RESPONSE_BYTES,
  MAX_RETENTION_MS,
  MAX_SLOTS,
  MAX_TIMEOUT_MS,
  MIN_RETENTION_MS,
} from "../limits";
import type { Message } from "../protobuf/declaration";
import { declaredMessage } from "../protobuf/refine";
import type { JsonObject } from "../rpc/any";
import { checkDeclaration, checkFields, checkVariables, fieldsOfMessage } from "./declaration-check";
import { checkedMetadata, declaredType, encodeMessage } from "./declared-type";
import type { Permission } from "../iam/permissions";
import type {
  HttpRule,
  ImmediateResult,
  InputRule,
  MethodDeclaration,
  OperationContext,
  StartContext,
  ToolOptions,
} from "./method";
import type { Dispatch, RunPolicy } from "../lifecycle/record";
import type { MethodTypes } from "./child";
import type { JsonOf } from "./json-of";
import { type RequestJsonSchema, fieldsOfSchema, requestJsonSchema } from "./request-json-schema";
import { type Bounds, checkedDuration, checkedInteger } from "./option";
import { decodeRequest } from "./request-schema";
import { checkedRetry } from "./retry-policy";

/** The parts of a method's RunPolicy that its declaration decides; the rest is the deployment's. */
export type DeclaredPolicy = Omit<RunPolicy, "leaseMs" | "resendMs" | "snapshot" | "usualDurationMs">;

/** A checked method. Only the method knows the type of its request: `run` decodes its argument. */
export interface Method<Types extends MethodTypes = MethodTypes> {
  /** Absent at run time: it carries the types to clients and tests. */
  readonly "~types"?: Types | undefined;
  id: string;
  version: string;
  http: HttpRule;
  template: HttpTemplate;
  input: InputRule | undefined;
  responseType: string;
  /** undefined: the default metadata, a Struct. */
  metadataType: string | undefined;
  /** The custom verb, or `create`. */
  verb: string;
  timeoutMs: number;
  maxConcurrent: number | undefined;
  /** Undefined: the queue carries its work. */
  dispatch: Dispatch | undefined;
  /** The queue binding that carries its work; undefined: the lanes. */
  queue: string | undefined;
  policy: DeclaredPolicy;
  /** The request as it is declared, where it is: for the query's types and the documents that describe the service. */
  requestMessage: Message | undefined;
  /** The same of a request that another library declares; undefined where a message does. */
  requestSchema: RequestJsonSchema | undefined;
  responseMessage: Message | undefined;
  metadataMessage: Message | undefined;
  /** How agents see it, where the deployment serves them; `false`: not at all. */
  mcp: false | ToolOptions | undefined;
  /**
   * The facts that a start needs from the request. Throws INVALID_ARGUMENT where the JSON is no request of this method.
   */
  prepare(json: JsonObject, context: StartContext): Promise<PreparedStart>;
  run(json: JsonObject, operation: OperationContext): Promise<object>;
  /** Where it is one of the service's own. */
  own?: OwnMethod;
}

/** How the service serves a method of its own, which `defineMethod` made. */
export interface OwnMethod {
  /** The full name of its row. */
  name: string;
  description: string;
  /** The permissions that its caller needs on the parent. */
  permission: Permission;
  alsoNeeds?: Permission | undefined;
}

export interface PreparedStart {
  metadata: object;
  /** The result, where it was known without any work. */
  immediate: ImmediateResult<object> | undefined;
  /** How long it will take, as far as the declaration says. */
  usualDurationMs: number | undefined;
}

/**
 * Declares a method that starts operations.
 *
 * @throws TypeError naming the option that is wrong, when the Worker starts.
 */
export function defineMethod<
  Request,
  Response extends object = object,
  Metadata extends object = JsonObject,
  Input = unknown,
>(
  declaration: MethodDeclaration<Request, Response, Metadata, Input>,
): Method<{ request: Input; response: JsonOf<Response>; metadata: JsonOf<Metadata> }> {
  checkDeclaration(declaration);
  const { http, retry = {} } = declaration;
  const template = compileHttpTemplate(http.post);
  const id = declaration.id ?? literalPath(template.template);
  checkVariables(id, template);
  const requestMessage = declaredMessage(declaration.request);
  const requestSchema = requestMessage ? undefined : requestJsonSchema(declaration.request);
  const fields = requestMessage ? fieldsOfMessage(requestMessage) : fieldsOfSchema(requestSchema?.schema);
  if (fields) checkFields(id, fields, { template, body: http.body });
  const duration = (option: string, text: DurationText | undefined, bounds: Bounds): number =>
    checkedDuration(`method ${id}: ${option}`, text, bounds);
  const integer = (option: string, value: number | undefined, bounds: Bounds): number =>
    checkedInteger(`method ${id}: ${option}`, value, bounds);
  const responseType = declaredType(`method ${id}: responseType`, declaration.responseType);
  const metadataType = declaredType(`method ${id}: metadataType`, declaration.metadataType);
  const { usualDuration, attemptTimeout, maxConcurrent } = declaration;
  if (usualDuration !== undefined && typeof usualDuration !== "function")
    duration("usualDuration", usualDuration, USUAL_DURATION);
  const encodeResponse = (response: object): object =>
    encodeMessage(`The response of ${id}`, responseType, response ?? {});
  return {
    id,
    version: declaration.version ?? "1",
    http,
    template,
    input: declaration.input,
    responseType: responseType.name ?? "google.protobuf.Struct",
    metadataType: metadataType.name,
    verb: template.verb === "" ? "create" : template.verb,
    timeoutMs: duration("timeout", declaration.timeout, TIMEOUT),
    maxConcurrent: maxConcurrent === undefined ? undefined : integer("maxConcurrent", maxConcurrent, CONCURRENT),
    dispatch: declaration.dispatch === "direct" ? "direct" : undefined,
    queue: checkedQueue(`method ${id}: queue`, declaration.queue),
    policy: {
      ...(attemptTimeout === undefined
        ? {}
        : { attemptTimeoutMs: duration("attemptTimeout", attemptTimeout, TIMEOUT) }),
      graceMs: duration("gracePeriod", declaration.gracePeriod, GRACE_PERIOD),
      retentionMs: duration("retention", declaration.retention, RETENTION),
      maxResultBytes: integer("maxResultBytes", declaration.maxResultBytes, RESULT_BYTES),
      ...checkedRetry(`method ${id}: retry`, retry),
    },
    requestMessage,
    requestSchema,
    responseMessage: responseType.message,
    metadataMessage: metadataType.message,
    mcp: declaration.mcp,
    prepare: async (json, context) => {
      const request = await decodeRequest(declaration.request, json);
      const immediate = declaration.immediate?.(request, context);
      const metadata = declaration.initialMetadata?.(request, context);
      const encoded = metadata && encodeMessage(`The initial metadata of ${id}`, metadataType, metadata);
      const usual = typeof usualDuration === "function" ? usualDuration(request, context) : usualDuration;
      return {
        metadata: checkedMetadata(`the initial metadata of ${id}`, encoded ?? {}),
        usualDurationMs: usual === undefined ? undefined : duration("usualDuration", usual, USUAL_DURATION),
        immediate: immediate && "response" in immediate ? { response: encodeResponse(immediate.response) } : immediate,
      };
    },
    run: async (json, operation) =>
      encodeResponse(await declaration.run(await decodeRequest(declaration.request, json), operation)),
  };
}

/** `/v1/{parent=projects/…}/tables:profile` → `tables:profile`: what of a template is the method's own. */
function literalPath(template: string): string {
  return template.replace(/^\/[^/]+\//, "").replaceAll(/\{[^}]*\}\/?/g, "");
}

/** A binding's name is a name in JavaScript: `TRANSCODE`, not the queue's own name, `transcode-jobs`. */
function checkedQueue(option: string, name: unknown): string | undefined {
  if (name === undefined) return undefined;
  if (typeof name === "string" && /^[A-Za-z_$][\w$]*$/.test(name)) return name;
  throw new TypeError(
    `${option} is ${JSON.stringify(name)}; name the binding of a queue, as wrangler.toml does: "TRANSCODE"`,
  );
}

const TIMEOUT: Bounds = { byDefault: DEFAULT_TIMEOUT_MS, min: 1, max: MAX_TIMEOUT_MS };
const USUAL_DURATION: Bounds = { byDefault: 0, min: 0, max: MAX_TIMEOUT_MS };
const GRACE_PERIOD: Bounds = { byDefault: DEFAULT_GRACE_MS, min: 0, max: MAX_GRACE_MS };
const RETENTION: Bounds = { byDefault: DEFAULT_RETENTION_MS, min: MIN_RETENTION_MS, max: MAX_RETENTION_MS };
const RESULT_BYTES: Bounds = { byDefault: DEFAULT_RESULT_BYTES, min: 1, max: MAX_RESPONSE_BYTES };
const CONCURRENT: Bounds = { byDefault: 1, min: 1, max: MAX_SLOTS };
