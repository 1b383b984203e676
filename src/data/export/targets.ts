import type { TargetPlan } from "../../plan/plan.ts";
import type { Resolver } from "../resolve/resolver.ts";
import { openNamedTarget } from "./named-target.ts";
import { hideTarget, showTarget } from "./target-metrics.ts";
import { type Joining, openTarget, type OwnedTarget, type TargetEnv, type TargetHandle } from "./target.ts";
import type { TargetClient } from "./target-client.ts";

/** All targets of a node, by id: the one owner of their handles. */
export interface Targets extends AsyncDisposable {
  readonly all: ReadonlyMap<string, TargetHandle>;
  /**
   * Takes over a new set of targets. A target that keeps its connection identity keeps its connections, window and
   * health, also under another id; the others are new, but for what an operator wants of their id. Pools are to be updated with `all` right afterwards: handles
   * that are gone from it end when what is under way has ended. `alone`: ids of those without which a pool has nothing that
   * works; new ones among them are used before they are proven.
   */
  update(plans: ReadonlyMap<string, TargetPlan>, alone?: ReadonlySet<string>): void;
}

export interface TargetsEnv extends TargetEnv {
  readonly openClient: (current: () => TargetPlan) => TargetClient;
  /** Without one, names are looked up at each connect, whatever the plan says. */
  readonly resolver?: Resolver;
}

export function openTargets(plans: ReadonlyMap<string, TargetPlan>, env: TargetsEnv): Targets {
  let all = new Map<string, OwnedTarget>();
  let started = false;
  const retiring = new Set<Promise<void>>();
  const joiningOf = (id: string, alone: ReadonlySet<string>): Joining =>
    started ? (alone.has(id) ? "alone" : "later") : "start";
  const retire = (target: OwnedTarget): void => {
    const gone = target.retire().finally(() => retiring.delete(gone));
    retiring.add(gone);
  };
  const update = (next: ReadonlyMap<string, TargetPlan>, alone: ReadonlySet<string> = NOBODY): void => {
    const kept = carryOver(all, next);
    const staying = new Set(kept.values());
    for (const target of all.values()) if (!staying.has(target)) retire(target);
    for (const [id, target] of all) if (kept.get(id) !== target) hideTarget(env.metrics, id, target);
    const before = all;
    all = new Map();
    for (const [id, plan] of next) {
      const target = kept.get(id) ?? open(plan, env, joiningOf(id, alone));
      target.adopt(plan);
      const wish = kept.has(id) ? undefined : before.get(id)?.wish;
      if (wish !== undefined) target.operate(wish);
      showTarget(env.metrics, id, target, env.clock);
      all.set(id, target);
    }
  };
  update(plans);
  started = true;
  return {
    get all() {
      return all;
    },
    update,
    async [Symbol.asyncDispose]() {
      update(new Map());
      await Promise.all(retiring);
    },
  };
}

function open(plan: TargetPlan, { resolver, ...env }: TargetsEnv, joining: Joining): OwnedTarget {
  if (plan.resolve === "one" || resolver === undefined) return openTarget(plan, env.openClient, env, joining);
  return openNamedTarget(plan, { ...env, resolver }, joining);
}

const NOBODY: ReadonlySet<string> = new Set();

/** Which of the present handles serves which id from now on: first those that keep their id, then those renamed. */
function carryOver(
  present: ReadonlyMap<string, OwnedTarget>,
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
