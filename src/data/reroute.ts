import { onlyHeaders } from "../plan/sender-headers.ts";
import { isHeldExactly, joinOwned, lengthOf } from "../core/bytes.ts";
import { Envelope, scanEnvelope } from "../otlp/scan.ts";
import type { HeaderPlan } from "../plan/header-plan.ts";
import type { Assembly } from "./assembly.ts";
import type { Parcel, ParcelOutcome } from "./parcel.ts";
import { CopyParcel } from "./queue/copy-parcel.ts";
import type { Pool } from "./queue/pool-port.ts";
import { type Part, RoutedParcel } from "./routed-parcel.ts";

/** Told what moved to which pool. */
export type Moved = (to: string, points: number) => void;

/** A part of a parcel with its place; without one nobody wants it. */
interface PlacedPart extends Part {
  readonly place: RouteTarget | undefined;
}

interface RouteTarget {
  readonly pool: number;
  readonly channel: number;
}

/**
 * Gives what a pool that is gone still held to the pools where the running rules want it, each part
 * to the first of its chain that has room. Rules that copy made their copies when it came; for the
 * same reason what was a copy itself has no other place. What finds none is settled as lost.
 */
export function reroute(parcel: Parcel, removed: string, { plan, pipelines }: Assembly, moved: Moved): void {
  const { pools, router } = pipelines[parcel.signal];
  const parts = originOf(parcel)?.isCopy === false ? placesOf(parcel, { plan, pipelines }) : [];
  if (parts.length === 0) return parcel.settle(lostWith(removed));
  for (const [i, part] of divide(parcel, parts).entries()) {
    const { place } = parts[i]!;
    const to = place && offer(part, place, router.plan.pools[place.pool]!.chain, pools, plan.headers);
    if (to === undefined || to.pool === undefined) (to?.parcel ?? part).settle(lostWith(removed));
    else moved(to.pool.name, part.points);
  }
}

/**
 * The parcel with those headers only that may go along into a pool. When they are others it is a
 * new one, and the old is never settled.
 */
export function dressedFor(pool: string, parcel: Parcel, { plain, trusted }: HeaderPlan): Parcel {
  const { headers: all, pieces, bytes, items, points } = parcel;
  if (trusted.has(pool) || all.bytes === 0) return parcel;
  const headers = onlyHeaders(all, plain);
  if (headers.key === all.key) return parcel;
  return divide(parcel, [{ pieces, bytes, items, points, headers }])[0]!;
}

/**
 * The same as if it had come now: how long it may wait is said by the pool that it waits in. The
 * old one is never settled.
 */
export function renewed(parcel: Parcel, enqueuedMs: number): Parcel {
  const { pieces, bytes, items, points } = parcel;
  return divide(parcel, [{ pieces, bytes, items, points, enqueuedMs }])[0]!;
}

/** What waited in a removed pool, and found no other. */
export function lostWith(removed: string): ParcelOutcome {
  const message = `pool ${removed} was removed from the config, and neither its fallback nor a rule takes what it still held`;
  return { kind: "failed", reason: "pool_removed", message };
}

/** Empty: no rule takes any of it. Otherwise all of it, in the order of the drafts. */
function placesOf(parcel: Parcel, { pipelines }: Pick<Assembly, "plan" | "pipelines">): PlacedPart[] {
  const { router } = pipelines[parcel.signal];
  const bytes = parcel.pieces.length === 1 ? parcel.pieces[0]! : joinOwned(parcel.pieces);
  const envelope = new Envelope(); // without limits: it was within them when it came
  if (!scanEnvelope(parcel.signal, bytes, envelope)) return [];
  router.divideFirst(envelope, originOf(parcel)?.region ?? "", parcel.headers);
  const parts: PlacedPart[] = [];
  let { items, points } = parcel;
  const readable = router.problem === "" && router.excess === undefined;
  for (const draft of readable ? router.drafts : []) {
    const place = { pool: draft.pool, channel: draft.channel };
    const sizes = { items: draft.items, points: draft.points };
    const kept = draft.finish(envelope);
    const length = lengthOf(kept);
    const pieces = isHeldExactly(kept, length) ? kept : [joinOwned(kept, length)];
    parts.push({ ...sizes, pieces, bytes: length, place });
    items -= sizes.items;
    points -= sizes.points;
  }
  router.release();
  if (parts.length > 0 && (items > 0 || points > 0)) {
    parts.push({ pieces: [], bytes: 0, items, points, place: undefined });
  }
  return parts;
}

/** The pool that took it, if one did; and what the parcel is by then. */
function offer(
  parcel: Parcel,
  { pool: own, channel }: RouteTarget,
  chain: readonly number[], // begins with its own
  pools: readonly Pool[],
  headers: HeaderPlan,
): { readonly pool: Pool | undefined; readonly parcel: Parcel } {
  let offered = parcel;
  for (const index of chain) {
    const pool = pools[index]!;
    offered = dressedFor(pool.name, offered, headers);
    const answer = index === own ? pool.offer(offered, channel) : pool.adopt(offered);
    if (answer === "accepted") return { pool, parcel: offered };
  }
  return { pool: undefined, parcel: offered };
}

function divide(parcel: Parcel, parts: readonly Part[]): readonly Parcel[] {
  if (parcel instanceof RoutedParcel || parcel instanceof CopyParcel) return parcel.divide(parts);
  throw new TypeError("only what was routed can be divided");
}

function originOf(parcel: Parcel): RoutedParcel | undefined {
  let origin = parcel;
  while (origin instanceof CopyParcel) origin = origin.origin;
  return origin instanceof RoutedParcel ? origin : undefined;
}
