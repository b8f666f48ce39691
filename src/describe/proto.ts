// The .proto files of a deployment's own methods (google.api.http, google.longrunning.operation_info) and of the messages
// that they are declared with: what typed clients are generated from.
import type { Method } from "../method/define-method";
import { jsonNameFromProtoName, protoNameFromJsonName } from "../protobuf/field-name";
import type { Field, Message, MessageField, ValueType } from "../protobuf/declaration";
import { type DeclaredTypes, declaredTypes } from "../protobuf/declared-types";
import type { EnumType } from "../protobuf/enum-type";
import { uniqueNames } from "./bindings";

export interface ProtoFiles {
  files: Map<string, string>;
  /** Ids of methods whose request is no declared message: a .proto cannot have them. */
  leftOut: string[];
}

/** @throws TypeError where the declarations cannot stand in .proto files together. */
export function protoFiles(methods: readonly Method[]): ProtoFiles {
  const declared = methods.flatMap((method) => {
    const { requestMessage: request } = method;
    return request ? [{ method, request }] : [];
  });
  const types = declaredTypes(
    methods.flatMap(({ requestMessage, responseMessage, metadataMessage }) =>
      [requestMessage, responseMessage, metadataMessage].filter((message) => message !== undefined),
    ),
  );
  const packages = new Map<string, ProtoFile>();
  const fileOf = (fullName: string): ProtoFile => {
    const name = packageOf(fullName);
    const file = packages.get(name) ?? new ProtoFile(name, types);
    packages.set(name, file);
    return file;
  };
  for (const { method, request } of declared) fileOf(request.fullName).addMethod(method, request);
  for (const message of types.messages.values()) {
    if (message.options.protoFile === undefined) fileOf(message.fullName).addMessage(message);
  }
  for (const type of types.enums.values()) fileOf(type.fullName).addEnum(type);
  return {
    files: new Map([...packages.values()].map((file) => [file.path, file.text()])),
    leftOut: methods.filter(({ requestMessage }) => !requestMessage).map(({ id }) => id),
  };
}

const OPERATION = "google.longrunning.Operation";

const importOfWellKnown: Readonly<Record<string, string>> = {
  Any: "any",
  Duration: "duration",
  Empty: "empty",
  FieldMask: "field_mask",
  ListValue: "struct",
  Struct: "struct",
  Timestamp: "timestamp",
  Value: "struct",
};

class ProtoFile {
  readonly path: string;
  readonly #package: string;
  readonly #declared: DeclaredTypes;
  readonly #imports = new Set<string>();
  /** By service: its methods, written. */
  readonly #services = new Map<string, { rpcs: string[]; uniqueName: (name: string) => string }>();
  readonly #types: string[] = [];
  readonly #typeNames = new Set<string>();
  /** "enum values use C++ scoping rules": siblings of their type. */
  readonly #enumOfValue = new Map<string, string>();

  constructor(name: string, declared: DeclaredTypes) {
    this.#package = name;
    this.#declared = declared;
    this.path = filePath(name);
  }

  addMethod(method: Method, request: Message): void {
    const { http, template, verb, input } = method;
    this.#imports.add("google/api/annotations.proto").add("google/longrunning/operations.proto");
    const literals = template.template.replace(/:[^/:{}]+$/, "").match(/[a-zA-Z_]\w*(?=[/}]|$)/g) ?? [];
    const serviceName = upperCamel(literals.at(-1) ?? "methods");
    const service = this.#services.get(serviceName) ?? { rpcs: [], uniqueName: uniqueNames() };
    this.#services.set(serviceName, service);
    const body = input || http.body === undefined ? "" : `\n      body: ${quoted(bodyName(http.body))}`;
    const comment = input
      ? `Starts the operation ${method.id}. Its body is ${input.contentTypes.join(" or ")}, and no field of the request.`
      : `Starts the operation ${method.id}.`;
    service.rpcs
      .push(`${commentOf(comment, "  ")}  rpc ${service.uniqueName(upperCamel(verb))}(${this.#reference(request.fullName)}) returns (${this.#reference(OPERATION)}) {
    option (google.api.http) = {
      post: ${quoted(protoTemplate(http.post))}${body}
    };
    option (google.longrunning.operation_info) = {
      response_type: ${quoted(this.#operationType(method.responseType))}
      metadata_type: ${quoted(this.#operationType(method.metadataType ?? "google.protobuf.Struct"))}
    };
  }
`);
  }

  addMessage({ fullName, options, fields, oneofs }: Message): void {
    const lines = [...Map.groupBy(fields, ({ oneof, jsonName }) => oneof ?? jsonName)].map(([name, members]) => {
      const oneof = oneofs.get(name);
      if (oneof === undefined) return members.map((field) => this.#field(field, "  ")).join("");
      const comment = [oneof.description, oneof.required ? "Required." : ""].filter(Boolean).join(" ");
      const body = members.map((field) => this.#field(field, "    ")).join("\n");
      return `${commentOf(comment, "  ")}  oneof ${protoNameFromJsonName(name)} {\n${body}  }\n`;
    });
    this.#addType(fullName, "message", options.description, lines.join("\n"));
  }

  addEnum({ fullName, description, values }: EnumType): void {
    const lines = values.map((value) => {
      const other = this.#enumOfValue.get(value.name);
      if (other !== undefined) {
        throw new TypeError(`${other} and ${fullName} both have the value ${value.name}; a package may have it once`);
      }
      this.#enumOfValue.set(value.name, fullName);
      return `${commentOf(value.description, "  ")}  ${value.name} = ${value.number};\n`;
    });
    this.#addType(fullName, "enum", description, lines.join(""));
  }

  text(): string {
    const imports = [...this.#imports].filter((path) => path !== this.path).toSorted();
    const services = [...this.#services].map(([name, { rpcs }]) => {
      const unique = this.#typeNames.has(name) ? `${name}Service` : name;
      return `service ${unique} {\n${rpcs.join("\n")}}\n`;
    });
    return [
      'syntax = "proto3";\n',
      ...(this.#package === "" ? [] : [`package ${this.#package};\n`]),
      ...(imports.length === 0 ? [] : [imports.map((path) => `import ${quoted(path)};\n`).join("")]),
      ...services,
      ...this.#types,
    ].join("\n");
  }

  #addType(fullName: string, kind: "message" | "enum", description: string | undefined, body: string): void {
    const name = fullName.slice(fullName.lastIndexOf(".") + 1);
    this.#typeNames.add(name);
    this.#types.push(`${commentOf(description, "")}${kind} ${name} {${body === "" ? "" : `\n${body}`}}\n`);
  }

  #field({ jsonName, protoName: name, field }: MessageField, indent: string): string {
    const { number, label, keyType } = field;
    const { explicitPresence, description } = field.options;
    const value = this.#valueType(field.type);
    const type = label === "map" ? `map<${keyType}, ${value}>` : label === "repeated" ? `repeated ${value}` : value;
    const presence = explicitPresence && label === "singular" ? "optional " : "";
    const options = this.#options(field);
    if (jsonNameFromProtoName(name) !== jsonName) options.push(`json_name = ${quoted(jsonName)}`);
    const suffix = options.length === 0 ? "" : ` [${options.join(", ")}]`;
    return `${commentOf(description, indent)}${indent}${presence}${type} ${name} = ${number}${suffix};\n`;
  }

  #valueType(type: ValueType<unknown>): string {
    switch (type.kind) {
      case "scalar":
        return type.name;
      case "wellKnown":
        return this.#reference(type.name);
      case "enum":
        return this.#reference(type.enumType.fullName);
      case "message":
        return this.#reference(type.message.fullName);
    }
  }

  #options({ required, options: { deprecated, resourceReference } }: Field<unknown>): string[] {
    const options: string[] = [];
    if (required) {
      this.#imports.add("google/api/field_behavior.proto");
      options.push("(google.api.field_behavior) = REQUIRED");
    }
    if (resourceReference) {
      this.#imports.add("google/api/resource.proto");
      const [key, type] =
        "type" in resourceReference ? ["type", resourceReference.type] : ["child_type", resourceReference.childType];
      options.push(`(google.api.resource_reference).${key} = ${quoted(type)}`);
    }
    if (deprecated) options.push("deprecated = true");
    return options;
  }

  /** A type as it is named here; what is declared elsewhere is imported. */
  #reference(fullName: string): string {
    const inPackage = packageOf(fullName);
    if (inPackage === this.#package) return fullName.slice(fullName.lastIndexOf(".") + 1);
    const { protoFile } = this.#declared.messages.get(fullName)?.options ?? {};
    if (fullName === OPERATION) this.#imports.add("google/longrunning/operations.proto");
    else if (inPackage === "google.protobuf") this.#imports.add(wellKnownPath(fullName));
    else this.#imports.add(protoFile ?? filePath(inPackage));
    // "The innermost scope is searched first": within example.google.v1, `google` alone would be another.
    const [, ...inner] = this.#package.split(".");
    return inner.includes(fullName.split(".")[0] ?? "") ? `.${fullName}` : fullName;
  }

  /** A type of operation_info: "a fully-qualified name, or relative to the package". */
  #operationType(fullName: string): string {
    const isDescribed = this.#declared.messages.has(fullName) || fullName.startsWith("google.protobuf.");
    // A name alone may be of anybody's .proto.
    return isDescribed ? this.#reference(fullName).replace(/^\./, "") : fullName;
  }
}

/** `example.v1` of `example.v1.Table`. */
function packageOf(fullName: string): string {
  return fullName.slice(0, Math.max(0, fullName.lastIndexOf(".")));
}

/** `example.tables.v1` → `example/tables/v1/tables.proto` */
function filePath(packageName: string): string {
  const names = packageName.split(".");
  const last = names.findLast((name) => !/^v\d/.test(name)) ?? "messages";
  return [...names, `${last || "messages"}.proto`].filter(Boolean).join("/");
}

function wellKnownPath(fullName: string): string {
  const name = fullName.slice("google.protobuf.".length);
  return `google/protobuf/${importOfWellKnown[name] ?? "wrappers"}.proto`;
}

/** Variables are named as fields are in .proto: `{tableName=…}` → `{table_name=…}`. */
function protoTemplate(template: string): string {
  return template.replaceAll(
    /\{([\w.]+)/g,
    (_, path: string) => `{${path.split(".").map(protoNameFromJsonName).join(".")}`,
  );
}

function bodyName(body: string): string {
  return body === "*" ? body : protoNameFromJsonName(body);
}

function upperCamel(name: string): string {
  const camel = jsonNameFromProtoName(name);
  return camel.charAt(0).toUpperCase() + camel.slice(1);
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

function commentOf(text: string | undefined, indent: string): string {
  if (text === undefined || text === "") return "";
  return text
    .split(/\r?\n/)
    .map((line) => `${indent}//${line === "" ? "" : ` ${line}`}\n`)
    .join("");
}
