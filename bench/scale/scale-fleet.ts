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

export interface ScaleAmounts {
  readonly collectors: number;
  readonly regions: number;
  readonly controllerProcesses: number;
  readonly collectorProcesses: number;
  readonly beginMs: number;
  readonly settleMs: number;
  readonly windowMs: number;
  readonly publishes: number;
  /** All leases are renewed once more within it. */
  readonly afterStormMs: number;
}

export interface PublishedConfig {
  /** From before it is published. */
  readonly halfMs: number;
  readonly allMs: number;
}

export const REPORT_MS = 5_000;
export const DOCUMENT_BYTES = 8_192;
const PREFIX = "/scale";
const WITHIN_MS = 60_000;
const LOOK_MS = 50;

type ControllersProcess = Talker<ControllersRequest, ControllersReport>;
type CollectorsProcess = Talker<CollectorsRequest, CollectorsReport>;

/** All processes; no collector has begun yet. */
export async function openScaleFleet(store: CountedStore, amounts: ScaleAmounts): Promise<ScaleFleet> {
  await using parts = new AsyncDisposableStack();
  const { settings } = store;
  const world = { clock: systemClock, random: systemRandom };
  const opened = parts.use(await openStore(settings, { ...world, observer: UNOBSERVED }));
  const place: RecipePlace = { store: opened, prefix: PREFIX, ...world };
  await initFleet(place, { id: "scale", signal: new AbortController().signal });
  const common = { settings, prefix: PREFIX, reportIntervalMs: REPORT_MS };
  const names = regionNames(amounts.regions);
  const controllers = await Promise.all(
    divide(names, amounts.controllerProcesses).map((regions) =>
      openTalker<ControllersRequest, ControllersReport>("scale/controllers.ts", { ...common, regions }),
    ),
  );
  const shares = shareOut(amounts.collectors, names, amounts.collectorProcesses);
  const simulations = await Promise.all(
    shares.map((share) => openTalker<CollectorsRequest, CollectorsReport>("scale/collectors.ts", { ...common, share })),
  );
  for (const one of [...controllers, ...simulations]) parts.use(one);
  return new ScaleFleet(place, { controllers, simulations, amounts }, parts.move());
}

async function publishVersion(place: RecipePlace, version: number): Promise<void> {
  const { signal } = new AbortController();
  const done = await createSharedConfig(place).publish(documentOf(version, DOCUMENT_BYTES), { signal, by: "bench" });
  if (done.kind !== "published") throw new Error(`version ${version} was not published: ${done.kind}`);
}

interface FleetProcesses {
  readonly controllers: readonly ControllersProcess[];
  readonly simulations: readonly CollectorsProcess[];
  readonly amounts: ScaleAmounts;
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

  async untilLed(): Promise<void> {
    const { regions } = this.#processes.amounts;
    for (const endMs = systemClock.nowMs() + WITHIN_MS; ; await pause(LOOK_MS)) {
      const { leads, leadsFleet } = await this.controllers();
      if (leads.length === regions && leadsFleet) return;
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
  async untilRun(version: number): Promise<number[]> {
    const { collectors } = this.#processes.amounts;
    for (const endMs = systemClock.nowMs() + WITHIN_MS; ; await pause(LOOK_MS)) {
      const reports = await Promise.all(
        this.#processes.simulations.map((one) => one.ask({ kind: "version", version })),
      );
      const taken = reports.flatMap((report) => (report.kind === "version" ? report.takenMs : []));
      if (taken.length === collectors) return taken;
      if (systemClock.nowMs() > endMs) throw new Error(`${taken.length} of ${collectors} run version ${version}`);
    }
  }

  async publish(version: number): Promise<PublishedConfig> {
    const fromMs = machineMs(systemClock);
    await publishVersion(this.#place, version);
    const taken = (await this.untilRun(version)).map((atMs) => atMs - fromMs);
    return { halfMs: quantile(taken, 0.5), allMs: quantile(taken, 1) };
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
