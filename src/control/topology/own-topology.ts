import type { CollectorView } from "../fleet/messages.ts";
import type { RegionSeen, TopologySource } from "./topology-source.ts";
import { sightingOf } from "./topology-view.ts";
import { viewDigestOf } from "./view-digest.ts";

/** The topology of a node that has no fleet: itself. */
export function ownTopology(self: () => Promise<CollectorView>): TopologySource {
  return {
    regions: async () => [regionOf(await self())],
    async page(region, { after }) {
      const own = await self();
      const isShown = own.region === region && (after === undefined || own.id > after);
      return { collectors: isShown ? [own] : [], next: undefined };
    },
    async views() {
      const own = await self();
      const { id, region } = own;
      return [
        { controller: id, scope: region, digest: viewDigestOf([id]), members: [id], sightings: [sightingOf(own)] },
      ];
    },
    async member(id) {
      const own = await self();
      const nothing = { received: {}, reports: 0, first_seen_ms: Number(own.incarnation) };
      return { member: own.id === id ? { ...own, ...nothing } : undefined, isSure: true };
    },
  };
}

function regionOf({ id, region, load, capacity, health }: CollectorView): RegionSeen {
  const items = load.items_per_second;
  return {
    id: region,
    controller: id,
    controllers: [health.state],
    adopted: false,
    collectors: 1,
    healthyCollectors: health.state === "healthy" ? 1 : 0,
    numbers: {
      items_per_second: items,
      bytes_per_second: load.bytes_per_second,
      failed_items_per_second: items * load.error_rate,
      sampled_items_per_second: items * load.sampling_rate,
      latency_weight: items * load.latency_ms,
    },
    capacity: capacity.items_per_second,
    isStale: false,
  };
}
