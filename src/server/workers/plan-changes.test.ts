import assert from "node:assert/strict";
import { test } from "node:test";
import { completeConfig } from "../../../test/support/node.ts";
import { RouterError } from "../../core/errors.ts";
import { compile } from "../../plan/compile.ts";
import type { PlanData } from "../../plan/plan-data.ts";
import { changedPlan } from "../../plan/plan-change.ts";
import { textSource } from "../config-source.ts";
import { SerializedPlan } from "./serialized-plan.ts";
import type { CallName, Calls, NumberedChange, NumberedPlan } from "./messages.ts";
import { type ChangedWorker, PlanChanges } from "./plan-changes.ts";

function planOf(version: number, rules: readonly string[] = []): PlanData {
  const text = completeConfig({
    targets: [{ id: "a", endpoint: "http://127.0.0.1:1" }],
    default_pool: { targets: ["a"] },
    rules: rules.map((id) => ({ id, conditions: [{ service_name: `${id}-of-a-long-name` }], targets: ["a"] })),
  });
  const { config } = textSource(text, { name: "test.yaml", folder: ".", file: undefined }, {}).load(text);
  assert.ok(config !== undefined);
  return compile(config, config.node, { version, text });
}

/** Prepares and decides as a worker does: one change at a time. */
class FakeWorker implements ChangedWorker {
  readonly index: number;
  readonly link = this;
  version = 1;
  /** The number of the plan that it runs. */
  runs = 1;
  /** What it prepared last. */
  plan: NumberedPlan = { number: 0, data: planOf(0) };
  readonly asked: CallName[] = [];
  #prepared: number | undefined;
  /** Its next answer to this waits for `resume`. */
  readonly #held = new Map<CallName, Promise<void>>();

  constructor(index: number) {
    this.index = index;
  }

  /** Gives what lets it answer. */
  hold(name: CallName): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held.set(name, promise);
    return resolve;
  }

  async ask<Name extends CallName>(name: Name, args: Calls[Name]["args"]): Promise<Calls[Name]["answer"]> {
    this.asked.push(name);
    const done = this.#do(name, args) as Calls[Name]["answer"]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- to this name
    const held = this.#held.get(name);
    this.#held.delete(name);
    await held;
    return done;
  }

  #do(name: CallName, args: unknown): null | boolean {
    if (name === "change") {
      const { from, to, change } = args as NumberedChange; // oxlint-disable-line typescript/no-unsafe-type-assertion -- by its name
      if (from !== this.plan.number) return false;
      this.#do("prepare", { number: to, data: changedPlan(this.plan.data, change) });
      return true;
    }
    if (name === "prepare") {
      if (this.#prepared !== undefined) throw new RouterError("INTERNAL", "another change is prepared");
      this.plan = args as NumberedPlan; // oxlint-disable-line typescript/no-unsafe-type-assertion -- by its name
      this.#prepared = this.plan.data.version;
      return null;
    }
    if (this.#prepared === undefined) throw new RouterError("INTERNAL", `nothing to ${name}`);
    if (name === "commit") [this.version, this.runs] = [this.#prepared, this.plan.number];
    this.#prepared = undefined;
    return null;
  }
}

/** Two workers that run version 1. */
function open() {
  const workers = [new FakeWorker(0), new FakeWorker(1)];
  const killed: unknown[] = [];
  const stops = { now: false };
  const changes: PlanChanges<FakeWorker> = new PlanChanges(new SerializedPlan(planOf(1), 1), {
    secrets: { env: {} },
    workers: {
      ready: workers,
      someReady: async () => undefined,
      end: (_worker, _link, why) => killed.push(why),
    },
    isStopped: () => stops.now,
    committed: () => undefined,
    runs: () => undefined,
    targetsAre: () => undefined,
    // As open-workers.ts does.
    update: async (link) => {
      if (link.runs === changes.plan.number) return;
      await link.ask("prepare", changes.plan.whole);
      await link.ask("commit", null);
    },
    tookOver: () => undefined,
  });
  const versions = (): number[] => workers.map(({ version }) => version);
  return { changes, workers, killed, versions, stops };
}

/** One more change, as whoever waits for all of before. */
async function next({ changes }: ReturnType<typeof open>, version: number): Promise<void> {
  const prepared = await changes.prepare(planOf(version));
  await prepared.commit();
}

test("plan changes: what is taken back while a change is prepared is followed when that was discarded", async () => {
  const scene = open();
  const { changes, killed, versions } = scene;
  const first = changes.plan;
  await next(scene, 2);
  const prepared = await changes.prepare(planOf(3));
  changes.takeBack(first);
  assert.equal(changes.plan, first, "who starts now begins with it");
  await new Promise(setImmediate); // whatever does not wait is done by then
  await prepared.discard();
  const after = await changes.prepare(planOf(4));
  assert.deepEqual([versions(), killed], [[1, 1], []]);
  await after.commit();
  assert.deepEqual([versions(), killed], [[4, 4], []]);
});

test("plan changes: a change that was prepared before another was taken back is run by all when it is committed", async () => {
  const scene = open();
  const { changes, killed, versions } = scene;
  const first = changes.plan;
  await next(scene, 2);
  const prepared = await changes.prepare(planOf(3));
  changes.takeBack(first);
  await new Promise(setImmediate);
  await prepared.commit();
  assert.equal(changes.plan.data.version, 3);
  await next(scene, 4);
  assert.deepEqual([versions(), killed], [[4, 4], []]);
});

test("plan changes: what is taken back while workers still commit it is followed by all of them", async () => {
  const scene = open();
  const { changes, workers, killed, versions } = scene;
  const first = changes.plan;
  const prepared = await changes.prepare(planOf(2));
  const resume = workers[1]!.hold("commit");
  const committed = prepared.commit();
  changes.takeBack(first);
  const waiting = changes.prepare(planOf(3));
  resume();
  await committed;
  const after = await waiting;
  assert.deepEqual([versions(), killed], [[1, 1], []]);
  await after.discard();
});

test("plan changes: a change waits for what is being taken back", async () => {
  const scene = open();
  const { changes, workers, killed, versions } = scene;
  const first = changes.plan;
  await next(scene, 2);
  const resume = workers[0]!.hold("prepare");
  changes.takeBack(first);
  const prepared = changes.prepare(planOf(3));
  resume();
  await (await prepared).commit();
  assert.deepEqual([versions(), killed], [[3, 3], []]);
});

const PREPARED = ["prepare", "commit"];

test("plan changes: who runs what the change is of gets what differs, and who does not gets all of it", async () => {
  const scene = open();
  const ids = Array.from({ length: 500 }, (_, i) => `rule-${i}`);
  await (await scene.changes.prepare(planOf(2, ids))).commit();
  const [first, second] = scene.workers;
  assert.deepEqual([first!.asked, second!.asked], [PREPARED, PREPARED]);
  second!.plan = { ...second!.plan, number: 0 };
  await (await scene.changes.prepare(planOf(3, ids.with(7, "other")))).commit();
  assert.deepEqual(first!.asked.slice(2), ["change", "commit"]);
  assert.deepEqual(second!.asked.slice(2), ["change", "prepare", "commit"]);
  const [one, other, kept] = [first!.plan, second!.plan, scene.changes.plan.whole].map(({ number, data }) => [
    number,
    data,
  ]);
  assert.deepEqual([one, other], [kept, kept]);
  assert.deepEqual([scene.versions(), scene.killed], [[3, 3], []]);
});

test("plan changes: no number is given twice, also where plans were discarded or taken back", async () => {
  const scene = open();
  const { changes } = scene;
  const numbers = [changes.plan.number];
  const first = changes.plan;
  await (await changes.prepare(planOf(2))).discard();
  await next(scene, 2);
  numbers.push(changes.plan.number);
  changes.takeBack(first);
  await next(scene, 2);
  numbers.push(changes.plan.number);
  assert.equal(new Set([...numbers, 2]).size, 4, numbers.join());
});

test("plan changes: a second change is refused while one is not decided, and may wait for its commit", async () => {
  const scene = open();
  const { changes, workers, versions } = scene;
  const prepared = await changes.prepare(planOf(2));
  await assert.rejects(changes.prepare(planOf(3)), { code: "INTERNAL" });
  const resume = workers[0]!.hold("commit");
  const committed = prepared.commit();
  const other = changes.prepare(planOf(3));
  resume();
  await committed;
  await (await other).commit();
  assert.deepEqual(versions(), [3, 3]);
});

test("plan changes: a worker that drains is not killed for what it does not follow any more", async () => {
  const scene = open();
  const { changes, workers, killed, stops } = scene;
  const first = changes.plan;
  await next(scene, 2);
  const resume = workers[0]!.hold("prepare");
  changes.takeBack(first);
  const waiting = changes.prepare(planOf(3));
  await new Promise(setImmediate);
  stops.now = true;
  workers[0]!.ask("discard", null).catch(() => undefined); // it commits nothing any more
  resume();
  await assert.rejects(waiting, { code: "SHUTDOWN" });
  assert.deepEqual(killed, []);
});
