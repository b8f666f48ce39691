// System parameters (https://cloud.google.com/apis/docs/system-parameters): every method takes them, with and without `$`.

/** Those that documents name. */
export const DESCRIBED_PARAMETERS = [
  { name: "fields", type: "string", description: "The fields of the answer: `name,done,error/code`." },
  { name: "access_token", type: "string", description: "A bearer token, in place of a header." },
  { name: "key", type: "string", description: "An API key." },
  { name: "prettyPrint", type: "boolean", description: "Indents the answer." },
  { name: "quotaUser", type: "string", description: "Accepted and ignored." },
] as const;

export const SYSTEM_PARAMETERS: readonly string[] = [
  ...DESCRIBED_PARAMETERS.map(({ name }) => name),
  "alt",
  "xgafv",
  "uploadType",
  "upload_protocol",
  "userProject",
  "callback",
  "oauth_token",
];
