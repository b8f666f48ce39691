// The Worker whose memory is measured: the deployed methods, and one that makes a response of the size that it is asked for.
import { defineMethod, operations } from "../../src/index";
import { tablesProfile } from "../../src/worker/tables-profile";

export * from "../../src/objects";

const make = defineMethod({
  http: { post: "/v1/{parent=projects/*/locations/*}/texts:make", body: "*" },
  request: (json) => json as { bytes: number },
  maxResultBytes: 24 * 1_048_576,
  run: async ({ bytes }) => ({ text: "x".repeat(bytes) }),
});

export default operations({ methods: [tablesProfile, make] });
