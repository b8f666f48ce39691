// The `traceparent` header (W3C Trace Context, section 3.2.2): which trace a request belongs to.

// traceparent    = version "-" trace-id "-" parent-id "-" trace-flags ;
// version        = 2HEXDIGLC ; "ff" is not allowed
// trace-id       = 32HEXDIGLC ; all zeroes are not allowed
// parent-id      = 16HEXDIGLC ; all zeroes are not allowed
// trace-flags    = 2HEXDIGLC ;
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Longer headers are ignored. */
const MAX_TRACEPARENT_CHARACTERS = 512;

/**
 * The trace of a request, in version 00 of the header; undefined if the header is missing or malformed.
 * "If a higher version is detected, […] the vendor MUST use these fields to construct the new traceparent field
 * according to the highest version of the specification known to it": of the flags, version 00 knows `sampled`.
 */
export function traceparentFrom(header: string | null): string | undefined {
  if (header === null || header.length > MAX_TRACEPARENT_CHARACTERS) return undefined;
  const [, version, traceId, parentId, flags = "", rest] = TRACEPARENT.exec(header) ?? [];
  if (version === undefined || (version === "00" && rest !== undefined)) return undefined;
  const knownFlags = version === "00" ? flags : `0${Number.parseInt(flags, 16) & 1}`;
  return `00-${traceId}-${parentId}-${knownFlags}`;
}
