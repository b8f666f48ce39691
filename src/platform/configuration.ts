// Names that the library and a Worker's configuration share: the classes of the objects, and the cron of the sweep.

/** The classes of the objects, by the names of the bindings that they may have. */
export const OBJECT_CLASSES = {
  OPERATIONS: "OperationObject",
  INDEX: "OperationIndex",
  POLICIES: "PolicyObject",
  KEYS: "KeyObject",
  SLOTS: "SlotsObject",
  DIRECTORY: "DirectoryObject",
} as const;

/** When the sweep runs. A cron event is known by this text, so the configuration has it letter by letter. */
export const SWEEP_CRON = "*/5 * * * *";
