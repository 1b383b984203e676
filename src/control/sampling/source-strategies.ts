import type { FleetConfig } from "../../config/schema/config.ts";
import type { Clock } from "../../core/clock.ts";
import { settledShares } from "../../plan/compile-sampling.ts";
import { samplingClasses, sampledSignals } from "../../plan/sampling-classes.ts";
import type { ClassShare } from "../../plan/sampling-plan.ts";
import { type SourceClasses, sourceClasses } from "./source-classes.ts";
import { SourceRate } from "./source-rate.ts";

/** What sources of one service are to do with the traces that begin there. */
export interface SourceStrategy {
  /** Share of them that is sent. */
  readonly rate: number;
  /** So many a second of each operation are sent at least, by each source. */
  readonly lowerBound: number;
  /** Operations with another rate. */
  readonly operations: readonly { readonly operation: string; readonly rate: number }[];
}

export type SourceAnswer =
  | { readonly ok: true; readonly strategy: SourceStrategy }
  /** Why nothing is told; for people. */
  | { readonly ok: false; readonly reason: string };

/** Where the probabilities in force come from. */
export interface SamplingRates {
  /** What a directive said last of classes of traces; of the others what the settings say holds. */
  directed(): readonly ClassShare[];
  /**
   * Share that is kept at most of what is not protected while the fleet is degraded; undefined: it
   * is not.
   */
  degradedRate?(): number | undefined;
}

/** One a minute: whatever begins at all is seen now and then. */
const LOWER_BOUND_PER_SECOND = 1 / 60;

const NEEDS_HASH =
  "rates are told only with global.sampling.randomness: hash, since sources would keep the traces that routers drop";

/** What a config says of classes. */
interface Settings {
  /** Undefined: all is kept. */
  readonly classes: SourceClasses | undefined;
  readonly shares: readonly ClassShare[];
  /** Classes of which nothing is given up. */
  readonly protectedClasses: ReadonlySet<string>;
  readonly refusal: string | undefined;
  readonly intervalMs: number;
}

const NO_CLASSES = { classes: undefined, shares: [], protectedClasses: new Set<string>() } as const;

/** What the sources of a fleet are told, by what its routers keep. */
export class SourceStrategies {
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #rates: SamplingRates;
  #settings: Settings = { ...NO_CLASSES, refusal: NEEDS_HASH, intervalMs: 0 };
  /** By class. */
  #laws = new Map<string, SourceRate>();

  constructor(clock: Pick<Clock, "nowMs">, rates: SamplingRates) {
    this.#clock = clock;
    this.#rates = rates;
  }

  /** Why nothing is told; undefined: something is. */
  get refusal(): string | undefined {
    return this.#settings.refusal;
  }

  /** What sources were told last, by class. */
  get told(): readonly (readonly [name: string, rate: number])[] {
    return Array.from(this.#laws, ([name, law]) => [name, law.told.rate] as const);
  }

  /** Of one class; undefined: there is none of this name. */
  toldOf(name: string): number | undefined {
    return this.#laws.get(name)?.told.rate;
  }

  /** From now on; rates of classes that stay go on from what was told. */
  configured(fleet: FleetConfig, region: string): void {
    const next = settingsOf(fleet, region);
    const known = next.intervalMs === this.#settings.intervalMs ? this.#laws : new Map<string, SourceRate>();
    this.#laws = new Map(
      next.shares.map(({ class: name }) => [name, known.get(name) ?? new SourceRate(next.intervalMs)]),
    );
    this.#settings = next;
  }

  of(service: string): SourceAnswer {
    const { classes, refusal } = this.#settings;
    if (refusal !== undefined) return { ok: false, reason: refusal };
    if (classes === undefined) return { ok: true, strategy: KEEP_ALL };
    const classOf = classes.of(service);
    const rates = new Map<string | undefined, number>();
    const rateOf = (name: string | undefined): number => {
      const known = rates.get(name) ?? this.#rateOf(name);
      rates.set(name, known);
      return known;
    };
    const rate = rateOf(classOf());
    const operations = classes.operations
      .map((operation) => ({ operation, rate: rateOf(classOf(operation)) }))
      .filter((one) => one.rate !== rate);
    return { ok: true, strategy: { rate, lowerBound: LOWER_BOUND_PER_SECOND, operations } };
  }

  /** What no class takes is kept. */
  #rateOf(name: string | undefined): number {
    const settled = this.#settings.shares.find((share) => share.class === name);
    const law = name === undefined ? undefined : this.#laws.get(name);
    if (settled === undefined || law === undefined) return 1;
    const directed = this.#rates.directed().find((one) => one.class === name) ?? settled;
    const share = this.#lowered(directed);
    // All nodes tell the same: a source may ask another one each time.
    if (share === directed && share.source !== undefined) return law.follow(share.source, this.#clock.nowMs());
    return law.at({ ...share, most: settled.probability }, this.#clock.nowMs());
  }

  #lowered(share: ClassShare): ClassShare {
    const rate = this.#settings.protectedClasses.has(share.class) ? undefined : this.#rates.degradedRate?.();
    return rate !== undefined && rate < share.probability
      ? { ...share, probability: rate, reason: "degradation" }
      : share;
  }
}

const KEEP_ALL: SourceStrategy = { rate: 1, lowerBound: 0, operations: [] };

function settingsOf(fleet: FleetConfig, region: string): Settings {
  const { randomness, polling_interval: intervalMs, dry_run: isDry } = fleet.global.sampling;
  const refusal = randomness === "hash" ? undefined : NEEDS_HASH;
  // A dry run drops nothing: neither do sources.
  if (isDry || !sampledSignals(fleet).includes("traces")) return { ...NO_CLASSES, refusal, intervalMs };
  const made = samplingClasses(fleet);
  const shares = settledShares(fleet, made.classes, "traces", region);
  const high = made.classes.filter(({ priority }) => priority === "high").map(({ name }) => name);
  return { classes: sourceClasses(made), shares, protectedClasses: new Set(high), refusal, intervalMs };
}
