import { reasonOf, RouterError } from "../../core/errors.ts";
import { sleep } from "../../core/clock.ts";
import { formatEpoch } from "../../store/recipes/epoch.ts";
import type { Held } from "../../store/recipes/lock-hold.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import type { Log } from "../../telemetry/log.ts";
import type { CalledWith, ControllerCalls } from "../fleet/controller-calls.ts";
import {
  type AwaitReply,
  type AwaitRequest,
  type CollectorReport,
  type DiscoverReply,
  type DiscoverRequest,
  type ControllerAddress,
  type FetchReply,
  type FetchRequest,
  FLEET_PROTOCOL,
  type GoodbyeReply,
  type GoodbyeRequest,
  type MemberReply,
  type MemberRequest,
  type MembersReply,
  type MembersRequest,
  type NotLeader,
  type ReportReply,
} from "../fleet/messages.ts";
import { CollectorTable, type CollectorTimes, MAX_COLLECTORS, type ReportOutcome } from "./collector-table.ts";
import { viewOf } from "./collector-view.ts";
import { RegionSampling } from "../sampling/region-sampling.ts";
import { CurrentDocument, type FetchBody } from "./current-document.ts";
import type { DirectiveSource } from "./directive-source.ts";
import { type DiscoverBound, warnOfBound } from "./discover-bounds.ts";
import { isFoundOtherwise } from "./is-found-otherwise.ts";
import { Goodbyes } from "./goodbyes.ts";
import { HeldAwaits } from "./held-awaits.ts";
import { memberPage } from "./member-page.ts";
import { MemberDiscovery, type OtherRegions } from "./member-discovery.ts";
import { directivesOf } from "./own-canaries.ts";
import type { RegionLimits } from "../limits/region-limits.ts";
import type { RegionSummary } from "./region-summary.ts";
import { SharedReplies } from "./shared-replies.ts";
import { SummaryWriter } from "./summary-writer.ts";
import type { SummaryPace } from "./summary-pace.ts";

interface RegionServiceOptions {
  readonly place: RecipePlace;
  readonly region: string;
  /** In whose name it is done: the region's, or the world's for a region that was adopted. */
  readonly leadership: Pick<Held, "epoch" | "guarded" | "lost" | "validForMs">;
  readonly controller: ControllerAddress;
  /** Of the fleet. */
  readonly generation: number;
  readonly isAdopted: boolean;
  readonly directives: DirectiveSource;
  readonly fetchBody: FetchBody;
  /** Who leads the region, as far as that is known; for those who ask when it is not us. */
  readonly leader: () => ControllerAddress | undefined;
  /** Members of other regions; none: nobody asks those. */
  readonly others?: OtherRegions | undefined;
  readonly times: CollectorTimes;
  readonly pace?: SummaryPace | undefined;
  readonly most?: number | undefined;
  readonly log: Log;
  readonly observer?: RegionObserver | undefined;
  /** Its part of the fleet's limits; it is closed with this. None: nothing is granted. */
  readonly limits?: RegionLimits | undefined;
}

/** Told what a region's controller does, for metrics. */
export interface RegionObserver {
  reported(outcome: ReportOutcome): void;
  summaryWritten(summary: RegionSummary): void;
  /** Something was left out for those who look for members. */
  bounded(bound: DiscoverBound): void;
}

const TICK_MS = 1_000;
/** All of a large region come to a new controller over so long: see `reconnectDelayMs`. */
const LONGEST_LEARNING_MS = 120_000;
/**
 * Longer than a call of Await is waited for (40 s): so late a collector may find out that its
 * controller is gone. After an outage of the store it looks for one with pauses of half a minute.
 */
const LEARNING_MS = 60_000;

/**
 * What the controller of one region does while it leads: collectors report to it and wait for what
 * is new. Once it leads no more it answers so, whatever it is asked.
 */
export class RegionService implements Omit<ControllerCalls, "limits">, AsyncDisposable {
  readonly region: string;
  readonly isAdopted: boolean;
  readonly table: CollectorTable;
  readonly #options: RegionServiceOptions;
  /** As they are, for those of whom nobody knows the region. */
  readonly #whole: DirectiveSource;
  readonly #held: HeldAwaits;
  readonly #document: CurrentDocument;
  readonly #replies = new SharedReplies();
  readonly #discovery: MemberDiscovery;
  readonly #goodbyes = new Goodbyes();
  readonly #summaries: SummaryWriter;
  readonly #epoch: string;
  readonly #closing = new AbortController();
  readonly #unsubscribe: () => void;
  readonly #onLost = (): void => this.#end();
  readonly #running: Promise<void>;
  readonly #sampling: RegionSampling;
  #writing: Promise<void> | undefined;
  #adding: Promise<void> | undefined;
  readonly #begunMs: number;
  #joinedMs: number;
  #isReleasing = false;
  #hasNews = false;

  constructor(given: RegionServiceOptions) {
    const { place, region, isAdopted, leadership, most = MAX_COLLECTORS, generation } = given;
    const directives = directivesOf(region, given.directives);
    const options = { ...given, directives };
    this.#options = options;
    this.#whole = given.directives;
    this.#begunMs = this.#joinedMs = place.clock.nowMs();
    this.region = region;
    this.isAdopted = isAdopted;
    this.table = new CollectorTable({ ...options.times, most });
    this.#held = new HeldAwaits({ clock: place.clock, random: place.random, most });
    this.#document = new CurrentDocument({ ...options, clock: place.clock });
    this.#discovery = new MemberDiscovery({
      clock: place.clock,
      random: place.random,
      region,
      table: this.table,
      others: options.others,
      learningMs: Math.max(LEARNING_MS, options.times.goneAfterMs),
      most,
      bounded: (bound, of) => {
        options.observer?.bounded(bound);
        warnOfBound(options.log, bound, of);
      },
    });
    this.#epoch = formatEpoch({ generation, revision: leadership.epoch });
    this.#summaries = new SummaryWriter({
      ...options,
      controller: options.controller.id,
      table: this.table,
      learningMs: options.times.goneAfterMs,
    });
    this.#sampling = new RegionSampling({ ...options, epoch: this.#epoch });
    this.#unsubscribe = directives.onNews(() => this.#release());
    leadership.lost.addEventListener("abort", this.#onLost, { once: true });
    this.#running = this.#run();
    if (leadership.lost.aborted) this.#end();
  }

  /** Whether it leads, by the clocks as they are now. */
  get leads(): boolean {
    return !this.#closing.signal.aborted && this.#options.leadership.validForMs() > 0;
  }

  /** Calls of Await that wait. */
  get waiting(): number {
    return this.#held.size;
  }

  /** Calls of Discover that wait. */
  get looking(): number {
    return this.#discovery.waiting;
  }

  /** Members of another region are others now. */
  othersChanged(): void {
    this.#discovery.othersChanged();
  }

  async report({ limits: asked, ...request }: CollectorReport): Promise<NotLeader | ReportReply> {
    if (!this.leads) return this.#notLeader();
    const { controller, place, log, observer, limits } = this.#options;
    const before = this.table.get(request.id)?.report;
    const outcome = this.table.report(request, place.clock.nowMs());
    observer?.reported(outcome);
    if (outcome === "joined") this.#joinedMs = place.clock.nowMs();
    const isKnown = outcome !== "old" && outcome !== "full";
    if (isKnown && isFoundOtherwise(before, request)) this.#discovery.heard(request);
    if (outcome === "joined" || outcome === "restarted") this.#tellOf("a collector reports", request.id);
    if (outcome === "full") {
      log.limited(`collectors-full-${this.region}`, 60_000)?.error("more collectors report than a controller lists", {
        kind: "member",
        region: this.region,
        listed: this.table.size,
        hint: "divide the region: give some of its nodes another one",
      });
    }
    const sampling = isKnown ? this.#sampling.reported(request.id, request.sampling) : undefined;
    return {
      protocol: FLEET_PROTOCOL,
      ...(sampling !== undefined && { sampling }),
      controller: { id: controller.id, epoch: this.#epoch },
      newer: this.#options.directives.newer(request.received).map(({ directive }) => {
        const { scope, epoch, seq, digest } = directive;
        return { scope, epoch, seq, digest };
      }),
      collectors: this.table.size,
      received_at_ms: place.clock.wallMs(),
      ...(isKnown && asked && { limits: limits?.report(request.id, asked) }),
    };
  }

  async await(request: AwaitRequest, { signal }: CalledWith): Promise<AwaitReply | NotLeader> {
    if (!this.leads) return this.#notLeader();
    const now = this.#newsFor(request, 0);
    return now ?? this.#held.hold(request, signal);
  }

  async fetch({ digest }: FetchRequest, { signal }: CalledWith): Promise<FetchReply | NotLeader> {
    if (!this.leads) return this.#notLeader();
    const { directives, fetchBody } = this.#options;
    const body = directives.body(digest) ?? this.#whole.body(digest) ?? (await fetchBody(digest, signal));
    if (body === undefined) return { protocol: FLEET_PROTOCOL, digest };
    return this.#replies.fetch(digest, body, this.#options.place.clock.nowMs());
  }

  async goodbye({ id, incarnation }: GoodbyeRequest): Promise<GoodbyeReply | NotLeader> {
    if (!this.leads) return this.#notLeader();
    const last = this.table.get(id)?.report;
    if (last !== undefined && this.table.goodbye(id, incarnation)) {
      this.#tellOf("a collector has said goodbye", id);
      this.#sampling.gone(id);
      this.#discovery.left(last);
      this.#goodbyes.add({ id, incarnation }, this.#options.place.clock.nowMs());
      this.#options.limits?.leave(id);
    }
    return { protocol: FLEET_PROTOCOL };
  }

  async members({ after, limit }: MembersRequest): Promise<MembersReply | NotLeader> {
    if (!this.leads) return this.#notLeader();
    const nowMs = this.#options.place.clock.nowMs();
    const { members, next } = memberPage(this.table, { after, limit }, nowMs);
    const left = after === undefined ? this.#goodbyes.list(nowMs) : [];
    const reply: MembersReply = {
      protocol: FLEET_PROTOCOL,
      region: this.region,
      members,
      view_digest: this.table.viewDigest,
      ...(this.#isLearning(nowMs) && { is_learning: true }),
      ...(left.length > 0 && { left: [...left] }),
    };
    return next === undefined ? reply : { ...reply, next };
  }

  /**
   * Until nobody joins any more: those of the controller before come one after the other, and some
   * only once they have found out that it is gone, or after a pause.
   */
  #isLearning(nowMs: number): boolean {
    const { goneAfterMs } = this.#options.times;
    const ledMs = nowMs - this.#begunMs;
    if (ledMs < Math.max(LEARNING_MS, goneAfterMs)) return true;
    return nowMs - Math.min(this.#joinedMs, this.#begunMs + LONGEST_LEARNING_MS) < goneAfterMs;
  }

  async discover(request: DiscoverRequest, { signal }: CalledWith): Promise<DiscoverReply | NotLeader> {
    if (!this.leads) return this.#notLeader();
    return this.#discovery.discover(request, signal);
  }

  async member({ id }: MemberRequest): Promise<MemberReply | NotLeader> {
    if (!this.leads) return this.#notLeader();
    const known = this.table.get(id);
    if (known === undefined) return { protocol: FLEET_PROTOCOL };
    const { clock } = this.#options.place;
    const first_seen_ms = clock.wallMs() - (clock.nowMs() - known.firstSeenMs);
    const { received } = known.report;
    const view = viewOf(known, clock.nowMs());
    return {
      protocol: FLEET_PROTOCOL,
      member: { ...view, received, reports: known.reports, first_seen_ms },
    };
  }

  /** Answers all that is held with `not_leader`; nothing is written from then on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
    await this.#options.limits?.[Symbol.asyncDispose]();
    await this.#running;
    await Promise.all([this.#writing, this.#adding]);
  }

  #end(): void {
    if (this.#closing.signal.aborted) return;
    this.#unsubscribe();
    this.#options.leadership.lost.removeEventListener("abort", this.#onLost);
    this.#closing.abort(new RouterError("NOT_OWNER", `region ${this.region} is led no more`));
    this.#held.endAll(this.#notLeader());
    this.#discovery.end(this.#notLeader());
  }

  #notLeader(): NotLeader {
    const leader = this.#options.leader();
    const reply = { protocol: FLEET_PROTOCOL, not_leader: true } as const;
    return leader === undefined || leader.id === this.#options.controller.id ? reply : { ...reply, leader };
  }

  #newsFor({ id, region, known, has }: AwaitRequest, heldMs: number): AwaitReply | NotLeader | undefined {
    if (!this.leads) return this.#notLeader();
    // It may be of another region that is led here, and one of those who try a config there.
    const isAnyones = region === undefined && this.table.get(id) === undefined;
    const news = (isAnyones ? this.#whole : this.#options.directives).newer(known);
    if (news.length === 0) return undefined;
    return this.#replies.await(news, heldMs, this.#document.goesWith(news, has));
  }

  /** One walk at a time: what comes meanwhile is for the next. */
  #release(): void {
    this.#hasNews = true;
    if (this.#isReleasing) return;
    this.#isReleasing = true;
    const walk = async (): Promise<void> => {
      try {
        while (this.#hasNews) {
          this.#hasNews = false;
          await this.#document.bring(this.#closing.signal);
          await this.#held.release((request, heldMs) => this.#newsFor(request, heldMs));
          this.#replies.clear();
        }
      } finally {
        this.#isReleasing = false;
      }
    };
    void walk().catch((cause: unknown) =>
      this.#options.log.error("calls that are held could not be answered", { reason: reasonOf(cause) }),
    );
  }

  async #run(): Promise<void> {
    const { clock } = this.#options.place;
    while (!this.#closing.signal.aborted) {
      if (!this.leads) this.#end();
      else {
        this.#tick();
        // Collectors are gone in time also while the store takes its time.
        this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
        this.#adding ??= this.#sampling.tick(this.#closing.signal).finally(() => (this.#adding = undefined));
      }
      await sleep(clock, TICK_MS, this.#closing.signal).catch(() => undefined);
    }
  }

  #tick(): void {
    const { place, log } = this.#options;
    this.#replies.tick(place.clock.nowMs());
    for (const { id, to } of this.table.tick(place.clock.nowMs())) {
      if (to !== "gone") continue;
      this.#sampling.gone(id);
      this.#discovery.gone(id);
      // A region that is cut off loses all of them at once: who they are, Members and metrics say.
      log.limited(`collector-gone-${this.region}`, 1_000)?.warn("a collector has not reported any more", {
        kind: "member",
        collector: id,
        region: this.region,
      });
    }
  }

  /** After a change of leader all of a region join at once. */
  #tellOf(message: string, collector: string): void {
    const { log } = this.#options;
    const limited = log.limited(`${message} ${this.region}`, 1_000);
    limited?.info(message, { kind: "member", collector, region: this.region });
  }

  async #write(): Promise<void> {
    const { log, observer } = this.#options;
    try {
      const written = await this.#summaries.tick(this.#closing.signal);
      if (written !== undefined) observer?.summaryWritten(written);
    } catch (cause) {
      if (this.#closing.signal.aborted || (cause instanceof RouterError && cause.code === "NOT_OWNER")) return;
      log.limited(`region-summary-${this.region}`, 60_000)?.warn("a region's summary could not be written", {
        kind: "store",
        region: this.region,
        reason: reasonOf(cause),
      });
    }
  }
}
