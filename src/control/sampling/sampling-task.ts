import type { FleetConfig } from "../../config/schema/config.ts";
import { sleep } from "../../core/clock.ts";
import { reasonOf, RouterError } from "../../core/errors.ts";
import { followedSignals } from "../../plan/sampling-classes.ts";
import type { SamplingDirective } from "../../plan/sampling/sampling-directive.ts";
import { readJson, writeJson } from "../../store/recipes/json-value.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { watchEntries } from "../../store/recipes/watched.ts";
import type { Entry } from "../../store/store.ts";
import type { Log } from "../../telemetry/log.ts";
import type { GlobalLead, LeaderTask } from "../global/global-controller.ts";
import { decodeStoredDirective, directiveKey } from "../region/stored-directive.ts";
import { readSamplingDirective, SAMPLING_SCOPE, writeSamplingDirective } from "./directive-body.ts";
import { StoredSpendSchema, storedSpend } from "./stored-spend.ts";
import { SamplingDecider } from "./sampling-decider.ts";
import { decodeSamplingSummary, ratesIn, samplingPrefix, spendKey } from "./sampling-summary.ts";
import type { SpendRecords, StrategyNews } from "./spend-book.ts";

interface SamplingTaskOptions {
  /** What runs, as far as this node knows. */
  readonly config: () => FleetConfig;
  readonly log: Log;
  /** Told once an hour each. */
  readonly tell: (news: StrategyNews) => void;
}

/** What the leader of a fleet decides of its sampling, until it leads no more. */
export function samplingTask(options: SamplingTaskOptions): LeaderTask {
  return async (lead) => {
    const over = new AbortController();
    const signal = AbortSignal.any([lead.signal, over.signal]);
    try {
      const led = await LedSampling.begin(options, lead, signal);
      await Promise.all([led.follow(), led.steps()]);
    } finally {
      over.abort(new RouterError("INTERRUPTED", "the sampling of the fleet is led no more"));
    }
  };
}

const STEP_MS = 5_000;
const KEEP_MS = 20_000;
/** Who hears of none for so long goes by what it has. */
const VALID_MS = 300_000;

class LedSampling {
  readonly #options: SamplingTaskOptions;
  readonly #lead: GlobalLead;
  readonly #place: RecipePlace;
  readonly #signal: AbortSignal;
  readonly #decider: SamplingDecider;
  /** Of what was heard, the newest. */
  readonly #heard = new Map<string, { readonly region: string; readonly revision: Entry["modified"] }>();
  /** What was decided last; it is told until the store has it. */
  #decided: SamplingDirective | undefined;
  #keptMs: number;
  #news = new AbortController();

  private constructor(
    options: SamplingTaskOptions,
    lead: GlobalLead,
    { signal, decider }: { readonly signal: AbortSignal; readonly decider: SamplingDecider },
  ) {
    [this.#options, this.#lead, this.#signal, this.#decider] = [options, lead, signal, decider];
    this.#place = lead.place;
    this.#keptMs = this.#place.clock.nowMs();
  }

  /** Goes on from what the leader before has left in the store. Throws as that does. */
  static async begin(options: SamplingTaskOptions, lead: GlobalLead, signal: AbortSignal): Promise<LedSampling> {
    const { store, prefix } = lead.place;
    const [directive, spend] = await Promise.all([
      store.get(directiveKey(prefix, SAMPLING_SCOPE), { signal }),
      store.get(spendKey(prefix), { signal }),
    ]);
    const decider = new SamplingDecider({ last: lastIn(directive), spent: spentIn(spend), validForMs: VALID_MS });
    return new LedSampling(options, lead, { signal, decider });
  }

  /** What regions tell, to the end. */
  async follow(): Promise<void> {
    const { store, prefix, clock } = this.#place;
    for await (const { entries } of watchEntries(store, samplingPrefix(prefix), this.#signal)) {
      for (const [key, entry] of entries) {
        if (this.#heard.get(key)?.revision !== entry.modified) this.#hear(key, entry, clock.nowMs());
      }
      for (const [key, { region }] of this.#heard) {
        if (entries.has(key)) continue;
        this.#heard.delete(key);
        this.#decider.forget(region);
      }
    }
  }

  /** Each 5 s, and when a region says that it cannot wait. */
  async steps(): Promise<void> {
    const { clock } = this.#place;
    while (!this.#signal.aborted) {
      this.#news = new AbortController();
      await this.#step();
      await sleep(clock, STEP_MS, AbortSignal.any([this.#signal, this.#news.signal])).catch(() => undefined);
    }
  }

  #hear(key: string, { value, modified: revision }: Entry, nowMs: number): void {
    const { config, log } = this.#options;
    const read = decodeSamplingSummary(value);
    if (!read.ok) {
      log
        .limited("sampling-summary", 60_000)
        ?.error("what a region receives cannot be read", { key, reason: read.reason });
      return;
    }
    const { region, run, for_ms: forMs, spent, news } = read.value;
    this.#heard.set(key, { region, revision });
    this.#decider.hear(region, ratesIn(read.value), nowMs);
    this.#decider.charge(config(), region, { run, forMs, spent }, this.#place.clock.wallMs());
    if (news) this.#news.abort(new RouterError("INTERRUPTED", "a region receives much more, or less"));
  }

  /** Never rejects while the store is only away: what was decided is told with the next step. */
  async #step(): Promise<void> {
    const { config, log } = this.#options;
    const { clock } = this.#place;
    if (followedSignals(config()).length === 0) {
      this.#decided = undefined;
      return this.#lead.directives.unset(SAMPLING_SCOPE);
    }
    const moment = { nowMs: clock.nowMs(), wallMs: clock.wallMs() };
    this.#decided = this.#decider.step(config(), moment) ?? this.#decided;
    try {
      await this.#write();
    } catch (cause) {
      if (!(cause instanceof RouterError)) throw cause;
      if (this.#signal.aborted) return;
      const told = { kind: "store" as const, reason: reasonOf(cause) };
      log.limited("sampling-decided", 60_000)?.warn("what was decided of sampling could not be written", told);
    }
  }

  async #write(): Promise<void> {
    const { config, tell } = this.#options;
    const { clock, prefix } = this.#place;
    const signal = this.#signal;
    if (this.#decided !== undefined) {
      const decision = { body: writeSamplingDirective(this.#decided), validForMs: VALID_MS };
      await this.#lead.directives.set(SAMPLING_SCOPE, decision, signal);
    }
    const news = this.#decider.news(config(), clock.wallMs());
    const isDue = clock.nowMs() - this.#keptMs >= KEEP_MS && Object.keys(this.#decider.spent).length > 0;
    if (news.length > 0 || isDue) {
      const value = writeJson(storedSpend(this.#decider.spent));
      // Written before it is told: the next leader is not to tell it again.
      await this.#lead.leadership.guarded(
        { if: [], then: [{ kind: "put", key: spendKey(prefix), value }] },
        { signal },
      );
      this.#keptMs = clock.nowMs();
    }
    for (const one of news) tell(one);
  }
}

function lastIn(entry: Entry | undefined): SamplingDirective | undefined {
  const stored = entry && decodeStoredDirective(entry.value);
  const read = stored?.ok === true ? readSamplingDirective(stored.value.body) : undefined;
  return read?.ok === true ? read.value : undefined;
}

function spentIn(entry: Entry | undefined): SpendRecords {
  const read = entry && readJson(entry.value, StoredSpendSchema);
  return read?.ok === true ? read.value.strategies : {};
}
