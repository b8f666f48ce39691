// The id of an event of a watch: which state its client has, and how much of the output. Opaque to clients.
import { revisionFromEtag } from "../contract/resource";

export interface KnownEvents {
  /** The ETag of the state. */
  known: string | undefined;
  outputOffset: number;
}

/** A snapshot of an earlier version has no tag, and is done. */
export function idOfEvent(etag: string | undefined, outputOffset: number): string {
  const state = etag?.slice(1, -1) ?? "done";
  return outputOffset === 0 ? state : `${state}.${outputOffset.toString(36)}`;
}

/** A text that is no id says that its client has nothing. */
export function knownFromId(id: string | undefined): KnownEvents {
  const [, state = "", output = "0"] = /^([0-9a-z]{1,10})(?:\.([0-9a-z]{1,10}))?$/.exec(id ?? "") ?? [];
  const tag = `"${state}"`;
  return {
    known: revisionFromEtag(tag) === undefined ? undefined : tag,
    outputOffset: Number.parseInt(output, 36),
  };
}
