// google.protobuf.json_format, where there is a Python with protobuf: $PYTHON, or one of those that are usual.
import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";

const CANDIDATES = [process.env["PYTHON"], "python3", "/usr/bin/python3"].filter((path) => path !== undefined);

/** The result of json_format for a text. */
export type Parsed =
  | { read: Record<string, unknown>; withDefaults: Record<string, unknown>; error?: never }
  | { read?: never; withDefaults?: never; error: string };

/** A Python that has protobuf; undefined if the machine has no such Python. */
export function pythonWithProtobuf(): string | undefined {
  return CANDIDATES.find((path) => {
    try {
      execFileSync(path, ["-c", "import google.protobuf.json_format"], { stdio: "ignore" });
      return true;
    } catch {
      // There is no such program, or it lacks the package.
      return false;
    }
  });
}

/** Parses each text as a message of the type, by the descriptors of the image. */
export async function parseWith(
  python: string,
  image: string,
  texts: readonly { type: string; text: string }[],
): Promise<Parsed[]> {
  const child = spawn(python, [join(import.meta.dirname, "json_format.py"), image]);
  const [out, err]: [string[], string[]] = [[], []];
  child.stdout.on("data", (data: Buffer) => out.push(data.toString()));
  child.stderr.on("data", (data: Buffer) => err.push(data.toString()));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  child.stdin.end(texts.map((text) => `${JSON.stringify(text)}\n`).join(""));
  const code = await ended;
  const parsed = out.join("").trim().split("\n");
  if (code !== 0 || parsed.length !== texts.length) throw new Error(`python ended with ${code}: ${err.join("")}`);
  return parsed.map((line) => JSON.parse(line) as Parsed);
}
