// The call as a line of curl, for a shell. It never holds the caller's credentials.
import type { Credentials } from "../api/credentials";
import type { JsonObject } from "../api/json";

interface CurlCall {
  method: string;
  url: string;
  body: JsonObject | undefined;
  /** A raw body's type, and the file's name. */
  file: { contentType: string; name: string } | undefined;
  credentials: Credentials["kind"] | undefined;
}

export function curlLine({ method, url, body, file, credentials }: CurlCall): string {
  const type = file?.contentType ?? (body === undefined ? undefined : "application/json");
  const data = file ? `--data-binary ${quoted(`@${file.name}`)}` : body && `-d ${quoted(JSON.stringify(body))}`;
  // curl sends POST where there is data.
  const isPost = method === "POST" && data !== undefined;
  return [
    `curl${isPost ? "" : ` -X ${method}`} ${quoted(url)}`,
    credentials === "bearer" ? `-H "Authorization: Bearer $TOKEN"` : credentials && `-H "x-goog-api-key: $API_KEY"`,
    type === undefined ? undefined : `-H ${quoted(`Content-Type: ${type}`)}`,
    data,
  ]
    .filter(Boolean)
    .join(" \\\n  ");
}

/** One word of a shell's line, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
