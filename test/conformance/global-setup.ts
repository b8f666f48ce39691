// One `wrangler dev` for all files, as `npm start` has it, which emulates where a script asks for it (docs/emulation.md);
// it and its state are gone when the run ends.
import type { TestProject } from "vitest/node";
import { DevServer } from "../e2e/dev-server";

declare module "vitest" {
  export interface ProvidedContext {
    url: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await DevServer.start({ vars: { EMULATION: "on" } });
  project.provide("url", server.url);
  return () => server.dispose();
}
