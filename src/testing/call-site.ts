// Where a method's code made a call.

/** `deliver.ts:20:31`; undefined where the engine does not say. `callee` and what it calls are left out. */
export function callSite(callee: (...parameters: never[]) => unknown): string | undefined {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, callee);
  const [, frame = ""] = (holder.stack ?? "").split("\n");
  const place = /\(?((?:file:\/\/)?[^()\s]+:\d+:\d+)\)?$/.exec(frame)?.[1];
  return place?.replace(/^file:\/\//, "").replace(/^.*\/(?=[^/]+\/[^/]+$)/, "");
}
