import { createHash } from "node:crypto";
import type { Cancel } from "../../core/clock.ts";
import { openClient } from "../../data/export/client.ts";
import type { TargetClient } from "../../data/export/target-client.ts";
import type { Check, CheckOutcome } from "../../data/health/check.ts";
import { openCheck } from "../../data/health/checks/open-check.ts";
import type { Plan, TargetPlan } from "../../plan/plan.ts";
import type { Env } from "../../telemetry/env.ts";

/** What a worker wants to know of a target, or of one of the addresses behind its name. */
export interface CheckRequest {
  readonly target: string;
  readonly address: string | undefined;
  /** An outcome that is no older will do. */
  readonly maxAgeMs: number;
}

type TellOutcome = (outcome: CheckOutcome) => void;

/** What one check is run with, as long as it is the same. */
interface RunningCheck {
  plan: TargetPlan;
  readonly client: TargetClient;
  readonly check: Check;
  readonly identity: string;
  waiting: TellOutcome[] | undefined;
  cancel: Cancel;
  last: { readonly outcome: CheckOutcome; readonly endedMs: number } | undefined;
}

/**
 * The active checks of a node with workers: they are run here, where no load of data delays them,
 * and each outcome is for all workers that ask at about the same time.
 */
export class NodeChecks implements AsyncDisposable {
  readonly #env: Env;
  readonly #open = new Map<string, RunningCheck>();
  #plan: Pick<Plan, "targets">;
  #isClosed = false;

  constructor(plan: Pick<Plan, "targets">, env: Env) {
    this.#plan = plan;
    this.#env = env;
  }

  /**
   * Ids of targets whose last check did not pass; of those with several addresses: of all of them.
   */
  get failing(): string[] {
    const passed = new Map<string, boolean>();
    for (const { plan, last } of this.#open.values()) {
      if (last !== undefined) passed.set(plan.id, passed.get(plan.id) === true || last.outcome.result === "passed");
    }
    return Array.from(passed).flatMap(([id, isFine]) => (isFine ? [] : [id]));
  }

  /** Checks whose targets stay go on, with what they have learned. */
  adopt(plan: Pick<Plan, "targets">): void {
    this.#plan = plan;
    for (const [key, one] of this.#open) {
      const now = plan.targets.get(one.plan.id);
      if (now !== undefined && identityOf(now) === one.identity) one.plan = { ...now, address: one.plan.address };
      else void this.#close(key, one);
    }
  }

  /**
   * `done` is called once, and never from within; not at all when there is no such target any more,
   * or it has no check: whoever asks has a plan of before, and about to get the next.
   */
  run({ target, address, maxAgeMs }: CheckRequest, done: TellOutcome): void {
    const one = this.#checkOf(target, address);
    if (one === undefined) return;
    if (one.waiting !== undefined) return void one.waiting.push(done);
    const { last } = one;
    if (last !== undefined && this.#env.clock.nowMs() - last.endedMs <= maxAgeMs) {
      return void setImmediate(done, last.outcome);
    }
    one.waiting = [done];
    one.cancel = one.check.run(one.plan.health.check?.timeoutMs ?? 0, (outcome) => this.#ended(one, outcome));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.all(Array.from(this.#open, ([key, one]) => this.#close(key, one)));
  }

  #ended(one: RunningCheck, outcome: CheckOutcome): void {
    const waiting = one.waiting ?? [];
    one.waiting = undefined;
    one.last = { outcome, endedMs: this.#env.clock.nowMs() };
    for (const done of waiting) done(outcome);
  }

  #checkOf(id: string, address: string | undefined): RunningCheck | undefined {
    const key = `${id} ${address ?? ""}`;
    const known = this.#open.get(key);
    const target = this.#plan.targets.get(id);
    if (known !== undefined || target?.health.check === undefined || this.#isClosed) return known;
    const plan: TargetPlan = address === undefined ? target : { ...target, address };
    const client = openClient(() => this.#open.get(key)?.plan ?? plan, this.#env);
    const check = openCheck(target.health.check, () => this.#open.get(key)?.plan ?? plan, client, this.#env);
    const one: RunningCheck = {
      plan,
      client,
      check,
      identity: identityOf(target),
      waiting: undefined,
      last: undefined,
      cancel: () => {},
    };
    this.#open.set(key, one);
    return one;
  }

  async #close(key: string, one: RunningCheck): Promise<void> {
    this.#open.delete(key);
    one.cancel();
    const { id: target, address } = one.plan;
    // What is different may be of no interest to a worker, which goes on to wait then.
    for (const done of one.waiting?.splice(0) ?? []) this.run({ target, address, maxAgeMs: 0 }, done);
    await one.check[Symbol.asyncDispose]();
    await one.client[Symbol.asyncDispose]();
  }
}

/** Changes with what a check is opened with; all else is looked up when it is run. */
function identityOf({ connectionIdentity, health }: TargetPlan): string {
  return createHash("sha256")
    .update(JSON.stringify([connectionIdentity, health.check]))
    .digest("hex");
}
