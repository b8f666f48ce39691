// Simulated calls between objects and runners. Direct dispatch: an object calls the runner that its Worker exports. The queue: a
// runner claims the work by a call. Either call is one session: what the runner calls back goes over it, and it breaks as a whole.
// https://developers.cloudflare.com/workers/runtime-apis/rpc/lifecycle/
import type { ClaimAnswer, DirectObject, DirectRunner } from "../../src/contract/direct-run";
import type { Claimed, LastWord, MessageToObject } from "../../src/contract/run-channel";
import { Consumer } from "./consumer";
import { Instance } from "./objects";
import { connectionLost, objectReset } from "./platform-errors";
import type { World } from "./world";

/** The platform cancels what an object has called when the object is gone, mostly. */
const CANCELLED_WITH_ITS_CALLER = 0.7;

export class Runners {
  readonly #world: World;
  #count = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** The entrypoint, as the object whose code runs finds it among its exports. */
  exported(): DirectRunner {
    return {
      run: (claimed, object, claimTime) => {
        const { current } = this.#world.scheduler;
        if (!(current instanceof Instance)) throw new Error("a runner is called by no object");
        this.#count += 1;
        const runner = new Consumer(`runner ${this.#count}`, this.#world.scheduler.now);
        const session = new DirectSession(this.#world, current, runner);
        return session.run(structuredClone(claimed), object, claimTime);
      },
    };
  }
}

/** The calls of a runner to an object within one session. */
export abstract class Session {
  protected readonly world: World;
  protected readonly object: Instance;
  protected readonly runner: Consumer;
  /** Calls of the runner that have no answer yet. */
  readonly #pending = new Set<(error: Error) => void>();
  /** The calls of a session arrive in the order in which they were made. */
  #arrivalTime = 0;
  protected brokenBy: Error | undefined;

  constructor(world: World, object: Instance, runner: Consumer) {
    this.world = world;
    this.object = object;
    this.runner = runner;
    object.sessions.add(this);
  }

  /** The session is over for the object, which notices it while it lives. */
  protected end(notice: () => void): void {
    if (!this.object.sessions.delete(this) || !this.object.alive) return;
    this.world.scheduler.current = this.object;
    notice();
  }

  /** The object notices that the session is broken. */
  protected abstract broken(error: Error): void;

  /** A call of the runner has failed. */
  protected abstract callFailed(): void;

  /** The session breaks. The object notices while it lives; the runner notices it, or its next failing call. */
  break({ runnerHears }: { runnerHears: boolean }): void {
    if (this.brokenBy) return;
    const { scheduler, network, nature } = this.world;
    const error = this.object.alive ? connectionLost() : objectReset("of an internal error");
    this.brokenBy = error;
    scheduler.after(network.latency(), nature, () => this.broken(error));
    if (runnerHears)
      for (const reject of this.#pending) scheduler.after(network.latency(), this.runner, () => reject(error));
  }

  /** The object is gone. */
  objectLost(): void {
    this.break({ runnerHears: this.world.random.chance(0.8) });
  }

  /** When something that the runner sends now arrives. */
  protected arrivalTime(): number {
    const { scheduler, network } = this.world;
    this.#arrivalTime = Math.max(this.#arrivalTime, scheduler.now + network.latency());
    return this.#arrivalTime;
  }

  protected call<Answer>(method: string, call: () => Promise<Answer>): Promise<Answer> {
    const { scheduler, network, nature, faults, observer } = this.world;
    const { runner, object } = this;
    const sentTime = scheduler.now;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const fail = (error: Error): void => {
      this.#pending.delete(fail);
      this.callFailed();
      reject(error);
    };
    this.#pending.add(fail);
    runner.output(() => {
      if (faults.strikes("a runner's call is cut")) this.break({ runnerHears: true });
      if (this.brokenBy) return scheduler.after(network.latency(), runner, () => fail(this.brokenBy!));
      scheduler.at(this.arrivalTime(), nature, () => {
        // A call that was under way when its session ended normally.
        if (!object.alive) this.break({ runnerHears: true });
        if (this.brokenBy) return scheduler.after(network.latency(), runner, () => fail(this.brokenBy!));
        this.world.trace(() => `${object.host.label} is asked to ${method} by ${runner.name}`);
        object.host.invoke(call, {
          resolve: (answer) =>
            scheduler.after(network.latency(), runner, () => {
              if (this.brokenBy || !this.#pending.delete(fail)) return;
              observer.runnerAnswered(runner, { sentTime, answer });
              resolve(answer as Answer);
            }),
          reject: (error) => scheduler.after(network.latency(), runner, () => fail(error)),
        });
      });
    });
    return promise;
  }
}

/** One call to a runner. */
class DirectSession extends Session {
  readonly #answer = Promise.withResolvers<LastWord | undefined>();

  run(claimed: Claimed, object: DirectObject, claimTime: number): Promise<LastWord | undefined> {
    const { faults, network, scheduler, nature, observer } = this.world;
    const { runner } = this;
    runner.fence = claimed.fence;
    observer.runnerCalled(runner, claimed.fence);
    runner.died = (noticedWithinMs) => {
      const ms = this.world.random.below(noticedWithinMs);
      scheduler.after(ms, nature, () => this.broken(connectionLost()));
    };
    // The output gate: the call leaves the object after its commit.
    this.object.output(() => {
      runner.confirmedTime = scheduler.now;
      if (faults.strikes("a runner cannot be called")) return this.break({ runnerHears: true });
      scheduler.after(network.latency(), nature, () => this.#begin(claimed, object, claimTime));
    });
    return this.#answer.promise;
  }

  #begin(claimed: Claimed, object: DirectObject, claimTime: number): void {
    if (this.brokenBy) return;
    const { scheduler, queues, env } = this.world;
    const { runner } = this;
    this.world.trace(() => `${runner.name} is called by ${this.object.name}`);
    queues.consumers.add(runner);
    const Runner = this.object.host.code.classes["OperationRunner"] as new (ctx: object, env: unknown) => DirectRunner;
    scheduler.current = runner;
    void this.#work(new Runner({}, env), { claimed, object, claimTime });
  }

  async #work(
    runner: DirectRunner,
    { claimed, object, claimTime }: { claimed: Claimed; object: DirectObject; claimTime: number },
  ): Promise<void> {
    const { faults, observer } = this.world;
    try {
      const lastWord = await runner.run(claimed, this.#callsOf(object), claimTime);
      if (lastWord && faults.strikes("a runner answers twice")) {
        const again = { ...lastWord, fence: claimed.fence };
        await this.#callsOf(object)
          .send(again)
          .catch(() => undefined);
      }
      if (faults.strikes("a runner's answer is lost")) return this.break({ runnerHears: true });
      this.#return(() => this.#answer.resolve(structuredClone(lastWord)));
    } catch (error) {
      observer.rejected(this.runner.name, error);
    }
  }

  /** The runner's invocation is over, and its timers with it. */
  #return(settle: () => void): void {
    const { scheduler, network, queues } = this.world;
    const { runner } = this;
    runner.output(() => scheduler.after(network.latency(), this.object, () => this.end(settle)));
    queues.consumers.delete(runner);
    runner.alive = false;
  }

  protected override broken(error: Error): void {
    this.end(() => this.#answer.reject(error));
  }

  protected override callFailed(): void {
    this.runner.isStopped = true;
  }

  override objectLost(): void {
    const { random, queues } = this.world;
    super.objectLost();
    if (!random.chance(CANCELLED_WITH_ITS_CALLER)) return;
    queues.consumers.delete(this.runner);
    this.runner.alive = false;
  }

  /** The object's methods as the runner reaches them. */
  #callsOf(object: DirectObject): DirectObject {
    return {
      send: (message: MessageToObject) => this.call("send", () => object.send(structuredClone(message))),
      listen: () => this.call("listen", () => object.listen()),
      request: () => Promise.reject(new Error("large values are not simulated")),
    };
  }
}

/** A claim cut off within this is noticed by the object, and by its runner where it calls. */
const CUT_WITHIN_MS = 300;

/** The session of a claim: it begins with the answer of the object. */
export class ClaimSession extends Session {
  readonly #answer: ClaimAnswer;
  #isDisposed = false;

  constructor(world: World, object: Instance, { runner, answer }: { runner: Consumer; answer: ClaimAnswer }) {
    super(world, object, runner);
    this.#answer = answer;
    const { scheduler, faults, random, nature } = world;
    runner.sessions.add(this);
    if (faults.strikes("the session of a claim is cut"))
      scheduler.after(random.below(CUT_WITHIN_MS), nature, () => this.break({ runnerHears: random.chance(0.8) }));
  }

  /** The answer, as the runner has it. */
  handedOver(): ClaimAnswer & Disposable {
    const { claimed, calls } = this.#answer;
    this.world.observer.claimed(this.runner, claimed.fence);
    const dispose = (): void => this.#dispose();
    return {
      claimed: structuredClone(claimed),
      calls: {
        send: (message) => {
          if (this.#isDisposed) return Promise.reject(new Error("RPC stub used after being disposed."));
          return this.call("send", () => calls.send(structuredClone(message)));
        },
        [Symbol.dispose]: dispose,
      },
      [Symbol.dispose]: dispose,
    };
  }

  /** The runner has no more use for the session. Calls that are under way are answered. */
  #dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    const { scheduler, nature } = this.world;
    this.runner.output(() => scheduler.at(this.arrivalTime(), nature, () => this.#over()));
  }

  /** The runner is gone, or has never had the answer: the platform notices it within so many milliseconds. */
  abandoned(noticedWithinMs: number): void {
    const { scheduler, nature, random } = this.world;
    scheduler.after(random.below(noticedWithinMs), nature, () => this.#over());
  }

  #over(): void {
    this.runner.sessions.delete(this);
    this.end(() =>
      this.object.host.invoke(async () => this.#answer.calls[Symbol.dispose](), {
        resolve: () => {},
        reject: () => {},
      }),
    );
  }

  protected override broken(): void {
    this.#over();
  }

  protected override callFailed(): void {
    if (!this.#isDisposed) this.world.observer.sessionLost(this.runner);
  }
}
