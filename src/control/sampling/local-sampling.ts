import type { FleetConfig } from "../../config/schema/config.ts";
import type { Clock } from "../../core/clock.ts";
import { isNewsOfNode, loadTold, NO_LOAD_TOLD } from "./load-news.ts";
import type { SamplingReading } from "./received-reader.ts";
import { itemsOf } from "./received-sums.ts";
import { RegionFlow } from "./region-flow.ts";
import { SamplingDecider } from "./sampling-decider.ts";
import type { SamplingNode } from "./sampling-node.ts";
import type { SpendRecords, StrategyNews } from "./spend-book.ts";

interface LocalSamplingOptions {
  readonly clock: Clock;
  readonly region: string;
  /** Of this start of the node. */
  readonly run: string;
  readonly node: SamplingNode;
  readonly config: () => FleetConfig;
  /** What was spent before it was started. */
  readonly spent?: SpendRecords | undefined;
  /** Keeps it; must not throw. */
  readonly keep: (spent: SpendRecords) => void;
  /** Told once an hour each. */
  readonly tell: (news: StrategyNews) => void;
}

const STEP_MS = 5_000;
const KEEP_MS = 20_000;

/**
 * The loop of a node that is no part of a fleet: its own region's controller, and its own leader.
 * It is told what the node has counted, once a second or so.
 */
export class LocalSampling {
  readonly #options: LocalSamplingOptions;
  readonly #flow: RegionFlow;
  readonly #decider: SamplingDecider;
  readonly #begunMs: number;
  #told = NO_LOAD_TOLD;
  #steppedMs = Number.NEGATIVE_INFINITY;
  #keptMs: number;

  constructor(options: LocalSamplingOptions) {
    this.#options = options;
    // There is nobody else who would have to report first.
    this.#flow = new RegionFlow(options.region, 0, 0);
    this.#decider = new SamplingDecider({ spent: options.spent });
    this.#begunMs = this.#keptMs = options.clock.nowMs();
  }

  get decider(): SamplingDecider {
    return this.#decider;
  }

  /** As soon as more or less comes, else each 5 s. */
  read(reading: SamplingReading): void {
    const { clock, node } = this.#options;
    const nowMs = clock.nowMs();
    node.read(reading, nowMs);
    if (node.follows.length === 0) return;
    const perSecond = itemsOf(node.received);
    const isDue = nowMs - this.#steppedMs >= STEP_MS || isNewsOfNode(this.#told, perSecond, nowMs);
    if (isDue) this.#step(reading, nowMs);
  }

  /** What is spent is kept once more, with what came since the last step. */
  close(): void {
    const { node, keep, clock } = this.#options;
    if (node.newest === undefined) return;
    this.#charge(node.newest, clock.nowMs(), clock.wallMs());
    keep(this.#decider.spent);
  }

  #charge({ spent }: Pick<SamplingReading, "spent">, nowMs: number, wallMs: number): void {
    const { run, config } = this.#options;
    this.#decider.charge(config(), "node", { run, forMs: nowMs - this.#begunMs, spent }, wallMs);
  }

  #step(reading: SamplingReading, nowMs: number): void {
    const { report } = reading;
    const { clock, region, run, node, config, tell, keep } = this.#options;
    const wallMs = clock.wallMs();
    this.#steppedMs = nowMs;
    const summary = this.#flow.nextSeq;
    this.#flow.hear(run, report);
    // Over some seconds: where it was in between, the next one comes soon.
    const told = { perSecond: itemsOf(node.received), toldPerSecond: this.#flow.itemsPerSecond };
    this.#told = loadTold(this.#told, told, nowMs);
    node.answered(report, summary);
    this.#decider.hear(region, this.#flow.tick(nowMs), nowMs);
    this.#charge(reading, nowMs, wallMs);
    const directive = this.#decider.step(config(), { nowMs, wallMs });
    if (directive !== undefined) node.take(directive, nowMs);
    const news = this.#decider.news(config(), wallMs);
    for (const one of news) tell(one);
    if (news.length === 0 && nowMs - this.#keptMs < KEEP_MS) return;
    this.#keptMs = nowMs;
    keep(this.#decider.spent);
  }
}
