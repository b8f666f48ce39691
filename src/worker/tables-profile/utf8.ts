// Finds the first byte sequence that is not UTF-8 (WHATWG Encoding, § 8.1.1); a fatal TextDecoder does not say where.

/** Checks an input handed over in pieces; a sequence may be split over several. */
export class Utf8Checker {
  #bytesSeen = 0;
  /** Continuation bytes that the open sequence still needs, and the range of the next one. */
  #needed = 0;
  #lower = 0x80;
  #upper = 0xbf;
  #sequenceStart = 0;

  /** The offset in the whole input of the first ill-formed sequence, or undefined. Not to be called again after one. */
  firstIllFormed(piece: Uint8Array): number | undefined {
    const base = this.#bytesSeen;
    this.#bytesSeen += piece.length;
    for (let i = 0; i < piece.length; i++) {
      const byte = piece[i] as number;
      if (this.#needed === 0) {
        if (byte < 0x80) continue;
        this.#sequenceStart = base + i;
        if (!this.#open(byte)) return this.#sequenceStart;
      } else {
        if (byte < this.#lower || byte > this.#upper) return this.#sequenceStart;
        this.#lower = 0x80;
        this.#upper = 0xbf;
        this.#needed--;
      }
    }
    return undefined;
  }

  /** The offset of a sequence that the end of the input cuts off, or undefined. */
  cutOffAtEnd(): number | undefined {
    return this.#needed > 0 ? this.#sequenceStart : undefined;
  }

  /** Takes the first byte of a sequence; false where no sequence begins with it. */
  #open(byte: number): boolean {
    if (byte < 0xc2 || byte > 0xf4) return false;
    this.#needed = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    // No overlong forms, no surrogates, nothing beyond U+10FFFF.
    if (byte === 0xe0) this.#lower = 0xa0;
    if (byte === 0xed) this.#upper = 0x9f;
    if (byte === 0xf0) this.#lower = 0x90;
    if (byte === 0xf4) this.#upper = 0x8f;
    return true;
  }
}
