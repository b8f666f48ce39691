// Every call of an object goes by object-call.ts, which knows how to fail. A stub that is made elsewhere is found here.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../../../src");

/** The run channel opens sockets that outlive a call; it has retries and a lease of its own. */
const EXCEPTIONS = new Set(["durable/object-call.ts", "queue/consumer.ts"]);

const MAKES_A_STUB = /\.getByName\(|\b(?:OPERATIONS|INDEX|POLICIES|KEYS|SLOTS|REQUESTS|DIRECTORY|[nN]amespace)\.get\(/;

test("only object-call.ts makes stubs", () => {
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  const making = files.filter((file) => MAKES_A_STUB.test(readFileSync(join(root, file), "utf8")));

  expect(making.filter((file) => !EXCEPTIONS.has(file))).toEqual([]);
  expect(making).toContain("durable/object-call.ts");
});
