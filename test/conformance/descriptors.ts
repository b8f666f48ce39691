// The descriptors of what the deployment serves: its own .proto files (`npm run proto`), and Google's, as google-gax ships them.
import { execFile } from "node:child_process";
import { globSync, readdirSync } from "node:fs";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, "../..");

/** A folder with the .proto files of the Worker of `npm start` in `service`, and Google's in `google`. */
export class ProtoFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<ProtoFolder> {
    const path = await mkdtemp(join(tmpdir(), "edge-operations-proto-"));
    const entry = ["--worker", "src/worker/local.ts"];
    await run(process.execPath, ["src/cli/main.ts", "proto", ...entry, "--out", join(path, "service")], { cwd: ROOT });
    const google = join(import.meta.dirname, "node_modules/google-gax/build/protos/google");
    await cp(google, join(path, "google/google"), { recursive: true });
    const modules = ["service", "google"].map((module) => `  - path: ${module}\n`).join("");
    await writeFile(join(path, "buf.yaml"), `version: v2\nmodules:\n${modules}`);
    return new ProtoFolder(path);
  }

  /** The .proto files that the deployment writes, as paths for the compiler. */
  get own(): string[] {
    return readdirSync(join(this.path, "service")).map((name) => join("service", name));
  }

  /** Compiles these files, or all; throws what the compiler says against them. Gives the image's path. */
  async compile(image: string, ...options: string[]): Promise<string> {
    const out = join(this.path, image);
    try {
      await run(compiler(), ["build", ...options, "-o", out], { cwd: this.path });
    } catch (error) {
      const { stderr } = error as { stderr?: string };
      throw new Error(`the compiler refuses it: ${stderr ?? String(error)}`, { cause: error });
    }
    return out;
  }

  remove(): Promise<void> {
    return rm(this.path, { recursive: true, force: true });
  }
}

/** Buf's compiler comes as a program for each platform; where npm has none for this one, the PATH must. */
function compiler(): string {
  const [found = "buf"] = globSync(join(import.meta.dirname, "node_modules/@bufbuild/buf-*/bin/buf"));
  return found;
}
