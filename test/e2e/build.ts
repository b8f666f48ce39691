// Builds the package once for all tests of this layer, unless the build is newer than every source.
import { execFileSync } from "node:child_process";
import { existsSync, globSync, statSync } from "node:fs";
import { resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
const SOURCES = ["package.json", "tsconfig.json", "build.ts", "tsconfig.build.json", "src/**/*.ts", "src/console/**/*"];

export default function buildIfStale(): void {
  const built = resolve(ROOT, "dist/index.d.ts");
  const sources = SOURCES.flatMap((pattern) => globSync(pattern, { cwd: ROOT }));
  const changeTime = Math.max(...sources.map((path) => statSync(resolve(ROOT, path)).mtimeMs));
  if (existsSync(built) && statSync(built).mtimeMs > changeTime) return;
  execFileSync("npm", ["run", "build"], { cwd: ROOT, stdio: "inherit" });
}
