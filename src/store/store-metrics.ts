import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Revision, StoreCallOutcome, StoreObserver, StoreOperation } from "./store.ts";

const MS = 1_000;
/** A store that is away has the same told again and again. */
const QUIET_MS = 10_000;

/** Outcomes by which it has answered; of others nobody knows. */
const ANSWERED: readonly StoreCallOutcome[] = ["done", "not_done", "refused"];

/** Tells when a store does not answer any more, and when it does again. */
function reachTeller(log: Log): (operation: StoreOperation, outcome: StoreCallOutcome) => void {
  let isAway = false;
  return (operation, outcome) => {
    if (outcome === "unreachable") {
      if (isAway) return;
      const limited = log.limited("store-away", QUIET_MS);
      limited?.warn("the store does not answer", { kind: "store", operation });
      isAway = limited !== undefined;
    } else if (isAway && ANSWERED.includes(outcome)) {
      isAway = false;
      log.info("the store answers again", { kind: "store" });
    }
  };
}

/** Counts what a store does, and tells operators what they must know of it. */
export function storeObserver(metrics: Metrics, log: Log): StoreObserver {
  const epochs = new Map<string, Revision>();
  const tellReach = reachTeller(log);
  return {
    called(operation, outcome, tookMs) {
      metrics.storeCalls.with(operation, outcome).observe(tookMs / MS);
      tellReach(operation, outcome);
    },
    watchLag: (lagMs) => metrics.storeWatchLag.with().observe(lagMs / MS),
    resynced(prefix, why) {
      metrics.storeResyncs.with(why).add(1);
      log
        .limited(`store-resync-${why}`, QUIET_MS)
        ?.warn("a watch of the store was told a difference", { kind: "store", prefix, why });
    },
    renewed: (marginMs) => metrics.storeLeaseMargin.with().observe(Math.max(0, marginMs) / MS),
    sessionLost(why) {
      metrics.storeSessionsLost.with(why).add(1);
      log.limited("store-session-lost", QUIET_MS)?.warn("a session of the store was lost", { kind: "store", why });
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
    said(text) {
      const limited = log.limited("store-library", QUIET_MS);
      limited?.warn("the library that speaks with the store says something", { kind: "store", said: text });
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
