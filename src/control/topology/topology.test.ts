import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { seededRandom } from "../../core/random.ts";
import { type CollectorView, CollectorViewSchema } from "../fleet/messages.ts";
import { ownTopology } from "./own-topology.ts";
import { Topology } from "./topology.ts";
import type { RegionSeen, TopologySource } from "./topology-source.ts";
import { DEFAULT_CRITERIA } from "./best-collector.ts";

const { signal } = new AbortController();
const criteria = DEFAULT_CRITERIA;

function collector(id: string, region: string, more: Record<string, unknown> = {}): CollectorView {
  return CollectorViewSchema.parse({
    id,
    region,
    incarnation: "i",
    version: "1.0.0",
    addresses: { otlp_grpc: `${id}:4317` },
    capacity: { items_per_second: 1_000 },
    load: { items_per_second: 100, utilization: 0.1, latency_ms: 5 },
    health: { state: "healthy" },
    config: { version: 7 },
    age_ms: 2_000,
    ...more,
  });
}

function regionSeen(id: string, more: Partial<RegionSeen> = {}): RegionSeen {
  const numbers = {
    items_per_second: 100,
    bytes_per_second: 1_000,
    failed_items_per_second: 0,
    sampled_items_per_second: 100,
    latency_weight: 500,
  };
  const counts = { collectors: 2, healthyCollectors: 2, capacity: 2_000 };
  return {
    id,
    controller: `${id}-c`,
    controllers: ["healthy"],
    adopted: false,
    ...counts,
    numbers,
    isStale: false,
    ...more,
  };
}

/** Controllers that answer, or do not. */
class Fleet implements TopologySource {
  all: RegionSeen[] = [];
  collectors: CollectorView[] = [];
  readonly silent = new Set<string>();
  asked = 0;

  async regions(): Promise<readonly RegionSeen[]> {
    return this.all;
  }

  async page(id: string, { after = "", limit }: { after?: string | undefined; limit: number }) {
    this.asked++;
    if (this.silent.has(id)) return undefined;
    const rest = this.collectors.filter((one) => one.region === id && one.id > after);
    return { collectors: rest.slice(0, limit), next: rest.length > limit ? rest[limit - 1]!.id : undefined };
  }

  async member() {
    return { member: undefined, isSure: true };
  }

  async views() {
    return [
      { controller: "eu-c", scope: "eu", digest: "1", members: ["a", "b"] },
      { controller: "eu-d", scope: "eu", digest: "2", members: ["a"] },
    ];
  }
}

function open(source: TopologySource): { topology: Topology; clock: ManualClock } {
  const clock = new ManualClock();
  return { topology: new Topology({ source, clock, random: seededRandom(3) }), clock };
}

test("topology: regions with pages of their collectors, and totals of all", async () => {
  const fleet = new Fleet();
  fleet.all = [regionSeen("eu"), regionSeen("us", { adopted: true, healthyCollectors: 1 })];
  fleet.collectors = [
    collector("a", "eu", {
      limited: { limit: 100, wanted: 70, granted: 60.126, offered: 65, used: 60, shed: 3 },
      degraded: { level: 2, reason: "queue 0.93", since_ms: 0, fleet: true },
    }),
    collector("b", "eu", { addresses: { otlpGrpc: "b:1" } }),
    collector("c", "us"),
  ];
  const { topology, clock } = open(fleet);
  const view = await topology.read({ limit: 1, signal });
  assert.deepEqual(
    view.regions.map(({ id, health, next, collectors, stale }) => [id, health, next, collectors.length, stale]),
    [
      ["eu", "healthy", "a", 1, false],
      ["us", "degraded", null, 1, false],
    ],
  );
  assert.deepEqual(view.totals, { items: 200, bytes: 2_000, latency_ms: 5, error_rate: 0, sampling_rate: 1 });
  const [first] = view.regions[0]!.collectors;
  assert.deepEqual(
    { ...first, load: first?.load.utilization },
    {
      id: "a",
      address: "a:4317",
      region: "eu",
      tags: {},
      version: "1.0.0",
      config_version: 7,
      health: "healthy",
      reason: "",
      capacity: { items_per_second: 1_000 },
      load: 0.1,
      limits: { limit: 100, wanted: 70, granted: 60.13, offered: 65, used: 60, shed: 3 },
      degradation: { level: 2, reason: "queue 0.93", since: "1970-01-01T00:00:00.000Z", fleet: true },
      last_seen: new Date(clock.wallMs() - 2_000).toISOString(),
    },
  );
  const next = await topology.read({ region: "eu", after: "a", limit: 1, signal });
  assert.deepEqual(
    next.regions.map(({ collectors }) => collectors.map(({ id, address }) => `${id} ${address}`)),
    [["b b:1"]],
  );
  const [silent] = next.regions[0]!.collectors;
  assert.deepEqual([silent?.limits, silent?.degradation], [null, null], "it does not say");
  assert.equal(view.split[0]?.views.length, 2, "controllers that see others are told");
});

test("topology: a controller that lists fewer than the store has counted is believed", async () => {
  const fleet = new Fleet();
  fleet.all = [regionSeen("eu", { collectors: 3, healthyCollectors: 3 }), regionSeen("us", { collectors: 3 })];
  fleet.collectors = [collector("a", "eu"), collector("b", "us"), collector("c", "us", { state: "suspect" })];
  const { topology } = open(fleet);
  const [eu, us] = (await topology.read({ limit: 2, signal })).regions;
  assert.deepEqual([eu?.collectors_total, eu?.health], [1, "healthy"]);
  assert.deepEqual([us?.collectors_total, us?.health], [2, "degraded"]);
  const [, first] = (await topology.read({ limit: 1, signal })).regions;
  assert.deepEqual([first?.collectors_total, first?.next], [3, "b"], "a page is not all of them");
});

test("topology: where a controller does not answer, what it said last is shown, and called stale", async () => {
  const fleet = new Fleet();
  fleet.all = [regionSeen("eu"), regionSeen("us", { isStale: true })];
  fleet.collectors = [collector("a", "eu"), collector("c", "us")];
  const { topology, clock } = open(fleet);
  const { regions } = await topology.read({ limit: 10, signal });
  const seen = regions[0]?.collectors[0]?.last_seen;
  fleet.silent.add("eu").add("us");
  clock.advance(60_000);
  const view = await topology.read({ limit: 10, signal });
  const [first] = view.regions[0]?.collectors ?? [];
  assert.deepEqual(
    [first?.last_seen, first?.health, first?.reason],
    [seen, "unknown", "no report for 62 s"],
    "nobody has heard of it since",
  );
  assert.deepEqual(
    view.regions.map(({ stale, health, collectors }) => [stale, health, collectors.map(({ id }) => id)]),
    [
      [true, "unknown", ["a"]],
      [true, "unknown", ["c"]],
    ],
  );
  assert.ok(view.stale);
  assert.equal(await topology.best({ criteria, signal }), undefined, "and nobody of them is chosen");
});

test("topology: a suspect is told to be unknown, and is not chosen; nor is who is unhealthy", async () => {
  const fleet = new Fleet();
  fleet.all = [regionSeen("eu")];
  fleet.collectors = [
    collector("a", "eu", { state: "suspect", age_ms: 11_000 }),
    collector("b", "eu", { health: { state: "unhealthy", reason: "disk" } }),
    collector("c", "eu"),
  ];
  const { topology } = open(fleet);
  const { regions } = await topology.read({ limit: 10, signal });
  assert.deepEqual(
    regions[0]?.collectors.map(({ health, reason }) => [health, reason]),
    [
      ["unknown", "no report for 11 s"],
      ["unhealthy", "disk"],
      ["healthy", ""],
    ],
  );
  for (let i = 0; i < 20; i++) assert.equal((await topology.best({ criteria, signal }))?.collector.id, "c");
});

test("best: collectors are asked for once in a while, and all of a region get their turn", async () => {
  const fleet = new Fleet();
  fleet.all = [regionSeen("eu")];
  fleet.collectors = Array.from({ length: 3_000 }, (_, i) => collector(`c${String(i).padStart(5, "0")}`, "eu"));
  const { topology, clock } = open(fleet);
  const choose = async (): Promise<Set<string>> => {
    const found = new Set<string>();
    for (let i = 0; i < 200; i++) found.add((await topology.best({ criteria, signal }))!.collector.id);
    return found;
  };
  const first = await choose();
  assert.equal(fleet.asked, 10, "ten pages, and no more while they are fresh");
  assert.ok([...first].every((id) => id < "c02000") && first.size > 150);
  clock.advance(5_000);
  assert.ok([...(await choose())].every((id) => id >= "c02000"));
  assert.equal(await topology.best({ region: "asia", criteria, signal }), undefined);
});

test("topology: a node by itself shows itself", async () => {
  const { topology } = open(ownTopology(async () => collector("one", "default", { health: { state: "unhealthy" } })));
  const { regions, totals, stale, split } = await topology.read({ limit: 10, signal });
  assert.deepEqual(
    [regions.length, regions[0]?.id, regions[0]?.health, stale, split],
    [1, "default", "unhealthy", false, []],
  );
  assert.equal(totals.items, 100);
  assert.deepEqual(
    (await topology.members({ signal })).map(({ id, region, seen_by }) => [id, region, seen_by]),
    [["one", "default", ["one"]]],
  );
});
