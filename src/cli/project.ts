// The project in whose folder a command runs: its wrangler, and its configuration.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { CommandError } from "./command-error.ts";
import { type ConfigObject, configFromText, formatOf } from "./config-text.ts";

const CONFIG_FILES = ["wrangler.jsonc", "wrangler.json", "wrangler.toml"];

/** The configuration that wrangler reads in a folder. */
export function configFileOf(directory: string): string | undefined {
  return CONFIG_FILES.find((file) => existsSync(join(directory, file)));
}

export function configOf(directory: string): ConfigObject {
  const file = configFileOf(directory);
  return file === undefined ? {} : configFromText(readFileSync(join(directory, file), "utf8"), formatOf(file));
}

/** Resolves as modules of the project's wrangler do: `wrangler/package.json`, or a package that it brings along. */
export function wranglerRequire(directory: string): NodeJS.Require {
  try {
    return createRequire(createRequire(resolve(directory, "package.json")).resolve("wrangler/package.json"));
  } catch (error) {
    throw new CommandError("wrangler is not installed here: npm install --save-dev wrangler", { cause: error });
  }
}
