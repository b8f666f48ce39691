// reports:generate over a bucket in memory.
import { crashEverywhere } from "edge-operations/testing";
import { expect, it, vi } from "vitest";
import { generateReport } from "../src/generate-report";

const bucket = vi.hoisted(() => {
  const uploads = new Map<string, Map<number, string>>();
  const files = new Map<string, string>();
  const resumeMultipartUpload = (key: string, uploadId: string) => ({
    uploadId,
    async uploadPart(partNumber: number, text: string) {
      uploads.get(uploadId)?.set(partNumber, text);
      return { partNumber, etag: `etag ${partNumber}` };
    },
    async complete(parts: { partNumber: number }[]) {
      files.set(key, parts.map(({ partNumber }) => uploads.get(uploadId)?.get(partNumber)).join(""));
    },
  });
  const createMultipartUpload = async (key: string) => {
    uploads.set(`upload of ${key}`, new Map());
    return resumeMultipartUpload(key, `upload of ${key}`);
  };
  return { uploads, files, createMultipartUpload, resumeMultipartUpload };
});

// A method's bindings come from the runtime, which a test does not have.
vi.mock("../src/env", () => ({ env: { REPORTS: bucket, LINK_SECRET: "test" } }));

it("reports:generate writes the same file wherever it is interrupted", async () => {
  const { run } = await crashEverywhere(generateReport, { parent: "projects/p", rowCount: 3 }, () => {
    bucket.uploads.clear();
    bucket.files.clear();
    return { startTime: new Date("2026-01-01T00:00:00Z"), observe: () => bucket };
  });

  expect(run.response).toMatchObject({ rowCount: 3, expireTime: "2026-01-02T00:00:00Z" });
  expect([...bucket.files.values()]).toEqual([
    ["0000000000,xxxxxxxxxxxx", "0000000001,xxxxxxxxxxxx", "0000000002,xxxxxxxxxxxx", ""].join("\n"),
  ]);
});
