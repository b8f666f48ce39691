// A service that refuses its caller everything, and writes down what it was asked.
import type { ServiceContext } from "../../src/api/call";
import { denial } from "../../src/iam/denial";
import { UsualDurations } from "../../src/service/usual-durations";
import { FullShards } from "../../src/service/full-shards";
import { CREATE_TIME } from "./an-operation";

/** Ports that judge the caller and do nothing else. */
export const JUDGES: readonly string[] = ["authorize", "permit", "permitLink", "administer"];

const STRANGER = { id: "principal://issuer.example/subject/stranger" };

const FACTS = {
  caller: { id: "", members: [], mayUseRequestId: true, httpRequestId: "ray" },
  principal: { id: "", members: [], grants: [], isAdmin: false },
  deployment: { locations: new Map(), indexShards: 1 },
  fullShards: new FullShards(),
  usualDurations: new UsualDurations(),
  tokenKeys: undefined,
  now: () => CREATE_TIME,
};

/** Each port adds its name to `asked` (`authorize`, `store.get`) and rejects with PERMISSION_DENIED. */
export function aRefusingService(asked: string[]): ServiceContext {
  return new Proxy(FACTS, {
    get: (facts, name) => {
      // A promise may hold it.
      if (typeof name === "symbol" || name === "then" || Object.hasOwn(facts, name))
        return Reflect.get(facts, name) as unknown;
      return refusingPort(name, asked);
    },
  }) as unknown as ServiceContext;
}

function refusingPort(name: string, asked: string[]): object {
  const refuse = (): Promise<never> => {
    asked.push(name);
    const refused = Promise.reject(denial(STRANGER, "longrunning.operations.get", "operations/1"));
    // A port that gives a value and no promise is not awaited.
    refused.catch(() => undefined);
    return refused;
  };
  return new Proxy(refuse, {
    get: (_, inner) => (typeof inner === "symbol" ? undefined : refusingPort(`${name}.${inner}`, asked)),
  });
}
