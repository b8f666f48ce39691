// The service's answers, read by Google's protobuf runtime for Python: every Any that is accepted is read, and what Python
// writes is accepted. One operation that Python cannot read makes the list page that it is in unreadable.
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Parsed, parseWith, pythonWithProtobuf } from "./clients/python";
import { ProtoFolder } from "./descriptors";
import { type Any, Service } from "./service";

const service = new Service(inject("url"));
const parent = "projects/python/locations/l";
const OPERATION = "google.longrunning.Operation";
const LIST = "google.longrunning.ListOperationsResponse";

const google = (name: string, fields: object): Any => ({ "@type": `type.googleapis.com/google.${name}`, ...fields });
const wellKnown = (name: string, value: unknown): Any => google(`protobuf.${name}`, { value });

/** An Any as a runtime writes it, and as it is served, where that is another form. */
const anys: [writer: string, sent: Any, served?: Any][] = [
  ["Go's Empty", wellKnown("Empty", {}), google("protobuf.Empty", {})],
  ["Java's and Python's Empty", google("protobuf.Empty", {})],
  ["a Struct", wellKnown("Struct", { film: "a", frames: 240, tags: ["x", null, { y: true }] })],
  ["a ListValue", wellKnown("ListValue", [1, "a", null])],
  ["a Value of null", wellKnown("Value", null)],
  ["an Int64Value as text", wellKnown("Int64Value", "9007199254740993")],
  ["an Int64Value as a number", wellKnown("Int64Value", 42), wellKnown("Int64Value", "42")],
  ["a DoubleValue that is not finite", wellKnown("DoubleValue", "-Infinity")],
  ["Java's BytesValue", wellKnown("BytesValue", "+/8=")],
  ["BytesValue for URLs", wellKnown("BytesValue", "-_8"), wellKnown("BytesValue", "+/8=")],
  ["a BoolValue", wellKnown("BoolValue", true)],
  [
    "a Timestamp of another zone",
    wellKnown("Timestamp", "2026-11-27T06:00:00+02:00"),
    wellKnown("Timestamp", "2026-11-27T04:00:00Z"),
  ],
  ["a Duration with a short fraction", wellKnown("Duration", "1.5s"), wellKnown("Duration", "1.500s")],
  ["a FieldMask", wellKnown("FieldMask", "displayName,a.b")],
  ["an Any in an Any", wellKnown("Any", wellKnown("StringValue", "inner"))],
  ["a message with an int64 and an enum", google("rpc.RetryInfo", { retryDelay: "5s" })],
  [
    "a Status with details",
    google("rpc.Status", { code: 9, message: "no", details: [google("rpc.ErrorInfo", { reason: "X", domain: "d" })] }),
  ],
];

const found = pythonWithProtobuf();

// CI installs it (.ci/run) and sets REQUIRE_PYTHON; elsewhere the run says what it has not tried.
if (found === undefined) {
  test("Python is not tested, because no python3 has the package protobuf: apt-get install python3-protobuf", () => {
    expect(process.env["REQUIRE_PYTHON"]).toBeUndefined();
  });
} else {
  describe("google.protobuf.json_format", () => {
    playWith(found);
  });
}

function playWith(python: string): void {
  let protos: ProtoFolder;
  let image = "";

  const parse = (type: string, text: string): Promise<Parsed> =>
    parseWith(python, image, [{ type, text }]).then(([parsed]) => parsed!);
  const textOf = async (path: string): Promise<string> => (await fetch(`${service.url}/v1/${path}`)).text();

  beforeAll(async () => {
    protos = await ProtoFolder.create();
    const known = ["longrunning", "rpc", "iam/v1", "protobuf/wrappers.proto", "protobuf/field_mask.proto"];
    const paths = [...protos.own, ...known.map((path) => `google/google/${path}`)];
    image = await protos.compile("image.binpb", ...paths.flatMap((path) => ["--path", path]));
  });
  afterAll(() => protos.remove());

  test("reads an operation with each form of Any as metadata, response and detail, and a page of all", async () => {
    const made = [];
    for (const [, sent] of anys) {
      const metadata = sent;
      made.push(await service.createDone(parent, metadata, { response: sent }));
      made.push(await service.createDone(parent, metadata, { error: { code: 9, message: "no", details: [sent] } }));
    }
    const texts = await Promise.all(made.map(({ name }) => textOf(name)));
    const parsed = await parseWith(
      python,
      image,
      texts.map((text) => ({ type: OPERATION, text })),
    );
    const page = await parse(LIST, await textOf(`${parent}/operations?pageSize=1000`));

    for (const [index, { read, error }] of parsed.entries()) {
      const [writer, sent, served = sent] = anys[Math.floor(index / 2)]!;
      const result = index % 2 === 0 ? { response: served } : { error: { code: 9, message: "no", details: [served] } };
      expect(error, writer).toBeUndefined();
      expect(JSON.parse(texts[index]!), writer).toMatchObject({ metadata: served, done: true, ...result });
      expect(read, writer).toEqual({ name: made[index]!.name, metadata: served, done: true, ...result });
    }
    expect(page.error).toBeUndefined();
    expect(page.read!["operations"]).toHaveLength(made.length);
  });

  test("reads the operations of the deployment's own methods, and the policy of one", async () => {
    const echo = await service.send("/v1beta1/echo:wait", post({ ttl: "0s", success: { content: "done" } }));
    const table = await service.send(`/v1/${parent}/tables:profile`, { ...post("a,b\n1,2\n"), ...csv });
    await service.send(`/v1/${table.name}:wait`, post({ timeout: "20s" }));
    const texts = await Promise.all([echo, table].map(({ name }) => textOf(name)));
    const [echoed, profiled] = await Promise.all(texts.map((text) => parse(OPERATION, text)));
    const policy = await parse("google.iam.v1.Policy", await textOf(`${echo.name}:getIamPolicy`));

    expect(echoed).toMatchObject({ read: { done: true, response: { content: "done" } } });
    expect(profiled).toMatchObject({ read: { done: true, response: { value: { rowCount: 1 } } } });
    expect(policy).toMatchObject({ read: { version: 1 } });
  });

  test("writes operations that are accepted, with default values and without", async () => {
    for (const [writer, sent, served = sent] of anys) {
      const { read, withDefaults } = await parse(OPERATION, JSON.stringify({ metadata: served }));
      const created = await service.send(`/v1/${parent}/operations`, post({ operation: read }));
      const again = await service.send(`/v1/${parent}/operations`, post({ operation: withDefaults }));

      expect(created.metadata, writer).toEqual(read!["metadata"]);
      expect(again.metadata, writer).toEqual(withDefaults!["metadata"]);
    }
  });

  test("rejects the values that the service rejects, because it would fail on the whole page", async () => {
    for (const sent of [wellKnown("BoolValue", "true"), wellKnown("ListValue", {}), wellKnown("Timestamp", "today")]) {
      const { error } = await parse(OPERATION, JSON.stringify({ name: "operations/1", metadata: sent }));
      const created = await fetch(`${service.url}/v1/${parent}/operations`, post({ operation: { metadata: sent } }));

      expect(error).toContain("ParseError");
      expect(created.status).toBe(400);
    }
  });
}

const csv = { headers: { "Content-Type": "text/csv" } };

function post(body: object | string): RequestInit {
  const headers = { "Content-Type": "application/json" };
  return { method: "POST", headers, body: typeof body === "string" ? body : JSON.stringify(body) };
}
