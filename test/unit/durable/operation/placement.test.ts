// Where objects are asked to be created. The local runtime knows no jurisdictions: what it would be asked is seen here.
import { describe, expect, test, vi } from "vitest";
import { operationStore } from "../../../../src/durable/operation/operation-client";
import { operationIndexAddress, placedNamespace } from "../../../../src/durable/index/index-name";
import type { OperationIndex } from "../../../../src/durable/index/operation-index";
import type { OperationObject } from "../../../../src/durable/operation/operation-object";
import type { Authorizer } from "../../../../src/service/authorizer";
import { placeFromParent } from "../../../../src/service/locations";
import { anAnswer } from "../../../support/a-service";
import { anOperation } from "../../../support/an-operation";

/** A namespace that writes down what it is asked, a jurisdiction's part of it under its name. */
function aNamespace(asked: unknown[][] = [], within = "") {
  const id = `${within}1`.padStart(64, "0");
  return {
    asked,
    jurisdiction(name: string) {
      asked.push(["jurisdiction", name]);
      return aNamespace(asked, name);
    },
    newUniqueId: () => ({ toString: () => id }),
    idFromString: (text: string) => text,
    get(objectId: string, options: unknown) {
      asked.push(["get", objectId, options]);
      return { start: async () => ({ ok: true, answer: anAnswer() }) };
    },
    getByName(name: string) {
      asked.push(["getByName", `${within}${name}`]);
      return {};
    },
  };
}

function aStore() {
  const namespace = aNamespace();
  const store = operationStore(
    namespace as unknown as DurableObjectNamespace<OperationObject>,
    {} as Authorizer,
    undefined,
  );
  return { store, asked: namespace.asked };
}

const locations = new Map([
  ["eu", { locationId: "eu", jurisdiction: "eu" }],
  ["west", { locationId: "west", placementHint: "weur" }],
  ["both", { locationId: "both", jurisdiction: "eu", placementHint: "weur" }],
  ["global", { locationId: "global" }],
]);

const placeOf = (locationId: string) => placeFromParent(locations, `projects/p/locations/${locationId}`);

// "A declared location may name a placement hint or a jurisdiction: operations started under it are created there."
describe("an operation's id", () => {
  test.each(["eu", "both"])("is made in the jurisdiction of its location: %s", (locationId) => {
    const { store, asked } = aStore();

    expect(store.newId(placeOf(locationId))).toMatch(/^0+eu1$/);
    expect(asked).toEqual([["jurisdiction", "eu"]]);
  });

  test.each(["west", "global"])("is made without a jurisdiction if its location has none: %s", (locationId) => {
    const { store, asked } = aStore();

    expect(store.newId(placeOf(locationId))).toMatch(/^0+1$/);
    expect(asked).toEqual([]);
  });
});

describe("an operation's object", () => {
  test.each([
    ["west", { locationHint: "weur" }],
    ["both", { locationHint: "weur" }],
    ["eu", {}],
    ["global", {}],
  ])("is placed near its location: %s", async (locationId, options) => {
    const { store, asked } = aStore();
    const operation = anOperation();
    await store.start(operation, "{}", {
      place: placeOf(locationId),
      input: undefined,
      options: { indexShards: 1, known: { full: [], shardCount: 0 } },
    });

    expect(asked).toEqual([["get", operation.id, options]]);
  });
});

// "… are indexed there (scope × jurisdiction)."
test.each([
  [
    "eu",
    [
      ["jurisdiction", "eu"],
      ["getByName", "euprojects/p#0"],
    ],
  ],
  [undefined, [["getByName", "projects/p#0"]]],
])("an operation's row is in the index of its jurisdiction: %s", (jurisdiction, expected) => {
  const namespace = aNamespace();
  const index = namespace as unknown as DurableObjectNamespace<OperationIndex>;
  operationIndexAddress(index, { parent: "projects/p/locations/l", jurisdiction }).newStub();

  expect(namespace.asked).toEqual(expected);
});

test("an undeclared location is rejected before any object is called", () => {
  expect(() => placeOf("mars")).toThrow("mars");
});

describe("a namespace that knows no jurisdictions", () => {
  const failing = (message: string) =>
    ({
      jurisdiction: () => {
        throw new Error(message);
      },
    }) as unknown as DurableObjectNamespace<OperationObject>;

  test("is used unchanged in the local runtime, with one warning", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const local = failing("Jurisdiction restrictions are not implemented in workerd.");

    expect(placedNamespace(local, "eu")).toBe(local);
    expect(placedNamespace(local, "eu")).toBe(local);
    expect(warn).toHaveBeenCalledTimes(1);
  });

  test("is an error anywhere else, so no data leaves its jurisdiction by mistake", () => {
    expect(() => placedNamespace(failing("Unknown jurisdiction: mars"), "mars")).toThrow("Unknown jurisdiction: mars");
  });
});
