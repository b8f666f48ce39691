// Digests by which repetitions of a request are told from other requests (AIP-155).
import type { Json } from "../rpc/any";

/** JSON text in which equal values are equal texts: object keys in order, no white space. */
export function canonicalJson(json: Json): string {
  if (Array.isArray(json)) return `[${json.map(canonicalJson).join(",")}]`;
  if (json === null || typeof json !== "object") return JSON.stringify(json);
  const members = Object.keys(json)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(json[key] ?? null)}`);
  return `{${members.join(",")}}`;
}

export async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
