// Content codings of request bodies (RFC 9110, section 8.4.1): Google's Java client sends every body as gzip.
//
// node:zlib, because it decodes as much as is read: the runtime's DecompressionStream decodes all that was written to it
// at once, so that 64 KiB of gzip would become 64 MiB in memory.
import { Readable, pipeline } from "node:stream";
import { createGunzip, createInflate, gunzipSync, inflateSync } from "node:zlib";
import { BODY_READ_BYTES, MAX_QUOTED_CHARACTERS } from "../limits";
import { type RpcError, invalidArgument } from "../rpc/error";
import { bodyTooLarge } from "../service/start-once";

export type ContentCoding = "gzip" | "deflate";

// "A recipient SHOULD consider "x-gzip" to be equivalent to "gzip"" (RFC 9110, section 8.4.1.3). No coding at all is
// `identity`, which some clients write out.
const CODINGS: Readonly<Record<string, ContentCoding>> = { gzip: "gzip", "x-gzip": "gzip", deflate: "deflate" };

/**
 * The coding of a body; undefined where it is sent as it is.
 *
 * @throws RpcError 415 (RFC 9110, section 15.5.16) naming a coding that is not decoded. Several are not: each would
 * multiply what a small body may decode to.
 */
export function contentCodingOf(headers: Headers): ContentCoding | undefined {
  const given = headers.get("Content-Encoding");
  if (given === null) return undefined;
  const codings = given
    .split(",")
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== "" && coding !== "identity");
  const [only, ...more] = codings;
  if (only === undefined) return undefined;
  const known = Object.hasOwn(CODINGS, only) ? CODINGS[only] : undefined;
  if (known === undefined || more.length > 0) throw unsupportedCoding(codings.join(", "));
  return known;
}

function unsupportedCoding(given: string): RpcError {
  const quoted = given.slice(0, MAX_QUOTED_CHARACTERS);
  const description = `has the content coding ${JSON.stringify(quoted)}; send it as gzip, as deflate or as it is`;
  return invalidArgument([{ field: "body", description }], {
    reason: "CONTENT_CODING_UNSUPPORTED",
    httpStatus: 415,
    headers: { "Accept-Encoding": "gzip, deflate" },
    metadata: { contentCoding: quoted },
  });
}

/** The decoded bytes, of which there may be `maxBytes`. */
export function decodedBytes(coding: ContentCoding, sent: Uint8Array, maxBytes: number): Uint8Array {
  const decode = coding === "gzip" ? gunzipSync : inflateSync;
  try {
    return decode(sent, { maxOutputLength: maxBytes });
  } catch (error) {
    // A RangeError says that there is more.
    throw error instanceof RangeError ? bodyTooLarge(maxBytes) : malformedCoding(coding, error);
  }
}

/** Decodes parts one after the other, no further than they are read. Errors of `sent` are thrown as they are. */
export async function* decodedParts(
  coding: ContentCoding,
  sent: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = (coding === "gzip" ? createGunzip : createInflate)({ chunkSize: BODY_READ_BYTES });
  let sourceError: unknown;
  const source = Readable.from(rethrowing(sent, (error) => (sourceError = error)));
  // The error is thrown by the decoder, which is read below.
  pipeline(source, decoder, () => {});
  try {
    yield* decoder as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw sourceError ?? malformedCoding(coding, error);
  }
}

async function* rethrowing<T>(items: AsyncIterable<T>, note: (error: unknown) => void): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (error) {
    note(error);
    throw error;
  }
}

function malformedCoding(coding: ContentCoding, error: unknown): RpcError {
  const problem = error instanceof Error ? error.message : String(error);
  return invalidArgument([{ field: "body", description: `is not ${coding}: ${problem}` }], {
    reason: "CONTENT_CODING_MALFORMED",
    metadata: { contentCoding: coding },
  });
}
