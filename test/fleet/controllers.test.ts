import assert from "node:assert/strict";
import test from "node:test";
import { isNotLeader } from "../../src/control/fleet/controller-calls.ts";
import { CONFIG_SCOPE, ConfigDirectiveSchema, digestOf } from "../../src/control/fleet/directive.ts";
import { ADOPTION, type AdoptionOptions } from "../../src/control/global/adoption.ts";
import type { Controller } from "../../src/control/global/controller.ts";
import { openController } from "../../src/control/global/open-controller.ts";
import { controllerMetrics } from "../../src/control/region/controller-metrics.ts";
import { openDirectiveSource } from "../../src/control/region/directive-source.ts";
import { registerController } from "../../src/control/region/register-controller.ts";
import { samplingKey } from "../../src/control/sampling/sampling-summary.ts";
import { RouterError } from "../../src/core/errors.ts";
import { HISTORY_KEPT_MS } from "../../src/store/recipes/compaction.ts";
import { writeJson } from "../../src/store/recipes/json-value.ts";
import { createRegistry } from "../../src/store/recipes/registry.ts";
import { createSharedConfig } from "../../src/store/recipes/shared-config.ts";
import type { Revision, Store } from "../../src/store/store.ts";
import { createMetrics, type Metrics } from "../../src/telemetry/metrics.ts";
import { recordedLog } from "../support/fleet/quiet-log.ts";
import { reportOf } from "../support/fleet/reports.ts";
import { RiggedStore } from "../support/rigged-store.ts";

const NEVER = new AbortController().signal;
const DIRECTIVE = {
  schema: 1,
  scope: CONFIG_SCOPE,
  epoch: "1.1",
  valid_for_ms: 60_000,
  digest: digestOf("one"),
  body: "one",
  written_at: "",
  by: "g",
};
const CALLED = { signal: NEVER, peer: "test" };

interface Node {
  readonly controller: Controller;
  readonly metrics: Metrics;
}

/** Controllers of one store, on a clock that is moved. */
class Fleet implements AsyncDisposable {
  readonly store = RiggedStore.open();
  generation: number | undefined = 1;
  adoption: AdoptionOptions = ADOPTION;
  readonly #nodes: Node[] = [];

  node(id: string, region: string, store: Store = this.store.place.store): Node {
    const metrics = createMetrics();
    const controller = openController({
      place: { ...this.store.place, store },
      controller: { id, address: `${id}:4321`, tls: false },
      region,
      generation: () => this.generation,
      isConfigured: (of) => of === "kept",
      adoption: this.adoption,
      reportIntervalMs: 5_000,
      summaryIntervalMs: 30_000,
      fetchBody: async () => undefined,
      log: recordedLog(this.store.clock),
      observer: controllerMetrics(metrics),
    });
    const node = { controller, metrics };
    this.#nodes.push(node);
    return node;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.pass(Promise.all(this.#nodes.map(({ controller }) => controller[Symbol.asyncDispose]())));
    await this.store[Symbol.asyncDispose]();
  }
}

test("a node without others leads its region and the fleet, and tells its collectors which config runs, and which some try", async () => {
  await using fleet = new Fleet();
  const { store } = fleet;
  const config = createSharedConfig(store.place);
  await store.pass(config.publish("one", { signal: NEVER }));
  const { controller, metrics } = fleet.node("a", "eu");
  await store.until(() => controller.global?.leads === true && controller.services.has("eu"));
  const told = async (): Promise<ReturnType<typeof ConfigDirectiveSchema.parse> | undefined> => {
    const [directive] = controller.directives.newer({});
    return directive && ConfigDirectiveSchema.parse(JSON.parse(directive.directive.body));
  };
  await store.until(async () => (await told())?.version === 1);
  const report = await controller.calls.report(reportOf("n1"), CALLED);
  assert.ok(!isNotLeader(report));
  const [news] = report.newer;
  assert.ok(news?.scope === CONFIG_SCOPE);
  const waiting = controller.calls.await({ protocol: 1, id: "n1", known: { config: news } }, CALLED);
  await store.pass(config.publish("two", { signal: NEVER }));
  const answer = await store.pass(waiting);
  assert.ok(!isNotLeader(answer));
  assert.equal(ConfigDirectiveSchema.parse(JSON.parse(answer.directives[0]?.body ?? "")).version, 2);
  assert.equal(metrics.controllerCollectors.with("eu", "live").value, 1);
  assert.equal(metrics.controllerReports.with("joined").value, 1);
});

test("in a store that is not known to be its fleet's a node stands for nothing, and leads nothing as soon as it is not any more", async () => {
  await using fleet = new Fleet();
  const { store } = fleet;
  fleet.generation = undefined;
  const { controller } = fleet.node("a", "eu");
  await store.until(() => store.clock.nowMs() > 5_000);
  const keys = async (): Promise<string[]> => {
    const { entries } = await store.pass(store.list("/test/", { signal: NEVER }));
    return entries.map(({ key }) => key);
  };
  assert.deepEqual(await keys(), []);
  fleet.generation = 3;
  await store.until(() => controller.global?.leads === true && controller.services.has("eu"));
  const report = await controller.calls.report(reportOf("n1"), CALLED);
  assert.ok(!isNotLeader(report) && report.controller.epoch.startsWith("3."));
  fleet.generation = undefined;
  await store.until(() => controller.global === undefined && controller.services.size === 0);
  await store.until(async () => !(await keys()).some((key) => key.includes("/elections/")));
  const before = store.clock.nowMs();
  await store.until(() => store.clock.nowMs() > before + 40_000);
  assert.equal((await keys()).filter((key) => key.includes("/elections/")).length, 0, "nobody stands");
  assert.ok(isNotLeader(await controller.calls.report(reportOf("n1", { seq: 2 }), CALLED)));
});

test("who leads forgets history that is older than five minutes, where it is the fleet's alone", async () => {
  await using fleet = new Fleet();
  const { store } = fleet;
  const forgotten: Revision[] = [];
  const compact = async (revision: Revision): Promise<void> => void forgotten.push(revision);
  const other = new Proxy(store.place.store, {
    get: (target, name) => {
      if (name === "compact") return compact;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const { controller } = fleet.node("a", "eu", other);
  await store.until(() => controller.global?.leads === true);
  const { revision } = await store.pass(other.check({ signal: NEVER }));
  await store.until(() => store.clock.nowMs() > 20_000);
  assert.deepEqual(forgotten, []);
  store.clock.advance(HISTORY_KEPT_MS);
  await store.until(() => forgotten.length > 0);
  assert.ok(forgotten[0]! <= revision + 10n && forgotten[0]! > 0n, String(forgotten));
});

test("a region whose controller is gone is adopted after 30 s, and its collectors are told who leads when it has one again", async () => {
  await using fleet = new Fleet();
  const { store } = fleet;
  const { controller, metrics } = fleet.node("a", "eu");
  await store.until(() => controller.global?.leads === true && controller.services.has("eu"));
  const stray = await controller.calls.report(reportOf("n1", { region: "us" }), CALLED);
  assert.deepEqual(stray, { protocol: 1, not_leader: true });
  const fromMs = store.clock.nowMs();
  await store.until(() => controller.services.has("us"));
  assert.ok(store.clock.nowMs() - fromMs >= 29_000, `${store.clock.nowMs() - fromMs} ms`);
  assert.equal(metrics.controllerAdopted.with().value, 1);
  assert.ok(!isNotLeader(await controller.calls.report(reportOf("n1", { region: "us" }), CALLED)));
  await store.until(() => controller.regions.all().some(({ summary }) => summary.region === "us" && summary.adopted));
  const held = controller.calls.await({ protocol: 1, id: "n1", known: {} }, CALLED);
  const next = fleet.node("u", "us").controller;
  const reply = await store.pass(held);
  assert.ok(isNotLeader(reply));
  await store.until(() => next.services.has("us"));
  const told = await controller.calls.report(reportOf("n1", { region: "us", seq: 2 }), CALLED);
  assert.deepEqual(told, { protocol: 1, not_leader: true, leader: { id: "u", address: "u:4321", tls: false } });
  assert.equal(metrics.controllerAdopted.with().value, 0);
  // Also for calls that a node which leads another region could answer.
  const asked = { protocol: 1, id: "n1", region: "us" };
  assert.deepEqual(await controller.calls.await({ ...asked, known: {} }, CALLED), told);
  assert.deepEqual(await controller.calls.member(asked, CALLED), told);
  assert.deepEqual(await controller.calls.goodbye({ ...asked, incarnation: "one" }, CALLED), told);
});

test("who is asked for limits and does not lead the fleet says who does, if anybody", async () => {
  await using fleet = new Fleet();
  const { store } = fleet;
  const next = fleet.node("u", "us").controller;
  const ask = { protocol: 1, id: "u", region: "us", ask: { total: { wanted: 1, weight: 1 }, keys: [] } };
  assert.deepEqual(await next.calls.limits(ask, CALLED), { protocol: 1, not_leader: true });
  const leader = { id: "u", address: "u:4321", tls: false };
  await store.until(() => next.global?.leads === true);
  assert.ok(!isNotLeader(await next.calls.limits(ask, CALLED)));
  const other = fleet.node("a", "eu").controller;
  await store.until(() => other.leaders.global() !== undefined);
  assert.deepEqual(await other.calls.limits(ask, CALLED), { protocol: 1, not_leader: true, leader });
});

test("a region in which nobody is any more is given up, and the store has nothing of it; one of the config stays", async () => {
  await using fleet = new Fleet();
  const { store } = fleet;
  fleet.adoption = { ...ADOPTION, afterMs: 1_000, emptyMs: 30_000 };
  const { controller, metrics } = fleet.node("a", "eu");
  await store.until(() => controller.global?.leads === true && controller.services.has("eu"));
  for (const region of ["misspelt", "kept"]) await controller.calls.report(reportOf("n1", { region }), CALLED);
  await store.until(() => controller.services.has("misspelt") && controller.services.has("kept"));
  const summaries = async (): Promise<string[]> => {
    const { entries } = await store.pass(store.list("/test/regions/", { signal: NEVER }));
    return entries.map(({ key }) => key);
  };
  await store.until(async () => (await summaries()).includes("/test/regions/misspelt"));
  const received = samplingKey("/test", "misspelt");
  const write = { kind: "put", key: received, value: new Uint8Array() } as const;
  await store.pass(store.place.store.txn({ if: [], then: [write] }, { signal: NEVER }));
  // Its one collector has never come back: it was given its right region.
  await store.until(async () => !(await summaries()).includes("/test/regions/misspelt"));
  assert.equal(await store.pass(store.place.store.get(received, { signal: NEVER })), undefined);
  assert.deepEqual([...controller.services.keys()].toSorted(), ["eu", "kept"]);
  assert.equal(metrics.controllerAdopted.with().value, 1);
});

test("collectors of a region whose name cannot be a key are not adopted, and keep nobody else from it", async () => {
  await using fleet = new Fleet();
  const { store } = fleet;
  const { controller } = fleet.node("a", "eu");
  await store.until(() => controller.global?.leads === true);
  for (const region of ["no key/..", "us"]) {
    assert.ok(isNotLeader(await controller.calls.report(reportOf("n1", { region }), CALLED)));
  }
  await store.until(() => controller.services.has("us"));
  assert.deepEqual([...controller.services.keys()].toSorted(), ["eu", "us"]);
});

test("a watch that the store refuses is begun again, and what it tells then is believed", async () => {
  const store = RiggedStore.open();
  let refusals = 2;
  const all = store.view(() => false).store;
  const place = {
    ...store.place,
    store: {
      ...all,
      watch: (prefix: string, options: { readonly signal: AbortSignal }) => {
        if (refusals-- > 0) throw new RouterError("STORE_REFUSED", "no rights");
        return all.watch(prefix, options);
      },
    },
  };
  const source = openDirectiveSource(place);
  const key = "/test/directives/config";
  const put = async (seq: number): Promise<void> => {
    const value = writeJson({ ...DIRECTIVE, seq });
    await store.write({ if: [], then: [{ kind: "put", key, value }] });
  };
  await put(1);
  await store.until(() => source.newest.length === 1);
  assert.deepEqual(source.newer({}), []);
  await put(2);
  await store.until(() => source.newer({}).length === 1);
  await store.pass(Promise.resolve(source[Symbol.asyncDispose]()));
  await store[Symbol.asyncDispose]();
});

test("a leadership is given to another node, whose epoch is higher, and the first one stands again", async () => {
  await using fleet = new Fleet();
  const { store } = fleet;
  const a = fleet.node("a", "eu").controller;
  await store.until(() => a.services.has("eu"));
  const b = fleet.node("b", "eu").controller;
  assert.equal(await b.transfer("region.eu", { signal: NEVER }), undefined);
  let outcome: unknown;
  await store.until(async () => {
    outcome ??= await store.pass(a.transfer("region.eu", { to: "b", signal: NEVER }));
    // It may not stand yet.
    if (JSON.stringify(outcome).includes("no_candidate")) outcome = undefined;
    return outcome !== undefined;
  });
  assert.deepEqual(outcome, { kind: "transferred", to: "b" });
  await store.until(() => b.services.has("eu") && !a.services.has("eu"));
  const reply = await a.calls.report(reportOf("n1"), CALLED);
  assert.ok(isNotLeader(reply));
  await store.until(() => a.leaders.region("eu")?.id === "b");
});

test("when people raise the fleet's generation, those who lead do so by an epoch of it", async () => {
  await using fleet = new Fleet();
  const { store } = fleet;
  const { controller } = fleet.node("a", "eu");
  const epoch = async (): Promise<string> => {
    const reply = await controller.calls.report(reportOf("n1"), CALLED);
    return isNotLeader(reply) ? "" : reply.controller.epoch;
  };
  await store.until(async () => (await epoch()).startsWith("1.") && controller.global?.leads === true);
  const before = controller.global;
  fleet.generation = 2;
  await store.until(async () => (await epoch()).startsWith("2.") && controller.global?.leads === true);
  assert.notEqual(controller.global, before);
});

test("a controller is listed as a member with its roles, and as a collector for people, until it is disposed of", async () => {
  await using fleet = new Fleet();
  const { store } = fleet;
  const node = {
    id: "a",
    region: "eu",
    address: "a:4321",
    tls: true,
    version: "1.0.0",
    capacity: 0,
    roles: ["collector", "controller"],
    schemaMax: 1,
  };
  const registered = await store.pass(registerController({ place: store.place, node, signal: NEVER }));
  const [member] = (await createRegistry(store.place).list({ signal: NEVER })).members;
  assert.deepEqual(
    [member?.address, member?.metadata],
    ["a:4321", { roles: "collector,controller", tls: "true", schema_max: "1" }],
  );
  assert.ok((await store.get("/test/collectors/a", { signal: NEVER })) !== undefined);
  await store.pass(Promise.resolve(registered[Symbol.asyncDispose]()));
  assert.deepEqual(await store.entries(), []);
});

test("a region whose name cannot be a key is a fault that says so", () => {
  assert.throws(() => new Fleet().node("a", "eu west"), /cannot be the id of a region of a fleet/u);
});
