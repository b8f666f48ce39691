// Durable Objects as their callers meet them: a stub that has thrown an error of the platform throws it for ever.

/** The platform's marks on its errors. */
export interface Marks {
  retryable?: true;
  overloaded?: true;
  remote?: true;
}

export function aPlatformError(marks: Marks = { retryable: true }): Error {
  return Object.assign(new Error("Durable Object reset because its code was updated."), marks);
}

type Answer = (parameters: unknown[]) => unknown;

export interface AnObject {
  /** Calls that reached the object, in order: the method, then its arguments. */
  calls: unknown[][];
  /** Stubs that were made. */
  stubs: number;
  /** Stands for each binding whose objects it is. */
  namespace: never;
}

/** One object under every name and id. `answers` are given in turn, the last one ever after; a function may throw. */
export function anObject(...answers: readonly Answer[]): AnObject {
  const object: AnObject = { calls: [], stubs: 0, namespace: undefined as never };
  const stub = () => {
    object.stubs += 1;
    let brokenBy: unknown;
    return new Proxy(
      {},
      {
        get(_, method) {
          if (method === "then" || typeof method === "symbol") return undefined;
          return async (...parameters: unknown[]) => {
            if (brokenBy !== undefined) throw brokenBy;
            object.calls.push([method, ...parameters]);
            const answer = answers[Math.min(object.calls.length, answers.length) - 1];
            try {
              return await answer?.(parameters);
            } catch (error) {
              if (!(error as Marks).remote) brokenBy = error;
              throw error;
            }
          };
        },
      },
    );
  };
  const namespace = {
    getByName: stub,
    get: stub,
    idFromString: (id: string) => id,
    jurisdiction: () => namespace,
  };
  object.namespace = namespace as never;
  return object;
}

export function throws(error: Error): Answer {
  return () => {
    throw error;
  };
}
