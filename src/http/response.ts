// A handler's answer as an HTTP response.
import { JsonAnswer } from "../api/answer";
import { JSON_TYPE } from "./media-type";

/** `get`: the request, where it is a GET. It is answered with 304 where the client has this state already (RFC 9110). */
export async function responseFrom(answer: object, get: Request | undefined): Promise<Response> {
  const { json, headers } = answer instanceof JsonAnswer ? answer : new JsonAnswer(JSON.stringify(answer));
  const etag = headers["ETag"];
  if (!get || etag === undefined || !matchesNone(get.headers.get("If-None-Match"), etag)) {
    return new Response(json, { headers: { "Content-Type": JSON_TYPE, ...headers } });
  }
  if (typeof json !== "string") await json.cancel();
  return new Response(null, { status: 304, headers });
}

function matchesNone(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null) return false;
  return ifNoneMatch.split(",").some((candidate) => {
    const tag = candidate.trim().replace(/^W\//, "");
    return tag === "*" || tag === etag;
  });
}
