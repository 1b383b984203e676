import { type BodyMemory, type Extent, OWN_BODIES, OWN_MEMORY } from "../core/arena/extent.ts";
import { isHeldExactly, joinOwned } from "../core/bytes.ts";
import type { Clock } from "../core/clock.ts";
import { hasMoreAttributes } from "../otlp/attributes.ts";
import { findMalformed } from "../otlp/check.ts";
import { type Excess, NO_LIMITS } from "../otlp/limits.ts";
import { Envelope, scanEnvelope } from "../otlp/scan.ts";
import type { Signal } from "../otlp/signal.ts";
import type { RulePlan } from "../plan/route-plan.ts";
import type { LedgerEntry } from "../telemetry/ledger.ts";
import { NO_GUARD, type RequestGuard } from "./admit/request-guard.ts";
import { type HeaderIntake, NO_TAKEN, type TakenHeaders } from "./receive/header-intake.ts";
import { type Limiter, LIMITED } from "./limit/limiter.ts";
import type { KnownShares } from "./queue/known-shares.ts";
import type { Losses } from "./queue/losses.ts";
import {
  type Obstacle,
  type RoutedRequest,
  type PlaceablePool,
  placeDrafts,
  queueFull,
  UNROUTED,
} from "./route/place.ts";
import { isAwaited, type Parcel, type Pieces, viewsOf } from "./queue/parcel.ts";
import type { Pool } from "./queue/pool-port.ts";
import { NEVER_MS, type Share } from "./queue/record.ts";
import type { Records } from "./queue/records.ts";
import type { HandledRequest, ReceivedRequest, ReplyTaker, RequestHandler } from "./receive/request-handler.ts";
import { FULL_SUCCESS, type Reply } from "./receive/request.ts";
import type { Draft } from "./route/draft.ts";
import type { Router } from "./route/route.ts";
import { type Sampler, SAMPLED } from "./sample/sampler.ts";
import { Settlement } from "./receive/settlement.ts";

/**
 * One rule as a request meets it, and where its items are counted: also those that another pool
 * took over.
 */
export interface RouteEntry {
  readonly rule: RulePlan;
  /** Its entry in the ledger, which is opened when it is first asked for. */
  enter(): LedgerEntry;
}

/** Everything that is made anew from a plan for one signal. */
export interface SignalPipeline {
  /** undefined: everything is kept. */
  readonly sampler: Sampler | undefined;
  readonly router: Router;
  /** By the rule's index in the plan. */
  readonly routes: readonly RouteEntry[];
  /** By the pool's index in the plan. */
  readonly pools: readonly Pool[];
  readonly unrouted: LedgerEntry;
  /** What is said where no rule takes anything. */
  readonly noRoute: Obstacle;
  /** Told of what is dropped. */
  readonly losses: Pick<Losses, "tell">;
  readonly records: Records;
  readonly shares: KnownShares;
}

/**
 * What the pipeline reads once for each request, so that a request ends on the assembly it began
 * on.
 */
export interface PipelineAssembly {
  readonly pipelines: Readonly<Record<Signal, SignalPipeline>>;
  readonly headers: HeaderIntake;
  /** undefined: everything is let in. */
  readonly limiter: Limiter | undefined;
}

const NOTHING_TO_CANCEL: HandledRequest = { cancel: () => undefined };

/**
 * The walk of a request that was admitted and read, top to bottom: scan, limit, sample, route,
 * queue; the reply follows the outcomes. Synchronous up to the queue: no other request is in
 * between, so that what was checked still holds when it is used.
 */
export class Pipeline implements RequestHandler {
  readonly #current: () => PipelineAssembly;
  readonly #clock: Clock;
  readonly #guard: RequestGuard;
  readonly #memory: BodyMemory;
  readonly #envelope = new Envelope();
  readonly #places: number[] = [];

  /**
   * `current` gives what is made of the plan that runs, `memory` room for what is written anew of
   * requests.
   */
  constructor(
    current: () => PipelineAssembly,
    clock: Clock,
    guard: RequestGuard = NO_GUARD,
    memory: BodyMemory = OWN_BODIES,
  ) {
    this.#memory = memory;
    this.#current = current;
    this.#clock = clock;
    this.#guard = guard;
  }

  handle(request: ReceivedRequest, to: ReplyTaker): HandledRequest {
    const guard = this.#guard;
    const envelope = this.#envelope;
    const { signal } = request.head;
    const { pipelines: all, headers: intake, limiter } = this.#current();
    const taken = intake.wanted ? intake.take(request.head.headers) : NO_TAKEN;
    if ("reason" in taken) {
      to.replied({ ok: false, refusal: taken });
      return NOTHING_TO_CANCEL;
    }
    const { limits } = guard;
    envelope.limits = limits;
    if (!scanEnvelope(signal, request.bytes, envelope)) {
      to.replied(envelope.excess === undefined ? badData(envelope.problem) : tooMuch(guard, envelope.excess));
      envelope.release();
      return NOTHING_TO_CANCEL;
    }
    if (hasMoreAttributes(signal, request.bytes, limits.maxAttributes)) {
      to.replied(tooMuch(guard, "attributes"));
      envelope.release();
      return NOTHING_TO_CANCEL;
    }
    const pipeline = all[signal];
    const isCircling = taken.hops > limits.maxHops;
    if (envelope.totalItems === 0 || isCircling) {
      if (isCircling) refuseCircling(pipeline, envelope.totalPoints, request, guard, to);
      else replyToNothing(request, to);
      envelope.release();
      return NOTHING_TO_CANCEL;
    }
    const places = this.#places;
    const memory = this.#memory;
    const nowMs = this.#clock.nowMs();
    const context = { pipeline, limiter, envelope, places, memory, request, intake, taken, nowMs, isCounted: false };
    const handled =
      limiter === undefined ? sampleAndRoute(context, guard, to) : limitAndRoute(context, limiter, guard, to);
    pipeline.router.release();
    envelope.release();
    return handled;
  }
}

function badData(message: string): Reply {
  return { ok: false, refusal: { reason: "bad_data", message, field: "request" } };
}

function tooMuch(guard: RequestGuard, excess: Excess): Reply {
  return { ok: false, refusal: guard.refuse(excess) };
}

/** From the limit on. */
function limitAndRoute(context: RequestContext, limiter: Limiter, guard: RequestGuard, to: ReplyTaker): HandledRequest {
  const { envelope, request, memory, taken } = context;
  switch (limiter.limit(envelope, request.head.signal, taken.all, memory)) {
    case LIMITED.IN:
      return sampleAndRoute(context, guard, to);
    case LIMITED.LESS:
      return routeUnshed(context, limiter, guard, to);
    default:
      to.replied({ ok: false, refusal: limiter.refusal! });
      return NOTHING_TO_CANCEL;
  }
}

/** What limits left of a request; of the rest its sender is told that it is lost. */
function routeUnshed(context: RequestContext, limiter: Limiter, guard: RequestGuard, to: ReplyTaker): HandledRequest {
  const { request } = context;
  const left = limiter.take();
  scanLeft(context, left);
  const rejected = request.rejected + limiter.shedPoints;
  const message = request.message === "" ? limiter.shedMessage : request.message;
  const unshed = { ...request, bytes: left.bytes, owner: left, rejected, message };
  const handled = sampleAndRoute({ ...context, request: unshed }, guard, to);
  left.release(); // what goes on to targets has retained it
  return handled;
}

/** The envelope is of what is left from here on, which was within its limits. */
function scanLeft({ envelope, request }: RequestContext, left: Extent): void {
  envelope.limits = NO_LIMITS;
  if (!scanEnvelope(request.head.signal, left.bytes, envelope)) throw new TypeError(envelope.problem);
}

/** From the sample on. */
function sampleAndRoute(context: RequestContext, guard: RequestGuard, to: ReplyTaker): HandledRequest {
  const { pipeline, envelope, request, memory } = context;
  const { sampler } = pipeline;
  if (sampler === undefined) {
    return guard.degradation.refusesUnclassed ? refuseUnclassed(context, guard, to) : routeRequest(context, guard, to);
  }
  switch (sampler.sample(envelope, request.head.region, context.taken.all, memory)) {
    case SAMPLED.SAME:
      return routeRequest(context, guard, to);
    case SAMPLED.LESS:
      return routeLeft(context, sampler.take(), guard, to);
    case SAMPLED.NOTHING:
      if (sampler.refused > 0) return refuseClasses(context, sampler, guard, to);
      sampler.commit();
      to.replied(withoutItems(request));
      return NOTHING_TO_CANCEL;
    default:
      context.limiter?.giveBack(request.head.signal);
      to.replied(badData(sampler.problem));
      return NOTHING_TO_CANCEL;
  }
}

/** Nothing of it is of a class that is let in: its sender may come again with all of it. */
function refuseClasses(context: RequestContext, sampler: Sampler, guard: RequestGuard, to: ReplyTaker): HandledRequest {
  sampler.refuse("degraded");
  return refuseDegraded(context, guard, to);
}

/** Of a signal that has no classes. */
function refuseUnclassed(context: RequestContext, guard: RequestGuard, to: ReplyTaker): HandledRequest {
  const { pipeline, envelope } = context;
  pipeline.unrouted.received += envelope.totalPoints;
  pipeline.unrouted.shedItems("degraded", envelope.totalPoints);
  return refuseDegraded(context, guard, to);
}

function refuseDegraded(context: RequestContext, { degradation }: RequestGuard, to: ReplyTaker): HandledRequest {
  context.limiter?.giveBack(context.request.head.signal);
  to.replied({ ok: false, refusal: degradation.refuse() });
  return NOTHING_TO_CANCEL;
}

/** What sampling left of a request, which the envelope then is of. */
function routeLeft(context: RequestContext, left: Extent, guard: RequestGuard, to: ReplyTaker): HandledRequest {
  const { request } = context;
  scanLeft(context, left);
  const sampled = { ...request, bytes: left.bytes, owner: left };
  const handled = routeRequest({ ...context, request: sampled, isCounted: true }, guard, to);
  left.release(); // what goes on to targets has retained it
  return handled;
}

/** From the route on. */
function routeRequest(context: RequestContext, guard: RequestGuard, to: ReplyTaker): HandledRequest {
  const { pipeline, envelope, places, request, taken } = context;
  if (context.isCounted) pipeline.router.divide(envelope, request.head.region, taken.all);
  else pipeline.router.route(envelope, request.head.region, taken.all);
  const { problem, excess, obstacle } = checkAdmissible(
    pipeline,
    { envelope, headers: taken.all, nowMs: context.nowMs, deadlineMs: request.head.deadlineMs },
    places,
  );
  if (problem === "" && excess === undefined && obstacle === undefined) return enqueue(context, guard, to);
  context.limiter?.giveBack(request.head.signal);
  if (obstacle !== undefined) to.replied(refuseAll(pipeline, obstacle));
  else to.replied(excess === undefined ? badData(problem) : tooMuch(guard, excess));
  return NOTHING_TO_CANCEL;
}

/**
 * Why a request is refused that was routed; an empty problem, no excess and no obstacle when it is
 * not.
 */
export interface Admissibility {
  /** What is wrong with the request itself. */
  readonly problem: string;
  readonly excess: Excess | undefined;
  readonly obstacle: Obstacle | undefined;
}

/** A router, and its pools as far as they are asked for a place. */
type PlacingPipeline = Pick<SignalPipeline, "router"> & { readonly pools: readonly PlaceablePool[] };

/**
 * Decides about the request that was just routed, and changes nothing. `places` gets the indexes of
 * the pools, by draft.
 */
export function checkAdmissible(
  pipeline: PlacingPipeline & Pick<SignalPipeline, "noRoute">,
  placed: RoutedRequest,
  places: number[],
): Admissibility {
  const { router, pools } = pipeline;
  const { excess } = router;
  if (excess !== undefined) return { problem: "", excess, obstacle: undefined };
  const problem =
    router.problem !== "" ? router.problem : validateBeforeAck(pipeline, router.plan.signal, placed.envelope.bytes);
  if (problem !== "") return { problem, excess, obstacle: undefined };
  return { problem, excess, obstacle: placeDrafts(router, pools, placed, places) ?? refusedUnmatched(pipeline) };
}

/**
 * A request without items is a success (OTLP: servers should), unless things in it were rejected
 * before. It goes to no target, so it is checked here.
 */
function replyToNothing({ head, bytes, rejected, message }: ReceivedRequest, to: ReplyTaker): void {
  const problem = check(head.signal, bytes);
  if (problem !== "") to.replied(badData(problem));
  else to.replied(withoutItems({ rejected, message }));
}

function withoutItems({ rejected, message }: Pick<ReceivedRequest, "rejected" | "message">): Reply {
  return rejected === 0 && message === "" ? FULL_SUCCESS : { ok: true, rejected, message };
}

/**
 * All of it is refused in a success: an error would count against this node's health where it came
 * from, be taken apart there to find what is wrong in it, and say less to its first sender.
 */
function refuseCircling(
  { unrouted, losses }: SignalPipeline,
  points: number,
  { head, bytes, rejected }: ReceivedRequest,
  guard: RequestGuard,
  to: ReplyTaker,
): void {
  const said = guard.refuseCircling(points);
  unrouted.received += points;
  unrouted.shedItems("too_many_hops", points);
  const { rule, pool } = unrouted;
  const loss = { signal: head.signal, rule, pool, target: "", reason: "too_many_hops", said } as const;
  losses.tell({ ...loss, points, acknowledged: false, pieces: [bytes] });
  to.replied({ ok: true, rejected: rejected + points, message: said });
}

/**
 * A request of which some part is acknowledged without a target having seen it is validated to its
 * last field before. Everywhere else the target's answer is the sender's. Empty when there is
 * nothing to object.
 */
function validateBeforeAck(pipeline: PlacingPipeline, signal: Signal, bytes: Uint8Array): string {
  const { router } = pipeline;
  const dropped = router.plan.unmatched === "drop" && router.unmatchedPoints > 0;
  const early = router.drafts.some((draft) => mayAckEarly(pipeline, draft));
  // Metrics without data points that no rule takes leave neither a draft nor a point.
  const nothing = router.drafts.length === 0 && router.unmatchedPoints === 0;
  return dropped || early || nothing ? check(signal, bytes) : "";
}

/** Any pool that may take it over counts: where there is room is not known yet. */
function mayAckEarly({ router, pools }: PlacingPipeline, { pool }: Draft): boolean {
  return router.plan.pools[pool]!.chain.some((index) => pools[index]!.ack !== "delivered");
}

function check(signal: Signal, bytes: Uint8Array): string {
  const at = findMalformed(signal, bytes);
  return at < 0 ? "" : `not a valid protobuf message: malformed at byte ${at}`;
}

const DROPPED = "no rule matches, and unmatched is drop";

function refusedUnmatched({ router, noRoute }: Pick<SignalPipeline, "router" | "noRoute">): Obstacle | undefined {
  const refused = router.unmatchedPoints > 0 && router.drafts.length === 0 && router.plan.unmatched === "refuse";
  return refused ? noRoute : undefined;
}

function refuseAll(pipeline: SignalPipeline, obstacle: Obstacle): Reply {
  const { reason } = obstacle;
  const { router } = pipeline;
  pipeline.sampler?.refuse(reason);
  for (const draft of router.drafts) {
    for (let i = 0; i < draft.rules.length; i++) receive(pipeline, draft, i).shedItems(reason, draft.pointsOf[i]!);
  }
  if (router.unmatchedPoints > 0) {
    pipeline.unrouted.received += router.unmatchedPoints;
    pipeline.unrouted.shedItems(reason, router.unmatchedPoints);
  }
  return { ok: false, refusal: obstacle };
}

/** Enters into the ledger what one of the rules of a draft takes of the request. */
function receive({ routes }: SignalPipeline, { rules, pointsOf }: Draft, i: number): LedgerEntry {
  const route = routes[rules[i]!]!;
  const ledger = route.enter();
  if (route.rule.mode === "copy") ledger.copied += pointsOf[i]!;
  else ledger.received += pointsOf[i]!;
  return ledger;
}

/** In an array of just its length: one that grows has room for 17, 150 bytes, until the end. */
function sharesOf(pipeline: SignalPipeline, draft: Draft): readonly Share[] {
  const { rules, pointsOf } = draft;
  if (rules.length > 1) return rules.map((_, i) => shareOf(pipeline, draft, i, receive(pipeline, draft, i)));
  const entry = receive(pipeline, draft, 0);
  const known = pipeline.shares.find(rules[0]!, pointsOf[0]!);
  if (known !== undefined) return known;
  const shares = [shareOf(pipeline, draft, 0, entry)];
  pipeline.shares.keep(rules[0]!, pointsOf[0]!, shares);
  return shares;
}

function shareOf({ routes }: SignalPipeline, draft: Draft, i: number, { rule, pool }: LedgerEntry): Share {
  return { rule, pool, points: draft.pointsOf[i]!, copied: routes[draft.rules[i]!]!.rule.mode === "copy" };
}

/** A request on its way into the queues. */
interface RequestContext {
  readonly pipeline: SignalPipeline;
  readonly limiter: Limiter | undefined;
  readonly envelope: Envelope;
  /** Where each draft goes: indexes of pools. */
  readonly places: number[];
  /** For what is written anew of it. */
  readonly memory: BodyMemory;
  readonly request: ReceivedRequest;
  readonly intake: HeaderIntake;
  readonly taken: TakenHeaders;
  readonly nowMs: number;
  /** As a request that was received, by an earlier stage. */
  readonly isCounted: boolean;
}

function enqueue(context: RequestContext, guard: RequestGuard, to: ReplyTaker): HandledRequest {
  const { pipeline, envelope, request } = context;
  const refused = pipeline.sampler?.refused ?? 0;
  pipeline.sampler?.commit();
  const settlement = new Settlement(request, envelope.totalPoints + refused, to);
  const { drafts, uncopied } = pipeline.router;
  accountUnmatched(context, settlement);
  if (refused > 0) settlement.refusePart(refused, guard.degradation.message);
  if (uncopied.length > 0) accountUncopied(pipeline);
  for (let d = 0; d < drafts.length; d++) offer(context, drafts[d]!, context.places[d]!, settlement);
  settlement.seal();
  return settlement;
}

function offer(context: RequestContext, draft: Draft, place: number, settlement: Settlement): void {
  const { pipeline, envelope, request, intake, taken, nowMs: enqueuedMs } = context;
  const { channel } = draft;
  const pool = pipeline.pools[place]!;
  const headers = intake.carriedInto(pool.name, taken);
  const awaited = pool.ack === "delivered";
  const bytes = draft.parcelBytes(envelope);
  const kept = piecesOf(draft, request, envelope);
  const stays = awaited || stay(request, kept, bytes);
  const pieces = stays ? kept : [joinOwned(viewsOf({ pieces: kept, owner: request.owner }), bytes)];
  const owner = stays ? request.owner : OWN_MEMORY;
  const { signal, region } = request.head;
  const { ack } = pool;
  const expiresMs = awaited ? request.head.deadlineMs : NEVER_MS;
  const { items, points } = draft;
  const shares = sharesOf(pipeline, draft);
  const facts = { signal, region, headers, ack, bytes, items, points, shares, enqueuedMs, expiresMs };
  const parcel = pipeline.records.add(facts, pieces, owner, awaited ? settlement : undefined);
  if (awaited) settlement.expect();
  else settlement.accept();
  countFailover(pipeline, draft, place);
  // A pool that broadcasts holds several copies of each parcel: what came before in this request
  // may have filled it.
  const answer = place === draft.pool ? pool.offer(parcel, channel) : pool.adopt(parcel);
  if (answer === "full") giveBack(pipeline, parcel, pool, settlement);
}

/** Ranges of the request, mostly, where its owner can make views of them. */
function piecesOf(draft: Draft, { owner }: ReceivedRequest, envelope: Envelope): Pieces {
  return owner.view === undefined ? draft.finish(envelope) : draft.finishRanges(envelope);
}

/**
 * So much of a request has to be in what outlives it, if all of the request is to stay for that.
 */
const LEAST_SHARE = 4;

/**
 * What outlives the request holds what the queue counts, and little more; until then the permit
 * counts all of the request.
 */
function stay(request: ReceivedRequest, pieces: Pieces, bytes: number): boolean {
  const { owner } = request;
  if (owner === OWN_MEMORY) return isHeldExactly(viewsOf({ pieces, owner }), bytes);
  return LEAST_SHARE * bytes >= request.bytes.length && owner.stay?.() === true;
}

/** What goes to another pool than its rule says: that one was full or had no usable target. */
function countFailover({ router, pools }: SignalPipeline, { rules, pointsOf }: Draft, place: number): void {
  const { plan } = router;
  for (let i = 0; i < rules.length; i++) {
    const home = plan.poolOf[rules[i]!]!;
    if (home !== place) pools[home]!.countFailover(pools[place]!.name, "arrival", pointsOf[i]!);
  }
}

function giveBack({ records }: SignalPipeline, parcel: Parcel, pool: Pool, settlement: Settlement): void {
  const outcome = { kind: "failed", ...queueFull(pool) } as const;
  if (isAwaited(parcel)) return records.finish(parcel, outcome);
  settlement.fail(outcome); // it has not been acknowledged yet, so it is not lost
  records.refuse(parcel, outcome.reason);
}

/** Nobody is told no: what a copy is of goes on. */
function accountUncopied({ router, routes }: SignalPipeline): void {
  const { uncopied, uncopiedPoints } = router;
  for (let i = 0; i < uncopied.length; i++) {
    const ledger = routes[uncopied[i]!]!.enter();
    ledger.copied += uncopiedPoints[i]!;
    ledger.shedItems("degraded", uncopiedPoints[i]!);
  }
}

function accountUnmatched({ pipeline, request }: RequestContext, settlement: Settlement): void {
  const points = pipeline.router.unmatchedPoints;
  if (points === 0) return;
  pipeline.unrouted.received += points;
  if (pipeline.router.plan.unmatched === "drop") {
    pipeline.unrouted.drop("unrouted", points);
    const { rule, pool } = pipeline.unrouted;
    const { head, bytes } = request;
    const loss = { signal: head.signal, rule, pool, target: "", reason: "unrouted", said: DROPPED } as const;
    pipeline.losses.tell({ ...loss, points, acknowledged: false, pieces: [bytes] });
  } else {
    pipeline.unrouted.shedItems("unrouted", points);
    settlement.refusePart(points, UNROUTED.message);
  }
}
