import { isHeldExactly, joinOwned, lengthOf } from "../core/bytes.ts";
import { Envelope, scanEnvelope } from "../otlp/scan.ts";
import type { Router } from "./route/route.ts";
import type { Assembly } from "./assembly.ts";
import { type Parcel, type Part, viewsOf } from "./queue/parcel.ts";
import type { Pool } from "./queue/pool-port.ts";
import { dressedFor, lostWith, type RemovedPool, type Rerouter } from "./queue/removed.ts";

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
export class RuleRerouter implements Rerouter {
  readonly #running: () => Assembly;

  constructor(running: () => Assembly) {
    this.#running = running;
  }

  reroute(parcel: Parcel, removed: RemovedPool): void {
    const assembly = this.#running();
    const { signal, shares } = parcel.record;
    const { records, router } = assembly.pipelines[signal];
    const isCopy = shares[0]?.copied === true;
    const parts = isCopy ? [] : placesOf(parcel, router);
    if (parts.length === 0) return records.finish(parcel, lostWith(removed.name));
    for (const [i, part] of records.divide(parcel, parts).entries()) {
      const { place } = parts[i]!;
      const to = place === undefined ? { pool: undefined, parcel: part } : offer(part, place, removed.name, assembly);
      if (to.pool === undefined) records.finish(to.parcel, lostWith(removed.name));
      else removed.countFailover(to.pool.name, "backlog", part.record.points);
    }
  }
}

/** Empty: no rule takes any of it. Otherwise all of it, in the order of the drafts. */
function placesOf(parcel: Parcel, router: Router): PlacedPart[] {
  const { record } = parcel;
  const held = viewsOf(parcel);
  const bytes = held.length === 1 ? held[0]! : joinOwned(held);
  const envelope = new Envelope(); // without limits: it was within them when it came
  if (!scanEnvelope(record.signal, bytes, envelope)) return [];
  router.divideFirst(envelope, record.region, record.headers);
  const parts: PlacedPart[] = [];
  let { items, points } = record;
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
  removed: string,
  { plan, pipelines }: Assembly,
): { readonly pool: Pool | undefined; readonly parcel: Parcel } {
  const { router, pools, records } = pipelines[parcel.record.signal];
  let offered = parcel;
  for (const index of router.plan.pools[own]!.chain) {
    const pool = pools[index]!;
    offered = dressedFor(records, pool.name, offered, plan.headers);
    const answer = index === own ? pool.offer(offered, channel, removed) : pool.adopt(offered, removed);
    if (answer === "accepted") return { pool, parcel: offered };
  }
  return { pool: undefined, parcel: offered };
}
