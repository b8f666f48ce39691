// Debian's Chromium, driven by playwright-core, which brings no browser of its own.
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Undefined where no browser is installed. CI installs one (.ci/run), and sets REQUIRE_CHROMIUM. */
export function chromiumPath(): string | undefined {
  return [process.env["CHROMIUM"], ...PATHS].find((path) => path !== undefined && existsSync(path));
}

export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"],
  });
}
