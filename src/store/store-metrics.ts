import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Revision, StoreObserver } from "./store.ts";

const MS = 1_000;
/** A store that is away has the same told again and again. */
const QUIET_MS = 10_000;

/** Counts what a store does, and tells operators what they must know of it. */
export function storeObserver(metrics: Metrics, log: Log): StoreObserver {
  const epochs = new Map<string, Revision>();
  return {
    called: (operation, outcome, tookMs) => metrics.storeCalls.with(operation, outcome).observe(tookMs / MS),
    watchLag: (lagMs) => metrics.storeWatchLag.with().observe(lagMs / MS),
    resynced(prefix, why) {
      metrics.storeResyncs.with(why).add(1);
      log.limited(`store-resync-${why}`, QUIET_MS)?.warn("a watch of the store was told a difference", { prefix, why });
    },
    renewed: (marginMs) => metrics.storeLeaseMargin.with().observe(Math.max(0, marginMs) / MS),
    sessionLost(why) {
      metrics.storeSessionsLost.with(why).add(1);
      log.limited("store-session-lost", QUIET_MS)?.warn("a session of the store was lost", { why });
    },
    held(what, epoch) {
      epochs.set(what, epoch);
      metrics.storeHeldEpoch.with(what).read(() => Number(epoch));
    },
    heldNoMore(what, epoch) {
      if (epochs.get(what) !== epoch) return;
      epochs.delete(what);
      metrics.storeHeldEpoch.remove(what);
    },
  };
}

/** Nobody is told: for commands and programs that want no metrics. */
export const UNOBSERVED: StoreObserver = {
  called: () => undefined,
  watchLag: () => undefined,
  resynced: () => undefined,
  renewed: () => undefined,
  sessionLost: () => undefined,
};
