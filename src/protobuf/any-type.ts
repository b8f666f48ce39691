// google.protobuf.Any in its JSON mapping: a type URL beside the message's fields, or beside `value`.
import { type Any, standsUnderValue } from "../rpc/any";
import { readObject } from "./json-values";
import type { WellKnownType } from "./value-type";

// "The last segment of the URL's path must represent the fully qualified name of the type" (any.proto).
const TYPE_URL = /^[^\s]*\/((?:[a-zA-Z_]\w*\.)*[a-zA-Z_]\w*)$/;

/** Its message is not looked into: which types there are is the reader's to know. */
export const anyType: WellKnownType<Any> = {
  kind: "wellKnown",
  name: "google.protobuf.Any",
  read(input, reading) {
    const json = readObject(input, reading);
    if (json === undefined) return undefined;
    const { "@type": typeUrl, ...fields } = json;
    const messageName = typeof typeUrl === "string" ? TYPE_URL.exec(typeUrl)?.[1] : undefined;
    if (typeof typeUrl !== "string" || messageName === undefined) {
      return reading.report('must be a type URL, like "type.googleapis.com/google.protobuf.Struct"', "@type");
    }
    if (standsUnderValue(messageName) && Object.keys(fields).some((key) => key !== "value")) {
      return reading.report(`must hold "@type" and "value" alone: it is a ${messageName}`);
    }
    if (standsUnderValue(messageName) && !Object.hasOwn(fields, "value")) {
      return reading.report(`is required: the JSON form of a ${messageName}`, "value");
    }
    return Object.assign(fields, { "@type": typeUrl });
  },
};
