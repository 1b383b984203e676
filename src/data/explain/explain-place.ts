import { describeCondition } from "../../plan/describe-condition.ts";
import type { Division } from "../../plan/division.ts";
import type { RuleAnswer } from "../../plan/explain-item.ts";
import type {
  ChannelExplanation,
  PickExplanation,
  PlaceExplanation,
  PoolNow,
  Refused,
  TargetExplanation,
} from "../../plan/explanation.ts";
import type { PoolPlan } from "../../plan/plan.ts";
import type { Cond } from "../../plan/route-plan.ts";
import type { ChooserCopy } from "../balance/chooser.ts";
import { forecast } from "../balance/forecast.ts";
import type { LaneCopy } from "../queue/lane-port.ts";
import { targetStatus } from "../status.ts";
import type { ExplainWalk } from "./walk.ts";

/**
 * Where the stage route has put something: the pool, that of the draft when another one takes it
 * over, and its channel there.
 */
export interface At {
  readonly pool: number;
  readonly from: number;
  readonly channel: number;
}

/**
 * Tells of the place of an item: the pool, its channel, what its targets are like, and which one
 * would be picked.
 */
export function explainPlace(walk: ExplainWalk, answer: RuleAnswer, at: At, refusal: Refused | null): PlaceExplanation {
  const { name } = walk.router.plan.pools[at.pool]!;
  const plan = walk.plan.pools.get(name)!;
  const pool = walk.routePools[at.pool]!;
  const channel = at.pool === at.from ? at.channel : channelIn(walk, answer, name);
  const lanes = pool.lanesFor(channel, walk.signal);
  for (const { chooser } of lanes) leaveAlone(chooser, walk);
  return {
    rule: answer.rule.id,
    pool: name,
    strategy: plan.strategy.type === "plugin" ? plan.strategy.name : plan.strategy.type,
    chain: chainOf(walk, answer),
    refusal,
    channel: tellChannel(plan, channel, walk.signal, lanes),
    queued_items: lanes.reduce((sum, lane) => sum + lane.queuedItems, 0),
    targets: plan.targets.flatMap((id) => tellTarget(walk, id, lanes)),
    pick: tellPick(plan, lanes),
  };
}

/**
 * Whether the rule would be taken where it stands: its own pool, or one that takes over, is usable,
 * or it waits for them.
 */
export function isOpen(walk: ExplainWalk, answer: RuleAnswer): boolean {
  const chain = chainOf(walk, answer);
  return chain.some(({ usable }) => usable) || chain[0]?.when_down !== "next_rule";
}

function chainOf(walk: ExplainWalk, { pools }: RuleAnswer): PoolNow[] {
  return pools.map(({ pool: { name }, channel, keyHash }) => {
    const pool = walk.pools.get(name)!;
    pool.refresh();
    const usable = pool.usableFor(channel ?? pool.ownerOf(keyHash ?? 0, walk.signal), walk.signal);
    return { pool: name, usable, has_room: pool.hasAnyRoom(walk.signal), when_down: pool.whenDown };
  });
}

/** The channel in a fallback pool of what was routed to another pool. */
function channelIn({ pools, signal }: ExplainWalk, answer: RuleAnswer, name: string): number {
  const own = answer.pools.find(({ pool }) => pool.name === name);
  return own?.channel ?? pools.get(name)!.ownerOf(own?.keyHash ?? 0, signal);
}

function tellChannel(
  { division }: PoolPlan,
  channel: number,
  signal: ExplainWalk["signal"],
  lanes: readonly LaneCopy[],
): ChannelExplanation | null {
  switch (division.kind) {
    case "none":
      return null;
    case "cases": {
      const cond = division.conditions[signal][channel];
      if (cond === undefined) return { kind: "case", number: channel, name: "otherwise", why: "no case holds" };
      return {
        kind: "case",
        number: channel,
        name: String(channel),
        why: `the first case that holds: ${textOf(cond)}`,
      };
    }
    case "regions": {
      const region = division.regions[channel];
      if (region !== undefined) return { kind: "region", number: channel, name: region, why: "the item's region" };
      return { kind: "region", number: channel, name: "other", why: "no target is in the item's region" };
    }
    case "key": {
      const { id = "nobody", address } = lanes[0]?.chooser.targets[0]?.plan ?? {};
      const owner = address === undefined ? id : `${id} at ${address}`;
      return { kind: "key", number: channel, name: owner, why: `${owner} owns the key: ${keyText(division)}` };
    }
  }
}

function keyText({ key }: Extract<Division, { kind: "key" }>): string {
  switch (key.from) {
    case "trace_id":
      return "the trace id";
    case "service_name":
      return "the service name";
    case "resource":
    case "attribute":
      return `${key.from} ${key.key}`;
  }
}

function textOf(cond: Cond): string {
  switch (cond.kind) {
    case "all":
    case "any":
      return cond.of.map(textOf).join(cond.kind === "all" ? " and " : " or ");
    case "not":
      return `not (${textOf(cond.of)})`;
    default:
      return describeCondition(cond.source);
  }
}

/** Targets that asked its sender to come later get nothing of it. */
function leaveAlone({ targets, state }: ChooserCopy, { headers }: ExplainWalk): void {
  for (const [i, target] of targets.entries()) if (target.pauseFor(headers) !== undefined) state.exclude(i);
}

function tellTarget(
  { targets, clock, signal, headers }: ExplainWalk,
  id: string,
  lanes: readonly LaneCopy[],
): TargetExplanation[] {
  const handle = targets.get(id);
  if (handle === undefined) return [];
  const { state, reason, paused, refuses, weight, share, score, latencyMs, inFlight, window } = targetStatus(
    handle,
    clock,
  );
  const refusal = refuses.find((one) => one.signal === signal);
  const refused = refusal && { said: `takes no ${signal}: ${refusal.said}` };
  const forSender = handle.pauseFor(headers);
  const why =
    paused === undefined ? forSender && `throttled for this sender: ${forSender.said}` : `throttled: ${paused.said}`;
  const own = laneWith(lanes, id);
  return [
    {
      id,
      in_channel: own !== undefined,
      state,
      reason: refused?.said ?? why ?? reason,
      usable: forSender === undefined && (own?.usable ?? handle.usable(clock.nowMs(), signal)),
      eligible: own?.eligible === true && inFlight < window,
      weight,
      effective_weight: own?.weight ?? 0,
      share,
      score,
      latency_ms: latencyMs ?? null,
      in_flight: inFlight,
      window,
    },
  ];
}

/** How the first lane that has this target sees it. */
function laneWith(
  lanes: readonly LaneCopy[],
  id: string,
): { readonly usable: boolean; readonly eligible: boolean; readonly weight: number } | undefined {
  for (const { chooser } of lanes) {
    const index = chooser.targets.findIndex(({ plan }) => plan.id === id);
    const { usable, eligible, weight } = chooser.state;
    if (index >= 0) return { usable: usable[index] === 1, eligible: eligible[index] === 1, weight: weight[index]! };
  }
  return undefined;
}

function tellPick({ strategy }: PoolPlan, lanes: readonly LaneCopy[]): PickExplanation {
  if (strategy.type === "broadcast") {
    return { kind: "copies", targets: lanes.flatMap(({ chooser }) => chooser.targets.map(({ plan }) => plan.id)) };
  }
  const [lane] = lanes;
  if (lane === undefined) return { kind: "waits" };
  const pick = forecast(lane.chooser);
  const { targets } = lane.chooser;
  switch (pick.kind) {
    case "unknown":
      return { kind: "plugin" };
    case "pick":
      return pick.index < 0 ? { kind: "waits" } : { kind: "target", target: targets[pick.index]!.plan.id };
    case "chances": {
      const some = targets.flatMap(({ plan: { id } }, i) =>
        pick.chances[i]! > 0 ? [[id, pick.chances[i]!] as const] : [],
      );
      return { kind: "chances", chances: Object.fromEntries(some) };
    }
  }
}
