import { systemClock } from "../../src/core/clock.ts";
import { systemRandom } from "../../src/core/random.ts";
import { openStore } from "../../src/store/open-store.ts";
import { UNOBSERVED } from "../../src/store/store-metrics.ts";
import { answerParent, argumentsOf, tellParent } from "../messages.ts";
import { reasonOf } from "../results.ts";
import { machineNowMs, measureHandOver, measureLag, measureRates, measureWatches, takeLock } from "./figures.ts";
import type { StoreClientArguments, StoreClientReport, StoreClientRequest } from "./messages.ts";

/** A process that uses a store, and measures it. */
const { settings } = argumentsOf<StoreClientArguments>();
const store = await openStore(settings, { clock: systemClock, random: systemRandom, observer: UNOBSERVED });

answerParent(async (request: StoreClientRequest): Promise<StoreClientReport> => {
  try {
    return await answer(request);
  } catch (error) {
    return { kind: "failed", reason: reasonOf(error) };
  }
});
const { version } = await store.check({ signal: new AbortController().signal });
tellParent({ kind: "ready", version } satisfies StoreClientReport);

async function answer(request: StoreClientRequest): Promise<StoreClientReport> {
  switch (request.kind) {
    case "rates":
      return { kind: "rates", rates: await measureRates(store, request.inFlight, request.windowMs) };
    case "lag":
      return { kind: "lag", lag: await measureLag(store, request.writes, request.withinMs) };
    case "watches":
      return { kind: "watches", bytesEach: await measureWatches(store, request.count) };
    case "handOver":
      return { kind: "handOver", ms: await measureHandOver(store, request.rounds) };
    case "take":
      await takeLock(store, request.lock);
      return { kind: "taken", atMs: machineNowMs() };
    default:
      return request satisfies never;
  }
}
