// Objects without bindings are reached by the classes that the Worker exports.
import { beforeEach, describe, expect, test, vi } from "vitest";

/** The exports of the Worker. */
const exported = vi.hoisted((): Record<string, unknown> => ({}));
vi.mock("cloudflare:workers", () => ({ exports: exported }));
const { withNamespaces } = await import("../../../src/durable/namespaces");

const namespace = (name: string) => ({ name, getByName: () => {} });

beforeEach(() => {
  for (const name of Object.keys(exported)) delete exported[name];
});

describe("an environment without bindings of objects", () => {
  test("gets the namespaces of the exported classes", () => {
    exported["OperationObject"] = namespace("operations");
    exported["OperationIndex"] = namespace("index");

    expect(withNamespaces({ LOG: "off" })).toEqual({
      LOG: "off",
      OPERATIONS: exported["OperationObject"],
      INDEX: exported["OperationIndex"],
    });
  });

  test("gets no namespace of a class without storage", () => {
    exported["OperationObject"] = () => {};

    expect(withNamespaces({})).toEqual({});
  });
});

describe("an environment with bindings of objects", () => {
  const bound = namespace("bound");

  test("keeps the bindings, whatever the Worker exports", () => {
    exported["OperationObject"] = namespace("operations");
    exported["KeyObject"] = namespace("keys");

    expect(withNamespaces({ OPERATIONS: bound })).toEqual({ OPERATIONS: bound, KEYS: exported["KeyObject"] });
  });

  test("is returned unchanged if nothing is missing", () => {
    const names = ["OPERATIONS", "INDEX", "POLICIES", "KEYS", "SLOTS", "DIRECTORY"];
    const env = Object.fromEntries(names.map((name) => [name, bound]));
    exported["OperationObject"] = namespace("operations");

    expect(withNamespaces(env)).toBe(env);
  });
});
