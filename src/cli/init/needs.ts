// The needs of edge-operations in the configuration of a Worker: a configuration has each of them, or lacks it.
import { OBJECT_CLASSES, SWEEP_CRON } from "../../platform/configuration.ts";
import { type ConfigChange, type ConfigObject, type ConfigValue, isObject } from "../config-text.ts";

/** A change, and what it is for. */
export interface Need extends ConfigChange {
  why: string;
}

/** From this date on, the runtime gives a Worker the classes that it exports. */
const EXPORTS_DATE = "2025-11-17";
const EXPORTS_FLAG = "enable_ctx_exports";
/** From this date on, `nodejs_compat` gives the modules of Node. */
export const MIN_DATE = "2024-09-23";

/** The needs that a configuration lacks, in the order in which they are added. `name`: of the Worker. */
export function missingNeeds(config: ConfigObject, name: string): Need[] {
  return [...flagNeeds(config), ...classNeeds(config), ...queueNeeds(config, name), ...storeNeeds(config)];
}

/** The needs of a Worker that serves webhooks (docs/webhooks.md). A queue of the owner's is kept. */
export function webhookNeeds(config: ConfigObject, name: string): Need[] {
  const queues = isObject(config["queues"]) ? config["queues"] : {};
  const isBound = listAt(queues, "producers").some((one) => isObject(one) && one["binding"] === "WEBHOOK_QUEUE");
  if (isBound) return [];
  const queue = `${name}-webhooks`;
  const deadLetters = `${queue}-dead-letters`;
  const every = { max_batch_size: 1, max_batch_timeout: 0 };
  const produced = "the queue of webhooks' events, and its dead letters";
  const consumed = "the consumers of webhooks' events";
  return [
    need(["queues", "producers"], { binding: "WEBHOOK_QUEUE", queue }, produced),
    need(["queues", "producers"], { binding: "WEBHOOK_DEAD_LETTERS", queue: deadLetters }, produced),
    need(
      ["queues", "consumers"],
      { queue, ...every, max_retries: 10, retry_delay: 2, dead_letter_queue: deadLetters },
      consumed,
    ),
    need(["queues", "consumers"], { queue: deadLetters, ...every, max_retries: 100, retry_delay: 60 }, consumed),
  ];
}

/** The console at `/` (docs/console.md). `directory`: of its files, from the configuration's folder. */
export function consoleNeeds(config: ConfigObject, directory: string): Need[] {
  if ("assets" in config) return [];
  return [{ kind: "set", path: ["assets"], value: { directory }, why: "the console, a page at /" }];
}

function flagNeeds(config: ConfigObject): Need[] {
  const flags = listAt(config, "compatibility_flags");
  const date = textAt(config, "compatibility_date") ?? "";
  return [
    ...(flags.includes("nodejs_compat")
      ? []
      : [need(["compatibility_flags"], "nodejs_compat", "the library uses modules of Node")]),
    ...(date >= EXPORTS_DATE || flags.includes(EXPORTS_FLAG)
      ? []
      : [need(["compatibility_flags"], EXPORTS_FLAG, "the library reaches its classes without bindings")]),
  ];
}

function classNeeds(config: ConfigObject): Need[] {
  const exported = isObject(config["exports"]) ? config["exports"] : {};
  const migrations = listAt(config, "migrations").filter(isObject);
  const migrated = new Set(migrations.flatMap((migration) => listAt(migration, "new_sqlite_classes")));
  const missing = Object.values(OBJECT_CLASSES).filter((name) => !migrated.has(name) && !(name in exported));
  if (missing.length === 0) return [];
  // A configuration has classes in `exports` or in migrations, never in both.
  const isDeclarative = Object.values(exported).some((one) => isObject(one) && one["type"] === "durable-object");
  if (isDeclarative) {
    return missing.map((name) => ({
      kind: "set",
      path: ["exports", name],
      value: { type: "durable-object", storage: "sqlite" },
      why: `the class ${name}`,
    }));
  }
  const tags = migrations.map(({ tag }) => tag);
  const value = { tag: newTag(tags), new_sqlite_classes: missing };
  return [{ kind: "append", path: ["migrations"], value, why: `the classes ${missing.join(", ")}` }];
}

/** A tag that no migration has. They are applied in their order, whatever they are called. */
function newTag(tags: readonly unknown[]): string {
  if (tags.length === 0) return "v1";
  for (let number = 1; ; number += 1) {
    const tag = `edge-operations-v${number}`;
    if (!tags.includes(tag)) return tag;
  }
}

/** A queue adds consumers only when a batch ends, so one queue alone lets short work wait behind long work. */
const LANES = 4;

function queueNeeds(config: ConfigObject, name: string): Need[] {
  const queues = isObject(config["queues"]) ? config["queues"] : {};
  const producers = listAt(queues, "producers").filter(isObject);
  const consumed = new Set(
    listAt(queues, "consumers")
      .filter(isObject)
      .map(({ queue }) => queue),
  );
  // Lanes that are there are the owner's choice.
  const bound = producers.filter(({ binding }) => typeof binding === "string" && /^QUEUE(_\d+)?$/.test(binding));
  const lanes = Array.from({ length: LANES }, (_, index) => (index === 0 ? "" : `${index + 1}`));
  const added = bound.length > 0 ? [] : lanes.map((number) => lane(name, number));
  const unconsumed = [...bound, ...added].map(({ queue }) => queue).filter((queue) => !consumed.has(queue));
  return [
    ...added.map((producer) => need(["queues", "producers"], producer, "the queues through which work is started")),
    ...unconsumed.map((queue) =>
      need(
        ["queues", "consumers"],
        { queue: queue ?? "", max_batch_size: 1, max_batch_timeout: 0, max_retries: 10, retry_delay: 2 },
        "their consumers, which run the work",
      ),
    ),
  ];
}

function lane(name: string, number: string): ConfigObject {
  if (number === "") return { binding: "QUEUE", queue: `${name}-operations` };
  return { binding: `QUEUE_${number}`, queue: `${name}-operations-${number}` };
}

function storeNeeds(config: ConfigObject): Need[] {
  const vars = isObject(config["vars"]) ? config["vars"] : {};
  const hasSnapshots =
    vars["KV_SNAPSHOTS"] === "off" ||
    listAt(config, "kv_namespaces").some((one) => isObject(one) && one["binding"] === "SNAPSHOTS");
  const triggers = isObject(config["triggers"]) ? config["triggers"] : {};
  return [
    ...(hasSnapshots
      ? []
      : [need(["kv_namespaces"], { binding: "SNAPSHOTS" }, "the KV namespace of finished operations")]),
    ...(listAt(triggers, "crons").includes(SWEEP_CRON)
      ? []
      : [need(["triggers", "crons"], SWEEP_CRON, "the sweep, which repairs what a lost alarm missed")]),
  ];
}

function need(path: readonly string[], value: ConfigValue, why: string): Need {
  return { kind: "append", path, value, why };
}

function listAt(config: ConfigObject, key: string): ConfigValue[] {
  const value = config[key];
  return Array.isArray(value) ? value : [];
}

export function textAt(config: ConfigObject, key: string): string | undefined {
  const value = config[key];
  return typeof value === "string" ? value : undefined;
}
