import { describe, expect, test } from "vitest";
import { protoFiles } from "../../../src/describe/proto";
import { defineMethod } from "../../../src/method/define-method";
import { enumType } from "../../../src/protobuf/enum-type";
import { enumeration } from "../../../src/protobuf/fields";
import { message } from "../../../src/protobuf/message";
import { describedMethods } from "./described-methods";

const { files, leftOut } = protoFiles(describedMethods);

describe("the .proto files of a deployment", () => {
  test("are one for each declared package", () => {
    expect([...files.keys()]).toEqual([
      "google/showcase/v1beta1/showcase.proto",
      "edge_operations/tables/v1/tables.proto",
      "example/copies/v1/copies.proto",
      "example/tables/v1/tables.proto",
      "edge_operations/v1/edge_operations.proto",
    ]);
  });

  test("have a method with its binding and its operation's types", () => {
    expect(files.get("google/showcase/v1beta1/showcase.proto")).toBe(`syntax = "proto3";

package google.showcase.v1beta1;

import "google/api/annotations.proto";
import "google/longrunning/operations.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/timestamp.proto";
import "google/rpc/status.proto";

service Echo {
  // Starts the operation echo:wait.
  rpc Wait(WaitRequest) returns (google.longrunning.Operation) {
    option (google.api.http) = {
      post: "/v1beta1/echo:wait"
      body: "*"
    };
    option (google.longrunning.operation_info) = {
      response_type: "WaitResponse"
      metadata_type: "WaitMetadata"
    };
  }
}

message WaitRequest {
  // Its end. By default at once.
  oneof end {
    google.protobuf.Timestamp end_time = 1;

    // From the call on.
    google.protobuf.Duration ttl = 4;
  }

  // The result. By default an empty response.
  oneof response {
    google.rpc.Status error = 2;

    WaitResponse success = 3;
  }
}

message WaitResponse {
  string content = 1;
}

message WaitMetadata {
  google.protobuf.Timestamp end_time = 1;
}
`);
  });

  test("import another package's declarations, and name them in full", () => {
    const copies = files.get("example/copies/v1/copies.proto");

    expect(copies).toContain('import "example/tables/v1/tables.proto";\n');
    expect(copies).toContain("  example.tables.v1.Column target = 2 [(google.api.field_behavior) = REQUIRED];\n");
  });

  test("have a field's declared description and behaviour", () => {
    const copies = files.get("example/copies/v1/copies.proto");

    expect(copies).toContain(`  // The source of the copy.
  string name = 1 [(google.api.field_behavior) = REQUIRED, (google.api.resource_reference).type = "example.com/Table"];
`);
    expect(copies).toContain("  optional string old_name = 5 [deprecated = true];\n");
    expect(copies).toContain("// Not IAM's.\n// In two lines.\nmessage Policy {\n");
    expect(copies).toContain("// How it copies.\nenum Mode {\n  MODE_UNSPECIFIED = 0;\n  FAST = 1;\n}\n");
    expect(copies).toContain(
      '      response_type: "Policy"\n      metadata_type: "example.elsewhere.v1.CopyMetadata"\n',
    );
  });

  test("have every kind of field", () => {
    const tables = files.get("example/tables/v1/tables.proto");

    for (const field of [
      "repeated bool flags = 5;",
      "map<string, string> labels = 9;",
      "map<int64, uint32> count_by_id = 26;",
      "google.protobuf.FieldMask update_mask = 17;",
      "google.protobuf.Int64Value wrapped = 18;",
      "google.protobuf.Empty nothing = 20;",
      "Format format = 8;",
    ]) {
      expect(tables).toContain(`  ${field}\n`);
    }
    expect(tables).toContain('import "google/protobuf/wrappers.proto";\n');
  });

  test("omit a method whose request is no declared message, with a comment", () => {
    expect(leftOut).toEqual(["things"]);
  });

  test("are rejected if one package has a value of an enum twice, because a compiler would reject them", () => {
    const first = enumType("example.v1.First", { NONE: 0 });
    const second = enumType("example.v1.Second", { NONE: 0 });
    const request = message("example.v1.Request", { first: enumeration(1, first), second: enumeration(2, second) });
    const method = defineMethod({ http: { post: "/v1/things:do", body: "*" }, request, run: async () => ({}) });

    expect(() => protoFiles([method])).toThrow(
      new TypeError("example.v1.First and example.v1.Second both have the value NONE; a package may have it once"),
    );
  });
});
