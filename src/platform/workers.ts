// `#cloudflare-workers` in the Workers runtime.
// @ts-expect-error -- the types declare the module with `export =`; it is one of ES modules.
export * from "cloudflare:workers";
