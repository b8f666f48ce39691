// The filters of Dataproc's regions.operations.list: `field = value [AND [field = value]] …`, where `*` is any value.
import { expect, test } from "vitest";
import { matches, row, withMetadata } from "./rows";

const running = withMetadata({
  clusterName: "mycluster",
  operationType: "CREATE",
  status: { state: "RUNNING" },
  labels: { env: "staging", starred: "" },
});

test.each([
  "status.state = RUNNING AND labels.env = staging",
  "status.state=RUNNING labels.env=staging",
  "status.state = RUNNING AND clusterName = mycluster",
  "status.state = RUNNING AND cluster_name = 'mycluster'",
  "labels.env = staging AND labels.starred = *",
  "operationType = CREATE",
  "metadata.status.state = RUNNING AND metadata.labels.env = staging",
])("the filter %s matches a running operation with these labels", (filter) => {
  expect(matches(filter, running)).toBe(true);
});

test.each([
  "status.state = DONE AND labels.env = staging",
  "status.state = running",
  "labels.env = stag",
  "labels.env = staging AND labels.owner = *",
])("the filter %s does not match the operation", (filter) => {
  expect(matches(filter, running)).toBe(false);
});

test("an operation without metadata matches no such filter", () => {
  expect(matches("status.state = RUNNING AND labels.env = staging", row())).toBe(false);
  expect(matches("status.state != RUNNING", row())).toBe(false);
});
