import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../../core/random.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import { createLog } from "../../telemetry/log.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { exposition } from "../../telemetry/prometheus.ts";
import { snapshotMetrics } from "../../telemetry/snapshot.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { ScriptedResolver } from "../../../test/support/scripted-resolver.ts";
import { targetPlan } from "../../../test/delivery/pool-rig.ts";
import { openTargets, type Targets } from "./targets.ts";
import type { TargetEnv } from "./target-port.ts";
import type { NewsSource } from "../health/target-news.ts";
import type { Batch } from "./target-client.ts";
import type { SendOutcome } from "../send-outcome.ts";
import { NO_HEADERS } from "../../plan/sender-headers.ts";

const BATCH: Batch = { signal: "traces", pieces: [], bytes: 0, items: 1, points: 1, headers: NO_HEADERS };
const ACCEPTED: SendOutcome = { kind: "accepted", rejected: 0, message: "" };
const RESET: SendOutcome = { kind: "retry", reason: "reset", message: "", unprocessed: false };

function never(): boolean {
  return false;
}

function plans(...targets: readonly TargetPlan[]): ReadonlyMap<string, TargetPlan> {
  return new Map(targets.map((plan) => [plan.id, plan]));
}

function open(...targets: readonly TargetPlan[]) {
  return openWith({}, ...targets);
}

function openWith(more: Pick<TargetEnv, "reporter">, ...targets: readonly TargetPlan[]) {
  const metrics = createMetrics();
  const events: string[] = [];
  const answers: ((outcome: SendOutcome) => void)[] = [];
  const openClient = (current: () => TargetPlan) => {
    const { connectionIdentity } = current();
    events.push(`open ${connectionIdentity}`);
    return {
      send: (_batch: Batch, _timeoutMs: number, done: (outcome: SendOutcome) => void) => {
        events.push(`send ${current().id} ${current().weight}`);
        answers.push(done);
        return () => undefined;
      },
      [Symbol.asyncDispose]: async () => void events.push(`close ${connectionIdentity}`),
    };
  };
  const clock = new ManualClock();
  const lines: string[] = [];
  const log = createLog({ clock, write: (line) => lines.push(line), level: "info", format: "json", colour: false });
  const env = { clock, random: seededRandom(1), metrics, openClient, log, ...more };
  const registry: Targets = openTargets(plans(...targets), env);
  const send = (id: string): void => {
    const done = (): void => void events.push(`done ${id}`);
    registry.all.get(id)!.send(BATCH, { timeoutMs: 1_000, cut: false }, never, done);
  };
  return { registry, metrics, events, answers, send, clock, lines };
}

test("a target that keeps its connection identity keeps its handle, and goes on under the new plan", async () => {
  const { registry, events, send } = open(targetPlan("a", { weight: 1 }), targetPlan("b"));
  const before = registry.all.get("a");
  registry.update(plans(targetPlan("a", { weight: 7 }), targetPlan("b")));
  assert.equal(registry.all.get("a"), before);
  send("a");
  assert.deepEqual(events, ["open a", "open b", "send a 7"]);
});

test("a target whose connection changes is new; the old one is closed when its calls have ended", async () => {
  const { registry, events, answers, send } = open(targetPlan("a"));
  send("a");
  registry.update(plans(targetPlan("a", { connectionIdentity: "a2" })));
  await Promise.resolve();
  assert.deepEqual(events, ["open a", "send a 1", "open a2"]);
  answers[0]!(ACCEPTED);
  await registry[Symbol.asyncDispose]();
  assert.deepEqual(events.slice(3).toSorted(), ["close a", "close a2", "done a"]);
});

test("in a worker, what calls told of a target before another took its place is not told of the other", async () => {
  const sources: NewsSource[] = [];
  const reporter = { announce: (source: NewsSource) => void sources.push(source), flush: () => 0 };
  const taken = (): unknown[] => sources.splice(0).map((source) => source.takeNews());
  const { registry, answers, send } = openWith({ reporter }, targetPlan("a"), targetPlan("b"));
  for (const id of ["a", "b", "b"]) send(id);
  for (const answer of answers.slice(0, 2)) answer(RESET);
  registry.update(plans(targetPlan("a", { connectionIdentity: "a2" }), targetPlan("b")));
  assert.deepEqual(taken(), [
    { id: "a", epoch: -1, underWay: 0, ended: "cancelled" },
    { id: "b", epoch: 0, underWay: 1, failed: 1, inRow: 1, reason: "reset", ended: "heard" },
  ]);
  for (const id of ["a", "b"]) send(id);
  assert.deepEqual(taken(), [
    { id: "a", epoch: 0, underWay: 1 },
    { id: "b", epoch: 0, underWay: 2 },
  ]);
  for (const answer of answers.slice(2)) answer(ACCEPTED);
  await registry[Symbol.asyncDispose]();
});

test("a target that is only renamed keeps its connections, also when two swap their names", () => {
  const { registry, events, metrics } = open(targetPlan("a"), targetPlan("b"));
  const [a, b] = [registry.all.get("a"), registry.all.get("b")];
  const swapped = [targetPlan("a", { connectionIdentity: "b" }), targetPlan("b", { connectionIdentity: "a" })];
  registry.update(plans(...swapped));
  assert.deepEqual([registry.all.get("a"), registry.all.get("b")], [b, a]);
  registry.update(plans(targetPlan("c", { connectionIdentity: "a" })));
  assert.equal(registry.all.get("c"), a);
  assert.deepEqual(
    events.filter((event) => event.startsWith("open")),
    ["open a", "open b"],
  );
  assert.deepEqual(
    [...metrics.exportWindow.series.values()].map(({ labels }) => labels),
    [["c"]],
  );
});

test("the gauges of a target tell of the handle that now has its id", () => {
  const { registry, metrics, send } = open(targetPlan("a"));
  send("a");
  assert.equal(metrics.exportInFlight.with("a").value, 1);
  registry.update(plans(targetPlan("a", { connectionIdentity: "a2" })));
  assert.equal(metrics.exportInFlight.with("a").value, 0);
  assert.deepEqual(
    ["ready", "ejected", "probing"].map((state) => metrics.targetState.with("a", state).value),
    [1, 0, 0],
  );
});

test("what says why a target is out belongs to the handle that has the id, and goes with it", async () => {
  const { registry, metrics, answers, send } = open(targetPlan("a"));
  for (let i = 0; i < 5; i++) {
    send("a");
    answers.pop()!({ kind: "retry", reason: "reset", message: "", unprocessed: false });
  }
  const reasons = (): string[] => [...metrics.targetReason.series.values()].map(({ labels }) => labels.join(" "));
  assert.deepEqual(reasons(), ["a reset"]);
  registry.update(plans(targetPlan("a", { connectionIdentity: "a2" })));
  assert.deepEqual(reasons(), ["a added"]);
  registry.update(plans(targetPlan("b", { connectionIdentity: "a2" })));
  assert.deepEqual(reasons(), ["b added"]);
  await registry[Symbol.asyncDispose]();
  assert.deepEqual(reasons(), []);
});

test("what an operator wants of an id holds for the next handle too, and ends with the id", () => {
  const { registry } = open(targetPlan("a"));
  const override = { state: "drain", untilMs: undefined, note: "n" } as const;
  registry.all.get("a")!.operate(override);
  registry.update(plans(targetPlan("a", { connectionIdentity: "a2" })));
  assert.deepEqual([registry.all.get("a")!.health().state, registry.all.get("a")!.override()], ["drain", override]);
  registry.update(plans());
  registry.update(plans(targetPlan("a", { connectionIdentity: "a2" })));
  assert.deepEqual([registry.all.get("a")!.health().state, registry.all.get("a")!.override()], ["ready", undefined]);
});

test("a call that was cut short says nothing about the target's health, and narrows its window; what it said itself counts", () => {
  const { registry, answers, clock } = open(targetPlan("a", { timeoutMs: 10_000 }));
  const target = registry.all.get("a")!;
  const outcomes: SendOutcome[] = [];
  const cut = (endsAfterMs: number): void => {
    target.send(BATCH, { timeoutMs: 2_000, cut: true }, never, (outcome) => outcomes.push(outcome));
    clock.advance(endsAfterMs);
    answers.pop()!({ kind: "retry", reason: "timeout", message: "late", unprocessed: false });
  };
  for (let i = 0; i < 10; i++) cut(1_999);
  assert.deepEqual([target.health().state, target.errorRate, target.windowSize()], ["ready", 0, 1]);
  assert.ok(outcomes.every((outcome) => outcome.kind === "retry" && outcome.reason === "cut_short"));
  for (let i = 0; i < 5; i++) cut(100);
  assert.equal(target.health().state, "ejected");
});

test("a timeout that a sender's short deadline caused says nothing about the target", () => {
  const { registry, answers } = open(targetPlan("a", { timeoutMs: 10_000 }));
  const target = registry.all.get("a")!;
  const timedOut = (timeoutMs: number): void => {
    target.send(
      BATCH,
      { timeoutMs, cut: false },
      () => false,
      () => undefined,
    );
    answers.pop()!({ kind: "retry", reason: "timeout", message: "", unprocessed: false });
  };
  for (let i = 0; i < 10; i++) timedOut(50);
  assert.deepEqual([target.health().state, target.windowSize()], ["ready", 4]);
  for (let i = 0; i < 5; i++) timedOut(9_000);
  assert.equal(target.health().state, "ejected");
});

const refusals: { name: string; code: string; perhapsData: boolean; counts: boolean }[] = [
  { name: "HTTP 500", code: "HTTP 500", perhapsData: true, counts: true },
  { name: "UNAUTHENTICATED", code: "UNAUTHENTICATED", perhapsData: false, counts: true },
  { name: "HTTP 422", code: "HTTP 422", perhapsData: true, counts: false },
  { name: "UNIMPLEMENTED", code: "UNIMPLEMENTED", perhapsData: false, counts: false },
];
for (const { name, code, perhapsData, counts } of refusals) {
  test(`${name} ${counts ? "counts in the share of successes, and draws no load" : "says nothing against the target"}`, () => {
    const { registry, answers } = open(targetPlan("a"));
    const target = registry.all.get("a")!;
    const refuse = (): void => {
      target.send(BATCH, { timeoutMs: 1_000, cut: false }, never, () => undefined);
      answers.pop()!({ kind: "rejected", code, message: "", badData: false, perhapsData });
    };
    for (let i = 0; i < 19; i++) refuse();
    assert.deepEqual([target.health().state, target.errorRate > 0.5], ["ready", counts]);
    assert.equal(target.load.latencyMs(0) >= 1_000, counts);
    refuse();
    const { state, reason } = target.health();
    assert.deepEqual([state, reason], counts ? ["ejected", "success_rate"] : ["ready", "started"]);
    assert.equal(target.windowSize(), 4);
  });
}

test("who waits for a shared target is told in turn, so that nobody takes all of its room", () => {
  const { registry, answers, send } = open(targetPlan("a"));
  const target = registry.all.get("a")!;
  const told: string[] = [];
  const cancel = target.onChange(() => told.push("x"));
  target.onChange(() => told.push("y"));
  for (let i = 0; i < 3; i++) {
    send("a");
    answers.pop()!(ACCEPTED);
  }
  assert.deepEqual(told.filter((_, i) => i % 2 === 0).join(""), "yxy");
  cancel();
  send("a");
  answers.pop()!(ACCEPTED);
  assert.equal(told.length, 7);
});

test("a reply that cannot be read is told to operators, and is a success", () => {
  const { metrics, answers, send, lines, clock } = open(targetPlan("a"));
  const unreadable = (): void => {
    send("a");
    answers.at(-1)!({ ...ACCEPTED, unreadable: true });
  };
  unreadable();
  send("a");
  answers[1]!(ACCEPTED);
  unreadable();
  assert.equal(metrics.exportUnreadable.with("a").value, 2);
  assert.equal(metrics.exportSends.with("a", "accepted").value, 3);
  const told = (): string[] => lines.filter((line) => /"warn".*its reply cannot be read.*"a"/u.test(line));
  assert.equal(told().length, 1, "one line for many");
  clock.advance(600_000);
  unreadable();
  assert.equal(told().length, 2);
});

test("of a name metrics tell how many addresses are in which state, and one reason; without a resolver it is dialled as it is", async () => {
  const { metrics, registry } = open(targetPlan("a", { resolve: "all" }));
  assert.equal(registry.all.get("a")!.parts, undefined);
  const resolver = new ScriptedResolver();
  const clock = new ManualClock();
  const client = { send: () => () => undefined, [Symbol.asyncDispose]: async () => undefined };
  const env = { clock, random: seededRandom(1), metrics, openClient: () => client, resolver };
  const named = openTargets(plans(targetPlan("n", { resolve: "all" })), env);
  resolver.find(["10.0.0.1", "10.0.0.2"]);
  const shown = (): string[] => {
    const text = exposition(snapshotMetrics(metrics));
    return text
      .split("\n")
      .filter((line) => /^signalbox_target_(addresses|state_reason)\{target="n".*[1-9]$/u.test(line));
  };
  const ADDRESSES = 'signalbox_target_addresses{target="n",state=';
  const REASON = 'signalbox_target_state_reason{target="n",reason=';
  assert.deepEqual(shown(), [`${REASON}"started"} 1`, `${ADDRESSES}"ready"} 2`]);
  named.all.get("n")!.parts!.all[0]!.operate({ state: "drain", untilMs: undefined, note: "" });
  assert.deepEqual(shown(), [`${REASON}"started"} 1`, `${ADDRESSES}"ready"} 1`, `${ADDRESSES}"drain"} 1`]);
  named.all.get("n")!.operate({ state: "drain", untilMs: undefined, note: "" });
  assert.deepEqual(shown(), [`${REASON}"operator"} 1`, `${ADDRESSES}"drain"} 2`]);
  await named[Symbol.asyncDispose]();
  assert.deepEqual([shown(), resolver.pending, clock.pending], [[], 0, 0]);
});
