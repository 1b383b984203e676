import { OWN_MEMORY } from "../core/arena/extent.ts";
import { isHeldExactly, joinOwned } from "../core/bytes.ts";
import { Envelope } from "../otlp/scan.ts";
import type { LedgerEntry } from "../telemetry/ledger.ts";
import type { RequestGuard } from "./admit/request-guard.ts";
import type { Returning } from "./queue/returning.ts";
import { queueFull, UNROUTED } from "./route/place.ts";
import { isAwaited, type Parcel, type Pieces, viewsOf } from "./queue/parcel.ts";
import type { Pool } from "./queue/pool-port.ts";
import { CountedShare, NEVER_MS, type Share } from "./queue/record.ts";
import type { HandledRequest, ReceivedRequest, ReplyTaker } from "./receive/request-handler.ts";
import type { Draft } from "./route/draft.ts";
import { Settlement } from "./receive/settlement.ts";
import type { RequestContext, SignalPipeline } from "./signal-pipeline.ts";

const DROPPED = "no rule matches, and unmatched is drop";

/** What was routed and may be taken goes to its pools; the reply follows their outcomes. */
export function enqueue(context: RequestContext, guard: RequestGuard, to: ReplyTaker): HandledRequest {
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
  const returning = taken.path.length === 0 ? undefined : pool.returning(taken.path);
  if (returning !== undefined) return refuseReturning(context, draft, returning, settlement);
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

/**
 * Refused for good, as what has come over too many links is; of copies nobody is told no, as what
 * they are of goes on.
 */
function refuseReturning(
  { pipeline, request, taken }: RequestContext,
  draft: Draft,
  returning: Returning,
  settlement: Settlement,
): void {
  const said = pipeline.circles.returns(draft.points, taken.path, returning);
  for (let i = 0; i < draft.rules.length; i++) {
    const { rule, pool } = receive(pipeline, draft, i);
    const points = draft.pointsOf[i]!;
    pipeline.routes.at(draft.rules[i]!).enter().shedItems("too_many_hops", points);
    if (pipeline.routes.at(draft.rules[i]!).rule.mode === "copy") continue;
    settlement.refusePart(points, said);
    const loss = {
      signal: request.head.signal,
      rule,
      pool,
      target: returning.target,
      reason: "too_many_hops",
    } as const;
    pipeline.losses.tell({ ...loss, said, points, acknowledged: false, pieces: [request.bytes] });
  }
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
    const ledger = routes.at(uncopied[i]!).enter();
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
/** Enters into the ledger what one of the rules of a draft takes of the request. */
export function receive({ routes }: SignalPipeline, { rules, pointsOf }: Draft, i: number): LedgerEntry {
  const route = routes.at(rules[i]!);
  const ledger = route.enter();
  ledger.receive(pointsOf[i]!, route.rule.mode === "copy");
  return ledger;
}

/** In an array of just its length: one that grows has room for 17, 150 bytes, until the end. */
function sharesOf(pipeline: SignalPipeline, draft: Draft): readonly Share[] {
  const { rules } = draft;
  return rules.length === 1 ? shareOf(pipeline, draft, 0).alone : rules.map((_, i) => shareOf(pipeline, draft, i));
}

/** Of one of its rules; it is counted as received. */
function shareOf({ routes, shares }: SignalPipeline, draft: Draft, i: number): CountedShare {
  const rule = draft.rules[i]!;
  const points = draft.pointsOf[i]!;
  let share = shares.find(rule, points);
  if (share === undefined) {
    const route = routes.at(rule);
    share = new CountedShare(route.enter(), points, route.rule.mode === "copy");
    shares.keep(rule, points, share);
  }
  share.receive();
  return share;
}
