import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { RouterError } from "../../core/errors.ts";
import { seededRandom } from "../../core/random.ts";
import type { Member } from "../../store/recipes/member.ts";
import type { CallOutcome, ControllerLink } from "../fleet/controller-link.ts";
import {
  type ControllerAddress,
  type MembersReply,
  MembersReplySchema,
  type MembersRequest,
} from "../fleet/messages.ts";
import type { RegionView } from "../global/region-views.ts";
import type { ElectedController } from "../region/candidates.ts";
import { RegionSummarySchema } from "../region/region-summary.ts";
import { DEFAULT_CRITERIA } from "./best-collector.ts";
import { fleetTopology } from "./fleet-topology.ts";
import { createTopology, type Topology } from "./topology.ts";

const { signal } = new AbortController();

type Answer = (request: MembersRequest) => CallOutcome<MembersReply>;

/** A fleet as its store and its controllers tell of it; nothing of it is real. */
class World {
  readonly leads = new Map<string, string>();
  readonly members: Member[] = [];
  readonly views: RegionView[] = [];
  readonly answers = new Map<string, Answer>();
  readonly closed: string[] = [];
  isInStep = true;
  /** Of the store. */
  trouble: RouterError | undefined;
  readonly source = fleetTopology({
    id: "self",
    controller: {
      leaders: this.#leaders(),
      regions: { all: () => this.views, isInStep: true },
      services: new Map(),
    },
    controllers: async () => {
      if (this.trouble !== undefined) throw this.trouble;
      return this.members;
    },
    openLink: (controller) => this.#link(controller),
  });
  readonly topology: Topology = createTopology({
    source: this.source,
    clock: new ManualClock(),
    random: seededRandom(1),
  });

  #leaders() {
    const elected = (of: string): ElectedController | undefined => {
      const id = this.leads.get(of);
      if (id === undefined) return undefined;
      return { id, epoch: 1n, sinceMs: 0, value: { schema: 1, id, address: `${id}:4321`, tls: true } };
    };
    const isInStep = (): boolean => this.isInStep;
    return {
      global: () => elected("global"),
      region: elected,
      regions: () => [...this.leads.keys()].filter((of) => of !== "global"),
      get isInStep() {
        return isInStep();
      },
    };
  }

  #link(controller: ControllerAddress): ControllerLink {
    return {
      controller,
      call: async (_method: string, request: unknown) => {
        assert.ok(controller.tls, "controllers that lead with TLS are asked with it");
        const answer = this.answers.get(controller.id);
        return (answer?.(request as MembersRequest) ?? { kind: "unreachable", reason: "gone" }) as never;
      },
      [Symbol.asyncDispose]: async () => void this.closed.push(controller.id),
    };
  }

  controller(id: string, region: string, health: Member["health"] = { state: "healthy" }): void {
    const info = { id, name: id, address: `${id}:4321`, region, capacity: 0, version: "1", metadata: { tls: "true" } };
    this.members.push({ ...info, health, registeredAtMs: 0, created: 1n, session: "s" });
  }

  summary(region: string, more: Record<string, unknown> = {}, isStale = false): void {
    const numbers = { collectors: 2, states: { live: 2 }, health: { healthy: 2 }, items_per_second: 10, ...more };
    const { adopted = false } = more;
    const summary = { region, epoch: "1.5", seq: 1, observed_at: "2026-01-01T00:00:00.000Z", adopted, numbers };
    this.views.push({ summary: RegionSummarySchema.parse(summary), ageMs: 1_000, isStale });
  }

  /** Leads a region with these collectors. */
  serves(id: string, region: string, collectors: readonly string[]): void {
    this.answers.set(id, (request) => {
      if (request.region !== region) return { kind: "not_leader", leader: undefined };
      const rest = collectors.filter((one) => one > (request.after ?? ""));
      const members = rest.slice(0, request.limit).map((one) => ({
        id: one,
        region,
        incarnation: "i",
        health: { state: "healthy" },
      }));
      const next = rest.length > request.limit ? { next: rest[request.limit - 1] } : {};
      const reply = {
        protocol: 1,
        region,
        members,
        view_digest: `${collectors.length} from ${collectors[0]}`,
        ...next,
      };
      return { kind: "reply", reply: MembersReplySchema.parse(reply), sent: {} as never };
    });
  }
}

test("fleet: regions are those of summaries, of elections and of the controllers that the store lists", async () => {
  const world = new World();
  world.summary("eu");
  world.summary("us", { items_per_second: 30 }, true);
  world.leads.set("eu", "c1").set("asia", "c3");
  world.controller("c1", "eu", { state: "unknown" });
  world.controller("c2", "eu", { state: "unhealthy", reason: "disk" });
  world.serves("c1", "eu", ["a", "b"]);
  const view = await world.topology.read({ limit: 10, signal });
  assert.deepEqual(
    view.regions.map(({ id, health, controller, collectors, stale }) => [
      id,
      health,
      controller,
      collectors.map((one) => one.id).join(),
      stale,
    ]),
    [
      ["asia", "unhealthy", "c3", "", true],
      ["eu", "degraded", "c1", "a,b", false],
      ["us", "unhealthy", null, "", true],
    ],
  );
  assert.equal(view.totals.items, 40);
  world.isInStep = false;
  const old = await world.topology.read({ region: "eu", limit: 10, signal });
  assert.equal(old.stale, true, "what the store told before it was cut off is of the past");
});

test("fleet: while the store is away, the controllers that it listed last are asked, and all is called stale", async () => {
  const world = new World();
  world.summary("eu");
  world.leads.set("eu", "c1");
  world.controller("c1", "eu");
  world.serves("c1", "eu", ["a", "b"]);
  const away = new RouterError("STORE_UNREACHABLE", "connect ECONNREFUSED");
  const read = (): ReturnType<Topology["read"]> => world.topology.read({ limit: 10, signal });
  world.trouble = away;
  await assert.rejects(read, away, "nothing is known yet");
  world.trouble = undefined;
  assert.equal((await read()).stale, false);
  world.trouble = away;
  const { stale, regions } = await read();
  assert.deepEqual(
    [stale, ...regions.map(({ id, health, collectors }) => [id, health, collectors.length])],
    [true, ["eu", "healthy", 2]],
  );
  world.trouble = new RouterError("STORE_REFUSED", "permission denied");
  await assert.rejects(read, world.trouble);
});

test("fleet: who leads no more says who does, and that one is asked", async () => {
  const world = new World();
  world.summary("eu");
  world.leads.set("eu", "old");
  world.answers.set("old", () => ({ kind: "not_leader", leader: { id: "new", address: "new:1", tls: true } }));
  world.serves("new", "eu", ["a"]);
  const best = await world.topology.best({ criteria: DEFAULT_CRITERIA, signal });
  assert.equal(best?.collector.id, "a");
  await world.source[Symbol.asyncDispose]();
  assert.deepEqual(world.closed.toSorted(), ["new", "old"]);
});

test("fleet: the collectors of a region that was adopted are asked of the fleet's leader", async () => {
  const world = new World();
  world.summary("eu", { adopted: true });
  world.leads.set("global", "g");
  world.controller("g", "us");
  world.serves("g", "eu", ["a"]);
  const { regions } = await world.topology.read({ region: "eu", limit: 10, signal });
  assert.deepEqual(
    [regions[0]?.adopted, regions[0]?.controller, regions[0]?.health, regions[0]?.collectors[0]?.id],
    [true, "g", "degraded", "a"],
  );
  assert.deepEqual(await world.topology.members({ signal }), [
    { id: "a", seen_by: ["g"] },
    { id: "g", seen_by: ["self"] },
  ]);
});

test("fleet: two that both believe to lead a region, and see different collectors, are told as a split view", async () => {
  const world = new World();
  world.summary("eu");
  world.leads.set("eu", "c1");
  world.controller("c1", "eu");
  world.controller("c2", "eu");
  world.serves(
    "c1",
    "eu",
    Array.from({ length: 450 }, (_, i) => `n${1_000 + i}`),
  );
  world.serves("c2", "eu", ["n1000", "n9999"]);
  const { split } = await world.topology.read({ limit: 10, signal });
  assert.deepEqual(
    split.map(({ scope, views }) => [scope, views.map((one) => [one.controllers, one.only_here.length])]),
    [
      [
        "eu",
        [
          [["c1"], 449],
          [["c2"], 1],
        ],
      ],
    ],
  );
  const members = await world.topology.members({ signal });
  assert.equal(members.length, 453);
  assert.deepEqual(members.find(({ id }) => id === "n1000")?.seen_by, ["c1", "c2"]);
});
