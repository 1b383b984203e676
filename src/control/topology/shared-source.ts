import type { Clock } from "../../core/clock.ts";
import { SharedReads } from "./shared-reads.ts";
import type { CollectorPage, MemberFound, RegionSeen, TopologySource } from "./topology-source.ts";
import type { MemberView } from "./split-views.ts";

/**
 * As often at most the same is asked of controllers and of the store, however many want to know.
 */
const FRESH_MS = 1_000;
const LONGEST_MS = 10_000;

/** A source that is asked once for all who ask the same within a second. */
export function sharedSource(source: () => TopologySource, clock: Clock): TopologySource {
  const options = { clock, freshMs: FRESH_MS, longestMs: LONGEST_MS };
  const regions = new SharedReads<readonly RegionSeen[]>({ ...options, most: 1 });
  const pages = new SharedReads<CollectorPage | undefined>({ ...options, most: 100 });
  const views = new SharedReads<readonly MemberView[]>({ ...options, most: 2 });
  const members = new SharedReads<MemberFound>({ ...options, most: 100 });
  return {
    regions: ({ signal }) => regions.read("all", signal, (shared) => source().regions({ signal: shared })),
    page: (region, { after, limit, signal }) =>
      pages.read(JSON.stringify([region, after, limit]), signal, (shared) =>
        source().page(region, { after, limit, signal: shared }),
      ),
    views: ({ withMembers, signal }) =>
      views.read(String(withMembers), signal, (shared) => source().views({ withMembers, signal: shared })),
    member: (id, { region, signal }) =>
      members.read(JSON.stringify([id, region]), signal, (shared) => source().member(id, { region, signal: shared })),
  };
}
