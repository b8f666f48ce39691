// A response as the JSON text of its google.protobuf.Any, or an error that says what a handler may return.
import { type Any, anyFromMessage, standsUnderValue, typeUrlFromMessageName } from "../rpc/any";
import { jsonText } from "./json-text";
import { misuse } from "./misuse";

const STRUCT = "google.protobuf.Struct";

/**
 * The text is made of the response's text, so that a large response is not parsed and written a second time.
 *
 * @throws RpcError INTERNAL, which is not retried, where the response is no JSON, or no JSON object.
 */
export function responseJson(responseType: string, response: unknown): string {
  const text = jsonText("response", response ?? {});
  const type = JSON.stringify(typeUrlFromMessageName(responseType));
  // A Struct is a JSON object (struct.proto), and so is every message without a JSON form of its own.
  if (!text.startsWith("{") && (responseType === STRUCT || !standsUnderValue(responseType))) throw noObject(text);
  if (standsUnderValue(responseType)) return `{"@type":${type},"value":${text}}`;
  // A field named @type is not the response's to say.
  if (text.includes('"@type"')) return JSON.stringify(anyFromMessage(responseType, JSON.parse(text) as Any));
  return text === "{}" ? `{"@type":${type}}` : `{"@type":${type},${text.slice(1)}`;
}

function noObject(text: string): Error {
  const kinds: Record<string, string> = {
    "[": "an array",
    '"': "a string (as a Date is)",
    n: "null",
    t: "a boolean",
    f: "a boolean",
  };
  return misuse(
    `response: it is ${kinds[text.charAt(0)] ?? "a number"}. A handler returns a JSON object, or nothing: put the value ` +
      'into a field, as in { "items": … }, or declare a responseType.',
  );
}
