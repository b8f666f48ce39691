import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { etagFromRevision } from "../../../src/iam/etag";

describe("etagFromRevision", () => {
  test("is canonical padded base64", () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 32 - 1 }), fc.jsonValue(), (revision, contents) => {
        const etag = etagFromRevision(revision, contents);

        expect(etag).toMatch(/^[A-Za-z0-9+/]{11}=$/);
        expect(Buffer.from(etag, "base64").toString("base64")).toBe(etag);
      }),
    );
  });

  test("changes with every SetIamPolicy, also with the same contents", () => {
    const etags = Array.from({ length: 1_000 }, (_, revision) => etagFromRevision(revision, []));

    expect(new Set(etags).size).toBe(1_000);
  });

  test("differs for other contents of the same revision", () => {
    expect(etagFromRevision(1, ["a"])).not.toBe(etagFromRevision(1, ["b"]));
  });
});
