// A client of the service under test: plain fetch.

/** An Operation in JSON. */
export interface Operation {
  name: string;
  done: boolean;
  metadata: { "@type": string; value?: Record<string, unknown>; [field: string]: unknown };
  response?: { "@type": string; [field: string]: unknown };
  error?: { code: number; message: string; details: { "@type": string }[] };
}

export interface ApiError {
  code: number;
  message: string;
  status: string;
  details: { "@type": string; [field: string]: unknown }[];
}

export interface Answer<T> {
  status: number;
  headers: Headers;
  text: string;
  body: T;
}

export async function call<T>(url: string, init: RequestInit = {}): Promise<Answer<T>> {
  const response = await fetch(url, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text) as T };
}

export function json(body: unknown): RequestInit {
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

/** POSTs JSON and gives the operation that was started, or that was waited for. */
export async function postOperation(url: string, body: unknown): Promise<Operation> {
  const answer = await call<Operation>(url, json(body));
  if (answer.status !== 200) throw new Error(`POST ${url}: ${answer.status} ${answer.text}`);
  return answer.body;
}

/** All operations of a collection, page after page. */
export async function listAll(url: string): Promise<Operation[]> {
  const operations: Operation[] = [];
  let pageToken = "";
  do {
    const token = pageToken === "" ? "" : `&pageToken=${encodeURIComponent(pageToken)}`;
    const answer = await call<{ operations?: Operation[]; nextPageToken?: string }>(`${url}?pageSize=1000${token}`);
    if (answer.status !== 200) throw new Error(`GET ${url}: ${answer.status} ${answer.text}`);
    operations.push(...(answer.body.operations ?? []));
    pageToken = answer.body.nextPageToken ?? "";
  } while (pageToken !== "");
  return operations;
}
