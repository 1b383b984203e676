import type { TargetPlan } from "../../plan/plan.ts";
import type { MemberBoard } from "../resolve/member-board.ts";
import type { Resolver } from "../resolve/resolver.ts";
import { NamedTarget } from "./named-target.ts";
import { hideTarget, showCalls, showTarget } from "./target-metrics.ts";
import { openTarget } from "./target.ts";
import type { ToldTarget } from "../health/told-health.ts";
import type { Joining, OwnedTarget, TargetEnv, TargetHandle, ToldHandle } from "./target-port.ts";
import type { TargetClient } from "./target-client.ts";

/** All targets of a node, by id: the one owner of their handles. */
export interface Targets extends AsyncDisposable {
  readonly all: ReadonlyMap<string, TargetHandle>;
  /**
   * Takes over a new set of targets. A target that keeps its connection identity keeps its
   * connections, window and health, also under another id; the others are new, but for what an
   * operator wants of their id. Pools are to be updated with `all` right afterwards: handles that
   * are gone from it end when what is under way has ended. `alone`: ids of those without which a
   * pool has nothing that works; new ones among them are used before they are proven.
   */
  update(plans: ReadonlyMap<string, TargetPlan>, alone?: ReadonlySet<string>): void;
  /**
   * The first half of `update`: what is gone from `all` goes on, and comes back with it when the
   * plans of before are applied.
   */
  stage(plans: ReadonlyMap<string, TargetPlan>, alone?: ReadonlySet<string>): void;
  /** The other half: ends what is gone. */
  settle(): void;
  /**
   * In a worker: takes the node's health. `heardSeq`: the last of its news that is in it; `all`:
   * the node has no other targets.
   */
  obey(told: readonly ToldTarget[], heardSeq: number, all: boolean): void;
  /** What the health of one target is told of, and told by; nothing where there is none. */
  toldParts(id: string): readonly ToldHandle[];
}

export interface TargetsEnv extends TargetEnv {
  readonly openClient: (current: () => TargetPlan) => TargetClient;
  /** Without one, names are looked up at each connect, whatever the plan says. */
  readonly resolver?: Resolver;
  /** What is told of members of the fleet; none: nobody tells. */
  readonly members?: MemberBoard;
}

export function openTargets(plans: ReadonlyMap<string, TargetPlan>, env: TargetsEnv): Targets {
  return new TargetRegistry(plans, env);
}

class TargetRegistry implements Targets {
  readonly #env: TargetsEnv;
  readonly #retiring = new Set<Promise<void>>();
  #started = false;
  #all = new Map<string, OwnedTarget>();
  /** Not wanted any more, and not closed yet. */
  #gone: readonly (readonly [string, OwnedTarget])[] = [];

  constructor(plans: ReadonlyMap<string, TargetPlan>, env: TargetsEnv) {
    this.#env = env;
    this.update(plans);
    this.#started = true;
  }

  get all(): ReadonlyMap<string, TargetHandle> {
    return this.#all;
  }

  update(next: ReadonlyMap<string, TargetPlan>, alone?: ReadonlySet<string>): void {
    this.stage(next, alone);
    this.settle();
  }

  stage(next: ReadonlyMap<string, TargetPlan>, alone: ReadonlySet<string> = NO_IDS): void {
    const { metrics, clock, shows = "all" } = this.#env;
    const before = this.#all;
    const present = [...before, ...this.#gone];
    const kept = reuse(present, next);
    this.#all = this.#openMissing(next, kept, alone);
    const staying = new Set(kept.values());
    this.#gone = present.filter(([, target]) => !staying.has(target));
    for (const [id, target] of before) if (kept.get(id) !== target) hideTarget(metrics, id, target);
    for (const [id, target] of this.#all) {
      target.adopt(next.get(id)!);
      const override = kept.has(id) ? undefined : before.get(id)?.override();
      if (override !== undefined) target.operate(override);
      if (shows === "all") showCalls(metrics, id, target);
      showTarget(metrics, id, target, clock);
    }
  }

  obey(told: readonly ToldTarget[], heardSeq: number, all: boolean): void {
    for (const one of told) this.#all.get(one.id)?.obey(one, heardSeq);
    if (!all) return;
    const known = new Set(told.map(({ id }) => id));
    for (const [id, target] of this.#all) if (!known.has(id)) target.release();
  }

  toldParts(id: string): readonly ToldHandle[] {
    return this.#all.get(id)?.toldParts ?? [];
  }

  settle(): void {
    for (const [, target] of this.#gone) this.#retire(target);
    this.#gone = [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.update(new Map());
    await Promise.all(this.#retiring);
  }

  /**
   * All targets of a plan: those that are there, and the others opened. When one cannot be opened,
   * none of them stays open.
   */
  #openMissing(
    next: ReadonlyMap<string, TargetPlan>,
    kept: ReadonlyMap<string, OwnedTarget>,
    alone: ReadonlySet<string>,
  ): Map<string, OwnedTarget> {
    const all = new Map<string, OwnedTarget>();
    try {
      for (const [id, plan] of next) all.set(id, kept.get(id) ?? open(plan, this.#env, this.#joining(id, alone)));
    } catch (cause) {
      for (const [id, target] of all) if (!kept.has(id)) this.#retire(target);
      throw cause;
    }
    return all;
  }

  #joining(id: string, alone: ReadonlySet<string>): Joining {
    if (!this.#started) return "start";
    return alone.has(id) ? "alone" : "later";
  }

  #retire(target: OwnedTarget): void {
    const gone = target.retire().finally(() => this.#retiring.delete(gone));
    this.#retiring.add(gone);
  }
}

function open(plan: TargetPlan, { resolver, ...env }: TargetsEnv, joining: Joining): OwnedTarget {
  if (plan.resolve === "one" || resolver === undefined) return openTarget(plan, env.openClient, env, joining);
  return new NamedTarget(plan, { ...env, resolver }, joining);
}

const NO_IDS: ReadonlySet<string> = new Set();

/**
 * Which of the present handles serves which id from now on: first those that keep their id, then
 * those renamed.
 */
function reuse(
  present: readonly (readonly [string, OwnedTarget])[],
  next: ReadonlyMap<string, TargetPlan>,
): Map<string, OwnedTarget> {
  const kept = new Map<string, OwnedTarget>();
  const free = new Map<string, OwnedTarget>();
  for (const [id, target] of present) {
    const { connectionIdentity } = target.plan;
    if (next.get(id)?.connectionIdentity === connectionIdentity) kept.set(id, target);
    else free.set(connectionIdentity, target);
  }
  for (const [id, plan] of next) {
    if (kept.has(id)) continue;
    const target = free.get(plan.connectionIdentity);
    if (target === undefined) continue;
    kept.set(id, target);
    free.delete(plan.connectionIdentity);
  }
  return kept;
}
