// The runner of direct dispatch: an entrypoint of the Worker, which the operation's object calls.
import { WorkerEntrypoint } from "cloudflare:workers";
import { configFromEnv } from "../config";
import type { Env } from "../env";
import type { Method } from "../method/define-method";
import type { DirectObject, DirectRunner } from "../contract/direct-run";
import type { Claimed, LastWord } from "../contract/run-channel";
import { withNamespaces } from "../durable/namespaces";
import type { Locations } from "../service/locations";
import { childStarts } from "./child-starts";
import { DirectChannel } from "./direct-channel";
import { runOperation } from "./run-operation";
import { workersPlatform } from "./workers-platform";

/** The platform makes an entrypoint by its exported name and gives it the environment alone: operations() notes the methods. */
let deployedMethods: ReadonlyMap<string, Method> = new Map();

let deployedLocations: Locations = new Map();

/** Notes the methods of this Worker. Where operations() was called more than once, of methods with one id the last counts. */
export function deployMethods(methods: ReadonlyMap<string, Method>, locations: Locations): void {
  deployedLocations = new Map([...deployedLocations, ...locations]);
  deployedMethods = new Map([...deployedMethods, ...methods]);
}

/** Runs operations of methods with `dispatch: "direct"`. A Worker exports it beside the classes of its objects. */
export class OperationRunner extends WorkerEntrypoint<Env> implements DirectRunner {
  async run(claimed: Claimed, object: DirectObject, claimTime: number): Promise<LastWord | undefined> {
    const { auth, invocationMs } = configFromEnv(this.env);
    const channel = new DirectChannel(claimed, object, claimTime);
    const showInnerErrors = auth === "open";
    const children = childStarts(withNamespaces(this.env), deployedLocations);
    const methods = deployedMethods;
    await runOperation(channel, { methods, showInnerErrors, invocationMs, platform: workersPlatform, children });
    return channel.lastWord;
  }
}
