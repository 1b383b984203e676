import { isCredential } from "../core/header-name.ts";
import type { Secret } from "../core/secret.ts";
import { type Signal, SIGNALS } from "../otlp/signal.ts";
import { chainOf } from "./compile-routes.ts";
import { askedKeys, headerNames } from "./header-tests.ts";
import type { LimitsData } from "./limits/limits-plan.ts";
import { LINK_HEADERS } from "./link-proof.ts";
import type { PoolPlan, TargetPlan } from "./plan.ts";
import type { RoutePlan } from "./route-plan.ts";

/** Which headers of senders are asked about. Lower-case names, in order. */
export interface HeaderPlan {
  /** All that are read of a request. */
  readonly read: readonly string[];
  /** Those that are no credentials: what every pool may hold. */
  readonly plain: readonly string[];
  /** Pools into which credentials go along, for themselves or for one that takes over from them. */
  readonly trusted: ReadonlySet<string>;
  /** What nodes of the fleet say of links is proven with one of them; none: nobody is believed. */
  readonly linkKeys: readonly Secret[];
}

/**
 * Rules ask when a request comes, cases of pools perhaps later, when a pool takes over; targets are
 * passed on what they forward. Where targets are nodes of the fleet, links between nodes are
 * counted, and nodes named, as `linkKeys` prove. Limits may tell senders apart by one.
 */
export function compileHeaders(
  routes: Readonly<Record<Signal, RoutePlan>>,
  pools: ReadonlyMap<string, PoolPlan>,
  targets: ReadonlyMap<string, TargetPlan>,
  {
    limits,
    linkKeys = [],
  }: { readonly limits?: Pick<LimitsData, "key"> | undefined; readonly linkKeys?: readonly Secret[] | undefined } = {},
): HeaderPlan {
  const asked = SIGNALS.flatMap((signal) => askedKeys(routes[signal].headerTests));
  const needed = new Map([...pools].map(([name, pool]) => [name, headersOfPool(pool, targets)]));
  const hops = [...targets.values()].some(({ members }) => members !== undefined) ? LINK_HEADERS : [];
  const keys = limits?.key.from === "header" ? [limits.key.name] : [];
  const read = [...new Set([...hops, ...asked, ...keys, ...[...needed.values()].flat()])].toSorted();
  const trusted = [...pools.keys()].filter((name) =>
    chainOf(name, pools).some((one) => needed.get(one)!.some(isCredential)),
  );
  return { read, plain: read.filter((name) => !isCredential(name)), trusted: new Set(trusted), linkKeys };
}

function headersOfPool({ division, targets: ids }: PoolPlan, targets: ReadonlyMap<string, TargetPlan>): string[] {
  const asked = division.kind === "cases" ? Object.values(division.conditions).flat().flatMap(headerNames) : [];
  return [...asked, ...ids.flatMap((id) => targets.get(id)?.forwardHeaders ?? [])];
}
