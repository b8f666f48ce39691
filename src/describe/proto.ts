// The .proto files of a deployment's own methods (google.api.http, google.longrunning.operation_info) and of the messages
// that they are declared with: what typed clients are generated from.
import type { Method } from "../method/define-method";
import { type Descriptors, describeMessages } from "../protobuf/descriptor";
import { jsonNameFromProtoName, protoNameFromJsonName } from "../protobuf/field-name";
import type { Message } from "../protobuf/declaration";
import { uniqueNames } from "./bindings";

type MessageDescriptor = NonNullable<ReturnType<Descriptors["messages"]["get"]>>;
type EnumDescriptor = NonNullable<ReturnType<Descriptors["enums"]["get"]>>;
type FieldDescriptor = MessageDescriptor["fields"][number];

export interface ProtoFiles {
  /** By path: one file for each package. */
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
  const descriptors = describeMessages(
    methods.flatMap(({ requestMessage, responseMessage, metadataMessage }) =>
      [requestMessage, responseMessage, metadataMessage].filter((message) => message !== undefined),
    ),
  );
  const packages = new Map<string, ProtoFile>();
  const fileOf = (fullName: string): ProtoFile => {
    const name = packageOf(fullName);
    const file = packages.get(name) ?? new ProtoFile(name, descriptors);
    packages.set(name, file);
    return file;
  };
  for (const { method, request } of declared) fileOf(request.fullName).addMethod(method, request);
  for (const message of descriptors.messages.values()) {
    if (message.protoFile === undefined) fileOf(message.fullName).addMessage(message);
  }
  for (const type of descriptors.enums.values()) fileOf(type.fullName).addEnum(type);
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
  readonly #descriptors: Descriptors;
  readonly #imports = new Set<string>();
  /** By service: its methods, written. */
  readonly #services = new Map<string, { rpcs: string[]; uniqueName: (name: string) => string }>();
  readonly #types: string[] = [];
  readonly #typeNames = new Set<string>();
  /** "enum values use C++ scoping rules": siblings of their type. */
  readonly #enumOfValue = new Map<string, string>();

  constructor(name: string, descriptors: Descriptors) {
    this.#package = name;
    this.#descriptors = descriptors;
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

  addMessage({ fullName, description, fields, oneofs }: MessageDescriptor): void {
    const lines: string[] = [];
    const written = new Set<string>();
    for (const field of fields) {
      if (field.oneof === undefined) lines.push(this.#field(field, "  "));
      else if (!written.has(field.oneof)) {
        written.add(field.oneof);
        const { required = false, description: text } = oneofs.find(({ name }) => name === field.oneof) ?? {};
        const members = fields
          .filter(({ oneof }) => oneof === field.oneof)
          .map((member) => this.#field(member, "    "));
        const comment = [text, required ? "Required." : ""].filter(Boolean).join(" ");
        lines.push(`${commentOf(comment, "  ")}  oneof ${field.oneof} {\n${members.join("\n")}  }\n`);
      }
    }
    this.#addType(fullName, "message", description, lines.join("\n"));
  }

  addEnum({ fullName, description, values }: EnumDescriptor): void {
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

  #field(field: FieldDescriptor, indent: string): string {
    const { name, jsonName, number, label, keyType, explicitPresence, description } = field;
    const value = field.type.kind === "scalar" ? field.type.name : this.#reference(field.type.name);
    const type = label === "map" ? `map<${keyType}, ${value}>` : label === "repeated" ? `repeated ${value}` : value;
    const presence = explicitPresence && label === "singular" ? "optional " : "";
    const options = this.#options(field);
    if (jsonNameFromProtoName(name) !== jsonName) options.push(`json_name = ${quoted(jsonName)}`);
    const suffix = options.length === 0 ? "" : ` [${options.join(", ")}]`;
    return `${commentOf(description, indent)}${indent}${presence}${type} ${name} = ${number}${suffix};\n`;
  }

  #options({ required, deprecated, resourceReference }: FieldDescriptor): string[] {
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
    const { protoFile } = this.#descriptors.messages.get(fullName) ?? {};
    if (fullName === OPERATION) this.#imports.add("google/longrunning/operations.proto");
    else if (inPackage === "google.protobuf") this.#imports.add(wellKnownPath(fullName));
    else this.#imports.add(protoFile ?? filePath(inPackage));
    // "The innermost scope is searched first": within example.google.v1, `google` alone would be another.
    const [, ...inner] = this.#package.split(".");
    return inner.includes(fullName.split(".")[0] ?? "") ? `.${fullName}` : fullName;
  }

  /** A type of operation_info: "a fully-qualified name, or relative to the package". */
  #operationType(fullName: string): string {
    const isDescribed = this.#descriptors.messages.has(fullName) || fullName.startsWith("google.protobuf.");
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
