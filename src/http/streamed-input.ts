// A body that is no JSON (google.api.HttpBody): checked by its head, and read while the caller's right lasts.
import type { ServiceContext } from "../api/call";
import type { StreamedInput } from "../contract/answer";
import type { Permission } from "../iam/permissions";
import { MAX_QUOTED_CHARACTERS } from "../limits";
import type { InputRule } from "../method/method";
import { invalidArgument } from "../rpc/error";
import { bodyTooLarge } from "../service/start-once";
import { parseMediaType } from "./media-type";
import type { RequestBody } from "./request-body";

/** US-ASCII is a part of UTF-8. */
const UTF8_CHARSETS = new Set(["utf-8", "utf8", "us-ascii", "ascii"]);

export interface Sender {
  service: Pick<ServiceContext, "judgementEnd" | "authorizeAnew">;
  permission: Permission;
  parent: string;
}

/** @throws RpcError INVALID_ARGUMENT if the head of the request declares a body that the rule does not accept. */
export function streamedInput(
  { headers }: Request,
  body: RequestBody,
  rule: InputRule,
  { service, permission, parent }: Sender,
): StreamedInput {
  const { announcedBytes } = checkInputHead(headers, rule);
  const { maxBytes } = rule;
  // An upload may take longer than a judgement may be relied on.
  const right = { endTime: service.judgementEnd, judgeAnew: () => service.authorizeAnew(permission, parent) };
  const input = { stream: body.stream(maxBytes, right), maxBytes, digest: false };
  // Of a coded body it says nothing about what is stored.
  const isPlain = !headers.has("Content-Encoding");
  return isPlain && announcedBytes > 0 ? { ...input, announcedBytes } : input;
}

/** @throws RpcError INVALID_ARGUMENT if the head of a request declares a body that the rule does not accept. */
export function checkInputHead(headers: Headers, { contentTypes, maxBytes }: InputRule): { announcedBytes: number } {
  const mediaType = parseMediaType(headers.get("Content-Type"));
  const expected = contentTypes.map((type) => `"${type}"`).join(" or ");
  if (!mediaType || !contentTypes.includes(mediaType.essence)) {
    const given = mediaType ? JSON.stringify(mediaType.essence) : "none";
    throw invalidArgument([{ field: "body", description: `must have the Content-Type ${expected}; it has ${given}` }]);
  }
  const { essence, charset, header } = mediaType;
  if (charset !== undefined && !UTF8_CHARSETS.has(charset)) {
    const given = JSON.stringify(charset.slice(0, MAX_QUOTED_CHARACTERS));
    throw invalidArgument([{ field: "body", description: `must be UTF-8, not ${given}` }]);
  }
  // The method would take the first row for the header all the same.
  if (essence === "text/csv" && header !== undefined && header !== "present") {
    const given = JSON.stringify(header.slice(0, MAX_QUOTED_CHARACTERS));
    const description = `must begin with a header row: the Content-Type says header=${given}; add the row, and say header=present or nothing`;
    throw invalidArgument([{ field: "body", description }]);
  }
  const announcedBytes = Number(headers.get("Content-Length") ?? 0);
  if (announcedBytes > maxBytes) throw bodyTooLarge(maxBytes);
  return { announcedBytes };
}
