// edge-operations keys: creates, lists and revokes the API keys of a deployment, or of `wrangler dev` (docs/access.md).
import { createHash, randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { CommandError } from "./command-error.ts";

export const KEYS_USAGE = `edge-operations keys create --name "CI" --grant roles/longrunning.invoker@projects/p [--expires 90d]
edge-operations keys list
edge-operations keys revoke apiKeys/ID
edge-operations keys admin-key

  --url       the service, or EDGE_OPERATIONS_URL; http://127.0.0.1:8787 unless given
  --grant     a role and the parent on which, and below which, it holds; may be repeated. "operations" is the root.
  --expires   days (90d), or a time in RFC 3339

The caller must be an administrator: put a bearer token into EDGE_OPERATIONS_TOKEN, or an administrator's key into
EDGE_OPERATIONS_KEY. admin-key asks nobody: it prints a new administrator's key, and the hash to put into AUTH.
`;

const DAY_MS = 86_400_000;

interface ApiKey {
  name: string;
  displayName?: string;
  grants?: { role: string; parent: string }[];
  createTime: string;
  expireTime?: string;
  revokeTime?: string;
  keyString?: string;
}

interface Answer extends Partial<ApiKey> {
  apiKeys?: ApiKey[];
  nextPageToken?: string;
  error?: { status: string; message: string };
}

export interface World {
  environment: Record<string, string | undefined>;
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  now: () => number;
  print: (line: string) => void;
}

export async function runKeysCommand(args: string[], world: World): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      url: { type: "string" },
      name: { type: "string" },
      grant: { type: "string", multiple: true },
      expires: { type: "string" },
    },
  });
  const [command, ...operands] = positionals;
  const url = (values.url ?? world.environment["EDGE_OPERATIONS_URL"] ?? "http://127.0.0.1:8787").replace(/\/$/, "");
  if (!/^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1)([:/]|$))/.test(url)) {
    throw new CommandError("--url takes an https URL, or an http one of this machine");
  }
  const call = (method: string, path: string, body?: object): Promise<Answer> =>
    answerOf(world, `${url}/v1/${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  switch (command) {
    case "create": {
      const expireTime =
        values.expires === undefined ? {} : { expireTime: expireTimeFrom(values.expires, world.now()) };
      const grants = (values.grant ?? []).map(grantFrom);
      const key = await call("POST", "apiKeys", { displayName: values.name ?? "", grants, ...expireTime });
      world.print(`${key.name ?? ""} is created. This is the only time that the key is shown:`);
      world.print(key.keyString ?? "");
      return;
    }
    case "list": {
      let pageToken = "";
      do {
        const page = await call("GET", `apiKeys?pageSize=100&pageToken=${encodeURIComponent(pageToken)}`);
        for (const key of page.apiKeys ?? []) world.print(lineOf(key, world.now()));
        pageToken = page.nextPageToken ?? "";
      } while (pageToken !== "");
      return;
    }
    case "revoke": {
      const [name = ""] = operands;
      if (!/^(apiKeys\/)?[0-9a-f]{24}$/.test(name))
        throw new CommandError("revoke takes the name of a key: apiKeys/ID");
      const id = name.replace("apiKeys/", "");
      await call("POST", `apiKeys/${id}:revoke`);
      world.print(`apiKeys/${id} is revoked. It may be accepted for another 60 seconds.`);
      return;
    }
    case "admin-key": {
      const secret = randomBytes(32).toString("base64url");
      world.print(`eo_admin_${secret}`);
      world.print(`"apiKeys": { "adminKeyHashes": ["${createHash("sha256").update(secret).digest("hex")}"] }`);
      return;
    }
    default:
      throw new CommandError(command === undefined ? "a command is missing" : "there is no such command");
  }
}

async function answerOf({ environment, fetch: send }: World, url: string, init: RequestInit): Promise<Answer> {
  const { EDGE_OPERATIONS_TOKEN: token, EDGE_OPERATIONS_KEY: key } = environment;
  const response = await send(url, {
    ...init,
    // Credentials are sent to the given address only, never along a redirect.
    redirect: "error",
    headers: {
      "Content-Type": "application/json",
      ...(token ? { Authorization: `Bearer ${token}` } : {}),
      ...(key ? { "x-goog-api-key": key } : {}),
    },
  });
  const text = await response.text();
  const answer = text.startsWith("{") ? (JSON.parse(text) as Answer) : {};
  if (response.ok) return answer;
  throw new Error(answer.error ? `${answer.error.status}: ${answer.error.message}` : `HTTP ${response.status}`);
}

function grantFrom(text: string): { role: string; parent: string } {
  const [role = "", parent = "", ...more] = text.split("@");
  if (role !== "" && parent !== "" && more.length === 0) return { role, parent };
  throw new CommandError("--grant takes ROLE@PARENT, like roles/longrunning.viewer@projects/p");
}

function expireTimeFrom(text: string, now: number): string {
  const days = /^(\d{1,5})d$/.exec(text)?.[1];
  return days === undefined ? text : new Date(now + Number(days) * DAY_MS).toISOString();
}

function lineOf({ name, displayName = "", grants = [], expireTime, revokeTime }: ApiKey, now: number): string {
  const isExpired = expireTime !== undefined && Date.parse(expireTime) <= now;
  const expiry = expireTime === undefined ? "never expires" : `${isExpired ? "expired" : "expires"} ${expireTime}`;
  const state = revokeTime === undefined ? expiry : `revoked ${revokeTime}`;
  const scope = grants.map(({ role, parent }) => `${role}@${parent}`).join(" ");
  return [name, state, scope, displayName].join("\t");
}
