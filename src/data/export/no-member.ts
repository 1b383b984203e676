import type { TargetPlan } from "../../plan/plan.ts";
import type { Health } from "../health/health.ts";
import { fromNow } from "../health/told-health.ts";
import { TargetLoad } from "../load/target-load.ts";
import type { PartEnv, PartTarget } from "./parts.ts";
import { initialWindow } from "./window.ts";

/** What a target has and does of which nobody is known. */
const WITHOUT_MEMBER = {
  parts: undefined,
  inFlight: 0,
  inFlightItems: 0,
  inFlightBytes: 0,
  maxInFlight: 0,
  beyondPart: 0,
  latencyMs: 0,
  latencyCalls: 0,
  errorRate: 0,
  pausedTenants: 0,
  loadsHeard: 0,
  check: undefined,
  learnedMaxBytes: undefined,
  windowSize: () => 0,
  usable: () => false,
  wantsProbe: () => false,
  refused: () => 0,
  refusals: () => [],
  share: () => 1,
  pausedForMs: () => -Infinity,
  pauseFor: () => undefined,
  pause: () => undefined,
  nextTryMs: () => undefined,
  override: () => undefined,
  operate: () => undefined,
  splitSize: (refusedBytes) => ({ bytes: refusedBytes, proven: false }),
  learnSize: () => undefined,
  countSplit: () => undefined,
  onChange: () => () => undefined,
  limitChanged: () => undefined,
  healthChanged: () => undefined,
  hearLoad: () => undefined,
  obey: () => undefined,
  release: () => undefined,
  hear: () => undefined,
  hearTenants: () => undefined,
  retire: () => Promise.resolve(), // there is nothing to end
} as const satisfies Partial<PartTarget>;

/**
 * Stands where a target has no part that could be sent to: while no member of the fleet is known
 * that it is to stand for. It is down, and nothing but members that come changes that.
 */
export function noMember(first: TargetPlan, { whole, clock }: Pick<PartEnv, "whole" | "clock">): PartTarget {
  const reason = first.members?.isSelf === true ? "is_itself" : "no_members";
  const since = { sinceMs: clock.nowMs(), epoch: 0, ejections: 0, checks: 0, panicFromMs: Infinity };
  const health: Health = { state: "down", reason, ...since };
  let plan = first;
  const target: PartTarget = {
    ...WITHOUT_MEMBER,
    load: new TargetLoad(),
    get key() {
      return plan.id;
    },
    get plan() {
      return plan;
    },
    get whole() {
      return whole.handle;
    },
    get maxBatchBytes() {
      return plan.maxRequestBytes;
    },
    get toldParts() {
      return [target];
    },
    health: () => health,
    told: () => ({ health: fromNow(health, clock.nowMs()), refusals: [] }),
    inheritable: () => ({ health, window: initialWindow(plan.maxInFlight) }),
    adopt: (next) => void (plan = next),
    /** Whoever sends all the same is told that nobody is there. */
    send(_batch, _attempt, _wanted, done) {
      const message = `no member of the fleet is known that ${plan.id} stands for`;
      return clock.after(0, () => done({ kind: "retry", reason: "connect", message, unprocessed: true }));
    },
  };
  return target;
}
