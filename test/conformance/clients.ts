// The clients, as the columns of the table.
import type { Client } from "./client";
import { aiplatform } from "./clients/aiplatform";
import { apiary, rootApiary } from "./clients/apiary";
import { dataproc } from "./clients/dataproc";
import { googleGax } from "./clients/google-gax";
import type { Front } from "./front";

/** Each makes a client that calls the service through `front`. */
const makers = [googleGax, dataproc, aiplatform, apiary, rootApiary];

export function clientsAt(front: Front): Client[] {
  return makers.map((make) => make(front));
}
