// reminders: waits without anything being held, and says what it was told. The body is one field of the request, the
// others come from path and query.
import { defineMethod } from "edge-operations";
import * as pb from "edge-operations/protobuf";

const Reminder = pb.message("example.reports.v1.Reminder", {
  text: pb.string(1, { required: true }),
  labels: pb.mapOf("string", pb.string(2)),
});

const CreateReminderRequest = pb.message("example.reports.v1.CreateReminderRequest", {
  parent: pb.string(1, { required: true }),
  reminder: pb.messageField(2, Reminder, { required: true }),
  seconds: pb.int32(3, { description: "How long to wait." }),
});

const RemindRequest = pb.refine(CreateReminderRequest, ({ reminder, seconds = 60 }, violate) => {
  if (seconds < 0 || seconds > 86_400) violate(["seconds"], "must be from 0 to 86400");
  return { reminder, seconds };
});

export const remind = defineMethod({
  http: { post: "/v1/{parent=projects/*}/reminders", body: "reminder" },
  request: RemindRequest,
  responseType: Reminder,
  dispatch: "direct",
  timeout: "2d",
  async run({ reminder, seconds }, op) {
    await op.sleepUntil(new Date(op.createTime.getTime() + 1_000 * seconds));
    return reminder;
  },
});
