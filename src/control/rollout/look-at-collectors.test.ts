import assert from "node:assert/strict";
import { test } from "node:test";
import { CollectorViewSchema } from "../fleet/messages.ts";
import { noNumbers } from "../region/fleet-numbers.ts";
import type { CollectorPage, RegionSeen } from "../topology/topology-source.ts";
import { lookAtCollectors } from "./look-at-collectors.ts";

function regionOf(id: string): RegionSeen {
  const [numbers, controller, collectors] = [noNumbers(), `c-${id}`, 1];
  const more = { healthyCollectors: 1, numbers, capacity: 0, adopted: false, isStale: false };
  return { id, controller, controllers: ["healthy"], collectors, ...more };
}

function viewOf(id: string) {
  return CollectorViewSchema.parse({ id, region: "eu", incarnation: "one", health: { state: "healthy" } });
}

test("a region whose controller is new has lost nobody: who is there is seen, and it counts as silent", async () => {
  const pages: Readonly<Record<string, CollectorPage>> = {
    eu: { collectors: [viewOf("eu-1")], next: undefined, isLearning: true },
    us: { collectors: [viewOf("us-1")], next: undefined },
  };
  const regions = ["eu", "us", "asia"].map(regionOf);
  const topology = { regions: async () => regions, page: async (region: string) => pages[region] };
  const seen = await lookAtCollectors(topology, { signal: new AbortController().signal });
  assert.deepEqual(seen.collectors.map(({ id }) => id).toSorted(), ["eu-1", "us-1"]);
  assert.deepEqual(seen.silent, ["asia", "eu"]);
});
