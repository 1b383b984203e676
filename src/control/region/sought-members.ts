import { compileGlob } from "../../config/glob.ts";
import { dropOldest } from "../../core/drop-oldest.ts";
import { FLEET_BOUNDS } from "../fleet/bounds.ts";
import { isDialable, isLoopback, listenerAddress } from "../fleet/listener-address.ts";
import type { CollectorReport, MemberSelection, MemberSet } from "../fleet/messages.ts";

/** Of whoever has left is told so long: longer than any call is held. */
const LEFT_MS = 60_000;
/** Of more that have left together the oldest are forgotten. */
const MOST_LEFT = 1_024;

/** What a member says now. */
type NewestReport = (id: string) => CollectorReport | undefined;

/** One of those who fit. */
interface FittingPlace {
  readonly address: string;
  readonly host: string | undefined;
}

/**
 * Those of a region who fit one selection, by id. Of more than are used it is the first: for all
 * who ask the same ones, so that all agree whose a key is. Who is silent is used until it is gone.
 * Those who say of themselves that they are unhealthy, or something else that fits no more, have
 * left. Kept as they come and go: a Report costs the same however many there are.
 */
export class SoughtMembers {
  readonly #listener: string;
  readonly #hasTags: (tags: CollectorReport["tags"]) => boolean;
  readonly #places = new Map<string, FittingPlace>();
  /** Who has left, and when; for ever: who fits and is unhealthy. */
  readonly #left = new Map<string, number>();
  /** The ids of all who fit; undefined: there are others since. */
  #sorted: readonly string[] | undefined;

  constructor({ tags, listener }: Omit<MemberSelection, "region">) {
    this.#listener = listener;
    this.#hasTags = compileTags(tags);
  }

  /** Whether another answer may come of what one says now. */
  hear(report: CollectorReport, nowMs: number): boolean {
    const { id, health } = report;
    const place = this.#placeOf(report);
    if (place !== undefined && health.state !== "unhealthy") return this.#put(id, place);
    const was = this.#take(id);
    if (place !== undefined) return this.#leave(id, Number.POSITIVE_INFINITY) || was;
    if (was || this.#left.get(id) === Number.POSITIVE_INFINITY) this.#leave(id, nowMs);
    return was;
  }

  /** It is not heard any more: the same. */
  gone(id: string): boolean {
    if (this.#left.get(id) === Number.POSITIVE_INFINITY) this.#left.delete(id);
    return this.#take(id);
  }

  /** It has said goodbye: the same. */
  goodbye(report: CollectorReport, nowMs: number): boolean {
    const was = this.#take(report.id);
    if (this.#placeOf(report) === undefined) return was;
    this.#leave(report.id, nowMs);
    return true;
  }

  /**
   * `allLeft`: also of who has left long ago. Those who have left may be more than are told: the
   * newest are first.
   */
  set(newest: NewestReport, nowMs: number, allLeft: boolean): Omit<MemberSet, "is_learning"> {
    this.#sorted ??= [...this.#places.keys()].toSorted((a, b) => (a < b ? -1 : 1));
    const members = this.#sorted.slice(0, FLEET_BOUNDS.found).map((id) => {
      const { address, host } = this.#places.get(id)!;
      const utilization = rounded(newest(id)?.load.utilization ?? 0);
      return { id, address, utilization, ...(host !== undefined && { host }) };
    });
    return { members, total: this.#places.size, left: this.#leftSince(allLeft ? -Infinity : nowMs - LEFT_MS) };
  }

  #placeOf({ addresses, tags, host }: CollectorReport): FittingPlace | undefined {
    const address = listenerAddress(addresses, this.#listener);
    if (address === undefined || !this.#hasTags(tags) || !isDialable(address)) return undefined;
    // Others reach it by that only on the same host.
    return { address, host: isLoopback(address) ? host : undefined };
  }

  #put(id: string, place: FittingPlace): boolean {
    // Nobody is among both: who has left has no place.
    this.#left.delete(id);
    const before = this.#places.get(id);
    if (before?.address === place.address && before.host === place.host) return false;
    if (before === undefined) this.#sorted = undefined;
    this.#places.set(id, place);
    return true;
  }

  #take(id: string): boolean {
    if (!this.#places.delete(id)) return false;
    this.#sorted = undefined;
    return true;
  }

  /** Whether that is new. */
  #leave(id: string, atMs: number): boolean {
    const before = this.#left.get(id);
    this.#left.delete(id);
    this.#left.set(id, atMs);
    dropOldest(this.#left, MOST_LEFT);
    return before !== atMs;
  }

  #leftSince(sinceMs: number): string[] {
    const ids: string[] = [];
    for (const [id, atMs] of this.#left) {
      if (atMs < sinceMs) this.#left.delete(id);
      else ids.push(id);
    }
    return ids.toReversed();
  }
}

function compileTags(tags: CollectorReport["tags"]): (its: CollectorReport["tags"]) => boolean {
  const globs = Object.entries(tags).map(([tag, glob]) => [tag, compileGlob(glob)] as const);
  return (its) => globs.every(([tag, isFit]) => Object.hasOwn(its, tag) && isFit(its[tag]!));
}

function rounded(share: number): number {
  return Math.round(share * 1_000) / 1_000;
}
