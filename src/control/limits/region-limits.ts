import { type Clock, sleep } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import { isOver } from "../../core/is-over.ts";
import type { LimitsAsk, LimitsGrant } from "../../plan/limits/limit-ask.ts";
import type { LimitsData } from "../../plan/limits/limits-plan.ts";
import type { LeaderAsker } from "./ask-leader.ts";
import type { LimitAllocatorOptions } from "./limit-allocator.ts";
import { LimitRegions } from "./limit-regions.ts";

interface RegionLimitsOptions extends LimitAllocatorOptions {
  readonly clock: Clock;
  /** Of the config that runs here. */
  readonly limits: () => LimitsData | undefined;
  /** Asks the leader of the fleet; it is closed with this. */
  readonly leader: Pick<LeaderAsker, "ask" | typeof Symbol.asyncDispose>;
}

const ASK_MS = 1_000;
/** For so long after less was had than is wanted it is asked so often: others may give it back. */
const SHORT_FOR_MS = 15_000;
const SHORT_MS = 300;
/** How often it is looked whether the leader is to hear something before that. */
const LOOK_MS = 100;

/**
 * What a region has of the fleet's limits, while somebody leads it: asked of the leader each
 * second, or as soon as much more or less is wanted or can be given back, and lent on to its
 * collectors.
 */
export class RegionLimits implements AsyncDisposable {
  readonly #options: RegionLimitsOptions;
  readonly #regions: LimitRegions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  /** Since when it has been short; undefined: it is not. */
  #shortMs: number | undefined;

  constructor(options: RegionLimitsOptions) {
    this.#options = options;
    this.#regions = new LimitRegions(options);
    this.#running = this.#run();
  }

  /** What a collector is answered; undefined: nothing is limited. */
  report(id: string, ask: LimitsAsk): LimitsGrant | undefined {
    const limits = this.#options.limits();
    if (limits === undefined) return undefined;
    this.#regions.setLimits(limits);
    return this.#regions.lend(id, ask, this.#options.clock.nowMs());
  }

  /** It said goodbye. */
  leave(id: string): void {
    this.#regions.leave(id, this.#options.clock.nowMs());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new RouterError("NOT_OWNER", "the region is led no more"));
    await this.#running;
    await this.#options.leader[Symbol.asyncDispose]();
  }

  async #run(): Promise<void> {
    const { clock, limits, leader } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const sentMs = clock.nowMs();
      if (limits() !== undefined) {
        const grant = await leader.ask(this.#regions.ask(sentMs), signal);
        if (isOver(signal)) return;
        if (grant !== undefined) this.#regions.answered(grant, sentMs, clock.nowMs());
      }
      await this.#untilDue(sentMs, signal);
    }
  }

  async #untilDue(askedMs: number, signal: AbortSignal): Promise<void> {
    const { clock, limits } = this.#options;
    while (!signal.aborted) {
      await sleep(clock, limits() === undefined ? ASK_MS : LOOK_MS, signal).catch(() => undefined);
      const nowMs = clock.nowMs();
      if (nowMs - askedMs >= this.#askMs(nowMs) || this.#regions.hasNews(nowMs)) return;
    }
  }

  #askMs(nowMs: number): number {
    this.#shortMs = this.#regions.isShort(nowMs) ? (this.#shortMs ?? nowMs) : undefined;
    return this.#shortMs !== undefined && nowMs - this.#shortMs < SHORT_FOR_MS ? SHORT_MS : ASK_MS;
  }
}
