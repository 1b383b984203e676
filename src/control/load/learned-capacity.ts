import type { LoadCapacity } from "./load-report.ts";
import { RecentMean } from "./recent-mean.ts";

/** What one sample tells of what the node could carry. */
interface CapacityEvidence {
  readonly itemsPerSecond: number;
  /** Of the processors that it can use. */
  readonly cpuShare: number;
}

/** Some 50 samples, of which ten tell enough. */
const GAIN = 0.02;
const FEWEST = 10;
/** An idle node tells nothing of what its items cost. */
const LEAST_SHARE = 0.02;

/**
 * What the node could carry if its processors were all used: what it carries, divided by the share
 * that it needs for that. A guess while it has little to do, since rest costs something, too.
 */
export class LearnedCapacity {
  readonly #configured: number | undefined;
  readonly #items = new RecentMean(GAIN);
  readonly #cpu = new RecentMean(GAIN);

  constructor(configured: number | undefined) {
    this.#configured = configured;
  }

  learn({ itemsPerSecond, cpuShare }: CapacityEvidence): void {
    if (itemsPerSecond <= 0 || cpuShare < LEAST_SHARE) return;
    this.#items.add(itemsPerSecond);
    this.#cpu.add(Math.min(1, cpuShare));
  }

  get capacity(): LoadCapacity {
    if (this.#configured !== undefined) return { items_per_second: this.#configured, source: "configured" };
    if (this.#cpu.count < FEWEST) return { items_per_second: 0, source: "unknown" };
    return { items_per_second: this.#items.mean / this.#cpu.mean, source: "learned" };
  }
}
