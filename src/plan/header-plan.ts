import type { Signal } from "../otlp/signal.ts";
import { headerNames } from "./header-tests.ts";
import type { PoolPlan } from "./plan.ts";
import type { RoutePlan } from "./route-plan.ts";

/** Which headers of senders are asked about. Lower-case names, in order. */
export interface HeaderPlan {
  /** All that are read of a request. */
  readonly read: readonly string[];
  /** Those that go along with what is queued. */
  readonly carried: readonly string[];
}

/** Rules ask when a request comes; cases of pools may ask later too, when a pool takes over from another. */
export function compileHeaders(
  routes: Readonly<Record<Signal, RoutePlan>>,
  pools: ReadonlyMap<string, PoolPlan>,
): HeaderPlan {
  const asked = Object.values(routes).flatMap(({ headerTests }) => headerTests.map(({ key }) => key));
  const carried = [...pools.values()].flatMap(headersOfPool);
  return { read: inOrder([...asked, ...carried]), carried: inOrder(carried) };
}

/** What has to go along into this pool. */
function headersOfPool({ division }: PoolPlan): readonly string[] {
  return division.kind === "cases" ? Object.values(division.conditions).flat().flatMap(headerNames) : [];
}

function inOrder(names: readonly string[]): readonly string[] {
  return [...new Set(names)].toSorted();
}
