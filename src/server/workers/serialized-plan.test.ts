import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { completeConfig } from "../../../test/support/node.ts";
import { seededRandom } from "../../core/random.ts";
import { compile } from "../../plan/compile.ts";
import type { DataPlaneStatus } from "../../plan/data-plane.ts";
import { changedPlan } from "../../plan/plan-change.ts";
import { listenOptions } from "../listen-options.ts";
import { textSource } from "../config-source.ts";
import { inPieces, PlanPieces } from "./plan-pieces.ts";
import { SerializedPlan } from "./serialized-plan.ts";
import { type FromWorker, type Question, type ToWorker, WORKER_SCHEMA } from "./messages.ts";
import { Worker } from "./worker.ts";

test("serialized plan: of one that differs in a rule, what differs is told; of a short one, or where most does, all is", () => {
  const planOf = (ids: readonly string[], version: number): SerializedPlan => {
    const text = completeConfig({
      targets: [{ id: "a", endpoint: "http://127.0.0.1:1" }],
      default_pool: { targets: ["a"] },
      rules: ids.map((id) => ({ id, conditions: [{ service_name: `${id}-of-a-long-name` }], targets: ["a"] })),
    });
    const { config } = textSource(text, { name: "test.yaml", folder: ".", file: undefined }, {}).load(text);
    assert.ok(config !== undefined);
    return new SerializedPlan(compile(config, config.node, { version, text }), version);
  };
  const ids = Array.from({ length: 500 }, (_, i) => `rule-${i}`);
  const [first, next] = [planOf(ids, 1), planOf(ids.with(7, "other"), 2)];
  const told = next.changeFrom(first);
  assert.ok(told !== undefined);
  assert.deepEqual([told.from, told.to, told.change.start, told.change.cut, told.change.put.length], [1, 2, 7, 1, 1]);
  assert.deepEqual(changedPlan(first.whole.data, told.change), next.whole.data);
  assert.equal(
    planOf(
      ids.map((id) => `x${id}`),
      2,
    ).changeFrom(first),
    undefined,
  );
  assert.equal(planOf(["a"], 2).changeFrom(planOf(["b"], 1)), undefined);
});

test("serialized plan: workers get all of it, with its number", () => {
  const text = completeConfig({
    targets: [{ id: "a", endpoint: "http://127.0.0.1:1", limits: { max_in_flight: 7 } }],
    pools: { one: { targets: ["a"] } },
    rules: [{ id: "r", conditions: [{ service_name: "x*" }], pool: "one" }],
    default_pool: "one",
  });
  const { config } = textSource(text, { name: "test.yaml", folder: ".", file: undefined }, {}).load(text);
  assert.ok(config !== undefined);
  const plan = compile(config, config.node, { version: 3, text });
  const kept = new SerializedPlan(plan, 5);
  assert.equal(kept.whole.data, plan);
  assert.equal(kept.whole.number, 5);
  assert.equal(kept.data, plan);
});

test("serialized plan: pieces of a long plan are the plan again, and what rules have alike is written once", () => {
  const text = completeConfig({
    targets: [{ id: "a", endpoint: "http://127.0.0.1:1" }],
    rules: Array.from({ length: 600 }, (_, i) => ({
      id: `r${i}`,
      signals: i % 3 === 0 ? ["logs"] : undefined,
      conditions: [{ service_name: `service-${i % 7}` }, { attribute: { key: "k", equals: `v${i}` } }],
      targets: ["a"],
    })),
  });
  const { config } = textSource(text, { name: "test.yaml", folder: ".", file: undefined }, {}).load(text);
  assert.ok(config !== undefined);
  const args = new SerializedPlan(compile(config, config.node, { version: 1, text }), 1).whole;
  const pieces = new PlanPieces();
  for (let round = 0; round < 2; round++) {
    const written = JSON.stringify(inPieces({ kind: "ask", id: 1, question: { name: "prepare", args } }));
    assert.equal(written.split('"service-6"').length, 2);
    for (const message of JSON.parse(written) as ToWorker[]) {
      if (message.kind === "rules") pieces.add(message.packed);
      else assert.deepEqual(message.kind === "ask" && pieces.join(message.question), { name: "prepare", args });
    }
  }
});

test("serialized plan: a worker that runs the one before takes the change of it, and says so where it runs another", async () => {
  const planOf = (
    id: string,
    version: number,
  ): { kept: SerializedPlan; limits: ReturnType<typeof listenOptions>["limits"] } => {
    const rules = Array.from({ length: 500 }, (_, i) => ({ id: i === 7 ? id : `rule-${i}`, targets: ["a"] }));
    const text = completeConfig({
      targets: [{ id: "a", endpoint: "http://127.0.0.1:1" }],
      rules: rules.map((rule) => ({ ...rule, conditions: [{ service_name: `${rule.id}-of-a-long-name` }] })),
    });
    const { config } = textSource(text, { name: "test.yaml", folder: ".", file: undefined }, {}).load(text);
    assert.ok(config !== undefined);
    return {
      kept: new SerializedPlan(compile(config, config.node, { version, text }), version),
      limits: listenOptions(config.node).limits,
    };
  };
  const answers = new Map<number, (answer: FromWorker) => void>();
  const send = (told: FromWorker): void => void ("id" in told && answers.get(told.id)?.(told));
  const sent: number[] = [];
  const worker = new Worker({ clock: new ManualClock(), random: seededRandom(1), env: {}, send });
  const ask = (question: Question): Promise<FromWorker> =>
    new Promise((resolve) => {
      const id = answers.size;
      answers.set(id, resolve);
      const messages = inPieces({ kind: "ask", id, question });
      sent.push(messages.length);
      for (const message of messages) worker.receive(message, undefined);
    });
  const [one, two, three] = [planOf("rule-7", 1), planOf("two", 2), planOf("three", 3)];
  const listen = { listeners: [], limits: one.limits };
  const start = {
    schema: WORKER_SCHEMA,
    plan: one.kept.whole,
    listen,
    place: { index: 0, of: 1 },
    parts: [],
    health: [],
  };
  const nothing = { sharesLimits: false, sampling: undefined, givenUp: undefined };
  const older = { ...start, schema: WORKER_SCHEMA - 1, ...nothing };
  worker.receive({ kind: "of before", text: "{" } as never, undefined);
  const refused = await ask({ name: "start", args: older });
  assert.ok(refused.kind === "failed" && /a worker speaks \d+, the main/u.test(refused.error.message));
  await ask({ name: "start", args: { ...start, ...nothing } });
  assert.deepEqual(sent, [1, 3], "a long plan comes in pieces");
  const change = async (from: SerializedPlan, to: SerializedPlan): Promise<unknown> => {
    const args = to.changeFrom(from);
    assert.ok(args !== undefined);
    const answer = await ask({ name: "change", args });
    return answer.kind === "answer" && answer.value;
  };
  const runs = async (): Promise<unknown> => {
    const answer = await ask({ name: "runs", args: null });
    return answer.kind === "answer" && answer.value;
  };
  assert.equal(await change(two.kept, three.kept), false);
  assert.equal(await runs(), 1);
  assert.equal(await change(one.kept, two.kept), true);
  await ask({ name: "commit", args: null });
  assert.equal(await change(two.kept, three.kept), true);
  await ask({ name: "discard", args: null });
  assert.equal(await change(two.kept, three.kept), true, "what was discarded is not what it runs");
  await ask({ name: "commit", args: null });
  const status = await ask({ name: "status", args: null });
  assert.equal(status.kind === "answer" && (status.value as DataPlaneStatus).version, 3); // oxlint-disable-line typescript/no-unsafe-type-assertion -- to this question
  assert.equal(await runs(), 3);
  await ask({ name: "prepare", args: two.kept.whole });
  assert.equal(await runs(), 3, "only prepared");
  await ask({ name: "commit", args: null });
  assert.equal(await runs(), 2, "all of a plan comes in pieces after another one that did");
  await ask({ name: "shutdown", args: { graceMs: 0 } });
});
