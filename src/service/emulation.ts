// The emulation of a client under test (docs/emulation.md): the parts that every deployment has. The decoder of scripts is an
// option of `operations()`.
import type { Emulation } from "../lifecycle/emulation";
import type { Method } from "../method/define-method";
import { rpcErrorFromStatus } from "../rpc/decode";
import { RpcError } from "../rpc/error";
import type { Status } from "../rpc/status";

/** Where a start has its script, as JSON. */
export const SCRIPT_HEADER = "X-Emulation-Script";

export interface EmulationScript {
  emulation: Emulation;
  start: {
    delayMs: number;
    /** The answer to a start before `untilMs`. Nothing is started. */
    httpError?: Status;
    untilMs: number;
  };
}

/** The method whose work the script replaces, and the initial metadata. */
export interface Emulated {
  method: Pick<Method, "metadataType" | "metadataMessage" | "responseMessage">;
  initialMetadata: object;
}

/** Throws INVALID_ARGUMENT with each fault of the script at its field. */
export type DecodeScript = (text: string, emulated: Emulated) => EmulationScript;

export function emulatedError(status: Status): RpcError {
  const { code, message: text, details } = rpcErrorFromStatus(status);
  return new RpcError(code, text === "" ? "The script of the emulation has this error here." : text, {
    details: [...details],
    reason: "EMULATED",
  });
}
