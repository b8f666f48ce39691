// Types of `env` and `exports` of "cloudflare:workers" in the tests: the worker under test.
import type { Env as ServiceEnv } from "../../src/env";
import type * as worker from "./worker";

declare global {
  namespace Cloudflare {
    interface Env extends ServiceEnv {
      AUTH: string;
    }
    interface GlobalProps {
      mainModule: typeof worker;
    }
  }
}
