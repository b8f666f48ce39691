import { expect, test } from "vitest";
import { MAX_QUOTED_CHARACTERS } from "../../../src/limits";
import { fieldPathText } from "../../../src/protobuf/field-path";

const paths: [path: Parameters<typeof fieldPathText>[0], text: string][] = [
  [[], ""],
  [["columns", 2, "name"], "columns[2].name"],
  [["labels", "env"], "labels.env"],
  [["labels", "a b"], 'labels["a b"]'],
  [["labels", 'q"]'], String.raw`labels["q\"]"]`],
  [["labels", "2"], 'labels["2"]'],
  [["labels", ""], 'labels[""]'],
  [["detail", "@type"], "detail.@type"],
  [["a.b"], '["a.b"]'],
  [[0, "a"], "[0].a"],
  [[{ key: "columns" }, { key: 2 }], "columns[2]"],
  [["x".repeat(1_000)], "x".repeat(MAX_QUOTED_CHARACTERS)],
];

test.each(paths)("%j is written %s", (path, text) => {
  expect(fieldPathText(path)).toBe(text);
});
