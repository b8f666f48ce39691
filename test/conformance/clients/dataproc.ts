// The generated client of Dataproc over REST: projects.regions.operations and IAM, mixed in.
import { createRequire } from "node:module";
import { ClusterControllerClient } from "@google-cloud/dataproc";
import { fallback } from "google-gax";
import type { Client } from "../client";
import type { Front } from "../front";
import { type TypeRoot, clientOptions, policyFromWire, seenError, seenFromWire } from "./gax";

export function dataproc(front: Front): Client {
  const require = createRequire(import.meta.url);
  const root = fallback.protobuf.Root.fromJSON(
    require("@google-cloud/dataproc/build/protos/protos.json") as object,
  ) as unknown as TypeRoot;
  const client = new ClusterControllerClient(clientOptions(front, "@google-cloud/dataproc") as never);
  return {
    name: "@google-cloud/dataproc",
    parent: "projects/conformance/regions/here",
    metadata: (mark) => ({
      "@type": "type.googleapis.com/google.cloud.dataproc.v1.ClusterOperationMetadata",
      clusterName: `cluster-${mark}`,
      status: { state: "RUNNING" },
      labels: { env: "staging" },
    }),
    // The form of Dataproc's own filters.
    filter: (mark) => `status.state = RUNNING AND labels.env = staging AND clusterName = cluster-${mark}`,
    response: {
      "@type": "type.googleapis.com/google.cloud.dataproc.v1.Cluster",
      projectId: "conformance",
      clusterName: "cluster",
    },
    async get(name) {
      const [operation] = await client.getOperation({ name } as never);
      return seenFromWire(operation, root);
    },
    async list({ parent, filter, pageSize }) {
      const listed = [];
      const request = { name: `${parent}/operations`, filter, pageSize };
      for await (const operation of client.listOperationsAsync(request as never)) {
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
