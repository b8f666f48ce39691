// The page of a list that is on the screen, renewed while somebody looks at it, and the way to the pages before and behind it.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, call, pathOf } from "../api/call";
import { whileHidden } from "../api/follow";
import { type Page, collectionOf } from "../api/operation";
import { type ShownPage, readPage } from "./read-page";

const PAGE_SIZE = 50;
/** A filter that matches few of very many operations fills a page from so many pages of the API, of up to 5,000 operations each. */
const MAX_CALLS = 10;
/** How often a page is read again for each call that it takes, so that a page of many calls does not call more often. */
const REFRESH_MS = 2_000;
const REFRESH_ALL_DONE_MS = 5_000;

export interface List {
  /** Undefined until something has been read. */
  shown: ShownPage | undefined;
  error: unknown;
  /** Of the page on the screen, from 1. */
  number: number;
  showNewest: () => void;
  showNewer: () => void;
  showOlder: () => void;
}

export function useList(parent: string, filter: string): List {
  // The tokens of the pages before this one; the last is this page's own.
  const tokens = tokensOfEntry();
  const [, setTurn] = useState(0);
  const [read, setRead] = useState<{ key: string; page: ShownPage }>();
  const [error, setError] = useState<unknown>();
  const asked = useRef("");
  const pageToken = tokens.at(-1) ?? "";
  const key = `${parent}\n${filter}\n${pageToken}`;
  // The page before must not be seen under the number of the one that is being read.
  const shown = read?.key === key ? read.page : undefined;

  const turnTo = (next: readonly string[]): void => {
    history.replaceState({ tokens: next }, "");
    setTurn((turn) => turn + 1);
  };

  const load = useCallback(
    async (signal: AbortSignal): Promise<ShownPage | "refused" | undefined> => {
      const isFirst = asked.current !== key;
      asked.current = key;
      const readPart = (token: string, pageSize: number): Promise<Page> =>
        call<Page>(pathOf(collectionOf(parent), { pageSize, filter, pageToken: token, returnPartialSuccess: true }), {
          signal,
        });
      try {
        const page = await readPage(readPart, pageToken, { size: PAGE_SIZE, maxCalls: MAX_CALLS }, (part) => {
          if (isFirst && !signal.aborted) setRead({ key, page: part });
        });
        if (signal.aborted) return undefined;
        setRead({ key, page });
        setError(undefined);
        return page;
      } catch (problem) {
        if (signal.aborted) return undefined;
        if (problem instanceof ApiError && problem.reason === "PAGE_TOKEN_INVALID" && pageToken !== "") {
          // The page is of a session before, and the deployment's keys have changed since.
          turnTo([""]);
          return undefined;
        }
        setError(problem);
        // Asked again, it would open the sign-in again.
        return problem instanceof ApiError && problem.isFinal ? "refused" : undefined;
      }
    },
    [key],
  );

  useEffect(() => {
    const stop = new AbortController();
    void (async () => {
      while (!stop.signal.aborted) {
        const page = await load(stop.signal);
        if (page === "refused") return;
        const isQuiet = page !== undefined && page.operations.length > 0 && page.operations.every(({ done }) => done);
        const pauseMs = (isQuiet ? REFRESH_ALL_DONE_MS : REFRESH_MS) * (page?.calls ?? 1);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
        await whileHidden(stop.signal);
      }
    })();
    return () => stop.abort();
  }, [load]);

  return {
    shown,
    error,
    number: tokens.length,
    showNewest: () => turnTo([""]),
    showNewer: () => turnTo(tokens.slice(0, -1)),
    showOlder: () => turnTo([...tokens, shown?.nextPageToken ?? ""]),
  };
}

/** The browser's entry for this list remembers its page, so that the way back from an operation leads to it. */
function tokensOfEntry(): readonly string[] {
  const { tokens } = (history.state ?? {}) as { tokens?: unknown };
  const isKept = Array.isArray(tokens) && tokens.length > 0 && tokens.every((token) => typeof token === "string");
  return isKept ? tokens : [""];
}
