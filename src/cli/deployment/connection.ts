// Which deployment a command calls, and as whom. Credentials come from the environment or the profile's file, and are sent to
// the address that they belong to alone.
import type { OperationsClient } from "edge-operations/client";
import { CommandError } from "../command-error.ts";
import { type Profile, profilesPath, readProfiles } from "./profiles.ts";

export interface ConnectionOptions {
  profile?: string;
  url?: string;
  parent?: string;
}

export interface Connection {
  url: string;
  parent: string | undefined;
  token: string | undefined;
  key: string | undefined;
}

const LOCAL_URL = "http://127.0.0.1:8787";

export function connectionFrom(options: ConnectionOptions, environment = process.env): Connection {
  const profile = profileFrom(options, environment);
  const url = (options.url ?? environment["EDGE_OPERATIONS_URL"] ?? profile?.url ?? LOCAL_URL).replace(/\/+$/, "");
  if (!/^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1|\[::1\])([:/]|$))/.test(url)) {
    throw new CommandError(`${url} is no https address, nor an http one of this machine`);
  }
  // A profile's credentials are for its own address.
  const own = profile && originOf(profile.url) === originOf(url) ? profile : undefined;
  const { EDGE_OPERATIONS_TOKEN: token, EDGE_OPERATIONS_KEY: key } = environment;
  const hasOwn = Boolean(token) || Boolean(key);
  return {
    url,
    parent: options.parent ?? environment["EDGE_OPERATIONS_PARENT"] ?? profile?.parent,
    token: token || (hasOwn ? undefined : own?.token),
    key: key || (hasOwn ? undefined : own?.key),
  };
}

function profileFrom(options: ConnectionOptions, environment: NodeJS.ProcessEnv): Profile | undefined {
  const path = profilesPath(environment);
  const { default: byDefault, profiles } = readProfiles(path);
  const name = options.profile ?? environment["EDGE_OPERATIONS_PROFILE"] ?? byDefault;
  if (name === undefined) return undefined;
  if (Object.hasOwn(profiles, name)) return profiles[name];
  const known = Object.keys(profiles).join(", ") || "none";
  throw new CommandError(`${path} has no profile ${JSON.stringify(name)}. It has: ${known}`);
}

function originOf(url: string): string {
  if (!URL.canParse(url))
    throw new CommandError(`${JSON.stringify(url)} is not an address: https://operations.example.com`);
  return new URL(url).origin;
}

/** The client is imported late: `dev` and `init` need none. */
export async function clientOf({ url, token, key }: Connection): Promise<OperationsClient> {
  const { OperationsClient: Client } = await import("edge-operations/client");
  return new Client({
    baseUrl: url,
    ...(token === undefined ? {} : { token }),
    ...(key === undefined ? {} : { apiKey: key }),
    // Credentials never go along a redirect.
    fetch: (address, init) => fetch(address, { ...(init as RequestInit), redirect: "error" }),
  });
}

/** An operation's full name: what is written, or an id under the parent. */
export function operationName(text: string, parent: string | undefined): string {
  const name = text.replace(/^\/?(?:v1|v1beta1)\//, "");
  if (/^(?:[^/]+\/)*operations\/[^/]+$/.test(name)) return name;
  if (name.includes("/") || name === "") {
    throw new CommandError(
      `${JSON.stringify(text)} is no operation's name: projects/p/operations/ID, or ID with --parent`,
    );
  }
  return parent === undefined || parent === "" ? `operations/${name}` : `${parent}/operations/${name}`;
}
