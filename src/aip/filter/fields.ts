// The fields of an operation that a filter can name, with their types. Other names are read from its metadata.
import type { FilterRow } from "./filter-row";

/** The declared fields of one value, by their path, in the camelCase of proto JSON. */
const scalarFieldTypes = {
  name: "string",
  target: "string",
  verb: "string",
  method: "string",
  state: "string",
  parentOperation: "string",
  done: "boolean",
  requestedCancellation: "boolean",
  createTime: "timestamp",
  startTime: "timestamp",
  endTime: "timestamp",
  expireTime: "timestamp",
  scheduleTime: "timestamp",
  "error.code": "integer",
  "error.message": "string",
  "metadata.@type": "string",
  "response.@type": "string",
} as const;

export type ScalarField = keyof typeof scalarFieldTypes;
export const scalarFieldNames = Object.keys(scalarFieldTypes) as readonly ScalarField[];
export type FieldType = (typeof scalarFieldTypes)[ScalarField];
export type FieldOfType<T extends FieldType> = {
  [Field in ScalarField]: (typeof scalarFieldTypes)[Field] extends T ? Field : never;
}[ScalarField];
export type StringField = FieldOfType<"string">;
export type BooleanField = FieldOfType<"boolean">;
export type TimestampField = FieldOfType<"timestamp">;
export type IntegerField = FieldOfType<"integer">;

/** The values of `state`, which are those of the lifecycle: a test compares them. */
export const stateNames: readonly string[] = [
  "QUEUED",
  "RUNNING",
  "SLEEPING",
  "SUSPENDED",
  "BACKING_OFF",
  "CANCELLING",
  "EXTERNAL",
  "EXTERNAL_CANCELLING",
  "SUCCEEDED",
  "FAILED",
  "CANCELLED",
];

/** The declared fields that are messages; `metadata` and `response` hold any JSON. */
export type MessageField = "error" | "metadata" | "response";
/** A field that paths lead into. `labels` is the operation's own, or a metadata field of that name where it has none. */
export type JsonField = "metadata" | "response" | "labels";

/** The fields of `Operation.error` that a filter may name: `details` holds Anys, which no filter can type. */
export const errorFields: Readonly<Record<string, "error.code" | "error.message">> = {
  code: "error.code",
  message: "error.message",
};

/** Where a bare literal is looked for (AIP-160: a service "must document which fields it considers"). */
export const literalFields = ["name", "verb", "target", "error.message"] as const satisfies StringField[];

/** The value of each string field in a row; undefined where it, or the message it stands in, is not set. */
export const stringReaders: Readonly<Record<StringField, (row: FilterRow) => string | undefined>> = {
  name: (row) => row.name,
  target: (row) => row.target,
  verb: (row) => row.verb,
  method: (row) => row.method,
  state: (row) => row.state,
  parentOperation: (row) => row.parentOperation,
  "error.message": (row) => row.errorMessage,
  "metadata.@type": (row) => typeUrl(row.metadata),
  "response.@type": (row) => typeUrl(row.response),
};

export function isScalarField(path: string): path is ScalarField {
  return Object.hasOwn(scalarFieldTypes, path);
}

export function isFieldOfType<T extends FieldType>(field: ScalarField, type: T): field is FieldOfType<T> {
  return scalarFieldTypes[field] === type;
}

export function isMessageField(path: string): path is MessageField {
  return path === "error" || path === "metadata" || path === "response";
}

function typeUrl(any: FilterRow["metadata"]): string | undefined {
  const type = any?.["@type"];
  return typeof type === "string" ? type : undefined;
}
