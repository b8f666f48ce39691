// Completion for shells, made of the commands as they are declared: `source <(edge-operations completion bash)`.
import type { Command } from "commander";
import { CommandError } from "./command-error.ts";

interface Completed {
  name: string;
  description: string;
  options: string[];
}

export function completionScript(program: Command, shell: string): string {
  const commands = program.commands.map((command): Completed => ({
    name: command.name(),
    description: command.description(),
    options: command.options.flatMap(({ long }) => long ?? []),
  }));
  switch (shell) {
    case "bash":
      return bash(commands);
    case "zsh":
      // zsh runs bash's functions.
      return `autoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`;
    case "fish":
      return fish(commands);
    default:
      throw new CommandError(`completion is for bash, zsh and fish, not for ${JSON.stringify(shell)}`);
  }
}

function bash(commands: readonly Completed[]): string {
  const cases = commands.map(({ name, options }) => `    ${name}) words="${options.join(" ")}" ;;`);
  return `_edge_operations() {
  local words="" current="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")}" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _edge_operations edge-operations
`;
}

function fish(commands: readonly Completed[]): string {
  const lines = commands.flatMap(({ name, description, options }) => [
    `complete -c edge-operations -n __fish_use_subcommand -f -a ${name} -d ${quoted(description)}`,
    ...options.map(
      (option) =>
        `complete -c edge-operations -n '__fish_seen_subcommand_from ${name}' -l ${option.replace(/^--/, "")}`,
    ),
  ]);
  return `${lines.join("\n")}\n`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "\\'")}'`;
}
