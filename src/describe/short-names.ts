// The names of schemas: `Table` for `example.v1.Table`, as Google's documents have them.

/** Schemas that documents add to those of messages. */
const RESERVED: ReadonlySet<string> = new Set(["Error", "JsonObject"]);

/** The packages of what every deployment serves. */
const OF_THE_SERVICE =
  /^(?:google\.(?:longrunning|rpc|protobuf|iam\.v1|type|cloud\.location)|edge_operations\.v1)\.[A-Z]/;

/**
 * `example.v1.Table` → `Table`, or `ExampleV1Table` where another message has that name. The messages that every
 * deployment serves keep their short names, so that an added method renames none of them.
 */
export function shortNames(fullNames: readonly string[]): Map<string, string> {
  const rivalsByName = Map.groupBy(fullNames, shortName);
  return new Map(
    fullNames.map((fullName) => {
      const short = shortName(fullName);
      const isAlone = rivalsByName.get(short)?.length === 1;
      const isFirst = OF_THE_SERVICE.test(fullName);
      const isTaken = RESERVED.has(short) || rivalsByName.get(short)?.some((rival) => OF_THE_SERVICE.test(rival));
      return [fullName, isFirst || (isAlone && !isTaken) ? short : longName(fullName)];
    }),
  );
}

function shortName(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf(".") + 1);
}

/** `example.v1.Table` → `ExampleV1Table` */
function longName(fullName: string): string {
  return fullName.replaceAll(/(?:^|[._])([a-zA-Z])/g, (_, letter: string) => letter.toUpperCase());
}
