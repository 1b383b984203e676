import type { Clock } from "../../core/clock.ts";
import type { StrategyPlan } from "../../plan/plan.ts";
import { NO_HISTORY, type RetryHistory } from "../export/parts.ts";
import type { TargetHandle } from "../export/target-port.ts";
import { Chooser, type ChooserEnv } from "./chooser.ts";
import { forecast, type Preview } from "./forecast.ts";
import type { BatchSize } from "./picker.ts";

/**
 * One strategy over live targets: it picks whom health and windows allow, and remembers what it
 * gave to whom.
 */
export interface Balancer {
  /** Ids; their indexes are those of `preview`. */
  readonly targets: readonly string[];
  /**
   * The target for a batch that leaves now, and counts the batch as sent there: one item without
   * `batch`. undefined: none may be picked now. `avoid`: not this one, if another has room.
   */
  next(batch?: BatchSize, avoid?: string): string | undefined;
  /** What `next` would answer, without a trace. */
  preview(): Preview;
}

/**
 * Throws a TypeError for strategies that divide items before a target is picked, and for plugins
 * that nobody registered.
 */
export function openBalancer(
  targets: readonly TargetHandle[],
  strategy: StrategyPlan,
  env: ChooserEnv & { readonly clock: Clock },
): Balancer {
  if (DIVIDING.has(strategy.type)) {
    throw new TypeError(`${strategy.type} looks at items before it picks a target: it needs a router`);
  }
  const { clock } = env;
  const chooser = new Chooser(targets, strategy, env);
  return {
    targets: targets.map(({ plan }) => plan.id),
    next(batch = ONE_ITEM, avoid) {
      const history: RetryHistory = { ...NO_HISTORY, avoid: avoid ?? "" };
      const target = chooser.choose(history, clock.nowMs());
      if (target !== undefined) chooser.charge(target, batch);
      return target?.plan.id;
    },
    preview: () => forecast(chooser.copyAt(clock.nowMs())),
  };
}

const DIVIDING: ReadonlySet<string> = new Set<StrategyPlan["type"]>(["broadcast", "consistent_hash", "content"]);
const ONE_ITEM: BatchSize = { items: 1, bytes: 0 };
