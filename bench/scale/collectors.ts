import { machineMs, systemClock } from "../../src/core/clock.ts";
import { systemRandom } from "../../src/core/random.ts";
import { lookUpControllers } from "../../src/control/fleet/look-up.ts";
import type { ControllerAddress } from "../../src/control/fleet/messages.ts";
import { openStore } from "../../src/store/open-store.ts";
import { forgetfulMemory } from "../../src/store/recipes/fleet-memory.ts";
import { UNOBSERVED } from "../../src/store/store-metrics.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { answerParent, argumentsOf, tellParent } from "../messages.ts";
import type { CollectorsArguments, CollectorsFigures, CollectorsReport, CollectorsRequest } from "./messages.ts";
import type { FoundGateways } from "./found-gateways.ts";
import { SimulatedCollector, type SimulatedIdentity, type SimulatedWorld } from "./simulated-collector.ts";

/**
 * Many collectors in one process. Each has a connection of its own; only what a node reads of the
 * store when it starts is read once for all of a region that ask within a second.
 */
const { settings, prefix, reportIntervalMs, share, gateways } = argumentsOf<CollectorsArguments>();
const LOOKED_UP_MS = 1_000;
const BEGIN_TICK_MS = 10;

const world = { clock: systemClock, random: systemRandom };
const store = await openStore(settings, { ...world, observer: UNOBSERVED });
const memory = forgetfulMemory();
const seen = new Map<string, { readonly atMs: number; readonly found: Promise<readonly ControllerAddress[]> }>();
const log = createLog({ ...world, write: () => undefined, level: "error", format: "json", colour: false });
const simulated: SimulatedWorld = { ...world, log, reportIntervalMs, lookUp, gateways };
const identities = share
  .flatMap(({ region, from, count }) => Array.from({ length: count }, (_, i) => identityOf(region, from + i)))
  // Those of a region do not all come one after the other.
  .toSorted((a, b) => a.number - b.number);
const collectors: SimulatedCollector[] = [];

answerParent(answer);
tellParent({ kind: "ready" } satisfies CollectorsReport);

async function answer(request: CollectorsRequest): Promise<CollectorsReport> {
  switch (request.kind) {
    case "begin":
      begin(systemClock.nowMs(), request.withinMs);
      return { kind: "begun" };
    case "figures":
      return { kind: "figures", ...figures() };
    case "version": {
      const those = collectors.filter(({ version }) => version === request.version);
      return toldOf(
        those.map(({ takenMs }) => takenMs),
        request.times,
      );
    }
    case "found": {
      const those = lookers().filter(({ count }) => count === request.count);
      return toldOf(
        those.map(({ sinceMs }) => sinceMs),
        request.times,
      );
    }
    case "cut": {
      const atMs = machineMs(systemClock);
      for (const collector of collectors) collector.cut();
      return { kind: "cut", atMs };
    }
    case "forget":
      for (const collector of collectors) collector.heardMs = undefined;
      return { kind: "forgotten" };
    case "refresh":
      for (const collector of collectors) collector.gateways?.refresh();
      return { kind: "looking" };
    case "leave":
      await leave();
      return { kind: "left" };
    default:
      return request satisfies never;
  }
}

function toldOf(timesMs: readonly number[], times: boolean): CollectorsReport {
  return { kind: "those", count: timesMs.length, timesMs: times ? timesMs : [] };
}

function lookers(): FoundGateways[] {
  return collectors.flatMap(({ gateways: found }) => (found?.isLooking === true ? [found] : []));
}

/** The first gateway of each region, where it is one of this process. */
async function leave(): Promise<void> {
  const leaving = collectors.filter(({ number }) => number === 0);
  await Promise.all(leaving.map((one) => one[Symbol.asyncDispose]()));
  for (const one of leaving) collectors.splice(collectors.indexOf(one), 1);
}

function figures(): CollectorsFigures {
  const heard = collectors.flatMap(({ heardMs }) => heardMs ?? []);
  const looking = lookers();
  const fewest = looking.flatMap((one) => one.fewest ?? []);
  return {
    following: collectors.filter(({ follows }) => follows).length,
    heard: heard.length,
    reports: collectors.reduce((sum, { reports }) => sum + reports, 0),
    lost: collectors.reduce((sum, { lost }) => sum + lost, 0),
    lastHeardMs: heard.reduce((last, atMs) => Math.max(last, atMs), 0),
    looking: looking.length,
    fewestFound: fewest.length === 0 ? undefined : fewest.reduce((least, count) => Math.min(least, count)),
  };
}

function begin(fromMs: number, withinMs: number): void {
  const due = Math.ceil(((systemClock.nowMs() - fromMs) / withinMs) * identities.length);
  while (collectors.length < Math.min(due, identities.length)) {
    collectors.push(new SimulatedCollector(identities[collectors.length]!, simulated));
  }
  if (collectors.length < identities.length) systemClock.after(BEGIN_TICK_MS, () => begin(fromMs, withinMs));
}

function lookUp(region: string): Promise<readonly ControllerAddress[]> {
  const known = seen.get(region);
  const nowMs = systemClock.nowMs();
  if (known !== undefined && nowMs - known.atMs < LOOKED_UP_MS) return known.found;
  const { signal } = new AbortController();
  const found = lookUpControllers({ store, prefix, ...world }, region, memory, { signal });
  found.catch(() => seen.delete(region));
  seen.set(region, { atMs: nowMs, found });
  return found;
}

function identityOf(region: string, number: number): SimulatedIdentity {
  return { id: `${region}-${number}`, region, number, phase: phaseOf(region) };
}

/** Regions do not rise and fall at the same time. */
function phaseOf(region: string): number {
  return (Number(/\d+$/u.exec(region)?.[0] ?? 0) * 0.618) % 1;
}
