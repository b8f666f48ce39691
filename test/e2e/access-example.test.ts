// docs/access.md's worked example, run line by line as it is printed, with tokens of an issuer that stands beside; and the console
// of the same deployment, with tokens and with a key.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { SignJWT, exportJWK, generateKeyPair } from "jose";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, launchChromium } from "./browser";
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

const ADMIN_SECRET = "a".repeat(43);
const ADMIN_KEY = `eo_admin_${ADMIN_SECRET}`;

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
  const AUTH = JSON.stringify({
    issuers: [{ issuer: url, audience: "operations", jwksUri: `${url}/keys` }],
    apiKeys: { adminKeyHashes: [createHash("sha256").update(ADMIN_SECRET).digest("hex")] },
  });
  server = await DevServer.start({ assets: "dist/console", vars: { AUTH, ADMINS: "user:root@example.com" } });
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
});

const chromium = chromiumPath();
const declareConsole = chromium === undefined ? noConsoleTried : theConsole;
describe("the console of the same deployment", () => {
  declareConsole(chromium ?? "");
});

function noConsoleTried(): void {
  test("is not tried, because there is no Chromium: apt-get install chromium", () => {
    expect(process.env["REQUIRE_CHROMIUM"]).toBeUndefined();
  });
}

function theConsole(executablePath: string): void {
  const LIST = "projects/demo/locations/eu/operations";
  let browser: Browser;
  let context: BrowserContext;

  beforeAll(async () => {
    browser = await launchChromium(executablePath);
    context = await browser.newContext();
    context.setDefaultTimeout(20_000);
  });
  afterAll(() => browser?.close());

  async function openedTab(): Promise<Page> {
    const page = await context.newPage();
    await page.goto(`${server.url}/#/${LIST}`);
    return page;
  }
  const alert = (page: Page) => page.getByRole("dialog").getByRole("alert");
  const rows = (page: Page) => page.locator("table.operations tbody tr");
  async function signIn(page: Page, secret: string, kind: "Token" | "Key" = "Token"): Promise<void> {
    await page.getByLabel(kind, { exact: true }).fill(secret);
    await page.getByRole("dialog").getByRole("button", { name: "Sign in" }).click();
  }
  const stored = (page: Page) =>
    page.evaluate<number[]>(
      "[sessionStorage, localStorage].map((store) => (store['edge-operations.credentials'] ?? '').length)",
    );

  test("asks for credentials, says that a token is wrong, and goes on with a good one", async () => {
    const page = await openedTab();
    await alert(page).getByText("UNAUTHENTICATED").waitFor();
    const none = await alert(page).innerText();
    await signIn(page, `${tokens[0]!.slice(0, -8)}AAAAAAAA`);
    await alert(page).getByText("CREDENTIALS_SIGNATURE_INVALID").waitFor();
    const wrong = await alert(page).innerText();
    await page.setViewportSize({ width: 360, height: 700 });
    const [frame, signOut] = await Promise.all(
      [page.getByRole("dialog"), page.getByRole("button", { name: "Sign out" })].map((one) => one.boundingBox()),
    );
    await signIn(page, `Bearer ${tokens[0]}`);
    await rows(page).first().getByText("tables:profile").waitFor();
    const [inTab, kept] = await stored(page);
    await page.close();
    const other = await openedTab();
    await alert(other).getByText("UNAUTHENTICATED").waitFor();
    await other.close();

    // All of it is inside on a phone, too.
    expect(signOut!.x).toBeGreaterThan(frame!.x);
    expect(none).toContain("The request has no credentials");
    expect(wrong).toContain("The token's signature is wrong.");
    expect([inTab! > 0, kept]).toEqual([true, 0]);
  });

  test("says what a caller without the permission lacks, and takes other credentials", async () => {
    const page = await openedTab();
    await signIn(page, tokens[1]!);
    const refused = page.getByRole("main").getByRole("alert");
    await refused.getByText("PERMISSION_DENIED").waitFor();
    const text = await refused.innerText();
    await page.getByRole("button", { name: "Signed in" }).click();
    await page.getByLabel("API key").check();
    await page.getByLabel("Keep it in this browser").check();
    await signIn(page, ADMIN_KEY, "Key");
    await rows(page).first().waitFor();
    await page.close();
    const other = await openedTab();
    await rows(other).first().waitFor();
    await other.getByRole("link", { name: "Operations", exact: true }).click();
    await other.getByLabel("Parent", { exact: true }).fill("");
    await other.keyboard.press("Enter");
    await other.getByRole("button", { name: /^Show all/ }).click();
    await rows(other).first().waitFor();
    await other.getByRole("button", { name: "Signed in" }).click();
    await other.getByRole("button", { name: "Sign out" }).click();
    await alert(other).getByText("UNAUTHENTICATED").waitFor();

    expect(text).toContain("longrunning.operations.list");
    expect(await stored(other)).toEqual([0, 0]);
  });
}

test("no token and no key is in the service's output", () => {
  for (const token of tokens) expect(server.output).not.toContain(token.split(".").at(-1));
  expect(server.output).not.toContain(ADMIN_SECRET);
});
