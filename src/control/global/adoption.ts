export interface AdoptionOptions {
  /** So long a region is without a controller before it is adopted. */
  readonly afterMs: number;
  readonly mostRegions: number;
  /** Of those that are not in the config: a name that somebody has misspelt is one, too. */
  readonly mostUnknown?: number;
  /** So long nobody is in it before it is given up. */
  readonly emptyMs?: number;
}

export const ADOPTION = {
  afterMs: 30_000,
  mostRegions: 1_000,
  mostUnknown: 50,
  emptyMs: 300_000,
} as const satisfies AdoptionOptions;

/** What the global leader sees of the regions at one moment. */
export interface RegionsSeen {
  /** Those that the fleet is known to have. */
  readonly regions: ReadonlySet<string>;
  readonly hasLeader: (region: string) => boolean;
  /** Whether an earlier global leader had it adopted: nobody has to wait again. */
  readonly wasAdopted: (region: string) => boolean;
  /** Whether the fleet's config has it. */
  readonly isConfigured: (region: string) => boolean;
  /** Whether collectors of it report, or somebody stands for it. */
  readonly isInhabited: (region: string) => boolean;
  /** False: the store cannot be reached, and nobody knows who leads. */
  readonly isKnown: boolean;
}

export interface AdoptionStep {
  readonly adopt: readonly string[];
  /** It has a leader of its own again. */
  readonly release: readonly string[];
  /** Nobody is in it, and the config does not have it: it is to be forgotten. */
  readonly giveUp: readonly string[];
  /** There are too many that the config does not have. */
  readonly refused: readonly string[];
}

interface Leaderless {
  sinceMs: number;
  /** When one of its collectors has asked here; undefined: none has, the store names it. */
  heardMs: number | undefined;
  /** While it is adopted: when somebody was in it. */
  inhabitedMs: number;
}

const NOTHING: AdoptionStep = { adopt: [], release: [], giveUp: [], refused: [] };

/** Regions that the global leader takes care of, since they have no controller. */
export class Adoption {
  readonly #options: Required<AdoptionOptions>;
  readonly #leaderless = new Map<string, Leaderless>();
  readonly #adopted = new Set<string>();

  constructor(options: AdoptionOptions = ADOPTION) {
    this.#options = { ...ADOPTION, ...options };
  }

  get adopted(): ReadonlySet<string> {
    return this.#adopted;
  }

  /** Somebody of it has asked here: a region may have no other sign of life in the store. */
  hear(region: string, nowMs: number): void {
    const known = this.#see(region, nowMs);
    if (known !== undefined) known.heardMs = nowMs;
  }

  step(seen: RegionsSeen, nowMs: number): AdoptionStep {
    // What happened meanwhile is not known: nobody was without a controller for all of that time.
    if (!seen.isKnown) {
      for (const one of this.#leaderless.values()) one.sinceMs = one.inhabitedMs = nowMs;
      return NOTHING;
    }
    for (const region of seen.regions) this.#see(region, nowMs);
    const step = { adopt: [] as string[], release: [] as string[], giveUp: [] as string[], refused: [] as string[] };
    let unknown = [...this.#adopted].filter((region) => !seen.isConfigured(region)).length;
    for (const [region, one] of this.#leaderless) {
      if (seen.hasLeader(region)) this.#drop(region, step.release);
      else if (this.#adopted.has(region)) this.#keep(region, one, seen, nowMs, step.giveUp);
      else if (this.#isOver(region, one, seen, nowMs)) this.#leaderless.delete(region);
      else if (seen.wasAdopted(region) || nowMs - one.sinceMs >= this.#options.afterMs) {
        const isUnknown = !seen.isConfigured(region);
        if (isUnknown && unknown >= this.#options.mostUnknown) step.refused.push(region);
        else {
          if (isUnknown) unknown++;
          one.inhabitedMs = nowMs;
          this.#adopted.add(region);
          step.adopt.push(region);
        }
      }
    }
    return step;
  }

  #see(region: string, nowMs: number): Leaderless | undefined {
    const known = this.#leaderless.get(region);
    if (known !== undefined || this.#leaderless.size >= this.#options.mostRegions) return known;
    const seen: Leaderless = { sinceMs: nowMs, heardMs: undefined, inhabitedMs: nowMs };
    this.#leaderless.set(region, seen);
    return seen;
  }

  #keep(region: string, one: Leaderless, seen: RegionsSeen, nowMs: number, giveUp: string[]): void {
    if (seen.isConfigured(region) || seen.isInhabited(region)) one.inhabitedMs = nowMs;
    else if (nowMs - one.inhabitedMs >= this.#options.emptyMs) this.#drop(region, giveUp);
  }

  /** Nothing in the store names it any more, and none of its collectors has asked for long. */
  #isOver(region: string, { heardMs }: Leaderless, { regions }: RegionsSeen, nowMs: number): boolean {
    return !regions.has(region) && (heardMs === undefined || nowMs - heardMs > 2 * this.#options.afterMs);
  }

  #drop(region: string, told: string[]): void {
    this.#leaderless.delete(region);
    if (this.#adopted.delete(region)) told.push(region);
  }
}
