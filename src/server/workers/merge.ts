import type {
  AddressStatus,
  DataPlaneStatus,
  DropSample,
  LeavingPool,
  LossStatus,
  PoolStatus,
  Readiness,
  ShutdownReport,
  TargetStatus,
  Undeliverable,
} from "../../plan/data-plane.ts";
import type { KeyUsage, LimitsUsage, LimitUsage } from "../../plan/limits/limit-shares.ts";
import type { SharedPlan } from "./serialized-plan.ts";

/** What several workers say, as what their node says. */

/** One that takes something is enough. */
export function mergeReady(all: readonly Readiness[]): Readiness {
  const ready = all.find((one) => one.ready);
  return ready ?? all[0] ?? { ready: false, reason: "no worker runs" };
}

/** Of which none can deliver anything. */
export function mergeUndeliverable(all: readonly (readonly Undeliverable[])[]): Undeliverable[] {
  const [first = [], ...others] = all;
  return first.filter(({ pool, signal }) => {
    return others.every((list) => list.some((one) => one.pool === pool && one.signal === signal));
  });
}

export function mergeLeaving(all: readonly (readonly LeavingPool[])[]): LeavingPool[] {
  return mergeBy(
    all,
    ({ pool }) => pool,
    (a, b) => ({ pool: a.pool, items: a.items + b.items, bytes: a.bytes + b.bytes }),
  );
}

/** As many as one data plane keeps. */
const MAX_DROPS = 200;

export function mergeDrops(all: readonly (readonly DropSample[])[]): DropSample[] {
  return all
    .flat()
    .toSorted((a, b) => b.atMs - a.atMs)
    .slice(0, MAX_DROPS);
}

/** Undefined: none of them has limits. Of keys those that are nearest to theirs. */
export function mergeLimits(all: readonly (LimitsUsage | null)[], mostKeys: number): LimitsUsage | undefined {
  const [first, ...others] = all.filter((one) => one !== null);
  if (first === undefined) return undefined;
  const lists = [first, ...others].map(({ keys }) => keys);
  const keys = mergeBy(lists, ({ key }) => key, addUsage<KeyUsage>);
  return {
    total: others.reduce((sum, { total }) => addUsage(sum, total), first.total),
    keys: keys.toSorted((a, b) => b.wanted / b.limit - a.wanted / a.limit).slice(0, mostKeys),
    // Each has keys that the others have, too, and tells only some of them: at least so many.
    keyCount: Math.max(keys.length, ...[first, ...others].map(({ keyCount }) => keyCount)),
  };
}

function addUsage<Usage extends LimitUsage>(a: Usage, b: Usage): Usage {
  return {
    ...a,
    granted: a.granted + b.granted,
    wanted: a.wanted + b.wanted,
    offered: a.offered + b.offered,
    used: a.used + b.used,
    shed: a.shed + b.shed,
  };
}

export function mergeShutdowns(all: readonly ShutdownReport[], tookMs: number): ShutdownReport {
  return {
    drained: all.every(({ drained }) => drained),
    tookMs,
    leftItems: all.reduce((sum, { leftItems }) => sum + leftItems, 0),
    leftBytes: all.reduce((sum, { leftBytes }) => sum + leftBytes, 0),
  };
}

/** The pools of a plan, of which nobody has said anything: no worker may run. */
export function idlePools({ pools }: SharedPlan): PoolStatus[] {
  return pools.map(({ name, strategy, targets, fallback }) => ({
    name,
    strategy: strategy.type,
    targets,
    fallback,
    queuedBytes: 0,
    queuedItems: 0,
    inFlight: 0,
    usable: 0,
    losses: undefined,
  }));
}

export function mergeStatuses(
  all: readonly DataPlaneStatus[],
  { targets: known, pools, ...node }: Omit<DataPlaneStatus, "inFlight">,
): DataPlaneStatus {
  const measured = mergeBy(
    all.map(({ targets }) => targets),
    ({ id }) => id,
    mergeTargets,
  );
  return {
    ...node,
    inFlight: {
      requests: all.reduce((sum, { inFlight }) => sum + inFlight.requests, 0),
      bytes: all.reduce((sum, { inFlight }) => sum + inFlight.bytes, 0),
    },
    pools: mergeBy([pools, ...all.map((one) => one.pools)], ({ name }) => name, mergePools),
    targets: known.map((target) => withCalls(target, measured.find(({ id }) => id === target.id) ?? NO_CALLS)),
  };
}

/** The node's health of a target, and what workers measured of their calls there. */
function withCalls(target: TargetStatus, calls: TargetCalls): TargetStatus {
  const { learnedMaxBytes, score, losses } = calls;
  const addresses = target.addresses.map((one) => {
    const its = calls.addresses.find(({ address }) => address === one.address);
    return { ...one, ...callsOf(its ?? NO_CALLS) };
  });
  return { ...target, ...callsOf(calls), learnedMaxBytes, score, losses, addresses };
}

type TargetCalls = AddressCalls & Pick<TargetStatus, "learnedMaxBytes" | "score" | "losses" | "addresses">;
type AddressCalls = Pick<AddressStatus, "inFlight" | "window" | "latencyMs" | "latencyCalls" | "errorRate">;

const NO_CALLS: TargetCalls = {
  inFlight: 0,
  window: 0,
  latencyMs: undefined,
  latencyCalls: 0,
  errorRate: 0,
  learnedMaxBytes: undefined,
  score: 0,
  losses: undefined,
  addresses: [],
};

function callsOf({ inFlight, window, latencyMs, latencyCalls, errorRate }: AddressCalls): AddressCalls {
  return { inFlight, window, latencyMs, latencyCalls, errorRate };
}

function mergePools(a: PoolStatus, b: PoolStatus): PoolStatus {
  return {
    ...a,
    queuedBytes: a.queuedBytes + b.queuedBytes,
    queuedItems: a.queuedItems + b.queuedItems,
    inFlight: a.inFlight + b.inFlight,
    usable: Math.max(a.usable, b.usable),
    losses: mergeLosses(a.losses, b.losses),
  };
}

/** What is measured of calls. Its health is the node's, and told by the main process. */
function mergeTargets(a: TargetStatus, b: TargetStatus): TargetStatus {
  return {
    ...a,
    ...mergeCalls(a, b),
    learnedMaxBytes: least(a.learnedMaxBytes, b.learnedMaxBytes),
    score: Math.max(a.score, b.score),
    losses: mergeLosses(a.losses, b.losses),
    addresses: mergeBy(
      [a.addresses, b.addresses],
      ({ address }) => address,
      (one, other) => ({ ...one, ...mergeCalls(one, other) }),
    ),
  };
}

function mergeCalls(a: AddressCalls, b: AddressCalls): AddressCalls {
  return {
    inFlight: a.inFlight + b.inFlight,
    window: a.window + b.window,
    latencyMs: meanLatency(a, b),
    latencyCalls: a.latencyCalls + b.latencyCalls,
    errorRate: Math.max(a.errorRate, b.errorRate),
  };
}

/** By how many calls each has measured: so it is the same in whatever order they are merged. */
function meanLatency(a: AddressCalls, b: AddressCalls): number | undefined {
  if (a.latencyMs === undefined || b.latencyMs === undefined) return a.latencyMs ?? b.latencyMs;
  const calls = a.latencyCalls + b.latencyCalls;
  return (a.latencyMs * a.latencyCalls + b.latencyMs * b.latencyCalls) / calls;
}

function mergeLosses(a: LossStatus | undefined, b: LossStatus | undefined): LossStatus | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return { ...(a.atMs >= b.atMs ? a : b), items: a.items + b.items };
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

/** Those of one key become one; in the order in which they are seen first. */
function mergeBy<One>(
  lists: readonly (readonly One[])[],
  keyOf: (one: One) => string,
  merge: (a: One, b: One) => One,
): One[] {
  const merged = new Map<string, One>();
  for (const list of lists) {
    for (const one of list) {
      const known = merged.get(keyOf(one));
      merged.set(keyOf(one), known === undefined ? one : merge(known, one));
    }
  }
  return [...merged.values()];
}
