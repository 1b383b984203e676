import { RouterError } from "../../core/errors.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import type { Entry } from "../../store/store.ts";
import { decodeSummary, regionsPrefix, type RegionSummary } from "../region/region-summary.ts";
import { ageMs } from "../region/watch-cache.ts";
import { Informer } from "../region/informer.ts";

/** A region as those see it who read its summary. */
export interface RegionView {
  readonly summary: RegionSummary;
  /** Undefined: it has not been seen to change yet. */
  readonly ageMs: number | undefined;
  /** Nobody has written it for three times as long as is usual: its numbers are of the past. */
  readonly isStale: boolean;
}

/** What all regions' controllers say of them. */
export interface RegionViews {
  /** In the order of their ids. */
  all(): readonly RegionView[];
  /** Whether the store can be reached. */
  readonly isInStep: boolean;
}

/** More are a fault: see MAX_SCOPES of a node's memory of epochs. */
export const MAX_REGIONS = 1_000;

/** Watches `<prefix>/regions/` until it is disposed. */
export function openRegionViews(place: RecipePlace, summaryIntervalMs: number): AsyncDisposable & RegionViews {
  const openedMs = place.clock.nowMs();
  const staleMs = 3 * summaryIntervalMs;
  const informer = new Informer<RegionSummary>({
    place,
    prefix: regionsPrefix(place.prefix),
    read: readRegion,
    // Whoever wrote it led then, which the store has compared: each is newer than what was there.
    step: (known, next) => (next.epoch === known.epoch && next.seq === known.seq ? 0 : 1),
    most: MAX_REGIONS,
    forgets: true,
    news: () => undefined,
  });
  return {
    all() {
      const { now } = informer;
      const views = informer.all.map((seen): RegionView => {
        const age = ageMs(seen, now);
        // What never changed while it was looked at is at least as old as the looking.
        const leastMs = age ?? place.clock.nowMs() - openedMs;
        return { summary: seen.value, ageMs: age, isStale: leastMs > staleMs };
      });
      return views.toSorted((a, b) => (a.summary.region < b.summary.region ? -1 : 1));
    },
    get isInStep() {
      return informer.isInStep;
    },
    [Symbol.asyncDispose]: () => informer[Symbol.asyncDispose](),
  };
}

function readRegion(entry: Entry): RegionSummary | undefined {
  const read = decodeSummary(entry);
  return read.ok && entry.key.endsWith(`/${read.value.region}`) ? read.value : undefined;
}

/** The id of a region that keys can have; throws `STORE_REFUSED`. */
export function checkedRegion(region: string): string {
  if (isRegion(region)) return region;
  throw new RouterError("STORE_REFUSED", `"${region}" cannot be the id of a region of a fleet`, {
    hint: `use letters, digits, . _ and -, at most ${MAX_REGION} of them`,
  });
}

export function isRegion(region: string): boolean {
  return region.length <= MAX_REGION && REGION.test(region);
}

/** With `region.` before it, it is the name of an election. */
const MAX_REGION = 121;
const REGION = /^[A-Za-z0-9._-]+$/u;
