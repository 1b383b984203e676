import type { CallOptions } from "../../store/store.ts";
import { MAX_COLLECTORS } from "../region/collector-table.ts";
import { type PageAt, readPages } from "../topology/read-pages.ts";
import type { CollectorPage, RegionSeen, TopologySource } from "../topology/topology-source.ts";
import { type CollectorSample, type FleetSample, sampleOf, startOf } from "./collector-sample.ts";

/** Regions that are asked at the same time. */
const AT_ONCE = 8;

/** All collectors of a fleet, as their controllers see them now. Throws as the store does. */
export async function sampleCollectors(
  topology: Pick<TopologySource, "page" | "regions">,
  options: CallOptions,
): Promise<FleetSample> {
  const regions = await topology.regions(options);
  const collectors: CollectorSample[] = [];
  const silent: string[] = [];
  const left = new Set<string>();
  for (let at = 0; at < regions.length; at += AT_ONCE) {
    const asked = regions.slice(at, at + AT_ONCE).map(async (region) => {
      const members = await membersOf(topology, region.id, options);
      collectors.push(...(members?.found ?? []));
      for (const start of members?.left ?? []) left.add(start);
      if (isSilent(region, members)) silent.push(region.id);
    });
    await Promise.all(asked);
  }
  return { collectors, silent: silent.toSorted(), left };
}

/**
 * Nothing tells who is not there. Where nobody was when its controller told of it last, as in a
 * region that stands by, nobody is missed; nor in one that was adopted for a single Report, of a
 * name that was misspelt, whose controller is as new as the leader.
 */
function isSilent({ collectors, adopted }: RegionSeen, members: RegionSample | undefined): boolean {
  if (members === undefined) return collectors > 0;
  const isNobodyThere = adopted && collectors === 0 && members.found.length === 0;
  return members.isLearning && !isNobodyThere;
}

interface RegionSample {
  readonly found: readonly CollectorSample[];
  readonly left: readonly string[];
  /** Who is not found is not known to be gone. */
  readonly isLearning: boolean;
}

/** Undefined: its controller does not answer. */
async function membersOf(
  topology: Pick<TopologySource, "page">,
  region: string,
  { signal }: CallOptions,
): Promise<RegionSample | undefined> {
  const found: CollectorSample[] = [];
  const left: string[] = [];
  let after: string | undefined;
  let isLearning = false;
  const read = (at: PageAt): Promise<CollectorPage | undefined> => topology.page(region, { ...at, signal });
  for await (const page of readPages(read, { most: MAX_COLLECTORS })) {
    if (page === undefined) return undefined;
    isLearning ||= page.isLearning === true;
    for (const view of page.collectors) found.push(sampleOf(view));
    left.push(...(page.left ?? []).map(startOf));
    after = page.next;
  }
  // There are more than are asked for: who is not among these is not known to be gone either.
  return { found, left, isLearning: isLearning || after !== undefined };
}
