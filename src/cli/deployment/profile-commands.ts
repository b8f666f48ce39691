// profiles: lists the deployments that one knows, and writes one into the file.
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { CommandError } from "../command-error.ts";
import { print, printTable } from "./output.ts";
import { profilesPath, readProfiles, writeProfiles } from "./profiles.ts";

export function addProfileCommands(program: Command): void {
  const profiles = program.command("profiles").description("The deployments that you know: list, set, remove.");
  profiles
    .command("list", { isDefault: true })
    .description("Lists them. Credentials are not shown.")
    .action(() => {
      const { default: byDefault, profiles: known } = readProfiles(profilesPath(process.env));
      if (Object.keys(known).length === 0) return print("No profiles.");
      printTable(
        ["NAME", "URL", "PARENT", "CREDENTIALS"],
        Object.entries(known).map(([name, { url, parent = "", token, key }]) => [
          name === byDefault ? `${name} (default)` : name,
          url,
          parent,
          token ? "token" : key ? "key" : "",
        ]),
      );
    });
  profiles
    .command("set")
    .description("Writes one. Its credential is read from the standard input, never from an argument.")
    .argument("<name>")
    .requiredOption("--url <address>", "the deployment")
    .option("--parent <parent>", "the parent for names without one")
    .option("--token-stdin", "reads a bearer token from the standard input")
    .option("--key-stdin", "reads an API key from the standard input")
    .option("--default", "the profile that is taken where none is named")
    .action((name: string, flags: SetFlags) => {
      const path = profilesPath(process.env);
      const known = readProfiles(path);
      if (flags.tokenStdin && flags.keyStdin)
        throw new CommandError("--token-stdin and --key-stdin exclude one another");
      const secret = flags.tokenStdin || flags.keyStdin ? readFileSync(0, "utf8").trim() : undefined;
      if (secret === "") throw new CommandError("the standard input is empty");
      const isFirst = Object.keys(known.profiles).length === 0;
      writeProfiles(path, {
        ...known,
        ...(flags.default || isFirst ? { default: name } : {}),
        profiles: {
          ...known.profiles,
          [name]: {
            url: flags.url,
            ...(flags.parent === undefined ? {} : { parent: flags.parent }),
            ...(secret === undefined ? {} : flags.tokenStdin ? { token: secret } : { key: secret }),
          },
        },
      });
      print(`${path} has the profile ${name}`);
    });
  profiles
    .command("remove")
    .description("Removes one.")
    .argument("<name>")
    .action((name: string) => {
      const path = profilesPath(process.env);
      const { profiles: known, default: byDefault } = readProfiles(path);
      if (!Object.hasOwn(known, name)) throw new CommandError(`${path} has no profile ${JSON.stringify(name)}`);
      const { [name]: _removed, ...rest } = known;
      writeProfiles(path, {
        profiles: rest,
        ...(byDefault === name || byDefault === undefined ? {} : { default: byDefault }),
      });
      print(`${path} has the profile ${name} no more`);
    });
}

interface SetFlags {
  url: string;
  parent?: string;
  tokenStdin?: boolean;
  keyStdin?: boolean;
  default?: boolean;
}
