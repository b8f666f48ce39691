// Sessions in documents: console blocks, whose lines after `$ ` are run as they are printed, and what they are to print.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Where documents say the service is. */
const DOCUMENTED_URL = "http://localhost:8787";
/** Parts the outputs of a session's lines. */
const MARK = "\u001e";

export interface SessionLine {
  command: string;
  /** The output; `…` matches anything. */
  output: string;
}

/** All blocks of a language, in their order. */
export function codeBlocks(markdown: string, language: string): string[] {
  return Array.from(
    markdown.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms")),
    ([, block = ""]) => block,
  );
}

export function sessionLines(markdown: string): SessionLine[] {
  return codeBlocks(markdown, "console")
    .flatMap((block) => block.split(/^\$ /m).slice(1))
    .map((text) => {
      const [command = "", ...output] = text.trimEnd().split("\n");
      return { command, output: output.join("\n").trim() };
    });
}

/** The output of each line. One shell for all of them, as a reader would have. */
export async function runSession(lines: readonly SessionLine[], url: string): Promise<string[]> {
  const script = lines.map(({ command }) => `${command.replaceAll(DOCUMENTED_URL, url)}\nprintf '${MARK}'\n`).join("");
  const { stdout } = await promisify(execFile)("bash", ["-euc", script], { timeout: 60_000 });
  return stdout.split(MARK).map((output) => output.trim());
}

/** Matches what a line may print. */
export function patternOf(output: string): RegExp {
  const parts = output.split("…").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join(".*")}$`, "s");
}
