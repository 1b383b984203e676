export interface AdoptionOptions {
  /** So long a region is without a controller before it is adopted. */
  readonly afterMs: number;
  readonly mostRegions: number;
}

export const ADOPTION: AdoptionOptions = { afterMs: 30_000, mostRegions: 1_000 };

/** What the global leader sees of the regions at one moment. */
export interface RegionsSeen {
  /** Those that the fleet is known to have. */
  readonly regions: Iterable<string>;
  readonly hasLeader: (region: string) => boolean;
  /** Whether an earlier global leader had it adopted: nobody has to wait again. */
  readonly wasAdopted: (region: string) => boolean;
  /** False: the store cannot be reached, and nobody knows who leads. */
  readonly isKnown: boolean;
}

export interface AdoptionStep {
  readonly adopt: readonly string[];
  /** It has a leader of its own again. */
  readonly release: readonly string[];
}

/** Regions that the global leader takes care of, since they have no controller. */
export class Adoption {
  readonly #options: AdoptionOptions;
  /** Since when it has been without one. */
  readonly #leaderlessMs = new Map<string, number>();
  readonly #adopted = new Set<string>();

  constructor(options: AdoptionOptions = ADOPTION) {
    this.#options = options;
  }

  get adopted(): ReadonlySet<string> {
    return this.#adopted;
  }

  /** Somebody of it has asked here: a region may have no other sign of life in the store. */
  hear(region: string, nowMs: number): void {
    if (this.#leaderlessMs.size >= this.#options.mostRegions || this.#leaderlessMs.has(region)) return;
    this.#leaderlessMs.set(region, nowMs);
  }

  step({ regions, hasLeader, wasAdopted, isKnown }: RegionsSeen, nowMs: number): AdoptionStep {
    // What happened meanwhile is not known: nobody was without a controller for all of that time.
    if (!isKnown) {
      for (const region of this.#leaderlessMs.keys()) this.#leaderlessMs.set(region, nowMs);
      return { adopt: [], release: [] };
    }
    for (const region of regions) this.hear(region, nowMs);
    const adopt: string[] = [];
    const release: string[] = [];
    for (const [region, sinceMs] of this.#leaderlessMs) {
      if (hasLeader(region)) {
        this.#leaderlessMs.delete(region);
        if (this.#adopted.delete(region)) release.push(region);
      } else if (!this.#adopted.has(region) && (wasAdopted(region) || nowMs - sinceMs >= this.#options.afterMs)) {
        this.#adopted.add(region);
        adopt.push(region);
      }
    }
    return { adopt, release };
  }
}
