import { once } from "node:events";
import { sleep } from "../../core/clock.ts";
import { reasonOf, RouterError } from "../../core/errors.ts";
import { isOver } from "../../core/is-over.ts";
import type { Leadership } from "../../store/recipes/election.ts";
import { GLOBAL_ELECTION, regionElection } from "../coordination/seats.ts";
import type { OpenControllerLink } from "../fleet/controller-link.ts";
import type { ControllerAddress } from "../fleet/messages.ts";
import { collectorTimes } from "../region/collector-table.ts";
import { type DirectiveSource, openDirectiveSource } from "../region/directive-source.ts";
import { addressOf, LeaderBoard } from "../region/leader-board.ts";
import type { ElectedController } from "../region/candidates.ts";
import { heedTransfers } from "../region/heed-transfers.ts";
import { encodeLeader } from "../fleet/leader-value.ts";
import { CONFIG_SCOPE } from "../fleet/directive.ts";
import { directiveKey } from "../region/stored-directive.ts";
import { decodeSummary, regionKey } from "../region/region-summary.ts";
import { warnOfBound } from "../region/discover-bounds.ts";
import { RegionService } from "../region/region-service.ts";
import { LeaderAsker } from "../limits/ask-leader.ts";
import { FleetLimits } from "../limits/fleet-limits.ts";
import { RegionLimits } from "../limits/region-limits.ts";
import { RemoteRegions } from "../region/other-regions.ts";
import { standFor } from "../region/stand-for.ts";
import { SUMMARY_PACE } from "../region/summary-pace.ts";
import { transferLeadership, type TransferOutcome } from "../region/transfer-leadership.ts";
import { samplingKey } from "../sampling/sampling-summary.ts";
import { ControllerService } from "./controller-service.ts";
import { GlobalController, ROLLOUT_TASK } from "./global-controller.ts";
import { checkedRegion, isRegion, openRegionViews, type RegionViews } from "./region-views.ts";
import type { Controller, ControllerOptions } from "./controller.ts";

/** Stands until it is disposed of. Throws `STORE_REFUSED` for a region that cannot be a key. */
export function openController(options: ControllerOptions): Controller {
  return new NodeController(options);
}

/** Between a leadership that is over and the next try. */
const AGAIN_MS = 1_000;
/** Where the store refuses it: rights may be given meanwhile. */
const REFUSED_MS = 30_000;
const REFUSED_TOLD_MS = 3_600_000;
/** How often it is looked whether the fleet is still in the same generation. */
const POLL_MS = 1_000;

/** What is led, and until when. */
interface Lead {
  readonly leadership: Leadership;
  readonly generation: number;
  readonly signal: AbortSignal;
}

class NodeController implements Controller {
  readonly calls: ControllerService;
  readonly leaders: LeaderBoard;
  readonly regions: AsyncDisposable & RegionViews;
  readonly directives: AsyncDisposable & DirectiveSource;
  global: GlobalController | undefined;
  readonly #options: ControllerOptions;
  readonly #others: RemoteRegions | undefined;
  readonly #closing = new AbortController();
  readonly #held = new Map<string, Leadership>();
  /** Whoever gives a leadership away does not stand for it meanwhile. */
  readonly #transfers = new Map<string, Promise<unknown>>();
  readonly #running: Promise<unknown>;

  constructor(options: ControllerOptions) {
    const { place, region, summaryIntervalMs } = options;
    this.#options = options;
    const own = checkedRegion(region);
    this.leaders = new LeaderBoard(place, (election, leader) => this.#tellOf(election, leader));
    this.regions = openRegionViews(place, summaryIntervalMs);
    this.directives = openDirectiveSource(place);
    this.calls = new ControllerService({
      ownRegion: own,
      limits: (request) => this.global?.limits.lend(request),
      global: () => addressOf(this.leaders.global()),
      leader: (of) => this.leaderOf(of),
      strayed: (of) => {
        if (isRegion(of)) this.global?.hear(of);
      },
    });
    this.#others = options.openLink && this.#openOthers(options, options.openLink);
    this.#running = Promise.all([
      this.#lead(regionElection(own), (lead) => this.#leadRegion(own, lead)),
      this.#lead(GLOBAL_ELECTION, (lead) => this.#leadFleet(lead)),
    ]);
  }

  get services(): ReadonlyMap<string, RegionService> {
    return this.calls.services;
  }

  async transfer(
    election: string,
    { to, signal }: { readonly to?: string; readonly signal: AbortSignal },
  ): Promise<TransferOutcome | undefined> {
    const leadership = this.#held.get(election);
    if (leadership === undefined) return undefined;
    const { place, controller } = this.#options;
    const done = transferLeadership({ place, election, leadership, controller, to, signal });
    this.#transfers.set(election, done);
    try {
      return await done;
    } finally {
      this.#transfers.delete(election);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new RouterError("SHUTDOWN", "this node is a controller no more"));
    await this.#running;
    await this.#others?.[Symbol.asyncDispose]();
    const opened = [this.directives, this.regions, this.leaders];
    await Promise.all(opened.map((one) => one[Symbol.asyncDispose]()));
  }

  leaderOf(region: string): ControllerAddress | undefined {
    const leader = addressOf(this.leaders.region(region));
    if (leader !== undefined) return leader;
    const isAdopted = this.regions.all().some(({ summary }) => summary.region === region && summary.adopted);
    return isAdopted ? addressOf(this.leaders.global()) : undefined;
  }

  #openOthers({ place, controller, observer, log }: ControllerOptions, openLink: OpenControllerLink): RemoteRegions {
    return new RemoteRegions({
      clock: place.clock,
      random: place.random,
      id: controller.id,
      leaderOf: (region) => this.leaderOf(region),
      openLink,
      news: () => {
        for (const service of this.services.values()) service.othersChanged();
      },
      bounded: (bound, of) => {
        observer?.bounded(bound);
        warnOfBound(log, bound, of);
      },
    });
  }

  /** Again and again: what it does ends with the leadership, which it may be had anew. */
  async #lead(election: string, work: (lead: Lead) => Promise<void>): Promise<void> {
    const { place, log } = this.#options;
    const { signal: closing } = this.#closing;
    for (let heeding: Promise<void> | undefined; !closing.aborted; heeding = undefined) {
      await this.#transfers.get(election)?.catch(() => undefined);
      const generation = await this.#knownGeneration();
      if (generation === undefined) return;
      using inGeneration = this.#whileIn(generation);
      const { signal } = inGeneration;
      let pauseMs = AGAIN_MS;
      try {
        await using leadership = await this.#standFor(election, signal);
        this.#held.set(election, leadership);
        log.info("this node leads", { kind: "election", election, epoch: String(leadership.epoch) });
        heeding = this.#heed(election, leadership);
        await work({ leadership, generation, signal });
      } catch (cause) {
        if (isOver(closing)) return;
        if (isOver(signal)) continue;
        if (isRefusal(cause)) pauseMs = REFUSED_MS;
        this.#tellVain(election, cause);
      } finally {
        if (this.#held.delete(election) && !isOver(closing)) {
          log.warn("this node leads no more", { kind: "election", election });
        }
      }
      await heeding;
      await sleep(place.clock, pauseMs * (1 + place.random.next()), closing).catch(() => undefined);
    }
  }

  /** It may be meant so: not every controller is to lead the fleet. */
  #tellVain(election: string, cause: unknown): void {
    const { log } = this.#options;
    const told = { kind: "election" as const, election, reason: reasonOf(cause) };
    if (!isRefusal(cause)) {
      log.limited(`leads-${election}`, 60_000)?.error("an election cannot be stood for", told);
      return;
    }
    const hint = "who may write is in docs/fleet-config.md; it is tried again";
    log.limited(`leads-${election}`, REFUSED_TOLD_MS)?.warn("the store lets this node stand for no such election", {
      ...told,
      hint,
    });
  }

  #standFor(election: string, signal: AbortSignal): Promise<Leadership> {
    const { place, controller, leaseMs, log } = this.#options;
    const onTrouble = ({ message }: RouterError): void =>
      log
        .limited(`stands-${election}`, 60_000)
        ?.warn("an election is stood for in vain", { kind: "election", election, reason: message });
    const value = encodeLeader(controller);
    return standFor({ place, election, id: controller.id, value, signal, leaseDurationMs: leaseMs, onTrouble });
  }

  /** Undefined: it was ended before it was known. */
  async #knownGeneration(): Promise<number | undefined> {
    const { place, generation, log } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const known = generation();
      if (known !== undefined) return known;
      log.limited("stands-for-nothing", 60_000)?.warn("this node stands for no election", {
        kind: "election",
        reason: `the store is not known to be its fleet's, under ${place.prefix}`,
        hint: "signalbox doctor -c <its file> tells why; where there was never a fleet, signalbox fleet init makes one",
      });
      await sleep(place.clock, POLL_MS, signal).catch(() => undefined);
    }
    return undefined;
  }

  /**
   * Ends when this node does, and when the fleet is in another generation, or not known any more:
   * what is done by an epoch of the one before is refused.
   */
  #whileIn(generation: number): Disposable & { readonly signal: AbortSignal } {
    const { place, generation: now } = this.#options;
    const over = new AbortController();
    const signal = AbortSignal.any([this.#closing.signal, over.signal]);
    const check = async (): Promise<void> => {
      while (!signal.aborted && now() === generation) await sleep(place.clock, POLL_MS, signal).catch(() => undefined);
      over.abort(new RouterError("NOT_OWNER", "the fleet is in another generation, or this is not its store"));
    };
    void check();
    return { signal, [Symbol.dispose]: () => over.abort(new RouterError("INTERRUPTED", "it stands no more")) };
  }

  /** Of others: what this node leads it tells by itself. */
  #tellOf(election: string, leader: ElectedController | undefined): void {
    const { log, controller } = this.#options;
    if (leader === undefined) log.info("nobody leads", { kind: "election", election });
    else if (leader.id !== controller.id) {
      log.info("another node leads", { kind: "election", election, leader: leader.id, epoch: String(leader.epoch) });
    }
  }

  /** Until the leadership is over: gives it away when people ask for that. */
  #heed(election: string, leadership: Leadership): Promise<void> {
    const { place, log } = this.#options;
    const { signal } = this.#closing;
    const transfer = (to: string | undefined): Promise<TransferOutcome | undefined> =>
      this.transfer(election, { ...(to !== undefined && { to }), signal });
    return heedTransfers({ place, election, leadership, transfer, log, signal });
  }

  async #leadRegion(region: string, lead: Lead): Promise<void> {
    const isFirst = await this.#isNew(regionKey(this.#options.place.prefix, region), lead);
    await using service = this.#serve(region, lead, false, isFirst);
    await untilEnded(lead);
    this.#close(service);
  }

  async #leadFleet(lead: Lead): Promise<void> {
    const { place, log, tasks = {}, adoption, isConfigured = () => false } = this.#options;
    const { leadership, generation } = lead;
    const isFirst = await this.#isNew(directiveKey(place.prefix, CONFIG_SCOPE), lead);
    const adopted = new Map<string, RegionService>();
    const leave = async (region: string): Promise<void> => {
      const service = adopted.get(region);
      adopted.delete(region);
      if (service !== undefined) await this.#close(service)[Symbol.asyncDispose]();
    };
    const global = new GlobalController({
      place,
      leadership,
      generation,
      leaders: this.leaders,
      regions: this.regions,
      adopt: (region) => {
        // It leads it already, and the store has not told yet.
        if (!this.services.has(region)) adopted.set(region, this.#serve(region, lead, true));
      },
      release: (region) => void leave(region),
      giveUp: (region) => void leave(region).then(() => this.#forget(region, lead)),
      isConfigured,
      collectorsOf: (region) => adopted.get(region)?.table.size ?? 0,
      tasks,
      hasCandidates: Object.hasOwn(tasks, ROLLOUT_TASK),
      adoption,
      limits: new FleetLimits({ place, leadership, generation, isFirst, limits: this.#options.limits }),
      log,
    });
    this.global = global;
    await untilEnded(lead);
    this.global = undefined;
    await global[Symbol.asyncDispose]();
  }

  /** What cannot be deleted now is adopted once more, and given up then. Never rejects. */
  async #forget(region: string, { leadership, signal }: Lead): Promise<void> {
    const { place, log } = this.#options;
    try {
      const key = regionKey(place.prefix, region);
      const entry = await place.store.get(key, { signal });
      const read = entry && decodeSummary(entry);
      if (entry === undefined || read?.ok !== true || !read.value.adopted) return; // it is led again
      const forgotten = [key, samplingKey(place.prefix, region)];
      const same = { kind: "modified", key, revision: entry.modified } as const;
      await leadership.guarded(
        { if: [same], then: forgotten.map((one) => ({ kind: "delete", key: one }) as const) },
        { signal },
      );
    } catch (cause) {
      if (isOver(signal)) return;
      const told = { kind: "store" as const, region, reason: reasonOf(cause) };
      log.limited("region-forgotten", 60_000)?.warn("what is left of a region could not be deleted", told);
    }
  }

  /** Nobody has led before it: there is nothing to learn of what is granted. */
  async #isNew(key: string, { signal }: Lead): Promise<boolean> {
    try {
      return (await this.#options.place.store.get(key, { signal })) === undefined;
    } catch {
      return false;
    }
  }

  #serve(region: string, { leadership, generation }: Lead, isAdopted: boolean, isFirst = false): RegionService {
    const { place, controller, fetchBody, log, observer } = this.#options;
    const service = new RegionService({
      place,
      region,
      leadership,
      controller,
      generation,
      isAdopted,
      directives: this.directives,
      fetchBody,
      leader: () => this.leaderOf(region),
      others: this.#others,
      times: collectorTimes(this.#options.reportIntervalMs),
      pace: { ...SUMMARY_PACE, mostMs: this.#options.summaryIntervalMs },
      log,
      observer,
      limits: this.#limitsOf(region, { leadership, generation, isFirst }),
    });
    this.calls.open(service);
    observer?.served(service);
    return service;
  }

  /** Asks whoever leads the fleet, be it this node. */
  #limitsOf(
    region: string,
    { leadership, generation, isFirst }: Omit<Lead, "signal"> & { readonly isFirst: boolean },
  ): RegionLimits | undefined {
    const { place, controller, limits, openLink } = this.#options;
    if (limits === undefined || openLink === undefined) return undefined;
    return new RegionLimits({
      clock: place.clock,
      limits,
      epoch: { generation, revision: leadership.epoch },
      sinceMs: place.clock.nowMs(),
      isFirst,
      leader: new LeaderAsker({ id: controller.id, region, leader: () => addressOf(this.leaders.global()), openLink }),
    });
  }

  #close(service: RegionService): RegionService {
    this.calls.close(service);
    this.#options.observer?.servedNoMore(service);
    return service;
  }
}

function isRefusal(cause: unknown): boolean {
  return cause instanceof RouterError && cause.code === "STORE_REFUSED";
}

/** When it is lost, or not to be led any more. */
async function untilEnded({ leadership: { lost }, signal }: Lead): Promise<void> {
  const either = AbortSignal.any([lost, signal]);
  if (!either.aborted) await once(either, "abort");
}
