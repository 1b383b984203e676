import { reasonOf, RouterError } from "../../core/errors.ts";
import { writeJson } from "../../store/recipes/json-value.ts";
import type { Held } from "../../store/recipes/lock-hold.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import type { Log } from "../../telemetry/log.ts";
import { isNewsOfRegion, loadTold, NO_LOAD_TOLD } from "./load-news.ts";
import { RegionFlow } from "./region-flow.ts";
import { receivedIn, type SamplingReply, type SamplingReport } from "./sampling-report.ts";
import { decodeSamplingSummary, rowsOf, samplingKey, type SamplingSummary } from "./sampling-summary.ts";

interface RegionSamplingOptions {
  readonly place: Pick<RecipePlace, "prefix" | "clock" | "store">;
  readonly region: string;
  /** Whoever writes leads the region: it is compared in the same transaction. */
  readonly leadership: Pick<Held, "guarded">;
  /** Of the leadership: what was delivered is counted from its beginning. */
  readonly epoch: string;
  readonly log: Log;
}

const WRITE_MS = 5_000;
/** Who has not come to a new controller by then is not there: it is ahead of all their retries. */
const COMING_MS = 60_000;

/**
 * What the collectors of a region receive before sampling, added up by its controller for whoever
 * decides: written each 5 s, and at once when much more or less comes, until nobody is there.
 */
export class RegionSampling {
  readonly #options: RegionSamplingOptions;
  readonly #key: string;
  readonly #begunMs: number;
  readonly #reports = new Map<string, SamplingReport>();
  readonly #spent = { traces: { items: 0, bytes: 0 }, logs: { items: 0, bytes: 0 } };
  /** Undefined: how far the controller before has counted is not known yet. */
  #flow: RegionFlow | undefined;
  #told = NO_LOAD_TOLD;
  /** Nobody is there, and the store says so. */
  #isEmpty = false;
  #writtenMs = Number.NEGATIVE_INFINITY;

  /** Fails with `STORE_REFUSED` for a region that cannot be a key. */
  constructor(options: RegionSamplingOptions) {
    this.#options = options;
    this.#key = samplingKey(options.place.prefix, options.region);
    this.#begunMs = options.place.clock.nowMs();
  }

  /**
   * What a collector told; undefined: nothing, or it cannot be said in which summary it will be.
   */
  reported(collector: string, report: SamplingReport | undefined): SamplingReply | undefined {
    if (report === undefined) {
      this.gone(collector);
      return undefined;
    }
    this.#isEmpty = false;
    this.#charge(this.#reports.get(collector), report);
    this.#reports.set(collector, report);
    this.#flow?.hear(collector, receivedIn(report));
    return this.#flow && { summary: this.#flow.nextSeq };
  }

  /** It has left, or its rates follow nothing any more. */
  gone(collector: string): void {
    this.#reports.delete(collector);
    this.#flow?.gone(collector);
  }

  /** Once a second or so, one call after the other. Never rejects. */
  async tick(signal: AbortSignal): Promise<void> {
    const { place, region, log } = this.#options;
    if (!this.#hasToTell() || !this.#hasCome(place.clock.nowMs())) return;
    try {
      this.#flow ??= await this.#begin(signal);
      const nowMs = place.clock.nowMs();
      const isNews = this.#flow.itemsPerSecond > 0 && isNewsOfRegion(this.#told, this.#flow.itemsPerSecond, nowMs);
      if (!this.#hasToTell()) return;
      if (isNews || nowMs - this.#writtenMs >= WRITE_MS) await this.#write(this.#flow, isNews, signal);
    } catch (cause) {
      if (signal.aborted || (cause instanceof RouterError && cause.code === "NOT_OWNER")) return;
      const told = { kind: "store" as const, region, reason: reasonOf(cause) };
      log.limited(`region-sampling-${region}`, 60_000)?.warn("what a region receives could not be written", told);
    }
  }

  #hasToTell(): boolean {
    return !this.#isEmpty;
  }

  /** Somebody has reported, or nobody is going to. */
  #hasCome(nowMs: number): boolean {
    return this.#flow !== undefined || this.#reports.size > 0 || nowMs - this.#begunMs >= COMING_MS;
  }

  /** Goes on counting where the controller before has ended. */
  async #begin(signal: AbortSignal): Promise<RegionFlow> {
    const { place, region } = this.#options;
    const entry = await place.store.get(this.#key, { signal });
    const read = entry && decodeSamplingSummary(entry.value);
    const flow = new RegionFlow(region, read?.ok === true ? read.value.seq : 0);
    for (const [collector, report] of this.#reports) flow.hear(collector, receivedIn(report));
    const isToldOf = read?.ok === true && (read.value.latest.length > 0 || read.value.smooth.length > 0);
    this.#isEmpty = this.#reports.size === 0 && !isToldOf;
    return flow;
  }

  async #write(flow: RegionFlow, isNews: boolean, signal: AbortSignal): Promise<void> {
    const { place, region, leadership, epoch } = this.#options;
    const nowMs = place.clock.nowMs();
    this.#writtenMs = nowMs;
    const perSecond = flow.itemsPerSecond;
    this.#told = loadTold(this.#told, { perSecond, toldPerSecond: perSecond }, nowMs);
    const { seq, latest, smooth, collectors, isLearning } = flow.tick(nowMs);
    const value = writeJson({
      schema: 1,
      region,
      seq,
      latest: rowsOf(latest),
      smooth: rowsOf(smooth),
      collectors,
      learning: isLearning,
      news: isNews,
      run: epoch,
      for_ms: Math.round(nowMs - this.#begunMs),
      spent: this.#spent,
    } satisfies SamplingSummary);
    await leadership.guarded({ if: [], then: [{ kind: "put", key: this.#key, value }] }, { signal });
    // What is told while it learns nobody believes.
    this.#isEmpty = !isLearning && this.#reports.size === 0 && latest.length === 0 && smooth.length === 0;
  }

  /** Whoever is heard for the first time says what the controller before has counted. */
  #charge(before: SamplingReport | undefined, { run, spent, counted }: SamplingReport): void {
    const from = before?.run === run ? before.spent : counted;
    for (const signal of ["traces", "logs"] as const) {
      this.#spent[signal].items += Math.max(0, spent[signal].items - from[signal].items);
      this.#spent[signal].bytes += Math.max(0, spent[signal].bytes - from[signal].bytes);
    }
  }
}
