// Runs before each file: all files of the layer share one runtime, so each begins with the storage of the files before it erased.
import { reset } from "cloudflare:test";
import { beforeAll } from "vitest";
// The Worker under test is loaded before any object: when the first objects load it, each waits for the other's request, and
// the runtime may cancel both as hung.
import "./worker";

beforeAll(() => reset());
