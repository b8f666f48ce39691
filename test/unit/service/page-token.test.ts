import { describe, expect, test, vi } from "vitest";
import { MAX_PAGE_TOKEN_CHARACTERS } from "../../../src/limits";
import { type TokenKeys, openPageToken, sealPageToken } from "../../../src/service/page-token";
import { aTokenKey } from "../../support/an-index";
import { CREATE_TIME } from "../../support/an-operation";
import { rpcErrorOf, violatedFields } from "../../support/an-rpc-error";

const PLACE = { createTime: CREATE_TIME, id: "f".repeat(64) };
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LIST = { parent: "projects/p/locations/l", filter: "done = false" };
const KEYS: TokenKeys = [aTokenKey(1), aTokenKey(2)];

const seal = (keys: TokenKeys = KEYS): Promise<string> => sealPageToken(PLACE, LIST, keys);
const open = (token: string, list = LIST, keys: readonly string[] = KEYS) =>
  openPageToken(token, list, async () => keys);

/** How a token is refused: code, reason and fields. */
async function refusalOf(token: string, list = LIST, keys: readonly string[] = KEYS): Promise<unknown[]> {
  const error = await rpcErrorOf(() => open(token, list, keys));
  return [error.code, error.reason, ...violatedFields(error.details)];
}

const REFUSED = ["INVALID_ARGUMENT", "PAGE_TOKEN_INVALID", "pageToken"];

describe("a page token", () => {
  test("opens to the place that it was sealed with", async () => {
    await expect(open(await seal())).resolves.toEqual(PLACE);
  });

  test("needs no escaping in a query, and is well below the bound on its length", async () => {
    const token = await seal();

    expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(token.length).toBeLessThan(MAX_PAGE_TOKEN_CHARACTERS / 4);
  });

  test("hides the place, and differs every time", async () => {
    const [one, other] = await Promise.all([seal(), seal()]);

    expect(one).not.toBe(other);
    expect(atob(one.replaceAll("-", "+").replaceAll("_", "/"))).not.toContain("ffff");
  });

  test.each([
    ["another parent", { ...LIST, parent: "projects/p/locations/m" }],
    ["the parent of its parent", { ...LIST, parent: "projects/p" }],
    ["a wildcard in its place", { ...LIST, parent: "projects/p/locations/-" }],
    ["another filter", { ...LIST, filter: "done = true" }],
    ["no filter", { ...LIST, filter: "" }],
    ["the same filter, written otherwise", { ...LIST, filter: "done=false" }],
    ["parent and filter parted elsewhere", { parent: 'projects/p/locations/l","done', filter: " = false" }],
  ])("is rejected with %s", async (_, list) => {
    expect(await refusalOf(await seal(), list)).toEqual(REFUSED);
  });

  test("is rejected with any one character changed", async () => {
    const token = await seal();

    for (const [index, character] of token.split("").entries()) {
      for (const other of [character === "A" ? "B" : "A", neighbourOf(character)]) {
        expect(await refusalOf(token.slice(0, index) + other + token.slice(index + 1))).toEqual(REFUSED);
      }
    }
  });

  test("is rejected if its last character differs in unused bits only", async () => {
    // Of three lengths, one leaves 4 bits of the last character unread and one 2.
    const tokens = await Promise.all(
      ["1", "12", "123"].map((id) => sealPageToken({ createTime: CREATE_TIME, id }, LIST, KEYS)),
    );

    for (const token of tokens.filter(({ length }) => length % 4 !== 0)) {
      expect(await refusalOf(token.slice(0, -1) + neighbourOf(token.at(-1)!))).toEqual(REFUSED);
    }
    expect(tokens.filter(({ length }) => length % 4 !== 0)).toHaveLength(2);
  });

  test("is rejected at every shorter length, and if it is longer", async () => {
    const token = await seal();

    for (let length = 1; length < token.length; length += 1)
      expect(await refusalOf(token.slice(0, length))).toEqual(REFUSED);
    expect(await refusalOf(`${token}A`)).toEqual(REFUSED);
    expect(await refusalOf(`${token}${token}`)).toEqual(REFUSED);
    expect(await refusalOf(token + "A".repeat(MAX_PAGE_TOKEN_CHARACTERS))).toEqual(REFUSED);
  });

  test.each(["x", "=", "AQ", "AQ==", " ", "AA AA", "été", "A".repeat(64), "%00", "null", "0", "AB+/"])(
    "is rejected as %j",
    async (token) => {
      expect(await refusalOf(token)).toEqual(REFUSED);
    },
  );

  test("is rejected without a key if its form is wrong", async () => {
    const keys = vi.fn<() => Promise<string[]>>(async () => [...KEYS]);

    for (const text of ["x", "=", "AQ==", "A".repeat(64), "AQ".repeat(1_000)]) {
      await rpcErrorOf(() => openPageToken(text, LIST, keys));
    }

    expect(keys).not.toHaveBeenCalled();
  });

  test("is rejected in another version", async () => {
    const token = await seal();

    // The first byte stands in the first two characters, of the second in its upper two bits: 01 becomes 10.
    expect(await refusalOf(`A${DIGITS[DIGITS.indexOf(token[1]!) + 16]}${token.slice(2)}`)).toEqual(REFUSED);
  });
});

describe("a ring of keys", () => {
  const [first, second, third] = [aTokenKey(1), aTokenKey(2), aTokenKey(3)];

  test("opens a token that either of its keys sealed", async () => {
    await expect(open(await seal([first]), LIST, [first, second])).resolves.toEqual(PLACE);
    await expect(open(await seal([second]), LIST, [first, second])).resolves.toEqual(PLACE);
  });

  test("seals with its first key", async () => {
    const token = await seal([first, second]);

    await expect(open(token, LIST, [first])).resolves.toEqual(PLACE);
    expect(await refusalOf(token, LIST, [second])).toEqual(REFUSED);
  });

  test("does not open a token of a removed key", async () => {
    const token = await seal([first, second]);

    await expect(open(token, LIST, [second, first])).resolves.toEqual(PLACE);
    expect(await refusalOf(token, LIST, [third, second])).toEqual(REFUSED);
  });

  test("opens nothing without keys", async () => {
    expect(await refusalOf(await seal(), LIST, [])).toEqual(REFUSED);
  });
});

/** The character whose six bits differ in the last one. */
function neighbourOf(character: string): string {
  return DIGITS[DIGITS.indexOf(character) ^ 1]!;
}
