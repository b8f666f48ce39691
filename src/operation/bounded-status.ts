// The error of an operation within the bounds of what is stored.
import { MAX_STATUS_DETAILS_BYTES, MAX_STATUS_MESSAGE_CHARACTERS } from "../limits";
import type { Status } from "../rpc/status";

/** A Status within the bounds of what is stored: a long message is cut, details that are too large are dropped, and it says so. */
export function boundedStatus({ code, message, details }: Status): Status {
  const cut =
    message.length > MAX_STATUS_MESSAGE_CHARACTERS
      ? `${message.slice(0, MAX_STATUS_MESSAGE_CHARACTERS - 1)}…`
      : message;
  if (JSON.stringify(details).length <= MAX_STATUS_DETAILS_BYTES) return { code, message: cut, details };
  return {
    code,
    message: `${cut} (Details of more than ${MAX_STATUS_DETAILS_BYTES} bytes were dropped.)`,
    details: [],
  };
}
