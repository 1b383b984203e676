import type { Signal } from "../../otlp/signal.ts";
import type { Histogram } from "../../telemetry/metrics.ts";
import type { ChooserCopy } from "../balance/chooser.ts";
import type { StrategyFaults } from "../balance/strategy.ts";
import type { Delivery } from "./delivery.ts";
import type { Parcel } from "./parcel.ts";
import type { PoolEnv } from "./pool-port.ts";
import type { Room } from "./room.ts";
import type { RetryBudget } from "./retry-policy.ts";
import type { Tenants } from "./tenants.ts";

/** A lane at one moment, for somebody who only asks. */
export interface LaneCopy {
  readonly queuedItems: number;
  /** Something waits that could be a probe, of this signal where one is refused. */
  readonly hasProbe: boolean;
  /** What only a pool that panics would use counts as usable: nobody can take over. */
  readonly panicCounts: boolean;
  readonly chooser: ChooserCopy;
}

/** What all lanes of a pool have in common. */
export interface LaneEnv
  extends StrategyFaults,
    Pick<PoolEnv, "clock" | "random" | "records" | "splitter" | "strategies"> {
  readonly budget: RetryBudget;
  readonly batchSize: Histogram;
  readonly room: Room;
  readonly tenants: Tenants;
  /** One more batch of this pool is tried again. */
  countRetry(reason: string): void;
  /** A batch or a delivery ended. */
  ended(): void;
  /**
   * One of the pool's targets is usable that is none of these: of an owner's lane also another
   * lane's.
   */
  anyUsableBeside(targets: readonly string[], signal: Signal): boolean;
  /** Gives it to a fallback pool, if one can take it now. */
  failOver(parcel: Parcel): boolean;
  /**
   * Of an owner's lane also another lane's target, and those of fallback pools: one of them may
   * take this signal some time.
   */
  mayBeTaken(signal: Signal, but: readonly string[]): boolean;
  /** These are not the lane's any more: their channels are to be found anew. */
  sort(deliveries: readonly Delivery[]): void;
}
