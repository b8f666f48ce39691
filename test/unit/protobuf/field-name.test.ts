import * as fc from "fast-check";
import { expect, test } from "vitest";
import { jsonNameFromProtoName, protoNameFromJsonName } from "../../../src/protobuf/field-name";

const names: [protoName: string, jsonName: string][] = [
  ["parent", "parent"],
  ["page_size", "pageSize"],
  ["a_b_c", "aBC"],
  ["line1_text", "line1Text"],
];

test.each(names)("%s in .proto is %s in JSON", (protoName, jsonName) => {
  expect(jsonNameFromProtoName(protoName)).toBe(jsonName);
  expect(protoNameFromJsonName(jsonName)).toBe(protoName);
});

test("every JSON name has one .proto name, which leads back to it", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z][A-Za-z0-9]*$/), (name) => {
      expect(jsonNameFromProtoName(protoNameFromJsonName(name))).toBe(name);
    }),
  );
});
