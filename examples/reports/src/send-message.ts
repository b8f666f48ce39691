// A client of this Worker, as docs/clients.md shows it: in Node, in another Worker or in a page.
import { OperationsClient, StatusError } from "edge-operations/client";
import type { deliver } from "./deliver";

export async function sendMessage(baseUrl: string, urls: string[]): Promise<number[]> {
  const client = new OperationsClient({ baseUrl });
  const messages = client.method<typeof deliver>({
    http: { post: "/v1/{parent=projects/*}/messages:deliver", body: "*" },
  });
  try {
    const operation = await messages.start({ parent: "projects/p", text: "Hello.", urls });
    const { statuses } = await operation.result({
      onProgress: ({ progressPercent = 0 }) => console.log(`${progressPercent} %`),
    });
    return statuses;
  } catch (error) {
    if (error instanceof StatusError) for (const { field } of error.fieldViolations) console.error(`${field} is wrong`);
    throw error;
  }
}
