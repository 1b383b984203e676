import type { CallOptions } from "../../store/store.ts";
import type { RegionSeen, TopologySource } from "../topology/topology-source.ts";
import { type CollectorSample, type FleetSample, sampleOf } from "./collector-sample.ts";

const PAGE = 200;
/** As many as a controller lists. */
const MOST_PAGES = 100;
/** Regions that are asked at the same time. */
const AT_ONCE = 8;

/** All collectors of a fleet, as their controllers see them now. Throws as the store does. */
export async function lookAtCollectors(
  topology: Pick<TopologySource, "page" | "regions">,
  options: CallOptions,
): Promise<FleetSample> {
  const regions = await topology.regions(options);
  const collectors: CollectorSample[] = [];
  const silent: string[] = [];
  for (let at = 0; at < regions.length; at += AT_ONCE) {
    const asked = regions.slice(at, at + AT_ONCE).map(async (region) => {
      const members = await membersOf(topology, region.id, options);
      collectors.push(...(members?.found ?? []));
      if (members?.isLearning ?? !isEmpty(region)) silent.push(region.id);
    });
    await Promise.all(asked);
  }
  return { collectors, silent: silent.toSorted() };
}

/** A region that was given up: nobody is there, and nobody answers for it. */
function isEmpty({ collectors, controllers }: RegionSeen): boolean {
  return collectors === 0 && controllers.length === 0;
}

interface RegionSample {
  readonly found: readonly CollectorSample[];
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
  let after: string | undefined;
  let isLearning = false;
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const page = await topology.page(region, { after, limit: PAGE, signal });
    if (page === undefined) return undefined;
    isLearning ||= page.isLearning === true;
    for (const view of page.collectors) found.push(sampleOf(view));
    after = page.next;
    if (after === undefined) break;
  }
  return { found, isLearning };
}
