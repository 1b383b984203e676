import type { PoolPlan } from "../../plan/plan.ts";
import type { TargetHandle } from "../export/target.ts";
import { CopyParcel } from "./copy-parcel.ts";
import { type LaneEnv, QueueLane } from "./queue-lane.ts";

/** The lanes of a pool: one over all targets, or, for broadcast, one for each target, so that none holds up another. */
export class Lanes {
  readonly #env: LaneEnv;
  /** Empty for broadcast. */
  #shared: readonly QueueLane[] = [];
  readonly #byTarget = new Map<string, QueueLane>();
  /** Lanes of an earlier strategy, which empty themselves. */
  readonly #leaving = new Set<QueueLane>();
  #all: readonly QueueLane[] = [];

  constructor(env: LaneEnv) {
    this.#env = env;
  }

  get all(): readonly QueueLane[] {
    return this.#all;
  }

  get isEmpty(): boolean {
    return this.#all.every((lane) => lane.isEmpty);
  }

  get oldestMs(): number {
    return Math.min(Infinity, ...this.#all.map((lane) => lane.oldestMs));
  }

  get usable(): boolean {
    if (this.#all.some((lane) => lane.anyUsable)) return true;
    return this.#all.some((lane) => lane.wantsProbe);
  }

  sum(of: (lane: QueueLane) => number): number {
    let sum = 0;
    for (const lane of this.#all) sum += of(lane);
    return sum;
  }

  targets(): TargetHandle[] {
    return this.#all.flatMap((lane) => lane.targets);
  }

  /** Where something new goes: for broadcast, to every target that is usable, or to all when none is. */
  forOffer(): readonly QueueLane[] {
    if (this.#byTarget.size === 0) return this.#shared;
    const all = [...this.#byTarget.values()];
    const usable = all.filter((lane) => lane.anyUsable || lane.wantsProbe);
    return usable.length > 0 ? usable : all;
  }

  configure(plan: PoolPlan, targets: readonly TargetHandle[]): void {
    if (plan.strategy.type === "broadcast") this.#configureCopies(plan, targets);
    else this.#configureShared(plan, targets);
    this.#configureLeaving(plan, targets);
    this.#list();
    this.tidy();
  }

  /** Lets go of earlier lanes that have nothing left. */
  tidy(): void {
    if (this.#leaving.size === 0) return;
    for (const lane of this.#leaving) {
      if (lane.targets.length === 0) this.#evacuate(lane);
      if (lane.isEmpty) this.#leaving.delete(lane);
    }
    this.#list();
  }

  #configureShared(plan: PoolPlan, targets: readonly TargetHandle[]): void {
    for (const lane of this.#byTarget.values()) this.#leaving.add(lane);
    this.#byTarget.clear();
    if (this.#shared.length === 0) this.#shared = [new QueueLane(plan, targets, this.#env)];
    for (const lane of this.#shared) lane.configure(plan, targets);
  }

  #configureCopies(plan: PoolPlan, targets: readonly TargetHandle[]): void {
    for (const lane of this.#shared) this.#leaving.add(lane);
    this.#shared = [];
    for (const [id, lane] of this.#byTarget) {
      if (targets.some((target) => target.plan.id === id)) continue;
      this.#byTarget.delete(id);
      this.#leaving.add(lane);
    }
    for (const target of targets) {
      const { id } = target.plan;
      const lane = this.#byTarget.get(id) ?? new QueueLane(plan, [target], this.#env, id);
      lane.configure(plan, [target]);
      this.#byTarget.set(id, lane);
    }
  }

  /** What was accepted before goes to one target, as was said then: its own when it had one, else any, in turn. */
  #configureLeaving(plan: PoolPlan, targets: readonly TargetHandle[]): void {
    for (const lane of this.#leaving) {
      const reach = lane.only === undefined ? targets : targets.filter((target) => target.plan.id === lane.only);
      lane.configure({ ...plan, strategy: { type: "round_robin" } }, reach);
    }
  }

  /** Its target is gone: copies that others have too are withdrawn, the rest goes to another lane, once there is one. */
  #evacuate(lane: QueueLane): void {
    const next = this.forOffer()[0];
    if (next === undefined) return;
    for (const delivery of lane.takeAll()) {
      if (delivery.parcel instanceof CopyParcel) delivery.parcel.end(undefined);
      else next.push(delivery);
    }
  }

  #list(): void {
    this.#all = [...this.#shared, ...this.#byTarget.values(), ...this.#leaving];
  }
}
