import { type BodyMemory, type Extent, OWN_BODIES } from "../core/arena/extent.ts";
import type { Clock } from "../core/clock.ts";
import { hasMoreAttributes } from "../otlp/attributes.ts";
import { type Excess, NO_LIMITS } from "../otlp/limits.ts";
import { Envelope, scanEnvelope } from "../otlp/scan.ts";
import { NO_GUARD, type RequestGuard } from "./admit/request-guard.ts";
import { NO_TAKEN } from "./receive/header-intake.ts";
import { type Limiter, LIMITED } from "./limit/limiter.ts";
import type { Obstacle } from "./route/place.ts";
import type {
  HandledRequest,
  ReceivedRequest,
  ReplyTaker,
  RequestHandler,
  UnreadRequest,
  UnreadTaker,
} from "./receive/request-handler.ts";
import { FULL_SUCCESS, type Reply } from "./receive/request.ts";
import { type Sampler, SAMPLED } from "./sample/sampler.ts";
import { check, checkAdmissible } from "./admissible.ts";
import { enqueue, receive } from "./enqueue.ts";
import type { PipelineAssembly, RequestContext, SignalPipeline } from "./signal-pipeline.ts";

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
      if (isCircling) refuseCircling({ pipeline, taken, request }, envelope.totalPoints, limits, to);
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

  pass(request: UnreadRequest, to: UnreadTaker): HandledRequest | undefined {
    const { pipelines, headers: intake } = this.#current();
    const { passage } = pipelines[request.head.signal];
    if (passage === undefined || this.#guard.degradation.refusesUnclassed) return undefined;
    const taken = intake.wanted ? intake.take(request.head.headers) : NO_TAKEN;
    // What is wrong with them is said on the usual way, where links of a fleet are looked at, too.
    if ("reason" in taken || taken.hops > 0 || taken.path.length > 0) return undefined;
    const headers = intake.carriedInto(passage.pool.name, taken);
    return passage.takes(request, headers) ? passage.pass(request, headers, this.#clock.nowMs(), to) : undefined;
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
  switch (sampler.sample(envelope, request.head.region, context.taken.all, { memory, owner: request.owner })) {
    case SAMPLED.SAME:
      return routeRequest({ ...context, known: sampler.known }, guard, to);
    case SAMPLED.LESS:
      return routeLeft(context, sampler, guard, to);
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
function routeLeft(context: RequestContext, sampler: Sampler, guard: RequestGuard, to: ReplyTaker): HandledRequest {
  const { request } = context;
  const left = sampler.take();
  const { known, renewed } = sampler;
  if (!renewed) scanLeft(context, left);
  const sampled = { ...request, bytes: left.bytes, owner: left };
  const handled = routeRequest({ ...context, request: sampled, isCounted: true, known }, guard, to);
  left.release(); // what goes on to targets has retained it
  return handled;
}

/** From the route on. */
function routeRequest(context: RequestContext, guard: RequestGuard, to: ReplyTaker): HandledRequest {
  const { pipeline, envelope, places, request, taken, known } = context;
  if (context.isCounted) pipeline.router.divide(envelope, request.head.region, taken.all, known);
  else pipeline.router.route(envelope, request.head.region, taken.all, known);
  const { problem, excess, obstacle } = checkAdmissible(
    pipeline,
    { envelope, headers: taken.all, path: taken.path, nowMs: context.nowMs, deadlineMs: request.head.deadlineMs },
    places,
  );
  if (problem === "" && excess === undefined && obstacle === undefined) return enqueue(context, guard, to);
  context.limiter?.giveBack(request.head.signal);
  if (obstacle !== undefined) to.replied(refuseAll(pipeline, obstacle));
  else to.replied(excess === undefined ? badData(problem) : tooMuch(guard, excess));
  return NOTHING_TO_CANCEL;
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
  { pipeline, taken, request }: Pick<RequestContext, "pipeline" | "taken" | "request">,
  points: number,
  { maxHops }: RequestGuard["limits"],
  to: ReplyTaker,
): void {
  const { unrouted, losses, circles } = pipeline;
  const { head, bytes, rejected } = request;
  const said = circles.tooMany(points, taken.path, maxHops);
  unrouted.received += points;
  unrouted.shedItems("too_many_hops", points);
  const { rule, pool } = unrouted;
  const loss = { signal: head.signal, rule, pool, target: "", reason: "too_many_hops", said } as const;
  losses.tell({ ...loss, points, acknowledged: false, pieces: [bytes] });
  to.replied({ ok: true, rejected: rejected + points, message: said });
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
