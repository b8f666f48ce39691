// FNV-1a, 32 bits. It distinguishes contents; a collision gains an attacker nothing.

export function fnv1a32(bytes: Uint8Array, basis = 0x811c9dc5): number {
  let hash = basis;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
