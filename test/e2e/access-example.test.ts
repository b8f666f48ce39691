// docs/access.md's worked example, run line by line as it is printed, with tokens of an issuer that stands beside.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { SignJWT, exportJWK, generateKeyPair } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DevServer } from "./dev-server";

const DOCS_URL = "http://localhost:8787";
/** Parts the outputs of the session's lines. */
const MARK = "\u001e";

const docs = readFileSync(join(resolve(import.meta.dirname, "../.."), "docs/access.md"), "utf8");
const session = /^```console\n(.*?)^```$/ms.exec(docs)?.[1] ?? "";
const lines = session
  .split(/^\$ /m)
  .slice(1)
  .map((text, index) => {
    const [command = "", ...output] = text.trimEnd().split("\n");
    return { index, command, output: output.join("\n").trim() };
  });

function patternOf(output: string): RegExp {
  const parts = output.split("…").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join(".*")}$`, "s");
}

let issuer: Server;
let server: DevServer;
let outputs: string[];
let tokens: string[];

beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "1", alg: "ES256" }] });
  issuer = createServer((_, response) => response.setHeader("Content-Type", "application/json").end(keys));
  await once(issuer.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
  const tokenOf = (email: string): Promise<string> =>
    new SignJWT({ email, email_verified: true })
      .setProtectedHeader({ alg: "ES256", kid: "1" })
      .setIssuer(url)
      .setSubject(email)
      .setAudience("operations")
      .setExpirationTime("10m")
      .sign(privateKey);
  tokens = await Promise.all([tokenOf("root@example.com"), tokenOf("ada@example.com")]);
  const AUTH = JSON.stringify({ issuers: [{ issuer: url, audience: "operations", jwksUri: `${url}/keys` }] });
  server = await DevServer.start({ vars: { AUTH, ADMINS: "user:root@example.com" } });
  const script = lines.map(({ command }) => `${command.replaceAll(DOCS_URL, server.url)}\nprintf '${MARK}'\n`).join("");
  const [ADMIN_TOKEN, USER_TOKEN] = tokens;
  const env = { ...process.env, ADMIN_TOKEN, USER_TOKEN };
  const { stdout } = await promisify(execFile)("bash", ["-euc", script], { timeout: 60_000, env });
  outputs = stdout.split(MARK);
});

afterAll(async () => {
  await server?.dispose();
  issuer?.close();
});

describe("the worked example in docs/access.md", () => {
  test.each(lines)("$command", ({ index, output }) => {
    expect(outputs[index]?.trim()).toMatch(patternOf(output));
  });

  test("is complete in this test", () => {
    expect(lines.length).toBeGreaterThan(10);
  });

  test("leaves no token in the service's output", () => {
    for (const token of tokens) expect(server.output).not.toContain(token.split(".").at(-1));
  });
});
