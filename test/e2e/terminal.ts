// A terminal as a person has it: a shell in tmux, typed in and looked at.
import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import { eventually } from "../support/eventually";

const COLUMNS = 120;

/** CI installs tmux (.ci/run), and sets REQUIRE_TMUX. */
export function hasTmux(): boolean {
  try {
    execFileSync("tmux", ["-V"]);
    return true;
  } catch {
    // It is not installed.
    return false;
  }
}

export class Terminal {
  /** Of this process, so that no other's sessions are seen. */
  readonly #socket = `edge-operations-${process.pid}`;

  private constructor() {}

  /** A shell with these variables, and with `functions` defined. */
  static async start(environment: Record<string, string>, functions: string): Promise<Terminal> {
    const terminal = new Terminal();
    const variables = Object.entries(environment).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
    const size = ["-x", String(COLUMNS), "-y", "30"];
    await terminal.#tmux("-f", "/dev/null", "new-session", "-d", ...size, ...variables, "bash --norc --noprofile");
    try {
      await terminal.type(`PS1='$ '; ${functions}; clear`);
      await terminal.shows((screen) => screen === "$");
      return terminal;
    } catch (error) {
      await terminal.end();
      throw error;
    }
  }

  async #tmux(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)("tmux", ["-L", this.#socket, ...args]);
    return stdout;
  }

  async type(line: string): Promise<void> {
    await this.#tmux("send-keys", "-l", line);
    await this.press("Enter");
  }

  /** A key by tmux's name for it, such as C-c. */
  async press(key: string): Promise<void> {
    await this.#tmux("send-keys", key);
  }

  /** The screen once it is as expected, lines that the terminal wrapped joined again. */
  async shows(isExpected: (screen: string) => boolean): Promise<string> {
    let screen = "";
    try {
      return await eventually(
        async () => {
          screen = (await this.#tmux("capture-pane", "-p", "-J")).replaceAll(/[ \n]+$/gm, "").trimEnd();
          return isExpected(screen) ? screen : undefined;
        },
        { timeoutMs: 20_000 },
      );
    } catch (error) {
      throw new Error(`The terminal shows:\n${screen}`, { cause: error });
    }
  }

  async isCursorVisible(): Promise<boolean> {
    return (await this.#tmux("display-message", "-p", "#{cursor_flag}")).trim() === "1";
  }

  async end(): Promise<void> {
    await this.#tmux("kill-server");
  }
}
