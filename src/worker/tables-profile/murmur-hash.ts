// MurmurHash3_x86_32 (Appleby, public domain) with seed 0, over the UTF-16LE bytes of a string.

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

/** An unsigned hash of 32 bits: two units of the string are one block of the algorithm. */
export function murmurHash32(text: string): number {
  const even = text.length & ~1;
  let hash = 0;
  for (let i = 0; i < even; i += 2) {
    hash ^= scramble(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16));
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  if (even < text.length) hash ^= scramble(text.charCodeAt(even));
  return finalMix(hash ^ (2 * text.length));
}

function scramble(block: number): number {
  const product = Math.imul(block, C1);
  return Math.imul((product << 15) | (product >>> 17), C2);
}

function finalMix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
