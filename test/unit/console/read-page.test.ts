import { describe, expect, it } from "vitest";
import type { Operation, Page } from "../../../src/console/api/operation";
import { type ReadApiPage, readPage } from "../../../src/console/list/read-page";

const PAGE = { size: 3, maxCalls: 4 };

/** A service that looks at three operations a call. Each is a match, "x", or none, "-". */
function serviceOf(operations: string) {
  const calls: string[] = [];
  const read: ReadApiPage = async (pageToken, pageSize) => {
    calls.push(`${pageToken || "0"}+${pageSize}`);
    const found: Operation[] = [];
    let at = Number(pageToken || "0");
    const end = Math.min(operations.length, at + 3);
    for (; at < end && found.length < pageSize; at += 1) {
      if (operations[at] === "x") found.push({ name: `operations/${at}`, done: true });
    }
    const page: Page = found.length === 0 ? {} : { operations: found };
    return at === operations.length ? page : { ...page, nextPageToken: String(at) };
  };
  return { read, calls };
}

async function pageOf(operations: string, pageToken = "") {
  const { read, calls } = serviceOf(operations);
  const { operations: found, nextPageToken, isPartial } = await readPage(read, pageToken, PAGE);
  return { found: found.map(({ name }) => Number(name.slice(11))), nextPageToken, isPartial, calls };
}

describe("readPage", () => {
  it("is one call where that has the whole list", async () => {
    expect(await pageOf("x-x")).toEqual({ found: [0, 2], nextPageToken: "", isPartial: false, calls: ["0+3"] });
  });

  it("fills a page from short and empty ones", async () => {
    expect(await pageOf("x-----x-x")).toMatchObject({ found: [0, 6, 8], nextPageToken: "", isPartial: false });
  });

  it("names no next page where nothing older matches", async () => {
    expect(await pageOf("xxx------")).toMatchObject({ found: [0, 1, 2], nextPageToken: "" });
  });

  it("names the next page by the token that leads to its first operation", async () => {
    const { nextPageToken } = await pageOf("xxx------x");

    expect(nextPageToken).toBe("9");
    expect((await pageOf("xxx------x", nextPageToken)).found).toEqual([9]);
  });

  it("reads on to the end where nothing matches", async () => {
    expect(await pageOf("-".repeat(30))).toMatchObject({ found: [], nextPageToken: "", isPartial: false });
  });

  it("stops after so many calls once it has an operation, and says so", async () => {
    const { found, isPartial, nextPageToken, calls } = await pageOf(`x${"-".repeat(30)}`);

    expect({ found, isPartial, nextPageToken }).toEqual({ found: [0], isPartial: true, nextPageToken: "12" });
    expect(calls).toHaveLength(PAGE.maxCalls);
  });

  it("tells of the part that it has while it reads on", async () => {
    const parts: number[] = [];
    await readPage(serviceOf("x-----xx").read, "", PAGE, ({ operations }) => parts.push(operations.length));

    expect(parts).toEqual([1, 1]);
  });

  it("names each unreachable part once", async () => {
    const read: ReadApiPage = async (token) => ({
      unreachable: ["locations/a"],
      ...(token === "" ? { nextPageToken: "1" } : {}),
    });

    expect((await readPage(read, "", PAGE)).unreachable).toEqual(["locations/a"]);
  });
});
