// pages:render: renders one page of a site. A stand-in for a browser: it takes `ms` milliseconds, or fails.
import { RpcError, defineMethod } from "edge-operations";
import * as pb from "edge-operations/protobuf";

export const MAX_RENDERING_MS = 60_000;

const RenderPageRequest = pb.message("example.approvals.v1.RenderPageRequest", {
  parent: pb.string(1, { required: true }),
  url: pb.string(2, { required: true }),
  ms: pb.int32(3, { description: "How long the rendering takes, in milliseconds: 0 unless given." }),
  fail: pb.bool(4, { description: "The rendering fails." }),
});

const RenderPageResponse = pb.message("example.approvals.v1.RenderPageResponse", {
  url: pb.string(1),
});

const checkedPage = pb.refine(RenderPageRequest, ({ url, ms = 0, fail = false }, violate) => {
  if (ms < 0 || ms > MAX_RENDERING_MS) violate(["ms"], `must be 0 to ${MAX_RENDERING_MS}`);
  return { url, ms, fail };
});

export const renderPage = defineMethod({
  http: { post: "/v1/{parent=projects/*}/pages:render", body: "*" },
  request: checkedPage,
  responseType: RenderPageResponse,
  // Its work takes seconds at most, so it needs no queue.
  dispatch: "direct",
  async run({ url, ms, fail }, op) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    if (fail) throw new RpcError("FAILED_PRECONDITION", `${url} cannot be rendered.`);
    op.write(`rendered ${url}\n`);
    return { url };
  },
});
