// Where a filter's fields stand in the rows of a table. Every expression here is the project's own: none is made from a filter.
import { STRUCT_TYPE_URL } from "../../rpc/any";
import type { JsonField, ScalarField } from "./fields";

/** An SQL expression for each field; NULL is unset, booleans are 0 and 1, times are milliseconds since 1970. */
export interface FilterColumns {
  scalars: Readonly<Record<ScalarField, string>>;
  json: Readonly<Record<JsonField, JsonColumn>>;
}

/** An Any in a JSON column. */
interface JsonColumn {
  /** The column. */
  document: string;
  /** The JSON path of the Any's fields in it: one level deeper for a Struct. */
  path: string;
  /** 1 where the Any is there. */
  isSet: string;
  /** 1 where it was too large for the row, which then has its `@type` alone. */
  isTruncated: string;
}

/** The columns of the index table: `operation` and `facts` as `IndexRow` describes them. */
export const indexTableColumns: FilterColumns = {
  scalars: {
    name: "operation ->> '$.name'",
    target: "facts ->> '$.target'",
    verb: "facts ->> '$.verb'",
    method: "facts ->> '$.method'",
    // Rows from before the state was written: finished ones tell it otherwise.
    state: `coalesce(facts ->> '$.state', CASE WHEN done THEN CASE coalesce(operation ->> '$.error.code', 0)
      WHEN 0 THEN 'SUCCEEDED' WHEN 1 THEN 'CANCELLED' ELSE 'FAILED' END END)`,
    done: "done",
    requestedCancellation: "facts ->> '$.requestedCancellation'",
    createTime: "create_time",
    startTime: "facts ->> '$.startTime'",
    endTime: "facts ->> '$.endTime'",
    expireTime: "facts ->> '$.expireTime'",
    "error.code": "operation ->> '$.error.code'",
    "error.message": "operation ->> '$.error.message'",
    "metadata.@type": `operation ->> '$.metadata."@type"'`,
    "response.@type": `operation ->> '$.response."@type"'`,
  },
  json: { metadata: indexedAny("metadata"), response: indexedAny("response") },
};

function indexedAny(field: JsonField): JsonColumn {
  return {
    document: "operation",
    path: `CASE operation ->> '$.${field}."@type"' WHEN '${STRUCT_TYPE_URL}' THEN '$.${field}.value' ELSE '$.${field}' END`,
    isSet: `json_type(operation, '$.${field}') IS 'object'`,
    isTruncated: `coalesce(facts ->> '$.${field}Truncated', 0)`,
  };
}
