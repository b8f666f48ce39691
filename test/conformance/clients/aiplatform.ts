// The generated client of Vertex AI over REST: projects.locations.operations, asked for under /ui/.
import { createRequire } from "node:module";
import { EndpointServiceClient } from "@google-cloud/aiplatform";
import { fallback } from "google-gax";
import type { Client } from "../client";
import type { Front } from "../front";
import { type TypeRoot, clientOptions, policyFromWire, seenError, seenFromWire } from "./gax";

export function aiplatform(front: Front): Client {
  const require = createRequire(import.meta.url);
  const root = fallback.protobuf.Root.fromJSON(
    require("@google-cloud/aiplatform/build/protos/protos.json") as object,
  ) as unknown as TypeRoot;
  const client = new EndpointServiceClient(clientOptions(front, "@google-cloud/aiplatform"));
  return {
    name: "@google-cloud/aiplatform",
    parent: "projects/conformance/locations/here",
    metadata: (mark) => ({
      "@type": "type.googleapis.com/google.cloud.aiplatform.v1.CreateEndpointOperationMetadata",
      genericMetadata: { partialFailures: [{ code: 3, message: `mark ${mark}` }] },
    }),
    filter: (mark) => `genericMetadata.partialFailures.message:"mark ${mark}"`,
    response: {
      "@type": "type.googleapis.com/google.cloud.aiplatform.v1.Endpoint",
      name: "projects/conformance/locations/here/endpoints/1",
      displayName: "an endpoint",
    },
    async get(name) {
      const [operation] = await client.getOperation({ name } as never);
      return seenFromWire(operation, root);
    },
    async list({ parent, filter, pageSize }) {
      const listed = [];
      // Its rule for lists matches the parent, as the published one has it.
      for await (const operation of client.listOperationsAsync({ name: parent, filter, pageSize } as never)) {
        listed.push(seenFromWire(operation, root));
      }
      return listed;
    },
    cancel: (name) => client.cancelOperation({ name } as never),
    delete: (name) => client.deleteOperation({ name } as never),
    async getIamPolicy(resource) {
      const [policy] = await client.getIamPolicy({ resource } as never);
      return policyFromWire(policy);
    },
    async setIamPolicy(resource, policy) {
      const [stored] = await client.setIamPolicy({ resource, policy } as never);
      return policyFromWire(stored);
    },
    async testIamPermissions(resource, permissions) {
      const [answer] = await client.testIamPermissions({ resource, permissions } as never);
      return (answer as { permissions?: string[] }).permissions ?? [];
    },
    seenError,
    retriesUnavailable: true,
  };
}
