// ListOperations over an index in plain Node, and its answers.
import type { OperationAnswer } from "../../src/contract/answer";
import { RpcError } from "../../src/rpc/error";
import { type ListPorts, type ListOperationsRequest, listOperations } from "../../src/service/list-operations";
import { AnIndex } from "./an-index";

export interface SeenPage {
  /** The last segments of the operations' names. */
  ids: string[];
  operations: { name: string; done: boolean }[];
  nextPageToken?: string;
  unreachable?: string[];
  text: string;
}

export type ListCall = Partial<ListOperationsRequest>;

export interface AList {
  index: AnIndex;
  list(request?: ListCall): Promise<SeenPage>;
  /** Walks from page to page to the end, asking again where a call fails. */
  walk(request?: ListCall): Promise<SeenPage[]>;
}

export interface AListOptions extends Partial<Omit<ListPorts, "store">> {
  index?: AnIndex;
  /** Operations that are read whole, by name; a name that is not here was deleted. */
  whole?: (name: string) => Promise<OperationAnswer["json"] | undefined>;
}

export function aList({ index = new AnIndex(), whole = async () => undefined, ...options }: AListOptions = {}): AList {
  const ports: ListPorts = {
    lists: index,
    store: {
      get: async (name) => {
        const json = await whole(name);
        return json === undefined ? undefined : { json, etag: "", done: true, createTime: 0 };
      },
    },
    locations: new Map(),
    indexShards: 1,
    tokenKeys: undefined,
    now: () => 0,
    ...options,
  };
  const list = async (request: ListCall = {}): Promise<SeenPage> => {
    const body = await listOperations(ports, {
      parent: "projects/p/locations/l",
      filter: "",
      returnPartialSuccess: false,
      ...request,
    });
    return seenPage(typeof body === "string" ? body : await new Response(body).text());
  };
  return {
    index,
    list,
    async walk(request = {}) {
      const pages: SeenPage[] = [];
      let pageToken = request.pageToken ?? "";
      do {
        const page = await retried(() => list({ ...request, pageToken }));
        pages.push(page);
        pageToken = page.nextPageToken ?? "";
      } while (pageToken !== "");
      return pages;
    },
  };
}

export function seenPage(text: string): SeenPage {
  const page = JSON.parse(text) as Omit<SeenPage, "ids" | "text">;
  return { ...page, ids: page.operations.map(({ name }) => name.split("/").at(-1) ?? ""), text };
}

const MAX_TRIES = 100;

/** A call that fails as UNAVAILABLE is retried. */
async function retried<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if (tries === MAX_TRIES || !(error instanceof RpcError) || error.code !== "UNAVAILABLE") throw error;
    }
  }
}
