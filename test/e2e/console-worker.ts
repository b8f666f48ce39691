// The Worker that the console is tested against: the deployed method, one with steps and progress that can fail, one that starts it as children, one that
// runs one at a time, one that waits for an approval, and one that fails as long as a table is locked.
import { RpcError, defineMethod, operations } from "../../src/index";
import * as pb from "../../src/protobuf";
import { webhooks } from "../../src/webhooks";
import { echoWait } from "../../src/worker/echo-wait";
import { tablesProfile } from "../../src/worker/tables-profile";
import { type FilledIndex, fill } from "./filled-index";
import { locks, tablesLoad } from "./locked-tables";

export * from "../../src/objects";
export { FilledIndex as OperationIndex } from "./filled-index";

const BuildReportRequest = pb.message("console.test.v1.BuildReportRequest", {
  parent: pb.string(1, { required: true }),
  title: pb.string(2, { required: true, description: "The name of the report." }),
  pages: pb.int32(3, { description: "How many pages it has: 4 unless given." }),
  failure: pb.string(4, { description: "The error that it fails with, after half of its pages." }),
});

const buildReport = defineMethod({
  http: { post: "/v1/{parent=projects/*}/reports:build", body: "*" },
  request: BuildReportRequest,
  retry: { maxAttempts: 2, initialBackoff: "0.2s", maxBackoff: "0.2s" },
  async run({ title, pages = 4, failure }, op) {
    for (let page = 1; page <= pages; page += 1) {
      await op.step(`page ${page}`, async () => ({ page }));
      op.progress({ statusMessage: `Page ${page} of ${title}`, progressPercent: (100 * page) / pages });
      if (failure !== undefined && page * 2 >= pages) throw new RpcError("UNAVAILABLE", failure);
    }
    return { title, pages };
  },
});

const buildVolume = defineMethod({
  http: { post: "/v1/{parent=projects/*}/volumes:build", body: "*" },
  request: pb.message("console.test.v1.BuildVolumeRequest", {
    parent: pb.string(1, { required: true }),
    titles: pb.repeated(pb.string(2, { description: "The reports in it. The one named bad fails." })),
  }),
  async run({ titles = [] }, op) {
    const reports = titles.map((title) =>
      op.start(buildReport, title === "bad" ? { title, pages: 1, failure: "no ink" } : { title, pages: 1 }, {
        key: title,
      }),
    );
    return { reports: (await op.join(await Promise.all(reports))).length };
  },
});

const printReport = defineMethod({
  http: { post: "/v1/{parent=projects/*}/reports:print", body: "*" },
  maxConcurrent: 1,
  request: pb.message("console.test.v1.PrintReportRequest", { parent: pb.string(1, { required: true }) }),
  async run(_request, op) {
    // Until it is cancelled.
    await new Promise((_, reject) => op.signal.addEventListener("abort", () => reject(op.signal.reason as Error)));
    return {};
  },
});

const requestRefund = defineMethod({
  http: { post: "/v1/{parent=projects/*}/refunds:request", body: "*" },
  request: pb.message("console.test.v1.RequestRefundRequest", {
    parent: pb.string(1, { required: true }),
    reason: pb.string(2),
  }),
  async run({ reason = "" }, op) {
    const payload = pb.message("console.test.v1.Approval", {
      approved: pb.bool(1, { required: true }),
      note: pb.string(2, { description: "Why." }),
    });
    const { approved } = await op.suspend("approval", { prompt: `Refund: ${reason}`, payload });
    return { refunded: approved };
  },
});

export default operations({
  methods: [echoWait, tablesProfile, requestRefund, buildReport, buildVolume, printReport, tablesLoad],
  webhooks: webhooks(),
  fetch: (request: Request, env: Parameters<typeof locks>[1] & { INDEX: DurableObjectNamespace<FilledIndex> }) =>
    new URL(request.url).pathname === "/fill" ? fill(request, env) : locks(request, env),
});
