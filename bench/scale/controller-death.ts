import { machineMs, systemClock } from "../../src/core/clock.ts";
import { pause } from "../pause.ts";
import type { CountedStore } from "./counted-store.ts";
import type { ControllerDeath } from "./results.ts";
import { type FleetAmounts, openScaleFleet } from "./scale-fleet.ts";
import { regionNames } from "./shares.ts";

/**
 * One region, whose controller is killed while all others of it look for its gateways: another
 * node leads, and all come to that one.
 */
export async function measureDeath(
  store: CountedStore,
  amounts: FleetAmounts,
  { settleMs, learningMs }: { readonly settleMs: number; readonly learningMs: number },
): Promise<ControllerDeath> {
  await using fleet = await openScaleFleet(store, amounts);
  const [region = ""] = regionNames(amounts.regions);
  await fleet.untilLed();
  await fleet.begin();
  await fleet.untilRun(1);
  await fleet.refresh();
  await pause(settleMs);
  await fleet.beginWindow();
  const { atMs, ledFleet } = await fleet.kill(region);
  await fleet.forget();
  await fleet.untilLed(false);
  const ledAfterMs = machineMs(systemClock) - atMs;
  const { lastHeardMs } = await fleet.until("all are back", ({ heard }) => heard === amounts.collectors);
  await pause(learningMs);
  await fleet.untilLed();
  const { fewestFound } = await fleet.collectors();
  const { refusedConnections, longestLoopMs, leastMarginMs } = await fleet.controllers();
  return {
    collectors: amounts.collectors,
    controllers: amounts.controllersOfRegion,
    gateways: amounts.gateways,
    ledFleet,
    ledAfterMs,
    backAfterMs: lastHeardMs - atMs,
    refusedConnections,
    fewestFound: fewestFound ?? 0,
    longestLoopMs,
    leastMarginMs,
    publish: await fleet.publish(2),
  };
}
