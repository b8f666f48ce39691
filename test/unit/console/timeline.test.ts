import { expect, test } from "vitest";
import { timelineOf } from "../../../src/console/operation/timeline";

const at = (second: number): string => new Date(Date.UTC(2_026, 10, 27, 12, 0, second)).toISOString();

const failed = {
  name: "projects/p/operations/1",
  done: true,
  error: { code: 14, message: "no paper" },
  metadata: {
    "@type": "type.googleapis.com/google.protobuf.Struct",
    value: { createTime: at(0), startTime: at(1), endTime: at(5) },
  },
};

const explanation = {
  state: "FAILED",
  summary: "",
  advice: [],
  next: [{ event: "expire", time: at(50), description: "It is forgotten." }],
  attempts: [
    { number: 1, startTime: at(1), endTime: at(2), end: "FAILED", code: "UNAVAILABLE", message: "no ink" },
    { number: 2, startTime: at(3), endTime: at(5), end: "FAILED", code: "UNAVAILABLE", message: "no paper" },
  ],
};

test("the timeline has each attempt with its error, the end, and what comes", () => {
  expect(timelineOf(failed, explanation, []).map(({ title, text }) => `${title}: ${text}`)).toEqual([
    "Created: ",
    "Attempt 1 began: ",
    "Attempt 1 failed: UNAVAILABLE: no ink",
    "Attempt 2 began: ",
    "Attempt 2 failed: UNAVAILABLE: no paper",
    // The last attempt has said the error.
    "Failed: ",
    "Expires: It is forgotten.",
  ]);
});

test("the timeline of a caller without the permission to explain is made of the operation alone", () => {
  expect(timelineOf(failed, undefined, []).map(({ title, text }) => `${title}: ${text}`)).toEqual([
    "Created: ",
    "Work began: ",
    "Failed: UNAVAILABLE: no paper",
  ]);
});

test("the timeline has questions and their answers between the attempts", () => {
  const name = `${failed.name}/suspensions/approval`;
  const question = {
    name,
    state: "RESOLVED" as const,
    prompt: "Pay?",
    createTime: at(2),
    resolveTime: at(4),
    resolver: "user:a",
  };
  const titles = timelineOf(failed, undefined, [question]).map(({ title }) => title);

  expect(titles).toEqual(["Created", "Work began", 'Asked "approval"', 'Answered "approval"', "Failed"]);
});
