// useOperation: a React hook that shows an operation as it changes.
import { useEffect, useState } from "react";
import type { JsonObject } from "../rpc/any";
import type { MetadataOfMethod, ResponseOf, TypedMethod } from "../client/method-client";
import type { OperationState } from "../client/operation-state";
import { OperationsClient } from "../client/operations-client";
import { newAbortController } from "../client/platform";

export interface UseOperationOptions {
  /** Default: a client of the page's own origin, with the page's cookies. */
  client?: OperationsClient;
}

export interface UsedOperation<Response = JsonObject, Metadata = JsonObject> {
  /** undefined until the first answer. */
  operation: OperationState<Response, Metadata> | undefined;
  /** The failure of the watch, a CallError. An operation that ended with an error has it in `operation.error`. */
  error: unknown;
}

let ownOrigin: OperationsClient | undefined;

/**
 * The operation as it is now, by its name; undefined as a name: nothing is watched. The component renders again at each change.
 *
 * @example
 * const { operation } = useOperation(name);
 * return <progress max={100} value={operation?.metadata.progressPercent ?? 0} />;
 */
export function useOperation<M extends TypedMethod>(
  name: string | undefined,
  { client }: UseOperationOptions = {},
): UsedOperation<ResponseOf<M>, MetadataOfMethod<M>> {
  type Used = UsedOperation<ResponseOf<M>, MetadataOfMethod<M>>;
  const [shown, setShown] = useState<{ name: string | undefined; used: Used }>({ name, used: NOTHING });
  useEffect(() => {
    if (name === undefined) return undefined;
    const abort = newAbortController();
    const show = (next: Partial<Used>): void => {
      if (abort.signal.aborted) return;
      setShown((before) => ({ name, used: { ...(before.name === name ? before.used : NOTHING), ...next } }));
    };
    const watch = async (): Promise<void> => {
      ownOrigin ??= new OperationsClient({ baseUrl: "" });
      const states = (client ?? ownOrigin).watch<M>(name, { signal: abort.signal });
      for await (const operation of states) show({ operation, error: undefined });
    };
    watch().catch((error: unknown) => show({ error }));
    return () => abort.abort();
  }, [name, client]);
  // The state of another name is not shown, not even for one rendering.
  return shown.name === name ? shown.used : NOTHING;
}

const NOTHING = { operation: undefined, error: undefined };
