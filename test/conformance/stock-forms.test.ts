// The requests that stock clients send because of an option or a long URL.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { echoOf } from "./clients/google-gax";
import { Front } from "./front";

const service = inject("url");
const parent = "projects/stock/locations/forms";
let front: Front;

beforeAll(async () => {
  front = await Front.start(service);
});
afterAll(() => front.close());

interface Listed {
  operations?: { name: string }[];
  error?: { code: number };
}

const gzip = { "Content-Encoding": "gzip", "Content-Type": "application/json" };

async function post(path: string, body: BodyInit, headers: Record<string, string>) {
  const response = await fetch(`${service}/v1/${path}`, { method: "POST", body, headers });
  return { status: response.status, json: (await response.json()) as { name?: string; done?: boolean } & Listed };
}

/** As JSON, compressed: google-http-client's GZipEncoding. */
function create(film: string) {
  const metadata = { "@type": "type.googleapis.com/google.protobuf.Struct", value: { film } };
  return post(`${parent}/operations`, gzipSync(JSON.stringify({ operation: { metadata } })), gzip);
}

describe("google-gax with minifyJson", () => {
  test("starts an operation and polls it to its end", async () => {
    const proto = readFileSync(join(import.meta.dirname, "clients/echo.proto"), "utf8");
    const echo = echoOf(front, proto, { minifyJson: true });
    front.takeRequests();
    const operation = await echo.wait({ ttl: { seconds: 0, nanos: 200_000_000 }, success: { content: "small" } });
    const [response] = await operation.promise();
    const [started] = front.takeRequests();

    expect(started?.target).toMatch(/[?&](?:\$|%24)prettyPrint=0/);
    expect(started?.status).toBe(200);
    expect(response).toMatchObject({ content: "small" });
  });
});

// googleapiclient.http.HttpRequest.execute (MAX_URI_LENGTH), com.google.api.client.googleapis.MethodOverride.
describe("a GET whose query is too long for a URL", () => {
  const form = { "X-HTTP-Method-Override": "GET", "Content-Type": "application/x-www-form-urlencoded" };
  const longFilter = `metadata.film = a AND NOT (${Array.from({ length: 40 }, (_, i) => `metadata.film = "${"x".repeat(40)}${i}"`).join(" OR ")})`;

  beforeAll(async () => {
    for (const film of ["a", "b", "c"]) expect((await create(film)).status).toBe(200);
  });

  test("lists the operations of its filter", async () => {
    const query = new URLSearchParams({ filter: longFilter, pageSize: "10", alt: "json" });
    expect(query.toString().length).toBeGreaterThan(2_048);
    const { status, json } = await post(`${parent}/operations`, query.toString(), form);

    expect(status).toBe(200);
    expect(json.operations).toHaveLength(1);
  });

  test("may be compressed, as by the Java client", async () => {
    const query = new URLSearchParams({ filter: longFilter });
    const headers = { ...form, "Content-Encoding": "gzip" };
    const { json } = await post(`${parent}/operations`, gzipSync(query.toString()), headers);

    expect(json.operations).toHaveLength(1);
  });

  test("is rejected if its filter is malformed", async () => {
    expect((await post(`${parent}/operations`, "filter=%28%28%28", form)).status).toBe(400);
  });
});

describe("a client that compresses every body", () => {
  test("creates and cancels an operation", async () => {
    const { json } = await create("gzip");
    const { status } = await post(`${json.name}:cancel`, gzipSync("{}"), gzip);
    const empty = await post(`${json.name}:cancel`, gzipSync(""), gzip);

    expect([status, empty.status]).toEqual([200, 200]);
  });

  test("sends a table to be profiled", async () => {
    const headers = { "Content-Type": "text/csv", "Content-Encoding": "gzip" };
    const { json: started } = await post(`${parent}/tables:profile`, gzipSync("a,b\n1,2\n3,4\n"), headers);
    const { json: done } = await post(`${started.name}:wait`, gzipSync('{"timeout":"20s"}'), gzip);

    expect(done).toMatchObject({ done: true, response: { value: { rowCount: 2, columnCount: 2 } } });
  });
});
