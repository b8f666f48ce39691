// Names of slots: readable where they are short, digests where an object would not be told its own name.
import { expect, test } from "vitest";
import { slotKey } from "../../../src/service/start-quota";

test("a short key is used as it is, so its object is the one of earlier versions", async () => {
  expect(await slotKey("caller", "user:ada")).toBe("caller/user:ada");
  expect(await slotKey("run", "tables:profile/projects/p")).toBe("run/tables:profile/projects/p");
});

test("a key of up to 512 bytes of UTF-8 is used as it is", async () => {
  const longest = "é".repeat(252);

  expect(await slotKey("caller", `${longest}a`)).toBe(`caller/${longest}a`);
  expect(await slotKey("caller", `${longest}ab`)).toMatch(/^caller#[0-9a-f]{64}$/);
});

test("long keys stay distinct", async () => {
  const long = "x".repeat(2_000);

  expect(await slotKey("caller", long)).toBe(await slotKey("caller", long));
  expect(await slotKey("caller", long)).not.toBe(await slotKey("caller", `${long}y`));
});
