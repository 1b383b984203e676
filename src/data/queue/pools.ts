import type { Clock } from "../../core/clock.ts";
import { partName } from "../../plan/members.ts";
import type { Plan, PoolPlan, TargetPlan } from "../../plan/plan.ts";
import type { TargetHandle } from "../export/target-port.ts";
import { aloneTargets } from "../export/alone-targets.ts";
import type { Targets } from "../export/targets.ts";
import type { Delivery } from "./delivery.ts";
import type { ToldTenants } from "../health/told-health.ts";
import type { Parcel } from "./parcel.ts";
import type { FallbackPool, NamedPools } from "./pool-failover.ts";
import { dressedFor, lostWith, type Rerouter, renewed } from "./removed.ts";
import { openPool } from "./pool.ts";
import type { Pool, PoolEnv } from "./pool-port.ts";
import { isUnread } from "./record.ts";

/** What the pools have in common, apart from each other. */
interface PoolsEnv extends Omit<PoolEnv, "pools"> {
  /**
   * For what is left of a pool that is gone and whose fallbacks do not take it; none: all that is
   * lost.
   */
  readonly rerouter?: Rerouter;
}

/**
 * How long a pool that is no longer configured may go on sending what it holds, and no longer than
 * half of what that may wait.
 */
const RETIRE_MS = 300_000;
/** Longer than any call that is still under way then. */
const LAST_CALLS_MS = 86_400_000;

/**
 * All pools of a node by name, and the targets they send to: carried over from plan to plan. A pool
 * that is gone from the plan sends what it still holds to the targets it had, which stay open as
 * long, and is closed when it is empty. What it cannot send goes to the pools that took over from
 * it, as far as they are there, and then to where the running rules want it.
 */
export class Pools implements AsyncDisposable, NamedPools {
  readonly #targets: Targets;
  readonly #env: PoolEnv & Pick<PoolsEnv, "rerouter">;
  readonly #clock: Clock;
  #plan: Plan;
  #closed = false;
  #live = new Map<string, Pool>();
  /**
   * Pools that are gone from the plan and not empty yet, with the last plan they had and that of
   * their targets.
   */
  readonly #retiring = new Map<string, Retiring>();

  constructor(plan: Plan, targets: Targets, env: PoolsEnv) {
    this.#targets = targets;
    this.#env = { ...env, pools: this };
    this.#clock = env.clock;
    this.#plan = plan;
    this.update(plan);
  }

  get live(): ReadonlyMap<string, Pool> {
    return this.#live;
  }

  poolNamed(name: string): FallbackPool | undefined {
    return this.#live.get(name);
  }

  get targets(): ReadonlyMap<string, TargetHandle> {
    return this.#targets.all;
  }

  /** In a worker: takes the node's health of targets. */
  obey(...told: Parameters<Targets["obey"]>): void {
    this.#targets.obey(...told);
  }

  obeyTenants(told: ToldTenants): void {
    const part = this.#targets.toldParts(told.id).find(({ plan }) => partName(plan) === told.address);
    part?.hearTenants(told.tenants);
  }

  get retiring(): readonly Pool[] {
    return [...this.#retiring.values()].map(({ pool }) => pool);
  }

  /** What waits in any of them since before this time: as that of their stores. */
  *waitingSince(beforeMs: number): Generator<Delivery> {
    for (const pool of [...this.#live.values(), ...this.retiring]) yield* pool.waitingSince(beforeMs);
  }

  /**
   * Takes over a plan. Does not wait, and calls nothing that may fail; should anything fail all the
   * same, also `built`, which is called when all is there, then taking over the plan of before in
   * the same turn makes all as it was.
   */
  update(plan: Plan, built: () => void = () => undefined): void {
    const before = this.#plan;
    const gone = [...this.#live].filter(([name]) => !plan.pools.has(name));
    for (const [name, pool] of gone) this.#retire(name, pool, before);
    this.#plan = plan;
    this.#live = new Map([...this.#live].filter(([name]) => plan.pools.has(name)));
    this.#updateTargets();
    for (const [name, poolPlan] of plan.pools) this.#open(name, poolPlan);
    this.#live = new Map([...plan.pools.keys()].map((name) => [name, this.#live.get(name)!]));
    for (const { pool, plan: last } of this.#retiring.values()) pool.update(last, this.#handles(last));
    built();
    this.#targets.settle();
  }

  /** Sends what all pools hold, at most until Clock.nowMs() is `deadlineMs`. */
  async drain(deadlineMs: number): Promise<void> {
    const all = [...this.#live.values(), ...this.retiring];
    do await Promise.all(all.map((pool) => pool.drain(deadlineMs)));
    while (all.some((pool) => pool.heldItems > 0) && this.#clock.nowMs() < deadlineMs); // one may fail over to another
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#live.values(), ...this.retiring].map((pool) => pool[Symbol.asyncDispose]()));
    await this.#targets[Symbol.asyncDispose]();
  }

  #open(name: string, plan: PoolPlan): void {
    const handles = this.#handles(plan);
    const pool = this.#live.get(name) ?? this.#retiring.get(name)?.pool;
    pool?.giveAway(undefined);
    this.#retiring.delete(name); // it is wanted again
    if (pool === undefined) this.#live.set(name, openPool(plan, handles, this.#env));
    else {
      pool.update(plan, handles);
      this.#live.set(name, pool);
    }
  }

  #retire(name: string, pool: Pool, last: Plan): void {
    const plan = last.pools.get(name)!;
    const targets = plan.targets.map((id) => last.targets.get(id)!);
    const retiring = { pool, plan, targets, after: poolsAfter(plan, last) };
    this.#retiring.set(name, retiring);
    void this.#close(name, retiring);
  }

  async #close(name: string, retiring: Retiring): Promise<void> {
    await retiring.pool.drain(this.#clock.nowMs() + Math.min(RETIRE_MS, retiring.plan.queue.maxAgeMs / 2));
    if (this.#isCalledOff(name, retiring)) return;
    retiring.pool.giveAway((parcel) => this.#giveTo(retiring, parcel));
    await retiring.pool.drain(this.#clock.nowMs() + LAST_CALLS_MS);
    if (this.#isCalledOff(name, retiring)) return;
    this.#retiring.delete(name);
    await retiring.pool[Symbol.asyncDispose]();
    this.#updateTargets();
    this.#targets.settle();
  }

  /** All are closed, or it is wanted again. */
  #isCalledOff(name: string, retiring: Retiring): boolean {
    return this.#closed || this.#retiring.get(name) !== retiring;
  }

  /**
   * One of those that took over from it takes it, rather one that can send; else who the rules say,
   * or nobody.
   */
  #giveTo({ pool, after }: Retiring, parcel: Parcel): void {
    const { records, rerouter } = this.#env;
    const { signal } = parcel.record;
    if (isUnread(parcel.record)) return records.sendBack(parcel);
    const there = after.flatMap((name) => this.#live.get(name) ?? []);
    const ready = there.filter((one) => one.usable(signal));
    let left = renewed(records, parcel, this.#clock.nowMs());
    for (const one of [...ready, ...there.filter((other) => other.mayTake(signal))]) {
      left = dressedFor(records, one.name, left, this.#plan.headers);
      if (one.adopt(left, pool.name) !== "accepted") continue;
      return pool.countFailover(one.name, "backlog", left.record.points);
    }
    if (rerouter === undefined) records.finish(left, lostWith(pool.name));
    else rerouter.reroute(left, pool);
  }

  #updateTargets(): void {
    const plans = new Map<string, TargetPlan>(this.#plan.targets);
    for (const { targets } of this.#retiring.values()) {
      for (const target of targets) if (!plans.has(target.id)) plans.set(target.id, target);
    }
    this.#targets.stage(plans, aloneTargets(this.#targets.all, this.#plan.targets, this.#plan.pools.values()));
  }

  #handles(plan: PoolPlan): TargetHandle[] {
    return plan.targets.flatMap((id) => this.#targets.all.get(id) ?? []);
  }
}

interface Retiring {
  readonly pool: Pool;
  readonly plan: PoolPlan;
  readonly targets: readonly TargetPlan[];
  /** Names of the pools that took over from it, in order. */
  readonly after: readonly string[];
}

/** By the plan in which it was; the config has no cycles. */
function poolsAfter({ fallback }: PoolPlan, { pools }: Plan): string[] {
  const after: string[] = [];
  for (let name = fallback; name !== undefined; name = pools.get(name)?.fallback) after.push(name);
  return after;
}
