// A policy's etag: how often it was set, and what it says, as opaque bytes in canonical padded base64.
import { fnv1a32 } from "./fnv";

const encoder = new TextEncoder();

/** Eight bytes. The contents are in it so that a policy that was deleted and set anew does not pass for its predecessor. */
export function etagFromRevision(revision: number, contents: unknown): string {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setUint32(0, revision);
  bytes.setUint32(4, fnv1a32(encoder.encode(JSON.stringify(contents))));
  return base64(new Uint8Array(bytes.buffer));
}

/** How often a policy with this etag, in canonical form, was set; undefined where it is none of ours. */
export function revisionFromEtag(etag: string): number | undefined {
  const bytes = Uint8Array.from(atob(etag), (character) => character.charCodeAt(0));
  return bytes.length === 8 ? new DataView(bytes.buffer).getUint32(0) : undefined;
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
