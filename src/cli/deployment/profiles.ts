// The profiles of deployments: a file of one's own, which is read only if no one else can read it.
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { CommandError } from "../command-error.ts";

export interface Profile {
  url: string;
  /** A parent for names without one: `projects/p`. */
  parent?: string;
  token?: string;
  key?: string;
}

export interface Profiles {
  default?: string;
  profiles: Record<string, Profile>;
}

type Environment = Record<string, string | undefined>;

export function profilesPath(environment: Environment): string {
  const own = environment["EDGE_OPERATIONS_CONFIG"];
  if (own) return own;
  const folder = environment["XDG_CONFIG_HOME"] ?? join(environment["HOME"] ?? homedir(), ".config");
  return join(folder, "edge-operations", "profiles.json");
}

/** @throws CommandError where the file is no one's own, or is not what it should be. */
export function readProfiles(path: string): Profiles {
  if (!existsSync(path)) return { profiles: {} };
  const { mode } = statSync(path);
  // Windows has no such bits.
  if (process.platform !== "win32" && (mode & 0o077) !== 0) {
    throw new CommandError(`${path} can be read by others, and may hold credentials. Run: chmod 600 ${path}`);
  }
  const text = readFileSync(path, "utf8");
  const profiles = profilesIn(text);
  if (!profiles) throw new CommandError(`${path} must be JSON: {"profiles": {"prod": {"url": "https://…"}}}`);
  return profiles;
}

function profilesIn(text: string): Profiles | undefined {
  try {
    const json = JSON.parse(text) as Partial<Profiles> | null;
    const { profiles } = json ?? {};
    if (typeof profiles !== "object" || profiles === null) return undefined;
    const isWhole = Object.values(profiles).every((profile) => typeof (profile as Partial<Profile>)?.url === "string");
    return isWhole ? (json as Profiles) : undefined;
  } catch {
    // Told by the caller, with the file's name.
    return undefined;
  }
}

export function writeProfiles(path: string, profiles: Profiles): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, `${JSON.stringify(profiles, null, 2)}\n`, { mode: 0o600 });
  // A file that was there keeps its mode.
  chmodSync(path, 0o600);
}
