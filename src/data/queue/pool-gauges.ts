import type { Metrics } from "../../telemetry/metrics.ts";
import type { Pool } from "./pool-port.ts";

type Shown = Pick<Pool, "name" | "maxItems" | "heldBytes" | "queuedItems" | "oldestAgeMs">;

/** What metrics read of a pool, for as long as it is there. */
export function showPool(pool: Shown, metrics: Metrics, tenants: () => number): void {
  metrics.queueBytes.with(pool.name).read(() => pool.heldBytes);
  metrics.queueItems.with(pool.name).read(() => pool.queuedItems);
  metrics.queueItemsLimit.with(pool.name).read(() => pool.maxItems ?? 0);
  metrics.poolTenants.with(pool.name).read(tenants);
  metrics.queueAge.with(pool.name).read(() => pool.oldestAgeMs / 1_000);
}

export function hidePool(name: string, metrics: Metrics): void {
  metrics.queueBytes.remove(name);
  metrics.queueItems.remove(name);
  metrics.queueItemsLimit.remove(name);
  metrics.queueAge.remove(name);
  metrics.poolTenants.remove(name);
}
