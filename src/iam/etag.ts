// A policy's etag: the number of times it was set and a digest of its content, in canonical padded base64.
import { Buffer } from "node:buffer";

const encoder = new TextEncoder();

/**
 * Eight bytes. The content is part of it, so that a policy that was deleted and set again differs from its predecessor.
 */
export function etagFromRevision(revision: number, contents: unknown): string {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setUint32(0, revision);
  bytes.setUint32(4, fnv1a32(encoder.encode(JSON.stringify(contents))));
  return Buffer.from(bytes.buffer).toString("base64");
}

/** The number of times a policy with this canonical etag was set; undefined if it is not an etag of this service. */
export function revisionFromEtag(etag: string): number | undefined {
  const bytes = Buffer.from(etag, "base64");
  return bytes.length === 8 ? bytes.readUInt32BE(0) : undefined;
}

/** FNV-1a, 32 bits. It distinguishes contents; a collision gains an attacker nothing. */

export function fnv1a32(bytes: Uint8Array, basis = 0x811c9dc5): number {
  let hash = basis;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
