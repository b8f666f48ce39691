// The error of an operation within the bounds of what is stored.
import { MAX_STATUS_DETAILS_BYTES, MAX_STATUS_MESSAGE_CHARACTERS } from "../limits";
import { type Any, type Json, isJsonObject } from "../rpc/any";
import type { Status } from "../rpc/status";
import { jsonText } from "./json-text";

/**
 * A Status within the bounds of what is stored. A long message is cut. Details that are too large, or that are no JSON, are
 * dropped, and the message says so. Never throws, whatever a handler put into its error.
 */
export function boundedStatus({ code, message, details }: Status): Status {
  const kept = (Array.isArray(details) ? details : []).flatMap(jsonDetail);
  const cut = textCut(typeof message === "string" ? message : "", MAX_STATUS_MESSAGE_CHARACTERS);
  if (JSON.stringify(kept).length > MAX_STATUS_DETAILS_BYTES) {
    const dropped = `${cut} (Details of more than ${MAX_STATUS_DETAILS_BYTES} bytes were dropped.)`;
    return { code, message: dropped, details: [] };
  }
  const lost = Array.isArray(details) ? details.length - kept.length : 0;
  if (lost === 0) return { code, message: cut, details: kept };
  return {
    code,
    message: `${cut} (${lost} of its details were dropped: they are no JSON of a google.protobuf.Any.)`,
    details: kept,
  };
}

/** The detail as JSON, or nothing where it is no Any. */
function jsonDetail(detail: unknown): Any[] {
  try {
    const json = JSON.parse(jsonText("detail", detail)) as Json;
    return isJsonObject(json) && typeof json["@type"] === "string" ? [json as Any] : [];
  } catch {
    // A bigint, a cycle, a getter that throws: the message says that a detail was dropped.
    return [];
  }
}

/** At most so many UTF-16 units of a text, and no half of a surrogate pair. */
export function textCut(text: string, max: number): string {
  return (text.length > max ? `${text.slice(0, max - 1)}…` : text).toWellFormed();
}
