import { isoTime } from "../../core/iso-time.ts";
import { formatEpoch } from "../../store/recipes/epoch.ts";
import { writeJson } from "../../store/recipes/json-value.ts";
import type { Held } from "../../store/recipes/lock-hold.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import type { CollectorTable } from "./collector-table.ts";
import { decodeSummary, regionKey, type RegionSummary } from "./region-summary.ts";
import { numbersOf } from "./summarise.ts";
import { shouldWrite, SUMMARY_PACE, type SummaryPace, type WrittenSummary } from "./summary-pace.ts";

interface SummaryWriterOptions {
  readonly place: Pick<RecipePlace, "prefix" | "clock" | "store">;
  readonly region: string;
  /** Whoever writes leads: it is compared in the same transaction. */
  readonly leadership: Pick<Held, "guarded" | "epoch">;
  readonly controller: string;
  readonly generation: number;
  readonly isAdopted: boolean;
  readonly table: CollectorTable;
  /** Within that all collectors have reported to a new controller. */
  readonly learningMs: number;
  /** Default: `SUMMARY_PACE`. */
  readonly pace?: SummaryPace | undefined;
}

const LEARNED_SHARE = 0.8;

/** Writes a region's summary when there is something to tell; one process does so for a region. */
export class SummaryWriter {
  readonly #options: SummaryWriterOptions;
  readonly #key: string;
  readonly #pace: SummaryPace;
  #last: WrittenSummary | undefined;
  #seq = 0;
  #nextLookMs = Number.NEGATIVE_INFINITY;
  readonly #learnedMs: number;
  /** How many the controller before has left behind. */
  #before: number | undefined;

  /** Fails with `STORE_REFUSED` for a region that cannot be a key. */
  constructor(options: SummaryWriterOptions) {
    this.#options = options;
    this.#key = regionKey(options.place.prefix, options.region);
    this.#pace = options.pace ?? SUMMARY_PACE;
    this.#learnedMs = options.place.clock.nowMs() + options.learningMs;
  }

  /**
   * To be called once a second or so, one call after the other. Gives what was written; undefined:
   * there is nothing to tell yet. Throws `NOT_OWNER`, or as the store does: then the next call
   * tries again, after the pace's least.
   */
  async tick(signal: AbortSignal): Promise<RegionSummary | undefined> {
    const { place, table, leadership } = this.#options;
    const nowMs = place.clock.nowMs();
    if (nowMs < this.#nextLookMs || (await this.#isLearning(nowMs, signal))) return undefined;
    // Counting thousands of collectors costs some milliseconds: not more often than it may be told.
    this.#nextLookMs = nowMs + this.#pace.leastMs / 5;
    const [numbers, viewDigest] = [numbersOf(table), table.viewDigest];
    if (!shouldWrite(numbers, viewDigest, this.#last, { nowMs, ...this.#pace })) return undefined;
    this.#nextLookMs = nowMs + this.#pace.leastMs;
    const summary = this.#summaryOf(numbers, viewDigest);
    const put = { kind: "put", key: this.#key, value: writeJson(summary) } as const;
    await leadership.guarded({ if: [], then: [put] }, { signal });
    this.#last = { numbers, viewDigest, atMs: nowMs };
    return summary;
  }

  /**
   * What a new controller has not been told yet is no news: until most of those have reported whom
   * the one before it had, or would have, its summary stays.
   */
  async #isLearning(nowMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.#last !== undefined || nowMs >= this.#learnedMs) return false;
    this.#before ??= await this.#collectorsBefore(signal);
    const { size } = this.#options.table;
    return size === 0 || size < LEARNED_SHARE * this.#before;
  }

  async #collectorsBefore(signal: AbortSignal): Promise<number> {
    const entry = await this.#options.place.store.get(this.#key, { signal });
    const read = entry && decodeSummary(entry);
    return read?.ok === true ? read.value.numbers.collectors : 0;
  }

  #summaryOf(numbers: RegionSummary["numbers"], viewDigest: string): RegionSummary {
    const { region, controller, generation, leadership, isAdopted, place } = this.#options;
    return {
      schema: 1,
      region,
      controller,
      epoch: formatEpoch({ generation, revision: leadership.epoch }),
      seq: ++this.#seq,
      adopted: isAdopted,
      observed_at: isoTime(place.clock.wallMs()),
      view_digest: viewDigest,
      numbers,
    };
  }
}
