// sites:render: a child operation for each page, and one answer for all of them.
import { defineMethod } from "edge-operations";
import * as pb from "edge-operations/protobuf";
import { MAX_RENDERING_MS, renderPage } from "./render-page";

const MAX_URLS = 1_000;

const RenderSiteRequest = pb.message("example.approvals.v1.RenderSiteRequest", {
  parent: pb.string(1, { required: true }),
  urls: pb.repeated(pb.string(2, { description: "1 to 1,000." })),
  atLeast: pb.int32(3, { description: "How many renderings have to end: all unless given. The others go on." }),
  ms: pb.int32(4, { description: "How long each rendering takes, in milliseconds." }),
  failing: pb.repeated(pb.int32(5, { description: "The indexes of the pages whose rendering fails." })),
});

const RenderSiteResponse = pb.message("example.approvals.v1.RenderSiteResponse", {
  done: pb.int32(1),
  failed: pb.int32(2),
});

const checkedSite = pb.refine(
  RenderSiteRequest,
  ({ urls = [], atLeast = urls.length, ms = 0, failing = [] }, violate) => {
    if (urls.length < 1 || urls.length > MAX_URLS) violate(["urls"], `must be 1 to ${MAX_URLS}`);
    if (atLeast < 1 || atLeast > urls.length) violate(["atLeast"], "must be 1 to the number of urls");
    if (ms < 0 || ms > MAX_RENDERING_MS) violate(["ms"], `must be 0 to ${MAX_RENDERING_MS}`);
    if (urls.includes("")) violate(["urls"], "must not be empty");
    return { urls, atLeast, ms, failing: new Set(failing) };
  },
);

export const renderSite = defineMethod({
  http: { post: "/v1/{parent=projects/*}/sites:render", body: "*" },
  request: checkedSite,
  responseType: RenderSiteResponse,
  async run({ urls, atLeast, ms, failing }, op) {
    const pages = await Promise.all(
      urls.map((url, i) => op.start(renderPage, { url, ms, fail: failing.has(i) }, { key: `page ${i}` })),
    );
    const outcomes = await op.join(pages, { atLeast });
    const failed = outcomes.filter(({ error }) => error).length;
    return { done: outcomes.length - failed, failed };
  },
});
