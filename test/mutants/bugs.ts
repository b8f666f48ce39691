// Deliberate bugs, each as an edit that must match its file exactly once, and the tests that must fail with it.

export interface Bug {
  name: string;
  file: string;
  find: string;
  replace: string;
  /** `simulation`, or the arguments of `vitest run`. */
  tests: "simulation" | readonly string[];
  /** Part of the message, or of the name, of a test that must fail. */
  caughtBy: string;
}

const SIMULATION = "simulation";
const unit = (file: string): readonly string[] => ["--project", "unit", `test/unit/${file}`];
const workers = (file: string): readonly string[] => ["--project", "workers", `test/workers/${file}`];

export const bugs: readonly Bug[] = [
  // ── Judged before work ────────────────────────────────────────────────────────────────────────────────────────────
  {
    name: "the caller is judged behind the handler's work",
    file: "src/http/door.ts",
    find: "    await route.judge(call);\n",
    replace: "",
    tests: unit("http/judge.test.ts"),
    caughtBy: "is refused",
  },
  {
    name: "a policy is compiled before its caller is judged",
    file: "src/http/iam-routes.ts",
    find: "judge: maySet, handler: set",
    replace: "judge: everyone, handler: set",
    tests: unit("http/judge.test.ts"),
    caughtBy: "SetIamPolicy",
  },
  {
    name: "a body is read before an operation's object is asked",
    file: "src/http/judge.ts",
    find: "if (!isBodyOptional || !call.body.isAbsent) await call.service.permit(permission, name);",
    replace: "await call.body.bytes(1_048_576).then(() => call.service.permit(permission, name));",
    tests: unit("http/judge.test.ts"),
    caughtBy: "without waiting for a body that never ends",
  },
  {
    name: "a JSON body is waited for without a bound",
    file: "src/http/request-body.ts",
    find: "return await Promise.race([this.#bytes(maxBytes), tooSlow.promise]);",
    replace: "return await this.#bytes(maxBytes);",
    tests: unit("http/judge.test.ts"),
    caughtBy: "a body that trickles",
  },
  {
    name: "a change of API keys is not audited",
    file: "src/service/authorizer.ts",
    find: `  "apiKeys.revoke",
]);`,
    replace: "]);",
    tests: workers("access.test.ts"),
    caughtBy: "API keys: each change is audited",
  },
  {
    name: "a duration is read by the library's pattern",
    file: "src/iam/condition-check.ts",
    find: "? value.length <= MAX_DURATION_CHARACTERS && DURATION.test(value)",
    replace: "? value !== DURATION.source && MAX_DURATION_CHARACTERS > 0",
    tests: unit("iam/condition.test.ts"),
    caughtBy: "is refused",
  },
  // ── Cross-site requests ───────────────────────────────────────────────────────────────────────────────────────────
  {
    name: "a page of another origin may call by a cookie",
    file: "src/index.ts",
    find: "  if (principal.isAmbient) rejectCrossSite(request, config.corsOrigins);\n",
    replace: '  if (principal.isAmbient && request.method === "NEVER") rejectCrossSite(request, config.corsOrigins);\n',
    tests: workers("access.test.ts"),
    caughtBy: "a proxy's assertion",
  },
  // ── Rights end ────────────────────────────────────────────────────────────────────────────────────────────────────
  {
    name: "a wait rests on its first judgement for ever",
    file: "src/durable/operation-client.ts",
    find: "Math.min(Date.now() + WAIT_JUDGEMENT_MS, principal.expireTime ?? Infinity)",
    replace: "principal.expireTime === -1 ? WAIT_JUDGEMENT_MS : Infinity",
    tests: unit("durable/wait.test.ts"),
    caughtBy: "credentials that stop being good",
  },
  {
    name: "a wait outlasts its token",
    file: "src/durable/operation-client.ts",
    find: "Math.min(Date.now() + WAIT_JUDGEMENT_MS, principal.expireTime ?? Infinity)",
    replace: "Date.now() + WAIT_JUDGEMENT_MS + 0 * (principal.expireTime ?? 0)",
    tests: unit("durable/wait.test.ts"),
    caughtBy: "at the very time at which they expire",
  },
  {
    name: "a wait is judged anew without its credentials",
    file: "src/service/authorizer.ts",
    find: "    this.#principal = await this.#ports.authenticate();\n",
    replace: "",
    tests: unit("durable/wait.test.ts"),
    caughtBy: "credentials that stop being good",
  },
  // ── Budgets of work ───────────────────────────────────────────────────────────────────────────────────────────────
  {
    name: "a page's work is not counted",
    file: "src/durable/read-page.ts",
    find: "      if (work.isSpent) return spent();\n",
    replace: "",
    tests: unit("durable/read-page-work.test.ts"),
    caughtBy: "says where the next begins",
  },
  {
    name: "what SQL does for a row is not counted",
    file: "src/durable/read-page.ts",
    find: "work.spend(ROW_COST + costPerByte * row.bytes);",
    replace: "work.spend(ROW_COST);",
    tests: unit("durable/read-page-work.test.ts"),
    caughtBy: "says where the next begins",
  },
  // ── Identity ──────────────────────────────────────────────────────────────────────────────────────────────────────
  {
    name: "an issuer's path is ignored",
    file: "src/authentication/config.ts",
    find: 'return `${host}${pathname.replace(/\\/+$/, "")}`;',
    replace: "return pathname === host ? pathname : host;",
    tests: unit("authentication/principal-from-claims.test.ts"),
    caughtBy: "",
  },
  {
    name: "a group without an address is one at a host of two issuers",
    file: "src/authentication/config.ts",
    find: "ownHost: isShared ? undefined : host",
    replace: "ownHost: isShared ? host : host",
    tests: unit("authentication/principal-from-claims.test.ts"),
    caughtBy: "nor where another may speak for it",
  },
  {
    name: "an issuer without domains speaks for another issuer's host",
    file: "src/authentication/principal-from-claims.ts",
    find: "domains === undefined ? !foreignHosts.has(domain)",
    replace: "domains === undefined ? foreignHosts.size >= 0",
    tests: unit("authentication/principal-from-claims.test.ts"),
    caughtBy: "give one member",
  },
  // ── Done once, fenced ─────────────────────────────────────────────────────────────────────────────────────────────
  {
    name: "the fence is not checked",
    file: "src/operation/step.ts",
    find: `event.fence !== record.fence) return "FENCED"`,
    replace: `event.fence === "nobody's") return "FENCED"`,
    tests: unit("operation/step.test.ts"),
    caughtBy: "",
  },
  {
    name: "the same token is given to every claim",
    file: "src/durable/runner-door.ts",
    find: `{ type: "claim", fence: crypto.randomUUID() }`,
    replace: `{ type: "claim", fence: "the-one-token" }`,
    tests: SIMULATION,
    caughtBy: "fenced",
  },
  {
    name: "what is done is completed again",
    file: "src/operation/state.ts",
    find: "  SUCCEEDED: {},",
    replace: `  SUCCEEDED: { succeed: "SUCCEEDED", fail: "FAILED", update: "SUCCEEDED" },`,
    tests: unit("operation/state.test.ts"),
    caughtBy: "",
  },
  {
    name: "a second completion is not refused",
    file: "src/operation/update.ts",
    find: `if (isFinal(record.state)) return "ALREADY_DONE";`,
    replace: "",
    tests: unit("operation/update.test.ts"),
    caughtBy: "",
  },
  {
    name: "a late cancel changes what is done",
    file: "src/operation/client-events.ts",
    find: `const refusal = move(draft, "cancel");
  if (refusal) return refusal;`,
    replace: `move(draft, "cancel");`,
    tests: SIMULATION,
    caughtBy: "done once",
  },
  {
    name: "a runner that has lost its lease goes on",
    file: "src/queue/run-channel.ts",
    find: "if (Date.now() >= this.#leaseEndTime()) this.#stop();",
    replace: "",
    tests: SIMULATION,
    caughtBy: "",
  },
  {
    name: "stop is not heard",
    file: "src/queue/run-channel.ts",
    find: `      case "stop":
        this.#stop();
        return;`,
    replace: `      case "stop":
        return;`,
    tests: SIMULATION,
    caughtBy: "",
  },
  // ── Never lost, never stuck ───────────────────────────────────────────────────────────────────────────────────────
  {
    name: "the index is taken to be told before it is",
    file: "src/durable/outbox.ts",
    find: `await (effect === "index" ? this.#tellIndex(record) : this.#tellSnapshots(record));
      this.#heard.push({ type: "effectDone", effect, revision: record.revision });`,
    replace: `this.#heard.push({ type: "effectDone", effect, revision: record.revision });
      await (effect === "index" ? this.#tellIndex(record) : this.#tellSnapshots(record));`,
    tests: SIMULATION,
    caughtBy: "",
  },
  {
    name: "the outbox is cleared where the record has moved on",
    file: "src/operation/outbox-events.ts",
    find: `if (entry === undefined || record.revision !== revision) return "NOT_ALLOWED";`,
    replace: `if (entry === undefined || record.revision < revision) return "NOT_ALLOWED";`,
    tests: SIMULATION,
    caughtBy: "",
  },
  {
    name: "a failed effect is not tried again",
    file: "src/operation/outbox-events.ts",
    find: "record.outbox[effect] = { ...entry, dueTime: now + effectRetryMs(record, effect, failures), failures };",
    replace: "delete record.outbox[effect];",
    tests: SIMULATION,
    caughtBy: "",
  },
  {
    name: "the message is not sent again",
    file: "src/operation/due.ts",
    find: `    ["resend", record.resendTime],
`,
    replace: "",
    tests: unit("operation/step.test.ts"),
    caughtBy: "",
  },
  {
    name: "the message is sent again without an end",
    file: "src/operation/draft.ts",
    find: "Math.min(MAX_RESEND_MS, record.policy.resendMs * 2 ** record.resends)",
    replace: "0",
    tests: unit("operation/step.test.ts"),
    caughtBy: "",
  },
  {
    name: "the deadline is not looked at",
    file: "src/operation/due.ts",
    find: `    ["passDeadline", record.deadline],
`,
    replace: "",
    tests: SIMULATION,
    // Of a deleted operation it is noticed as what is never erased.
    caughtBy: "",
  },
  {
    name: "the lease never ends",
    file: "src/operation/due.ts",
    find: `    ["loseLease", record.leaseEndTime],
`,
    replace: "",
    tests: unit("operation/step.test.ts"),
    caughtBy: "",
  },
  {
    name: "a keep-alive does not extend the lease",
    file: "src/operation/runner-events.ts",
    find: "Math.max(record.leaseEndTime ?? 0, receivedTime + record.policy.leaseMs)",
    replace: "Math.max(record.leaseEndTime ?? 0, receivedTime)",
    tests: unit("operation/step.test.ts"),
    caughtBy: "",
  },
  {
    name: "the alarm is not armed anew",
    file: "src/durable/alarm.ts",
    find: "    this.#armedTime = time;\n    return this.#storage.setAlarm(time);",
    replace: "    this.#armedTime = time;\n    return armed === null ? undefined : this.#storage.setAlarm(time);",
    tests: SIMULATION,
    caughtBy: "",
  },
  {
    name: "the index row is written behind the record",
    file: "src/durable/operation-object.ts",
    find: `    const begun = await this.#beginInIndex(created, options);
`,
    replace: `    this.#life.begin(created, startEffects(created), created.state === "QUEUED" ? request : undefined);
    const begun = await this.#beginInIndex(created, options);
`,
    tests: workers("start.test.ts"),
    caughtBy: "",
  },
  // ── Full index shards ─────────────────────────────────────────────────────────────────────────────────────────────
  {
    name: "a full shard refuses updates",
    file: "src/durable/operation-index.ts",
    find: `    const isDeleted = upsertRow(this.#sql, row);
    this.#watchSize();`,
    replace: `    if (this.#watchSize() >= this.maxBytes) throw new Error("full");
    const isDeleted = upsertRow(this.#sql, row);`,
    tests: SIMULATION,
    caughtBy: "",
  },
  {
    name: "a start that finds its shard full is answered 503",
    file: "src/durable/operation-object.ts",
    find: `if (answer.refusal !== "FULL") return { ok: false, refusal: answer.refusal, ...shards() };`,
    replace: `if (answer.refusal === "FULL") return { ok: false, refusal: "INDEX_UNAVAILABLE", ...shards() };
      if (answer.refusal !== "FULL") return { ok: false, refusal: answer.refusal, ...shards() };`,
    tests: workers("full-shards.test.ts"),
    caughtBy: "starts in another shard",
  },
  {
    name: "a start goes past the deployment's own shards to a new one",
    file: "src/operation/index-start.ts",
    find: "if (isOpen(shard)) return shard;\n  }",
    replace: "if (isOpen(shard) && offset === 0) return shard;\n  }",
    tests: unit("operation/index-start.test.ts"),
    caughtBy: "another of the deployment's",
  },
  {
    name: "a full shard is asked again by each start",
    file: "src/service/start-once.ts",
    find: "if (started.shards) fullShards.note(scope, started.shards, now);",
    replace: "",
    tests: workers("full-shards.test.ts"),
    caughtBy: "once a minute",
  },
  {
    name: "a full shard says nothing of what was deleted",
    file: "src/durable/operation-index.ts",
    find: "if (!present && bytes >= this.maxBytes) return full;",
    replace: "if (bytes >= this.maxBytes) return full;",
    tests: workers("full-shards.test.ts"),
    caughtBy: "a start that arrives late",
  },
  // ── Queues ────────────────────────────────────────────────────────────────────────────────────────────────────────
  {
    name: "the work is done under waitUntil",
    file: "src/queue/consumer.ts",
    find: "if (channel) await runOperation(channel, options);",
    replace: "if (channel) ctx.waitUntil(runOperation(channel, options));",
    tests: workers("messages.test.ts"),
    caughtBy: "leaves nothing under waitUntil",
  },
  {
    name: "a re-send takes the lane of the message before it",
    file: "src/operation/lane.ts",
    find: "(Number.parseInt(id.slice(24, 32), 16) + resends) % lanes.length",
    replace: "(Number.parseInt(id.slice(24, 32), 16) + 0 * resends) % lanes.length",
    tests: workers("messages.test.ts"),
    caughtBy: "each re-send of one takes the next",
  },
  {
    name: "a message of the owner's is acknowledged",
    file: "src/queue/other-messages.ts",
    find: `operations({ methods, queue }).",
    });
    message.retry();`,
    replace: `operations({ methods, queue }).",
    });
    message.ack();`,
    tests: workers("messages.test.ts"),
    caughtBy: "is retried, never acknowledged",
  },
  {
    name: "a message is the library's by its field id alone",
    file: "src/queue/work-message.ts",
    find: ` || Object.keys(others).length > 0`,
    replace: ` || Object.keys(others).length > 9`,
    tests: workers("messages.test.ts"),
    caughtBy: "among other fields",
  },
  // ── Calls of objects ──────────────────────────────────────────────────────────────────────────────────────────────
  {
    name: "a snapshot that KV never takes is put every five minutes",
    file: "src/operation/draft.ts",
    find: "isPut ? MAX_SNAPSHOT_RETRY_MS : MAX_EFFECT_RETRY_MS",
    replace: "MAX_EFFECT_RETRY_MS",
    tests: SIMULATION,
    caughtBy: "bounded",
  },
  {
    name: "the record in memory is not the stored one after a save that failed",
    file: "src/durable/operation-storage.ts",
    find: "    this.#storage.kv.put(RECORD_KEY, saved);\n",
    replace: "    this.#storage.kv.put(RECORD_KEY, saved);\n    this.#record = saved;\n",
    tests: workers("faults-alarm.test.ts"),
    caughtBy: "is not taken for done",
  },
  {
    name: "a large answer is pushed to every waiter, however many there are",
    file: "src/durable/sockets.ts",
    find: "if (fits) bytesLeft -= size;",
    replace: "",
    tests: unit("durable/sockets.test.ts"),
    caughtBy: "as many are pushed as are bounded",
  },
  {
    name: "a deploy changes how large the results of operations under way may be",
    file: "src/durable/run-messages.ts",
    find: "{ maxResultBytes: record.policy.maxResultBytes }",
    replace: "{}",
    tests: workers("large-results.test.ts"),
    caughtBy: "is measured by the limit that its operation was started with",
  },
  {
    name: "a stub is used again after it has thrown",
    file: "src/durable/object-call.ts",
    find: "{ newStub: () => namespace.getByName(name) }",
    replace: "{ newStub: ((stub) => () => stub)(namespace.getByName(name)) }",
    tests: unit("durable/object-call.test.ts"),
    caughtBy: "with a new stub for each try",
  },
  {
    name: "a call of an overloaded object is retried",
    file: "src/durable/object-call.ts",
    find: `return isMarked(error, "retryable") && !isOverloaded(error);`,
    replace: `return isMarked(error, "retryable") || isOverloaded(error);`,
    tests: unit("durable/object-call.test.ts"),
    caughtBy: "does not retry an overloaded object",
  },
  {
    name: "an upload is sent twice",
    file: "src/durable/operation-client.ts",
    find: "input ? { isIdempotent: false, limitMs: Infinity } : {}",
    replace: "input ? { limitMs: Infinity } : {}",
    tests: workers("repeated-calls.test.ts"),
    caughtBy: "with an upload is not repeated",
  },
  {
    name: "a wait ends with the first cut of its socket",
    file: "src/durable/wait.ts",
    find: `        case "cut":
          await this.#pause(resubscribeDelayMs(this.#crowd(), Math.random()));
          continue;`,
    replace: `        case "cut":
          return this.#latest();`,
    tests: unit("durable/wait.test.ts"),
    caughtBy: "deploy",
  },
  {
    name: "a wait ends with the first failure of its object",
    file: "src/durable/wait.ts",
    find: "if (!isPassing(error)) throw error;",
    replace: "throw error;",
    tests: unit("durable/wait.test.ts"),
    caughtBy: "deploy",
  },
  {
    name: "a crowd of waiters returns at once",
    file: "src/durable/wait.ts",
    find: "return jittered(Math.max(backoffMs, crowdWindowMs(waiters)), random);",
    replace: "return jittered(backoffMs, random);",
    tests: unit("durable/wait.test.ts"),
    caughtBy: "no more than 800 a second",
  },
  {
    name: "a deletion that is repeated is judged as a new one",
    file: "src/durable/operation-object.ts",
    find: "if (!this.#isDeletedBy(name, access)) {",
    replace: "{",
    tests: workers("repeated-calls.test.ts"),
    caughtBy: "the starter",
  },
  {
    name: "the loss of the channel does not shorten the lease",
    file: "src/operation/runner-events.ts",
    find: "record.leaseEndTime = now + Math.min(record.policy.leaseMs, LOST_CHANNEL_LEASE_MS);",
    replace: "",
    tests: workers("run.test.ts"),
    caughtBy: "is shortened to 10 s",
  },
  {
    name: "each look at a lost channel lengthens the lease",
    file: "src/operation/runner-events.ts",
    find: `if (record.channelLostTime !== undefined) return "NOT_ALLOWED";`,
    replace: "",
    tests: unit("operation/step.test.ts"),
    caughtBy: "",
  },
  {
    name: "a runner without a channel believes in its whole lease",
    file: "src/queue/run-channel.ts",
    find: "if (this.#lostTime === undefined) return leaseEndTime;",
    replace: "return leaseEndTime;",
    tests: unit("queue/run-channel.test.ts"),
    caughtBy: "leaves the runner ten seconds",
  },
  {
    name: "a lease is judged by a clock that stands still",
    file: "src/queue/run-channel.ts",
    find: `    await afterMs(0);
`,
    replace: "",
    tests: unit("queue/run-channel.test.ts"),
    caughtBy: "by a clock that a timer has set",
  },
  {
    name: "a claim waits for its answer without an end",
    file: "src/queue/run-channel.ts",
    find: "return await Promise.race([opening, isLate]);",
    replace: "return await opening;",
    tests: unit("queue/run-channel.test.ts"),
    caughtBy: "fails after ten seconds",
  },
  {
    name: "a channel that is cut at once is asked for without a pause",
    file: "src/queue/run-channel.ts",
    find: "await afterMs(delayMs * (0.5 + Math.random()));",
    replace: "if (this.#lostTime === undefined) break; else await afterMs(0 * delayMs);",
    tests: unit("queue/run-channel.test.ts"),
    caughtBy: "",
  },
  // ── Cancel, retry ─────────────────────────────────────────────────────────────────────────────────────────────────
  {
    name: "what was cancelled is tried again",
    file: "src/operation/runner-events.ts",
    find: `  // Nothing is retried after a cancel request, and what stops because of it was cancelled.
  if (record.state === "CANCELLING") return confirmCancel(draft, CANCELLED_MESSAGE);
`,
    replace: "",
    tests: unit("operation/step.test.ts"),
    caughtBy: "",
  },
  {
    name: "the grace period has no end",
    file: "src/operation/due.ts",
    find: `    ["endGrace", record.graceEndTime],
`,
    replace: "",
    tests: SIMULATION,
    caughtBy: "cancel reaches the work",
  },
  {
    name: "the runner is not told of a cancel",
    file: "src/operation/client-events.ts",
    find: `draft.effects.push({ type: "tellRunner", message: "cancel" });`,
    replace: "",
    tests: SIMULATION,
    caughtBy: "cancel reaches the work",
  },
  {
    name: "attempts are not counted",
    file: "src/operation/runner-events.ts",
    find: "record.failures >= maxAttempts",
    replace: "record.failures > 1_000_000",
    tests: unit("operation/step.test.ts"),
    caughtBy: "",
  },
  // ── Deleted stays deleted ─────────────────────────────────────────────────────────────────────────────────────────
  {
    name: "a late row replaces a tombstone",
    file: "src/durable/operation-index-sql.ts",
    find: "present.tombstone === 0 && row.revision >= present.revision",
    replace: "row.revision >= present.revision",
    tests: workers("delete.test.ts"),
    caughtBy: "does not bring the row back",
  },
  {
    name: "an older row replaces a newer one",
    file: "src/durable/operation-index-sql.ts",
    find: "present.tombstone === 0 && row.revision >= present.revision",
    replace: "present.tombstone === 0",
    tests: workers("index.test.ts"),
    caughtBy: "",
  },
  {
    name: "a late completion of what is deleted is stored",
    file: "src/operation/draft.ts",
    find: `  if (record.deleteTime !== undefined) return;
  record.outcome = outcome;`,
    replace: `  record.outcome = outcome;`,
    tests: SIMULATION,
    caughtBy: "deleted stays deleted",
  },
  {
    name: "a start that is long on its way begins a deleted operation anew",
    file: "src/durable/operation-index.ts",
    find: `return upsertRow(this.#sql, row) ? { ok: false, refusal: "DELETED", bytes } : { ok: true, bytes };`,
    replace: `upsertRow(this.#sql, row);
      return { ok: true, bytes };`,
    tests: SIMULATION,
    caughtBy: "deleted stays deleted",
  },
  {
    name: "the snapshot is left behind by a deletion",
    file: "src/operation/client-events.ts",
    find: "if (!isFinal(record.state) || !record.policy.snapshot) return;",
    replace: "if (isFinal(record.state) || !record.policy.snapshot) return;",
    tests: SIMULATION,
    caughtBy: "deleted stays deleted",
  },
  {
    name: "a snapshot that arrives behind its removal stays",
    file: "src/operation/client-events.ts",
    find: "record.outbox.snapshot.again = true;",
    replace: "record.outbox.snapshot.again = false;",
    tests: workers("delete.test.ts"),
    caughtBy: "",
  },
  {
    name: "expiry is not looked at",
    file: "src/operation/outbox-events.ts",
    find: "if (isExpired(record, now) || (",
    replace: "if ((",
    tests: SIMULATION,
    caughtBy: "bounded",
  },
  // ── Idempotent start, steps ───────────────────────────────────────────────────────────────────────────────────────
  {
    name: "a requestId's reservation is written over",
    file: "src/durable/request-object.ts",
    find: "if (!(await this.#isOver(existing))) return existing;",
    replace: "if (existing.created && !(await this.#isOver(existing))) return existing;",
    tests: SIMULATION,
    caughtBy: "idempotent start",
  },
  {
    name: "a start forgets that its requestId was used",
    file: "src/service/start-once.ts",
    find: "return reserved.created ? repeated(ports, start, reserved) : reservedStart(ports, start, { key, reserved });",
    replace: "return reservedStart(ports, start, { key, reserved });",
    tests: workers("request-id.test.ts"),
    caughtBy: "",
  },
  {
    name: "a step is stored twice",
    file: "src/operation/runner-events.ts",
    find: "if (steps.some(({ name }) => name === stored.name)) return;",
    replace: "",
    tests: SIMULATION,
    caughtBy: "no finished step twice",
  },
  {
    name: "a stored step is run again",
    file: "src/queue/operation-context.ts",
    find: "    if (stored) return JSON.parse(",
    replace: '    if (stored && name === "") return JSON.parse(',
    tests: SIMULATION,
    caughtBy: "no finished step twice",
  },
  {
    name: "the answer to an earlier check of a row counts for a later one",
    file: "src/durable/operation-index.ts",
    find: "if (this.#checks.get(row.id) !== check) return;",
    replace: "if (!this.#checks.has(row.id)) return;",
    tests: workers("list.test.ts"),
    caughtBy: "comes while a later check is under way",
  },
  // ── KV ────────────────────────────────────────────────────────────────────────────────────────────────────────────
  {
    name: "that KV has no snapshot is believed",
    file: "src/service/operation-reads.ts",
    find: "  if (near) return near;",
    replace: "  if (near || isEdge) return near;",
    tests: SIMULATION,
    caughtBy: "never lost",
  },
  // ── What clients see ──────────────────────────────────────────────────────────────────────────────────────────────
  {
    name: "who waits is not told of the end",
    file: "src/operation/draft.ts",
    find: `  changed(draft, statusMessage, 0);
  effects.push({ type: "notifyWaiters" });`,
    replace: "  changed(draft, statusMessage, 0);",
    tests: SIMULATION,
    caughtBy: "read your writes",
  },
  {
    name: "existence is told before permission is asked",
    file: "src/durable/operation-object.ts",
    find: `    if (!mayAccess(access, record, Date.now())) return "DENIED";
    return record ?? "NOT_FOUND";`,
    replace: `    if (!record) return "NOT_FOUND";
    return mayAccess(access, record, Date.now()) ? record : "DENIED";`,
    tests: workers("access.test.ts"),
    caughtBy: "",
  },
  {
    name: "a page token is good for every filter",
    file: "src/service/page-token.ts",
    find: "JSON.stringify([parent, filter])",
    replace: "JSON.stringify([parent, filter.slice(0, 0)])",
    tests: unit("service/page-token.test.ts"),
    caughtBy: "",
  },
];
