import assert from "node:assert/strict";
import test from "node:test";
import { isNotLeader } from "../../src/control/fleet/controller-calls.ts";
import type { CallOutcome, ControllerLink } from "../../src/control/fleet/controller-link.ts";
import type { ControllerAddress, MembersReply, MembersRequest } from "../../src/control/fleet/messages.ts";
import type { Controller } from "../../src/control/global/controller.ts";
import { openController } from "../../src/control/global/open-controller.ts";
import { registerController } from "../../src/control/region/register-controller.ts";
import { FleetTopology } from "../../src/control/topology/fleet-topology.ts";
import { Topology } from "../../src/control/topology/topology.ts";
import { seededRandom } from "../../src/core/random.ts";
import { createRegistry } from "../../src/store/recipes/registry.ts";
import { recordedLog } from "../support/fleet/quiet-log.ts";
import { loadOf, reportOf } from "../support/fleet/reports.ts";
import { RiggedStore } from "../support/rigged-store.ts";

const NEVER = new AbortController().signal;
const CALLED = { signal: NEVER, peer: "test" };

interface Node {
  readonly controller: Controller;
  readonly topology: Topology;
}

/** Controllers of one store, on a clock that is moved, which call each other without a network. */
class Fleet implements AsyncDisposable {
  readonly store = RiggedStore.open();
  readonly #nodes = new Map<string, Controller>();
  readonly #owned = new AsyncDisposableStack();

  async node(id: string, region: string): Promise<Node> {
    const { place, clock } = this.store;
    const address = { id, address: `${id}:4321`, tls: false };
    const controller = openController({
      place,
      controller: address,
      region,
      generation: () => 1,
      reportIntervalMs: 5_000,
      summaryIntervalMs: 30_000,
      fetchBody: async () => undefined,
      log: recordedLog(clock),
    });
    this.#owned.use(controller);
    this.#nodes.set(id, controller);
    const listed = { ...address, region, version: "1", capacity: 0, roles: ["controller"], schemaMax: 1 };
    const registered = await this.store.pass(registerController({ place, node: listed, signal: NEVER }));
    await this.store.pass(registered.heartbeat({ state: "healthy" }, { signal: NEVER }));
    this.#owned.use(registered);
    const source = new FleetTopology({
      id,
      controller,
      controllers: async (options) => (await createRegistry(place).list(options)).members,
      openLink: (to) => this.#link(to),
    });
    return { controller, topology: new Topology({ source, clock, random: seededRandom(1) }) };
  }

  /** It can be called no more. */
  cutOff(id: string): void {
    this.#nodes.delete(id);
  }

  #link(to: ControllerAddress): ControllerLink {
    const members = async (request: MembersRequest): Promise<CallOutcome<MembersReply>> => {
      const reply = await this.#nodes.get(to.id)?.calls.members(request, CALLED);
      if (reply === undefined) return { kind: "unreachable", reason: "connect ECONNREFUSED" };
      if (isNotLeader(reply)) return { kind: "not_leader", leader: reply.leader };
      return { kind: "reply", reply, sent: { nowMs: 0, wallMs: 0 } as never };
    };
    return {
      controller: to,
      call: (_method, request) => members(request as MembersRequest) as never,
      async [Symbol.asyncDispose]() {},
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.pass(this.#owned.disposeAsync());
    await this.store[Symbol.asyncDispose]();
  }
}

test("any controller shows all regions, whom their controllers hear, and who of them is gone", async () => {
  await using fleet = new Fleet();
  const { store } = fleet;
  const eu = await fleet.node("eu-1", "eu");
  const us = await fleet.node("us-1", "us");
  await store.until(() => eu.controller.services.has("eu") && us.controller.services.has("us"));
  const load = loadOf({ items_per_second: 100, utilization: 0.2 });
  const say = async (id: string, region: string, seq: number): Promise<void> => {
    const controller = region === "eu" ? eu.controller : us.controller;
    const health = { state: "healthy", reason: "" } as const;
    assert.ok(!isNotLeader(await controller.calls.report(reportOf(id, { region, seq, load, health }), CALLED)));
  };
  for (const [id, region] of [
    ["a", "eu"],
    ["b", "eu"],
    ["c", "us"],
  ] as const)
    await say(id, region, 1);
  const read = async (): Promise<Awaited<ReturnType<Topology["read"]>>> =>
    store.pass(eu.topology.read({ limit: 10, signal: NEVER }));
  await store.until(async () => (await read()).totals.items === 300);
  const view = await read();
  assert.deepEqual(
    view.regions.map(({ id, health, controller, stale, collectors }) => [
      id,
      health,
      controller,
      stale,
      collectors.map((one) => one.id).join(),
    ]),
    [
      ["eu", "healthy", "eu-1", false, "a,b"],
      ["us", "healthy", "us-1", false, "c"],
    ],
  );
  assert.deepEqual(view.split, []);
  const members = await store.pass(us.topology.members({ signal: NEVER }));
  assert.deepEqual(
    members.map(({ id, region, seen_by, last_seen }) => [id, region, seen_by.join(), last_seen === null]),
    [
      ["a", "eu", "eu-1", false],
      ["b", "eu", "eu-1", false],
      ["c", "us", "us-1", false],
      ["eu-1", "eu", "us-1", true],
      ["us-1", "us", "us-1", true],
    ],
  );

  // One of them falls silent: it is gone after three Reports that did not come.
  const silentMs = store.clock.nowMs();
  let seq = 1;
  await store.until(async () => {
    seq++;
    for (const [id, region] of [
      ["b", "eu"],
      ["c", "us"],
    ] as const)
      await say(id, region, seq);
    return (await read()).regions[0]?.collectors.every(({ id }) => id !== "a") === true;
  });
  assert.ok(store.clock.nowMs() - silentMs <= 17_000, `${store.clock.nowMs() - silentMs} ms`);

  // The controller of the other region cannot be called any more: what it said last is stale.
  fleet.cutOff("us-1");
  const old = await read();
  assert.deepEqual(
    old.regions.map(({ id, stale, collectors }) => [id, stale, collectors.map((one) => one.id).join()]),
    [
      ["eu", false, "b"],
      ["us", true, "c"],
    ],
  );
  const best = await store.pass(eu.topology.best({ criteria: { load: 1, latency: 0, capacity: 0 }, signal: NEVER }));
  assert.equal(best?.collector.id, "b");
});
