// Runs before each file: all files of the layer share one runtime, so each begins with the storage of the files before it erased.
import { reset } from "cloudflare:test";
import { beforeAll } from "vitest";

beforeAll(() => reset());
