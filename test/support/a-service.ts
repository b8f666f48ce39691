// The services' ports as a test wants them: what it does not say answers nothing, and what is called is written down.
import { configFromEnv } from "../../src/config";
import type { ServiceContext } from "../../src/api/call";
import { administratorDenial, denial } from "../../src/iam/denial";
import { passGate } from "../../src/authentication/authenticate";
import { emptyPolicy } from "../../src/iam/policy";
import type { Permission } from "../../src/iam/permissions";
import type { OperationAnswer } from "../../src/contract/answer";
import { UsualDurations } from "../../src/service/usual-durations";
import { FullShards } from "../../src/service/full-shards";
import type { OperationLists, OperationStore } from "../../src/service/ports";
import { CREATE_TIME, aPolicy } from "./an-operation";

export interface AService {
  /** The deployment's `AUTH`. */
  auth?: string;
  store?: Partial<OperationStore>;
  lists?: Partial<OperationLists>;
  usualDurations?: UsualDurations;
  /** Whether the caller may nothing: every judge, and every call of an object, says so. */
  refuses?: boolean;
}

export interface RecordedService {
  context: ServiceContext;
  /** The calls of the store, in order: the method, then its arguments. */
  calls: unknown[][];
  /** Throws where the deployment lets nobody in, as authentication does. */
  gate: () => void;
}

export function anAnswer(overrides: Partial<OperationAnswer> = {}): OperationAnswer {
  return {
    json: '{"name":"operations/1","done":false}',
    etag: '"1"',
    done: false,
    createTime: CREATE_TIME,
    ...overrides,
  };
}

/** Policies of which each is empty, and that take every other one. */
const emptyPolicies = {
  get: async () => emptyPolicy(),
  set: async () => ({ ok: true, policy: emptyPolicy() }),
  test: async () => [],
};

/** A store that finds every operation. */
const finds: Partial<OperationStore> = {
  newId: () => "new",
  start: async () => ({ ok: true, answer: anAnswer() }),
  started: async () => anAnswer(),
  get: async () => anAnswer(),
  wait: async () => anAnswer(),
  cancel: async () => true,
  delete: async () => true,
  explain: async () => "{}",
};

export function aService({
  auth = "open",
  store = {},
  lists = {},
  usualDurations = new UsualDurations(),
  refuses = false,
}: AService = {}): RecordedService {
  const config = configFromEnv({ AUTH: auth });
  const { leaseMs, resendMs, snapshot } = aPolicy();
  const calls: unknown[][] = [];
  const recorded = recording(refuses ? refusingStore : { ...finds, ...store }, calls);
  const judge = async (permission: Permission, resource: string): Promise<void> => {
    if (refuses) throw denial(STRANGER, permission, resource);
  };
  const context = {
    caller: { id: "", members: [], mayUseRequestId: true, httpRequestId: "ray" },
    principal: { id: "", members: [], grants: [], isAdmin: false },
    authorize: judge,
    permit: judge,
    administer: () => {
      if (refuses) throw administratorDenial(STRANGER);
    },
    iam: { policies: recording(refuses ? refusingStore : emptyPolicies, calls), hasConfiguredAdmins: true },
    deployment: { policy: { leaseMs, resendMs, snapshot }, locations: new Map(), indexShards: 1 },
    fullShards: new FullShards(),
    store: recorded,
    listed: recorded,
    waits: recorded,
    reads: recorded,
    lists: { page: async () => [], ...lists },
    now: () => CREATE_TIME,
    usualDurations,
  } as unknown as ServiceContext;
  return { context, calls, gate: () => passGate(config) };
}

const STRANGER = { id: "principal://issuer.example/subject/stranger" };

/** An object rejects each call. */
const refusingStore = new Proxy(
  {},
  {
    get: () => async (name: string) => {
      throw denial(STRANGER, "longrunning.operations.get", name);
    },
  },
);

function recording(port: object, calls: unknown[][]): object {
  return new Proxy(port, {
    get(target, method) {
      const call = Reflect.get(target, method) as ((...values: unknown[]) => unknown) | undefined;
      if (typeof call !== "function") return call;
      return (...values: unknown[]) => {
        calls.push([method, ...values]);
        return call(...values);
      };
    },
  });
}
