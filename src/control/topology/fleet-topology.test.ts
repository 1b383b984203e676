import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { RouterError } from "../../core/errors.ts";
import { seededRandom } from "../../core/random.ts";
import type { Member } from "../../store/recipes/member.ts";
import { CALL_DEADLINE_MS } from "../../store/store.ts";
import type { CallOutcome, ControllerLink } from "../fleet/controller-link.ts";
import {
  type ControllerAddress,
  type MemberReply,
  MemberReplySchema,
  type MemberRequest,
  type MembersReply,
  MembersReplySchema,
  type MembersRequest,
} from "../fleet/messages.ts";
import type { RegionView } from "../global/region-views.ts";
import type { ElectedController } from "../region/candidates.ts";
import { addressOf } from "../region/leader-board.ts";
import { RegionSummarySchema } from "../region/region-summary.ts";
import { DEFAULT_CRITERIA } from "./best-collector.ts";
import { FleetTopology } from "./fleet-topology.ts";
import { Topology } from "./topology.ts";

const { signal } = new AbortController();

type Answer = (request: MembersRequest) => CallOutcome<MembersReply>;
type MemberAnswer = (request: MemberRequest) => CallOutcome<MemberReply>;

/** A fleet as its store and its controllers tell of it; nothing of it is real. */
class World {
  readonly leads = new Map<string, string>();
  readonly members: Member[] = [];
  readonly views: RegionView[] = [];
  readonly answers = new Map<string, Answer>();
  /** Of Member, by the controller. */
  readonly details = new Map<string, MemberAnswer>();
  underWay = 0;
  most = 0;
  readonly closed: string[] = [];
  isInStep = true;
  /** Of the store. */
  trouble: RouterError | undefined;
  /** So long it is waited for. */
  patienceMs = Number.POSITIVE_INFINITY;
  readonly source = new FleetTopology({
    id: "self",
    controller: {
      leaders: this.#leaders(),
      regions: { all: () => this.views, isInStep: true },
      services: new Map(),
      leaderOf: (region) => {
        const isAdopted = this.views.some(({ summary }) => summary.region === region && summary.adopted);
        const { global, region: of } = this.#leaders();
        return addressOf(of(region) ?? (isAdopted ? global() : undefined));
      },
    },
    controllers: async ({ deadlineMs = CALL_DEADLINE_MS }) => {
      this.patienceMs = deadlineMs;
      if (this.trouble !== undefined) throw this.trouble;
      return this.members;
    },
    openLink: (controller) => this.#link(controller),
  });
  readonly topology: Topology = new Topology({
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
      call: async (method: string, request: unknown) => {
        assert.ok(controller.tls, "controllers that lead with TLS are asked with it");
        this.most = Math.max(this.most, ++this.underWay);
        await new Promise((resolve) => setImmediate(resolve));
        this.underWay--;
        if (method === "member") {
          const details = this.details.get(controller.id);
          return (details?.(request as MemberRequest) ?? { kind: "unreachable", reason: "gone" }) as never;
        }
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
    const { adopted = false, controller = "" } = more;
    const summary = {
      region,
      controller,
      epoch: "1.5",
      seq: 1,
      observed_at: "2026-01-01T00:00:00.000Z",
      adopted,
      numbers,
    };
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

test("fleet: sums that the controller before has told are called so, until the new one tells its own", async () => {
  const world = new World();
  world.controller("c2", "eu");
  world.leads.set("eu", "c2");
  world.serves("c2", "eu", ["b"]);
  const told: [boolean, string][] = [];
  for (const controller of ["c1", "c2"]) {
    world.views.length = 0;
    world.summary("eu", { controller });
    const { regions } = await world.topology.read({ limit: 10, signal });
    told.push([regions[0]!.stale, regions[0]!.reason]);
  }
  assert.deepEqual(told, [
    [true, "its controller is new: sums are those of the one before"],
    [false, ""],
  ]);
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
  assert.ok(world.patienceMs < 5_000, "it is known to be away while there is time to ask controllers");
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
    { id: "a", region: "eu", address: "", last_seen: "2025-06-15T15:06:40.000Z", seen_by: ["g"] },
    { id: "g", region: "us", address: "g:4321", last_seen: null, seen_by: ["self"] },
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

/** Leads a region, and knows these of it. */
function knows(world: World, id: string, region: string, ids: readonly string[]): void {
  world.leads.set(region, id);
  world.details.set(id, (request) => {
    const member = { id: request.id, region, incarnation: "i", tags: { zone: "a" }, schema_max: 3, reports: 7 };
    const reply = ids.includes(request.id) ? { protocol: 1, member } : { protocol: 1 };
    return { kind: "reply", reply: MemberReplySchema.parse(reply), sent: {} as never };
  });
}

test("fleet: one collector is asked of its controller, also where nobody says in which region it is", async () => {
  const world = new World();
  knows(world, "c1", "eu", ["a"]);
  knows(world, "c2", "us", ["b"]);
  const { member } = await world.topology.member("b", { signal });
  assert.deepEqual(
    [member?.id, member?.region, member?.state, member?.tags, member?.schema_max, member?.reports],
    ["b", "us", "live", { zone: "a" }, 3, 7],
  );
  assert.deepEqual(await world.topology.member("b", { region: "eu", signal }), { member: undefined, isSure: true });
  assert.deepEqual(await world.topology.member("x", { signal }), { member: undefined, isSure: true });
  world.details.delete("c2");
  assert.equal((await world.topology.member("a", { signal })).member?.id, "a", "whoever knows it is enough");
  assert.deepEqual(await world.topology.member("b", { signal }), { member: undefined, isSure: false });
});

test("fleet: however many regions there are, few controllers are asked at once", async () => {
  const world = new World();
  for (let i = 0; i < 60; i++) {
    world.leads.set(`r${i}`, `c${i}`);
    world.serves(`c${i}`, `r${i}`, [`n${i}`]);
  }
  const view = await world.topology.read({ limit: 10, signal });
  assert.equal(view.regions.filter(({ collectors }) => collectors.length === 1).length, 60);
  assert.equal(world.most, 16);
});

test("fleet: the way to a controller that the store lists no more, or that does not answer, is closed", async () => {
  const world = new World();
  for (const id of ["c1", "c2"]) {
    const region = `${id}-region`;
    world.leads.set(region, id);
    world.controller(id, region);
    world.serves(id, region, ["a"]);
  }
  await world.topology.read({ limit: 10, signal });
  assert.deepEqual(world.closed, []);
  world.members.shift();
  world.leads.delete("c1-region");
  await world.topology.read({ limit: 10, signal });
  assert.deepEqual(world.closed, ["c1"]);
  world.answers.delete("c2");
  await world.topology.read({ limit: 10, signal });
  assert.deepEqual(world.closed.slice(0, 2), ["c1", "c2"]);
});
