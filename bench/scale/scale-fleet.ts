import { machineMs, systemClock } from "../../src/core/clock.ts";
import { systemRandom } from "../../src/core/random.ts";
import { openStore } from "../../src/store/open-store.ts";
import { initFleet } from "../../src/store/recipes/identity.ts";
import type { RecipePlace } from "../../src/store/recipes/place.ts";
import { createSharedConfig } from "../../src/store/recipes/shared-config.ts";
import { UNOBSERVED } from "../../src/store/store-metrics.ts";
import { openTalker, type Talker } from "../child.ts";
import { pause } from "../pause.ts";
import { privateBytesOf } from "../process-usage.ts";
import type { CountedStore } from "./counted-store.ts";
import { documentOf } from "./document.ts";
import type {
  CollectorsFigures,
  CollectorsReport,
  CollectorsRequest,
  ControllersFigures,
  ControllersReport,
  ControllersRequest,
} from "./messages.ts";
import { divide, quantile, regionNames, shareOut } from "./shares.ts";
import { sumCollectors, sumControllers } from "./sums.ts";

export interface FleetAmounts {
  readonly collectors: number;
  readonly regions: number;
  /** Nodes that stand for each region. */
  readonly controllersOfRegion: number;
  /** The first so many of each region, for whom the others can look. */
  readonly gateways: number;
  readonly controllerProcesses: number;
  readonly collectorProcesses: number;
  readonly beginMs: number;
}

/** How long something took to reach half of the collectors, and all. */
export interface SpreadTime {
  readonly halfMs: number;
  readonly allMs: number;
}

export const REPORT_MS = 5_000;
export const DOCUMENT_BYTES = 8_192;
const PREFIX = "/scale";
const WITHIN_MS = 120_000;
const LOOK_MS = 50;

type ControllersProcess = Talker<ControllersRequest, ControllersReport>;
type CollectorsProcess = Talker<CollectorsRequest, CollectorsReport>;

/** All processes; no collector has begun yet. */
export async function openScaleFleet(store: CountedStore, amounts: FleetAmounts): Promise<ScaleFleet> {
  await using parts = new AsyncDisposableStack();
  const { settings } = store;
  const world = { clock: systemClock, random: systemRandom };
  const opened = parts.use(await openStore(settings, { ...world, observer: UNOBSERVED }));
  const place: RecipePlace = { store: opened, prefix: PREFIX, ...world };
  await initFleet(place, { id: "scale", signal: new AbortController().signal });
  const common = { settings, prefix: PREFIX, reportIntervalMs: REPORT_MS };
  const names = regionNames(amounts.regions);
  const nodes = Array.from({ length: amounts.controllersOfRegion }, (_, i) =>
    names.map((region) => ({ id: `controller-${region}-${i}`, region })),
  ).flat();
  const controllers = await Promise.all(
    divide(nodes, amounts.controllerProcesses).map((some) =>
      openTalker<ControllersRequest, ControllersReport>("scale/controllers.ts", { ...common, nodes: some }),
    ),
  );
  const shares = shareOut(amounts.collectors, names, amounts.collectorProcesses);
  const { gateways } = amounts;
  const simulations = await Promise.all(
    shares.map((share) =>
      openTalker<CollectorsRequest, CollectorsReport>("scale/collectors.ts", { ...common, share, gateways }),
    ),
  );
  for (const one of [...controllers, ...simulations]) parts.use(one);
  return new ScaleFleet(place, { controllers, simulations, amounts }, parts.move());
}

function spreadOf(timesMs: readonly number[], fromMs: number): SpreadTime {
  const after = timesMs.map((atMs) => atMs - fromMs);
  return { halfMs: quantile(after, 0.5), allMs: quantile(after, 1) };
}

async function publishVersion(place: RecipePlace, version: number): Promise<void> {
  const { signal } = new AbortController();
  const done = await createSharedConfig(place).publish(documentOf(version, DOCUMENT_BYTES), { signal, by: "bench" });
  if (done.kind !== "published") throw new Error(`version ${version} was not published: ${done.kind}`);
}

interface FleetProcesses {
  /** Those that live. */
  readonly controllers: ControllersProcess[];
  readonly simulations: readonly CollectorsProcess[];
  readonly amounts: FleetAmounts;
}

/** All processes together, as one. */
export class ScaleFleet implements AsyncDisposable {
  readonly #place: RecipePlace;
  readonly #processes: FleetProcesses;
  readonly #owned: AsyncDisposableStack;

  constructor(place: RecipePlace, processes: FleetProcesses, owned: AsyncDisposableStack) {
    this.#place = place;
    this.#processes = processes;
    this.#owned = owned;
  }

  get controllerPids(): readonly number[] {
    return this.#processes.controllers.map(({ pid }) => pid);
  }

  get collectorPids(): readonly number[] {
    return this.#processes.simulations.map(({ pid }) => pid);
  }

  async controllers(): Promise<ControllersFigures> {
    const reports = await Promise.all(this.#processes.controllers.map((one) => one.ask({ kind: "figures" })));
    return sumControllers(reports.flatMap((report) => (report.kind === "figures" ? [report] : [])));
  }

  async collectors(): Promise<CollectorsFigures> {
    const reports = await Promise.all(this.#processes.simulations.map((one) => one.ask({ kind: "figures" })));
    return sumCollectors(reports.flatMap((report) => (report.kind === "figures" ? [report] : [])));
  }

  /** Each region, and unless nothing depends on it, the fleet. */
  async untilLed(isFleetToo = true): Promise<void> {
    const { regions } = this.#processes.amounts;
    for (const endMs = systemClock.nowMs() + WITHIN_MS; ; await pause(LOOK_MS)) {
      const { leads, leadsFleet } = await this.controllers();
      if (leads.length === regions && (leadsFleet || !isFleetToo)) return;
      if (systemClock.nowMs() > endMs) throw new Error(`${leads.length} of ${regions} regions are led`);
    }
  }

  /** A controller passes on what it has seen to be new: the first version is published now. */
  async begin(): Promise<void> {
    await publishVersion(this.#place, 1);
    const { beginMs: withinMs } = this.#processes.amounts;
    await Promise.all(this.#processes.simulations.map((one) => one.ask({ kind: "begin", withinMs })));
  }

  async beginWindow(): Promise<void> {
    await Promise.all(this.#processes.controllers.map((one) => one.ask({ kind: "begin" })));
  }

  /** Until they are so; gives how they are then. */
  async until(what: string, isSo: (sums: CollectorsFigures) => boolean): Promise<CollectorsFigures> {
    for (const endMs = systemClock.nowMs() + WITHIN_MS; ; await pause(LOOK_MS)) {
      const sums = await this.collectors();
      if (isSo(sums)) return sums;
      if (systemClock.nowMs() > endMs) throw new Error(`not within ${WITHIN_MS} ms: ${what}: ${JSON.stringify(sums)}`);
    }
  }

  /** When each of them took it, by the machine's time; ends when all have. */
  untilRun(version: number): Promise<number[]> {
    return this.#untilThose(this.#processes.amounts.collectors, { kind: "version", version });
  }

  async publish(version: number): Promise<SpreadTime> {
    const fromMs = machineMs(systemClock);
    await publishVersion(this.#place, version);
    return spreadOf(await this.untilRun(version), fromMs);
  }

  /** All but gateways look for those of their region; until all have found them. */
  async refresh(): Promise<SpreadTime> {
    const { collectors, regions, gateways } = this.#processes.amounts;
    const fromMs = machineMs(systemClock);
    await Promise.all(this.#processes.simulations.map((one) => one.ask({ kind: "refresh" })));
    return spreadOf(
      await this.#untilThose(collectors - regions * gateways, { kind: "found", count: gateways }),
      fromMs,
    );
  }

  /** One gateway of each region says goodbye; until all who look for it know. */
  async leave(): Promise<SpreadTime> {
    const { collectors, regions, gateways } = this.#processes.amounts;
    const fromMs = machineMs(systemClock);
    await Promise.all(this.#processes.simulations.map((one) => one.ask({ kind: "leave" })));
    const looking = collectors - regions * gateways;
    return spreadOf(await this.#untilThose(looking, { kind: "found", count: gateways - 1 }), fromMs);
  }

  /** The process of the controller that leads this region is killed; gives when. */
  async kill(region: string): Promise<{ readonly atMs: number; readonly ledFleet: boolean }> {
    const { controllers } = this.#processes;
    for (const [i, one] of controllers.entries()) {
      const report = await one.ask({ kind: "figures" });
      if (report.kind !== "figures" || !report.leads.includes(region)) continue;
      controllers.splice(i, 1);
      process.kill(one.pid, "SIGKILL");
      return { atMs: machineMs(systemClock), ledFleet: report.leadsFleet };
    }
    throw new Error(`nobody leads ${region}`);
  }

  /** From now on who is answered by a controller counts anew. */
  async forget(): Promise<void> {
    await Promise.all(this.#processes.simulations.map((one) => one.ask({ kind: "forget" })));
  }

  /** Ends when so many are; their times are asked for once, since they are many. */
  async #untilThose(
    wanted: number,
    what: { readonly kind: "found"; readonly count: number } | { readonly kind: "version"; readonly version: number },
  ): Promise<number[]> {
    const ask = async (times: boolean): Promise<{ count: number; timesMs: number[] }> => {
      const all = await Promise.all(this.#processes.simulations.map((one) => one.ask({ ...what, times })));
      const those = all.flatMap((report) => (report.kind === "those" ? [report] : []));
      const count = those.reduce((sum, report) => sum + report.count, 0);
      return { count, timesMs: those.flatMap(({ timesMs }) => timesMs) };
    };
    for (const endMs = systemClock.nowMs() + WITHIN_MS; ; await pause(LOOK_MS)) {
      const { count } = await ask(false);
      if (count === wanted) return (await ask(true)).timesMs;
      if (systemClock.nowMs() > endMs) throw new Error(`${count} of ${wanted}: ${JSON.stringify(what)}`);
    }
  }

  /** When the first of them lost its connection, by the machine's time. */
  async cut(): Promise<number> {
    const reports = await Promise.all(this.#processes.simulations.map((one) => one.ask({ kind: "cut" })));
    return Math.min(...reports.flatMap((report) => (report.kind === "cut" ? report.atMs : [])));
  }

  /** Private memory of all controllers, once their heaps have been collected. */
  async restingBytes(): Promise<number> {
    const { controllers } = this.#processes;
    await Promise.all(controllers.map((one) => one.ask({ kind: "rest" })));
    return controllers.reduce((sum, { pid }) => sum + privateBytesOf(pid), 0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync();
  }
}
