// Google's clients against `wrangler dev`: `npm run conformance`, never a part of `npm test`.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "conformance",
    root: import.meta.dirname,
    include: ["**/*.test.ts"],
    exclude: ["node_modules/**"],
    environment: "node",
    globalSetup: "./global-setup.ts",
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
