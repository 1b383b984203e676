import type { Compression } from "../otlp/compress.ts";
import type { Signal } from "../otlp/signal.ts";
import type { Plan, PoolPlan, TargetPlan } from "./plan.ts";
import type { RoutePlan, RulePlan } from "./route-plan.ts";

/** What becomes of those requests of a signal that come compressed. */
export type PassThrough =
  /** They are inflated and read like all others, as no pool asks for anything else. */
  | { readonly kind: "off" }
  /** The same, though this pool asks for something else: why, for people. */
  | { readonly kind: "read"; readonly pool: string; readonly why: string }
  | PassingPlan;

/** Those that come with `encoding` go on to the targets of one pool as they came, unread. */
export interface PassingPlan {
  readonly kind: "passed";
  /** The rule that takes everything of the signal, and its pool: indexes into the route plan. */
  readonly rule: number;
  readonly pool: number;
  readonly encoding: Compression;
  /** Longer ones, compressed, are read: they might have to be split. */
  readonly maxBytes: number;
}

type PassThroughFacts = Pick<Plan, "routes" | "pools" | "targets" | "sampling" | "limits">;

/** Decided once for each plan, by all that would have to know what is in a request. Pure. */
export function passThroughOf(signal: Signal, plan: PassThroughFacts): PassThrough {
  if (![...plan.pools.values()].some(passesOn)) return { kind: "off" };
  const route = plan.routes[signal];
  const asking = route.pools.find(({ name }, i) => passesOn(plan.pools.get(name)) && route.poolOf.includes(i))?.name;
  if (asking === undefined) return { kind: "off" };
  const pool = plan.pools.get(asking)!;
  const targets = pool.targets.flatMap((id) => plan.targets.get(id) ?? []);
  const encoding = commonCompression(targets);
  const why = whySignalIsRead(signal, plan) ?? whyRuleReads(route, asking) ?? whyPoolReads(pool);
  if (why !== undefined || encoding === undefined) return { kind: "read", pool: asking, why: why ?? DIFFERENT };
  const maxBytes = Math.min(pool.batch.maxBytes, ...targets.map(({ maxRequestBytes }) => maxRequestBytes));
  return { kind: "passed", rule: 0, pool: route.poolOf[0]!, encoding, maxBytes };
}

function passesOn(pool: PoolPlan | undefined): boolean {
  return pool?.compressed === "pass_through";
}

/** The same for people; undefined where there is nothing to tell. */
export function passThroughText(signal: Signal, plan: PassThroughFacts): string | undefined {
  const told = passThroughOf(signal, plan);
  if (told.kind === "off") return undefined;
  if (told.kind === "read")
    return `compressed requests are read like all others, though pool ${told.pool} asks for pass_through: ${told.why}`;
  const { rules, pools } = plan.routes[signal];
  const which = `requests that come with ${told.encoding} are not read (compressed: pass_through)`;
  return `${which}: they go to pool ${pools[told.pool]!.name} by rule ${rules[told.rule]!.id}, as they came`;
}

function whySignalIsRead(signal: Signal, { sampling, limits }: PassThroughFacts): string | undefined {
  if (limits !== undefined) return "global.rate_limiting counts items";
  if (signal !== "metrics" && sampling?.routes[signal] !== undefined) return `${signal} are sampled`;
  return undefined;
}

/** One rule has to take everything, before any other is asked. */
function whyRuleReads({ rules }: RoutePlan, asking: string): string | undefined {
  const [first] = rules;
  if (first === undefined) return "no rule takes anything";
  if (first.mode === "copy") return `rule ${first.id} copies, and the rules after it are asked`;
  if (!takesAll(first)) return `rule ${first.id} has conditions, and comes first`;
  return first.pool === asking ? undefined : `rule ${first.id} takes everything first, to pool ${first.pool}`;
}

function takesAll({ condition }: RulePlan): boolean {
  return condition.kind === "all" && condition.of.length === 0;
}

const DIFFERENT = "its targets do not all have the same compression";

function whyPoolReads({ ack, division, strategy, queue }: PoolPlan): string | undefined {
  if (ack !== "delivered") return "what is acknowledged before a target has it is checked first (ack)";
  if (division.kind !== "none") return `${strategy.type} looks at items`;
  if (strategy.type === "broadcast") return "broadcast makes copies";
  return queue.maxItems === undefined ? undefined : "buffer_size of this node's region counts items";
}

/** undefined: they differ, one takes nothing compressed, one wants JSON, or there is none. */
function commonCompression(targets: readonly TargetPlan[]): Compression | undefined {
  const [first] = targets;
  if (first === undefined || first.compression === "none") return undefined;
  const isSame = targets.every(({ compression, protocol }) => {
    return compression === first.compression && protocol !== "http/json";
  });
  return isSame ? first.compression : undefined;
}
