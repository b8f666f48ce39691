// Checks a method's declaration when the Worker starts. JavaScript is checked as TypeScript is.
import type { HttpTemplate } from "../aip/http-template";
import { nearestName } from "../aip/nearest";
import { fieldAtPath } from "../protobuf/field-path";
import { MAX_METHOD_NAME_CHARACTERS, MAX_QUOTED_CHARACTERS } from "../limits";
import type { Message } from "../protobuf/declaration";
import { isRecord } from "../rpc/any";
import { textCut } from "./bounded-status";
import type { HttpRule, InputRule, MethodDeclaration } from "./method";

type Options<T> = Record<keyof T, true>;

const DECLARATION_OPTIONS: Options<Required<MethodDeclaration<unknown>>> = {
  id: true,
  version: true,
  http: true,
  input: true,
  request: true,
  responseType: true,
  metadataType: true,
  initialMetadata: true,
  immediate: true,
  timeout: true,
  usualDuration: true,
  attemptTimeout: true,
  retry: true,
  maxConcurrent: true,
  maxResultBytes: true,
  dispatch: true,
  queue: true,
  gracePeriod: true,
  retention: true,
  mcp: true,
  run: true,
};
const HTTP_OPTIONS: Options<Required<HttpRule>> = { post: true, body: true };
const INPUT_OPTIONS: Options<InputRule> = { contentTypes: true, maxBytes: true };

/** Fields of every start (AIP-155, AIP-163, docs/methods.md): a request of the method's own cannot have them. */
const RESERVED_FIELDS = ["requestId", "validateOnly", "operationOptions"];

/**
 * Checks what a declaration is made of, before its parts are read.
 *
 * @throws TypeError that names the option and says what to write.
 */
export function checkDeclaration(declaration: unknown): void {
  if (!isRecord(declaration)) {
    throw new TypeError(
      'defineMethod takes an object: { http: { post: "/v1/{parent=projects/*}/reports:generate", body: "*" }, request, run }',
    );
  }
  const { http, id } = declaration;
  if (!isRecord(http) || typeof http["post"] !== "string") {
    throw new TypeError(
      'defineMethod: http is missing; write http: { post: "/v1/{parent=projects/*}/reports:generate", body: "*" }',
    );
  }
  const method = `method ${typeof id === "string" && id !== "" ? id : http["post"]}`;
  checkPath(method, http["post"]);
  checkOptions(method, declaration, DECLARATION_OPTIONS);
  checkOptions(`${method}: http`, http, HTTP_OPTIONS);
  checkBody(method, http["body"]);
  checkName(`${method}: id`, id);
  checkName(`${method}: version`, declaration["version"]);
  if (typeof declaration["run"] !== "function") {
    throw new TypeError(`${method}: run is ${shown(declaration["run"])}; write async run(request, op) { … }`);
  }
  if (!isSchema(declaration["request"])) {
    throw new TypeError(
      `${method}: request is ${shown(declaration["request"])}; give a declared message, a Standard Schema such as zod's, ` +
        "or a function that makes the request of JSON",
    );
  }
  for (const option of ["initialMetadata", "immediate"]) {
    const value = declaration[option];
    if (value !== undefined && typeof value !== "function")
      throw new TypeError(`${method}: ${option} is ${shown(value)}; it must be a function`);
  }
  checkDispatch(method, declaration);
  if (declaration["input"] === undefined) return;
  checkInput(method, declaration["input"]);
  if (http["body"] === undefined) return;
  throw new TypeError(
    `${method}: http.body is ${shown(http["body"])}, and input says that the body is no JSON; leave http.body out, so that the ` +
      "fields come in path and query",
  );
}

/** The fields of a request, as a message or a schema declares them. */
export interface RequestFields {
  /** The name of the declaration. */
  of: string;
  names: readonly string[];
  has(this: void, name: string): boolean;
  /** Whether it takes fields that it does not name. */
  takesOthers: boolean;
  /** Whether a text of the path can become the field. */
  takesText(this: void, path: string): boolean;
}

export function fieldsOfMessage(message: Message): RequestFields {
  return {
    of: message.fullName,
    names: message.fields.map(({ jsonName }) => jsonName),
    has: (name) => message.fieldByName(name) !== undefined,
    takesOthers: false,
    takesText: (path) => takesText(message, path),
  };
}

/** Checks that a request has what the binding names, and nothing that every start has. */
export function checkFields(
  method: string,
  { of, names, has, takesOthers, takesText: takes }: RequestFields,
  { template, body }: { template: HttpTemplate; body: string | undefined },
): void {
  const refuse = (problem: string): never => {
    throw new TypeError(`method ${method}: ${problem}`);
  };
  const suggestion = (name: string): string => {
    const near = nearestName(name, names);
    return near === undefined ? `it has ${names.join(", ") || "no fields"}` : `did you mean ${JSON.stringify(near)}?`;
  };
  for (const name of RESERVED_FIELDS) {
    if (has(name)) refuse(`${of} has a field ${name}, which every start takes for itself; rename the field`);
  }
  for (const variable of template.variables) {
    if (takes(variable)) continue;
    refuse(`the path binds {${variable}}, and ${of} has no such field of a single value; ${suggestion(variable)}`);
  }
  if (body === undefined || body === "*" || takesOthers || has(body)) return;
  refuse(
    `http.body is ${JSON.stringify(body)}, and ${of} has no such field; ` +
      `write "*" for all fields that the path does not bind, or ${suggestion(body)}`,
  );
}

/** Whether a path ends at a single value that a text can give. */
function takesText(message: Message, path: string): boolean {
  const field = fieldAtPath(message, path.split("."))?.field;
  return field?.label === "singular" && field.type.fromText !== undefined;
}

function checkPath(method: string, post: string): void {
  const express = /\/:(\w+)/.exec(post);
  if (express) {
    const [, name = ""] = express;
    throw new TypeError(
      `${method}: http.post has the segment ":${name}"; a path's variables stand in braces: "{${name}}", ` +
        `or "{${name}=projects/*}" for more than one segment (google.api.http)`,
    );
  }
  const odd = /[^\w\-.~!$&'()*+,;=:@/{}]/u.exec(post)?.[0];
  if (odd !== undefined) {
    throw new TypeError(
      `${method}: http.post has the character ${JSON.stringify(odd)}, which no request can match; the literal parts of a ` +
        "path are letters, digits and -._~!$&'()*+,;=:@ (RFC 3986)",
    );
  }
  if (post.startsWith("/") && post !== "/") return;
  throw new TypeError(
    `${method}: http.post is ${JSON.stringify(post)}; it must be a path, like "/v1/{parent=projects/*}/reports:generate"`,
  );
}

/** Checks that the path binds no field that the service takes out of every start. */
export function checkVariables(method: string, { variables }: HttpTemplate): void {
  const taken = variables.find((variable) => RESERVED_FIELDS.includes(variable));
  if (taken === undefined) return;
  throw new TypeError(
    `method ${method}: the path binds {${taken}}, which every start takes for itself; give the variable another name`,
  );
}

/** Options that are not known are mistakes: a default would stand in their place, silently. */
export function checkOptions(where: string, value: unknown, known: Record<string, true>): void {
  if (!isRecord(value)) throw new TypeError(`${where} is ${shown(value)}; it must be an object`);
  for (const option of Object.keys(value)) {
    if (Object.hasOwn(known, option)) continue;
    const near = nearestName(option, Object.keys(known));
    const remedy =
      near === undefined ? `it takes ${Object.keys(known).join(", ")}` : `did you mean ${JSON.stringify(near)}?`;
    throw new TypeError(`${where} has an unknown option ${JSON.stringify(option)}; ${remedy}`);
  }
}

function checkInput(method: string, input: unknown): void {
  checkOptions(`${method}: input`, input, INPUT_OPTIONS);
  const { contentTypes, maxBytes } = input as Record<string, unknown>;
  const isList = Array.isArray(contentTypes) && contentTypes.length > 0;
  if (!isList || !contentTypes.every((type) => typeof type === "string" && /^[a-z0-9.+*-]+\/[a-z0-9.+*-]+$/.test(type)))
    throw new TypeError(
      `${method}: input.contentTypes is ${shown(contentTypes)}; list media types in lower case, without parameters: ["text/csv"]`,
    );
  if (typeof maxBytes !== "number" || !Number.isInteger(maxBytes) || maxBytes < 1)
    throw new TypeError(`${method}: input.maxBytes is ${shown(maxBytes)}; give a whole number of bytes from 1 up`);
}

function checkDispatch(method: string, { dispatch, maxConcurrent }: Record<string, unknown>): void {
  if (dispatch !== undefined && dispatch !== "queue" && dispatch !== "direct")
    throw new TypeError(`${method}: dispatch is ${shown(dispatch)}; it must be "queue" or "direct"`);
  if (dispatch !== "direct" || maxConcurrent === undefined) return;
  throw new TypeError(
    `${method}: dispatch is "direct", and maxConcurrent bounds what the queue carries; remove one of them`,
  );
}

function checkBody(method: string, body: unknown): void {
  if (body === undefined || (typeof body === "string" && body !== "")) return;
  throw new TypeError(`${method}: http.body is ${shown(body)}; write "*", or the name of the field that is the body`);
}

/** It is stored with each operation, logged, and compared with the names of later deployments. */
function checkName(option: string, value: unknown): void {
  if (value === undefined || (typeof value === "string" && NAME.test(value))) return;
  throw new TypeError(
    `${option} is ${shown(value)}; it must be a text of 1 to ${MAX_METHOD_NAME_CHARACTERS} visible ASCII characters`,
  );
}

const NAME = new RegExp(`^[\\x21-\\x7e]{1,${MAX_METHOD_NAME_CHARACTERS}}$`);

function isSchema(value: unknown): boolean {
  if (typeof value === "function") return true;
  const standard: unknown = typeof value === "object" && value !== null ? Reflect.get(value, "~standard") : undefined;
  return isRecord(standard) && typeof standard["validate"] === "function";
}

/** A value as an error shows it: its head, whatever JavaScript put there. */
export function shown(value: unknown): string {
  if (value === undefined) return "missing";
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${value}n`;
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch {
    // A cycle, or a bigint inside: the type says enough.
  }
  return textCut(json ?? `of the type ${typeof value}`, MAX_QUOTED_CHARACTERS);
}
