// Locations (google.cloud.location.Locations; architecture.md, 1): the declared ones are served, and decide where an
// operation lives.
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { Location } from "../../src/index";
import { aDeployment, aMethod, idOf, recordOf } from "./a-deployment";
import { controls } from "./controls";
import { useFreshWorld } from "./harness";

useFreshWorld();

const locations: Location[] = [
  { locationId: "global", displayName: "Anywhere" },
  { locationId: "europe-west1", displayName: "Belgium", labels: { continent: "europe" }, placementHint: "weur" },
  { locationId: "us-east1" },
];
const abroad = aDeployment({
  methods: [
    aMethod(async () => ({}), { http: { post: "/v1/{parent=projects/*/locations/*}/things:make", body: "*" } }),
  ],
  locations: [{ locationId: "eu", jurisdiction: "eu" }, { locationId: "us" }],
});
const make = aMethod(async () => ({}), {
  http: { post: "/v1/{parent=projects/*/locations/*}/things:make", body: "*" },
});
const placed = aDeployment({ methods: [make], locations });
const anywhere = aDeployment({ methods: [make] });

const BELGIUM = {
  name: "projects/p/locations/europe-west1",
  locationId: "europe-west1",
  displayName: "Belgium",
  labels: { continent: "europe" },
};

describe("ListLocations", () => {
  test("returns the declared locations under the requested project", async () => {
    const { json } = await placed.call("GET", "/v1/projects/p/locations");

    expect(json).toEqual({
      locations: [
        { name: "projects/p/locations/global", locationId: "global", displayName: "Anywhere" },
        BELGIUM,
        { name: "projects/p/locations/us-east1", locationId: "us-east1" },
      ],
    });
  });

  test("returns no location if none is declared", async () => {
    expect((await anywhere.call("GET", "/v1/projects/p/locations")).json).toEqual({ locations: [] });
  });

  test("has pages", async () => {
    const first = await placed.call("GET", "/v1/projects/p/locations?pageSize=2");
    const token = first.json["nextPageToken"] as string;
    const second = await placed.call("GET", `/v1/projects/p/locations?pageSize=2&pageToken=${token}`);

    expect(first.json["locations"]).toHaveLength(2);
    expect(second.json["locations"]).toEqual([{ name: "projects/p/locations/us-east1", locationId: "us-east1" }]);
    expect(second.json["nextPageToken"] ?? "").toBe("");
  });

  test.each([
    ["pageSize=-1", "pageSize"],
    ["pageToken=nowhere", "pageToken"],
    ["filter=x", "filter"],
    ["colour=red", "colour"],
  ])("rejects %s", async (query, field) => {
    expect(await placed.call("GET", `/v1/projects/p/locations?${query}`)).toMatchObject({
      status: 400,
      fields: [field],
    });
  });
});

describe("GetLocation", () => {
  test("returns a declared location", async () => {
    expect((await placed.call("GET", "/v1/projects/p/locations/europe-west1")).json).toEqual(BELGIUM);
  });

  test.each(["europe-west2", "constructor"])("returns NOT_FOUND for %s", async (locationId) => {
    const { status, json } = await placed.call("GET", `/v1/projects/p/locations/${locationId}`);

    expect({ status, json }).toMatchObject({ status: 404, json: { error: { status: "NOT_FOUND" } } });
  });
});

// "Where any are declared, an undeclared one in a start is INVALID_ARGUMENT."
describe("an undeclared location", () => {
  test.each([
    ["a method's start", "/v1/projects/p/locations/mars/things:make"],
    ["a method's check", "/v1/projects/p/locations/mars/things:make?validateOnly=true"],
    ["a creation", "/v1/projects/p/locations/mars/operations"],
    ["a creation below it", "/v1/projects/p/locations/mars/tables/t/operations"],
  ])("is rejected in %s", async (_, path) => {
    const { status, reason, fields, text } = await placed.post(path);

    expect({ status, reason, fields }).toEqual({ status: 400, reason: "LOCATION_UNKNOWN", fields: ["parent"] });
    expect(text).toContain("europe-west1");
    expect(controls.calls).toEqual([]);
  });

  test.each(["/v1/projects/p/locations/mars/things:make", "/v1/projects/p/locations/mars/operations"])(
    "is accepted if no location is declared: %s",
    async (path) => {
      expect((await anywhere.post(path)).status).toBe(200);
    },
  );

  test.each(["/v1/operations", "/v1/projects/p/operations", "/v1/projects/p/regions/mars/operations"])(
    "is not named by %s",
    async (path) => {
      expect((await placed.post(path)).status).toBe(200);
    },
  );
});

// "A declared location may name a placement hint or a jurisdiction: operations started under it … get no KV snapshot."
describe("an operation under a declared location", () => {
  async function endedUnder(location: string): Promise<string> {
    const { operation } = await placed.post(`/v1/projects/p/locations/${location}/things:make`);
    await placed.deliver(operation.name);
    expect((await placed.get(operation.name)).done).toBe(true);
    return operation.name;
  }

  test("has no snapshot in KV with a placement", async () => {
    const name = await endedUnder("europe-west1");
    const record = await recordOf(name);

    expect(record?.policy.snapshot).toBe(false);
    expect(record?.outbox.snapshot).toBeUndefined();
    expect(await env.SNAPSHOTS.get(`operation/${idOf(name)}`)).toBeNull();
  });

  test("has its snapshot without a placement", async () => {
    expect((await recordOf(await endedUnder("global")))?.policy.snapshot).toBe(true);
  });

  test("is in the lists of its location, and of all locations", async () => {
    const name = await endedUnder("us-east1");
    const names = async (parent: string): Promise<unknown[]> => {
      const { json } = await placed.call("GET", `/v1/${parent}/operations`);
      return ((json["operations"] ?? []) as { name: string }[]).map((operation) => operation.name);
    };

    expect(await names("projects/p/locations/us-east1")).toEqual([name]);
    expect(await names("projects/p/locations/-")).toEqual([name]);
    expect(await names("projects/p/locations/global")).toEqual([]);
  });
});

// The local runtime has no jurisdictions. In production asking for one never throws these words.
describe("an operation under a location with a jurisdiction, in the local runtime", () => {
  test("runs, is listed once beside the others, and ends", async () => {
    const { operation } = await abroad.post("/v1/projects/p/locations/eu/things:make");
    const other = (await abroad.post("/v1/projects/p/locations/us/things:make")).operation;
    await abroad.deliver(operation.name);
    const names = async (parent: string): Promise<unknown[]> => {
      const { json } = await abroad.call("GET", `/v1/${parent}/operations`);
      return ((json["operations"] ?? []) as { name: string }[]).map(({ name }) => name).toSorted();
    };

    expect((await abroad.get(operation.name)).done).toBe(true);
    expect(await names("projects/p/locations/eu")).toEqual([operation.name]);
    expect(await names("projects/p/locations/-")).toEqual([operation.name, other.name].toSorted());
    expect((await recordOf(operation.name))?.jurisdiction).toBe("eu");
  });
});
