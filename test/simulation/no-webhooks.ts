// In the place of `src/webhooks.ts` of a version that serves none.
export const webhooks = undefined;
