import type { TimeAndChance } from "../../core/time-and-chance.ts";
import type { CallOptions } from "../../store/store.ts";
import type { CollectorView } from "../fleet/messages.ts";
import { bestCollector, type CollectorCandidate, type SelectionCriteria } from "./best-collector.ts";
import { type ListedMember, listMembers, type SplitView, splitViews } from "./split-views.ts";
import { MAX_REGIONS } from "../global/region-views.ts";
import { type PageAt, readPages } from "./read-pages.ts";
import type { CollectorPage, MemberOptions, RegionSeen, TopologySource } from "./topology-source.ts";
import {
  type CollectorTopology,
  collectorView,
  type MemberTopology,
  memberView,
  type RegionFound,
  topologyView,
  type TopologyView,
} from "./topology-view.ts";

export interface TopologyOptions extends CallOptions {
  /** This one alone. */
  readonly region?: string | undefined;
  /** Of its collectors those after the one with this id. */
  readonly after?: string | undefined;
  /** Collectors of each region. */
  readonly limit: number;
}

export interface BestQuery extends CallOptions {
  readonly region?: string | undefined;
  readonly criteria: SelectionCriteria;
}

/** `GET /api/v1/topology/best` */
export interface BestView {
  readonly collector: CollectorTopology;
  readonly score: number;
  readonly parts: SelectionCriteria;
}

interface MemberSeen {
  /** Undefined: nobody who answered knows it. */
  readonly member: MemberTopology | undefined;
  /** All who may know have answered. */
  readonly isSure: boolean;
}

interface CreateTopologyOptions extends TimeAndChance {
  readonly source: TopologySource;
  /** For how long what a region's controller said of its collectors is good for a choice. */
  readonly freshMs?: number;
}

/** As often as collectors report. */
const FRESH_MS = 5_000;
/** Of one region at a time: of a larger one the next so many are looked at the next time. */
const MAX_CANDIDATES = 2_000;
/** Of all regions together; where there are many, of each only so few. */
const ALL_CANDIDATES = 20_000;
const LEAST_CANDIDATES = 20;
/** Regions whose first pages are remembered. */
const MAX_PAGES = 100;
const EMPTY_PAGE: CollectorPage = { collectors: [], next: undefined };

interface KnownCandidates {
  readonly collectors: readonly CollectorView[];
  readonly atMs: number;
  /** Where the next look begins. */
  readonly after: string | undefined;
}

interface ToldPage {
  readonly page: CollectorPage;
  readonly atMs: number;
}

/** Who is there, how they do, and who is the best to send to. */
export class Topology {
  readonly #options: CreateTopologyOptions;
  readonly #candidates = new Map<string, KnownCandidates>();
  /** First pages as they were told last, for when nobody tells them. */
  readonly #pages = new Map<string, ToldPage>();

  constructor(options: CreateTopologyOptions) {
    this.#options = options;
  }

  async read({ region, after, limit, signal }: TopologyOptions): Promise<TopologyView> {
    const { source, clock } = this.#options;
    const regions = await this.#regions(region, signal);
    const split = await this.#split(signal);
    const found = await Promise.all(
      regions.map(async (seen): Promise<RegionFound> => {
        const page = await source.page(seen.id, { after, limit, signal });
        if (page !== undefined && after === undefined) {
          remember(this.#pages, seen.id, { page, atMs: clock.nowMs() }, MAX_PAGES);
        }
        const old = after === undefined ? this.#pages.get(seen.id) : undefined;
        if (page === undefined) return { seen, page: agedPage(old, clock.nowMs()), isOld: true };
        const isWhole = after === undefined && page.next === undefined;
        return { seen: isWhole ? countedIn(seen, page) : seen, page, isOld: false };
      }),
    );
    return topologyView(found, split, clock.wallMs());
  }

  /** undefined: nobody is healthy and has something left. */
  async best({ region, criteria, signal }: BestQuery): Promise<BestView | undefined> {
    const { random, clock } = this.#options;
    const regions = await this.#regions(region, signal);
    const most = Math.min(MAX_CANDIDATES, Math.max(LEAST_CANDIDATES, Math.floor(ALL_CANDIDATES / regions.length)));
    const all = await Promise.all(regions.map(({ id }) => this.#candidatesOf(id, most, signal)));
    const best = bestCollector(all.flat().map(candidateOf), { random, criteria });
    if (best === undefined) return undefined;
    const { collector, score, parts } = best;
    return { collector: collectorView(collector.view, clock.wallMs()), score, parts };
  }

  /** `GET /api/v1/topology/collectors/{id}` */
  async member(id: string, options: MemberOptions): Promise<MemberSeen> {
    const { member, isSure } = await this.#options.source.member(id, options);
    return { member: member && memberView(member, this.#options.clock.wallMs()), isSure };
  }

  /** `GET /api/v1/members` */
  async members(options: CallOptions): Promise<readonly ListedMember[]> {
    const { source, clock } = this.#options;
    return listMembers(await source.views({ ...options, withMembers: true }), clock.wallMs());
  }

  /** Who is seen by whom is asked only where digests differ. */
  async #split(signal: AbortSignal): Promise<readonly SplitView[]> {
    const { source } = this.#options;
    const split = splitViews(await source.views({ signal, withMembers: false }));
    return split.length === 0 ? split : splitViews(await source.views({ signal, withMembers: true }));
  }

  async #regions(wanted: string | undefined, signal: AbortSignal): Promise<readonly RegionSeen[]> {
    const regions = await this.#options.source.regions({ signal });
    return wanted === undefined ? regions : regions.filter(({ id }) => id === wanted);
  }

  /** As they were told not long ago; none of them when they cannot be asked. */
  async #candidatesOf(region: string, most: number, signal: AbortSignal): Promise<readonly CollectorView[]> {
    const { clock, source, freshMs = FRESH_MS } = this.#options;
    const known = this.#candidates.get(region);
    if (known !== undefined && clock.nowMs() - known.atMs < freshMs) return known.collectors;
    const collectors: CollectorView[] = [];
    let after: string | undefined;
    const read = (at: PageAt): Promise<CollectorPage | undefined> => source.page(region, { ...at, signal });
    for await (const page of readPages(read, { after: known?.after, most })) {
      if (page === undefined) return [];
      collectors.push(...page.collectors);
      after = page.next;
    }
    remember(this.#candidates, region, { collectors, atMs: clock.nowMs(), after }, MAX_REGIONS);
    return collectors;
  }
}

interface ViewedCollector extends CollectorCandidate {
  readonly view: CollectorView;
}

function candidateOf(view: CollectorView): ViewedCollector {
  const { id, region, capacity, load, health, state } = view;
  const isHealthy = state === "live" && health.state !== "unhealthy";
  return { id, region, isHealthy, capacity: capacity.items_per_second, load, view };
}

/** What its controller lists is newer than what the store has of it: a new one writes that late. */
function countedIn(seen: RegionSeen, { collectors }: CollectorPage): RegionSeen {
  const healthy = collectors.filter(({ state, health }) => state === "live" && health.state === "healthy");
  return { ...seen, collectors: collectors.length, healthyCollectors: healthy.length };
}

/** Nobody knows how they do: it is as long since they were heard as it is since that was told. */
function agedPage(told: ToldPage | undefined, nowMs: number): CollectorPage {
  if (told === undefined) return EMPTY_PAGE;
  const { page, atMs } = told;
  const aged = (one: CollectorView): CollectorView => {
    return { ...one, state: "suspect", age_ms: one.age_ms + Math.max(0, nowMs - atMs) };
  };
  return { ...page, collectors: page.collectors.map(aged) };
}

function remember<Value>(all: Map<string, Value>, key: string, value: Value, most: number): void {
  all.delete(key);
  all.set(key, value);
  const [oldest] = all.keys();
  if (all.size > most && oldest !== undefined) all.delete(oldest);
}
