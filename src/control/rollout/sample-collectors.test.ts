import assert from "node:assert/strict";
import { test } from "node:test";
import { CollectorViewSchema } from "../fleet/messages.ts";
import { noNumbers } from "../region/fleet-numbers.ts";
import type { CollectorPage, PageOptions, RegionSeen } from "../topology/topology-source.ts";
import { sampleOf } from "./collector-sample.ts";
import { sampleCollectors } from "./sample-collectors.ts";

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
  const seen = await sampleCollectors(topology, { signal: new AbortController().signal });
  assert.deepEqual(seen.collectors.map(({ id }) => id).toSorted(), ["eu-1", "us-1"]);
  assert.deepEqual(seen.silent, ["asia", "eu"]);
});

test("a region in which nobody is keeps nothing waiting; who has said goodbye is told; more than fit are not gone", async () => {
  const regions = [{ ...regionOf("standby"), collectors: 0 }, regionOf("eu"), regionOf("vast")];
  const pages: Readonly<Record<string, CollectorPage>> = {
    eu: { collectors: [viewOf("eu-1")], next: undefined, left: [{ id: "eu-2", incarnation: "one" }] },
    vast: { collectors: [viewOf("vast-1")], next: "vast-1" },
  };
  const topology = { regions: async () => regions, page: async (region: string) => pages[region] };
  const seen = await sampleCollectors(topology, { signal: new AbortController().signal });
  assert.deepEqual([seen.silent, [...(seen.left ?? [])]], [["vast"], ["eu-2 one"]]);
});

test("an adopted region in which nobody is, and nobody was, keeps nothing waiting while its controller learns", async () => {
  const empty = { ...regionOf("misspelt"), collectors: 0, adopted: true };
  const learning: CollectorPage = { collectors: [], next: undefined, isLearning: true };
  const silentOf = async (region: RegionSeen, page: CollectorPage) => {
    const topology = { regions: async () => [region], page: async () => page };
    return (await sampleCollectors(topology, { signal: new AbortController().signal })).silent;
  };
  assert.deepEqual(await silentOf(empty, learning), []);
  assert.deepEqual(await silentOf({ ...empty, adopted: false }, learning), ["misspelt"]);
  assert.deepEqual(await silentOf({ ...empty, collectors: 2 }, learning), ["misspelt"]);
  assert.deepEqual(await silentOf(empty, { ...learning, collectors: [viewOf("a")] }), ["misspelt"]);
});

test("what a collector tells of its requests, its queues, and how often, is what is looked at", () => {
  const counters = { attempted_items: 9, failed_items: 2, requests: 5, refused_requests: 1 };
  const told = { id: "a", region: "eu", incarnation: "one", counters, load: { queue_items: 7 } };
  const { requests, refused, waiting, reportMs } = sampleOf(
    CollectorViewSchema.parse({ ...told, report_interval_ms: 40_000 }),
  );
  assert.deepEqual([requests, refused, waiting, reportMs], [5, 1, 7, 40_000]);
  assert.equal(sampleOf(CollectorViewSchema.parse(told)).reportMs, 5_000);
});

test("pages follow each other to the last one; a controller that always has another is asked a hundred times", async () => {
  const regions = ["eu", "endless"].map(regionOf);
  const asked: string[] = [];
  const page = async (region: string, { after = "0", limit }: PageOptions): Promise<CollectorPage> => {
    asked.push(`${region} after ${after}, ${limit}`);
    const id = String(Number(after) + 1);
    return { collectors: [viewOf(`${region}-${id}`)], next: region === "eu" && id === "3" ? undefined : id };
  };
  const topology = { regions: async () => regions, page };
  const seen = await sampleCollectors(topology, { signal: new AbortController().signal });
  const ofEu = asked.filter((one) => one.startsWith("eu"));
  assert.deepEqual(ofEu, ["eu after 0, 200", "eu after 1, 200", "eu after 2, 200"]);
  assert.deepEqual([asked.length, seen.collectors.length, seen.silent], [103, 103, ["endless"]]);
});
