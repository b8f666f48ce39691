// A face: another protocol over the same service, beside the door's. It is made elsewhere and given to the deployment, so
// that a Worker without it does not carry its code.
import type { Method } from "../method/define-method";
import type { DoorPorts } from "./door";

export interface FacePorts extends DoorPorts {
  /** Serves a call of the HTTP API. */
  door(this: void, request: Request, ports: DoorPorts): Promise<Response>;
  /** The issuers of the tokens that are accepted. */
  issuers(this: void): readonly string[];
}

/** Answers the requests that are its own; undefined: the request is another's. */
export type Face = (request: Request, ports: FacePorts) => Promise<Response> | undefined;

/** @throws TypeError where it cannot serve these methods, when the Worker starts. */
export type MakeFace = (methods: readonly Method[]) => Face;
