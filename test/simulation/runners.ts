// Simulated calls of objects to the runner that their Worker exports. A call is one session: what the runner calls back goes over
// it, and it breaks as a whole. https://developers.cloudflare.com/workers/runtime-apis/rpc/lifecycle/
import type { DirectObject, DirectRunner } from "../../src/contract/direct-run";
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
        const session = new Session(this.#world, current, `runner ${this.#count}`);
        return session.run(structuredClone(claimed), object, claimTime);
      },
    };
  }
}

/** One call to a runner. */
export class Session {
  readonly #world: World;
  readonly #caller: Instance;
  readonly #runner: Consumer;
  readonly #answer = Promise.withResolvers<LastWord | undefined>();
  /** Calls of the runner that have no answer yet. */
  readonly #pending = new Set<(error: Error) => void>();
  /** The calls of a session arrive in the order in which they were made. */
  #arrivalTime = 0;
  #brokenBy: Error | undefined;

  constructor(world: World, caller: Instance, name: string) {
    this.#world = world;
    this.#caller = caller;
    this.#runner = new Consumer(name, world.scheduler.now);
    caller.sessions.add(this);
  }

  run(claimed: Claimed, object: DirectObject, claimTime: number): Promise<LastWord | undefined> {
    const { faults, network, scheduler, nature, observer } = this.#world;
    const runner = this.#runner;
    runner.fence = claimed.fence;
    observer.runnerCalled(runner, claimed.fence);
    runner.died = (noticedWithinMs) => {
      const ms = this.#world.random.below(noticedWithinMs);
      scheduler.after(ms, nature, () => this.#end(() => this.#answer.reject(connectionLost())));
    };
    // The output gate: the call leaves the object after its commit.
    this.#caller.output(() => {
      runner.confirmedTime = scheduler.now;
      if (faults.strikes("a runner cannot be called")) return this.break({ runnerHears: true });
      scheduler.after(network.latency(), nature, () => this.#begin(claimed, object, claimTime));
    });
    return this.#answer.promise;
  }

  #begin(claimed: Claimed, object: DirectObject, claimTime: number): void {
    if (this.#brokenBy) return;
    const { scheduler, queues, env } = this.#world;
    const runner = this.#runner;
    this.#world.trace(() => `${runner.name} is called by ${this.#caller.name}`);
    queues.consumers.add(runner);
    const Runner = this.#caller.host.code.classes["OperationRunner"] as new (ctx: object, env: unknown) => DirectRunner;
    scheduler.current = runner;
    void this.#work(new Runner({}, env), { claimed, object, claimTime });
  }

  async #work(
    runner: DirectRunner,
    { claimed, object, claimTime }: { claimed: Claimed; object: DirectObject; claimTime: number },
  ): Promise<void> {
    const { faults, observer } = this.#world;
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
      observer.rejected(this.#runner.name, error);
    }
  }

  /** The runner's invocation is over, and its timers with it. */
  #return(settle: () => void): void {
    const { scheduler, network, queues } = this.#world;
    const runner = this.#runner;
    runner.output(() => scheduler.after(network.latency(), this.#caller, () => this.#end(settle)));
    queues.consumers.delete(runner);
    runner.alive = false;
  }

  #end(settle: () => void): void {
    if (!this.#caller.sessions.delete(this) || !this.#caller.alive) return;
    this.#world.scheduler.current = this.#caller;
    settle();
  }

  /** The session breaks. The object notices while it lives; the runner notices it, or its next failing call. */
  break({ runnerHears }: { runnerHears: boolean }): void {
    if (this.#brokenBy) return;
    const { scheduler, network, nature } = this.#world;
    const error = this.#caller.alive ? connectionLost() : objectReset("of an internal error");
    this.#brokenBy = error;
    scheduler.after(network.latency(), nature, () => this.#end(() => this.#answer.reject(error)));
    if (runnerHears)
      for (const reject of this.#pending) scheduler.after(network.latency(), this.#runner, () => reject(error));
  }

  /** The object is gone. */
  callerLost(): void {
    const { random, queues } = this.#world;
    this.break({ runnerHears: random.chance(0.8) });
    if (!random.chance(CANCELLED_WITH_ITS_CALLER)) return;
    queues.consumers.delete(this.#runner);
    this.#runner.alive = false;
  }

  /** The object's methods as the runner reaches them. */
  #callsOf(object: DirectObject): DirectObject {
    return {
      send: (message: MessageToObject) => this.#call("send", () => object.send(structuredClone(message))),
      listen: () => this.#call("listen", () => object.listen()),
      request: () => Promise.reject(new Error("large values are not simulated")),
    };
  }

  #call<Answer>(method: string, call: () => Promise<Answer>): Promise<Answer> {
    const { scheduler, network, nature, faults, observer } = this.#world;
    const runner = this.#runner;
    const sentTime = scheduler.now;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const fail = (error: Error): void => {
      this.#pending.delete(fail);
      runner.isStopped = true;
      reject(error);
    };
    this.#pending.add(fail);
    runner.output(() => {
      if (faults.strikes("a runner's call is cut")) this.break({ runnerHears: true });
      if (this.#brokenBy) return scheduler.after(network.latency(), runner, () => fail(this.#brokenBy!));
      this.#arrivalTime = Math.max(this.#arrivalTime, scheduler.now + network.latency());
      scheduler.after(this.#arrivalTime - scheduler.now, nature, () => {
        // A call that was under way when its session ended normally.
        if (!this.#caller.alive) this.break({ runnerHears: true });
        if (this.#brokenBy) return scheduler.after(network.latency(), runner, () => fail(this.#brokenBy!));
        this.#world.trace(() => `${this.#caller.host.label} is asked to ${method} by ${runner.name}`);
        this.#caller.host.invoke(call, {
          resolve: (answer) =>
            scheduler.after(network.latency(), runner, () => {
              if (this.#brokenBy || !this.#pending.delete(fail)) return;
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
