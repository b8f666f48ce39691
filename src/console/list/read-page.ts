// A page of the screen, put together from pages of the API. Those may be short, or empty, while there is more (AIP-158): the
// service reads a bounded number of operations for each, whether they match the filter or not.
import type { Operation, Page } from "../api/operation";

export interface ShownPage {
  operations: readonly Operation[];
  /** Empty where nothing is older. Otherwise the page behind it has an operation, unless `isPartial`. */
  nextPageToken: string;
  unreachable: readonly string[];
  /** It has too few operations because the rest was not read. */
  isPartial: boolean;
  /** How many pages of the API it is made of. */
  calls: number;
}

export type ReadApiPage = (pageToken: string, pageSize: number) => Promise<Page>;

export interface PageSize {
  /** Operations of a page. */
  size: number;
  /** Once it has an operation, a page is made of so many pages of the API at most. One that is empty reads on to the end. */
  maxCalls: number;
}

/** `onPart` is told of the page while it is being read. */
export async function readPage(
  read: ReadApiPage,
  pageToken: string,
  { size, maxCalls }: PageSize,
  onPart: (part: ShownPage) => void = () => {},
): Promise<ShownPage> {
  const operations: Operation[] = [];
  const unreachable = new Set<string>();
  let nextPageToken = pageToken;
  for (let calls = 1; ; calls += 1) {
    const page = await read(nextPageToken, size - operations.length);
    operations.push(...(page.operations ?? []));
    for (const name of page.unreachable ?? []) unreachable.add(name);
    nextPageToken = page.nextPageToken ?? "";
    const isFull = operations.length >= size;
    const shown = {
      operations: [...operations],
      nextPageToken,
      unreachable: [...unreachable],
      isPartial: false,
      calls,
    };
    if (nextPageToken === "") return shown;
    if (isFull) return { ...shown, nextPageToken: await tokenOfNext(read, nextPageToken, maxCalls) };
    if (operations.length > 0 && calls >= maxCalls) return { ...shown, isPartial: true };
    onPart({ ...shown, isPartial: true });
  }
}

/** The token whose page begins with the next operation; empty where nothing is left. */
async function tokenOfNext(read: ReadApiPage, pageToken: string, maxCalls: number): Promise<string> {
  let token = pageToken;
  for (let calls = 0; calls < maxCalls; calls += 1) {
    const { operations = [], nextPageToken = "" } = await read(token, 1);
    if (operations.length > 0) return token;
    if (nextPageToken === "") return "";
    token = nextPageToken;
  }
  return token;
}
