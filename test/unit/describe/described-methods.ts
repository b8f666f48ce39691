// Methods that are declared in as many ways as there are, for the tests of this folder.
import { bulkMethods } from "../../../src/api/bulk";
import { defineMethod } from "../../../src/method/define-method";
import { echoWait } from "../../../src/worker/echo-wait";
import { tablesProfile } from "../../../src/worker/tables-profile";
import { enumType } from "../../../src/protobuf/enum-type";
import { enumeration, int64, messageField, repeated, string } from "../../../src/protobuf/fields";
import { message } from "../../../src/protobuf/message";
import { Column, ProfileRequest } from "../protobuf/profile-request";

const run = async () => ({});

const Mode = enumType("example.copies.v1.Mode", { MODE_UNSPECIFIED: 0, FAST: 1 }, { description: "How it copies." });

const CopyOptions = message("example.copies.v1.CopyOptions", { maxRows: int64(1), tags: repeated(string(2)) });

const CopyRequest = message("example.copies.v1.CopyTableRequest", {
  name: string(1, {
    required: true,
    description: "The source of the copy.",
    resourceReference: { type: "example.com/Table" },
  }),
  target: messageField(2, Column, { required: true }),
  mode: enumeration(3, Mode, { description: "Faster or not." }),
  options: messageField(4, CopyOptions),
  oldName: string(5, { deprecated: true, explicitPresence: true }),
});

/** A response whose short name is that of a message of the service. */
const Policy = message("example.copies.v1.Policy", { text: string(1) }, { description: "Not IAM's.\nIn two lines." });

/** The body is one field; the others come in the query; its operations live under a parent of its own. */
export const copyTable = defineMethod({
  http: { post: "/v1/{name=projects/*/locations/*/tables/*}:copy", body: "target" },
  request: CopyRequest,
  responseType: Policy,
  metadataType: "example.elsewhere.v1.CopyMetadata",
  run: async () => ({ text: "" }),
});

/** Every kind of field, under a parent that no other has. */
const profileEverything = defineMethod({
  id: "profileEverything",
  http: { post: "/v1/{parent=projects/*/datasets/*}/everything:profile", body: "*" },
  request: ProfileRequest,
  run,
});

/** Its request is declared nowhere; it is served under one version alone. */
const undeclared = defineMethod({ http: { post: "/v7/things", body: "*" }, request: (json) => json, run });

/** The service's own methods, which a deployment has beside those that it declares. */
const own = bulkMethods(() => {
  throw new Error("nothing runs here");
});

export const describedMethods = [echoWait, tablesProfile, copyTable, profileEverything, undeclared, ...own];
