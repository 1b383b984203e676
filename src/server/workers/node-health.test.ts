import assert from "node:assert/strict";
import { test } from "node:test";
import { targetPlan } from "../../../test/delivery/pool-rig.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { seededRandom } from "../../core/random.ts";
import type { TargetNews } from "../../data/health/target-news.ts";
import type { ToldPart } from "../../data/health/told-health.ts";
import { membersKey } from "../../plan/members.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import { createLedger } from "../../telemetry/ledger.ts";
import { createLog } from "../../telemetry/log.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import type { ToWorker } from "./messages.ts";
import { NodeHealth } from "./node-health.ts";

const VERSION = 3;

/** The health of two targets without checks, and so many workers that only tell. */
function open(workers: number, a: Partial<TargetPlan> = {}) {
  const clock = new ManualClock();
  const lines: string[] = [];
  const log = createLog({
    clock,
    write: (line) => void lines.push(line),
    level: "warn",
    format: "json",
    colour: false,
  });
  const metrics = createMetrics();
  const plans = ["a", "b"].map((id): [string, TargetPlan] => [id, targetPlan(id, id === "a" ? a : {})]);
  const ready = new Set(Array.from({ length: workers }, (_, i) => i));
  const told: { readonly worker: number; readonly message: ToWorker }[] = [];
  const health = new NodeHealth(
    { targets: new Map(plans) },
    VERSION,
    { clock, random: seededRandom(1), log, metrics, ledger: createLedger() },
    { ready: () => [...ready], tell: (worker, message) => void told.push({ worker, message }) },
  );
  const seqs: number[] = [];
  const news = (worker: number, more: Partial<TargetNews>, version = VERSION): void => {
    seqs[worker] = (seqs[worker] ?? 0) + 1;
    const targets: TargetNews[] = [{ id: "a", epoch: 0, underWay: 0, ...more }];
    health.hear(worker, { kind: "news", seq: seqs[worker], version, targets });
  };
  return { clock, lines, metrics, ready, told, health, news, a: () => lastTold(told, workers) };
}

/** What each worker was told of `a` last. */
function lastTold(told: readonly { readonly worker: number; readonly message: ToWorker }[], workers: number) {
  return Array.from({ length: workers }, (_, worker): ToldPart | undefined => {
    const parts = told.flatMap(({ worker: to, message }) => {
      if (to !== worker || message.kind !== "health") return [];
      return message.targets.find(({ id }) => id === "a")?.parts[0] ?? [];
    });
    return parts.at(-1);
  });
}

function statesOf(all: readonly (ToldPart | undefined)[]): readonly (string | undefined)[] {
  return all.map((part) => part && `${part.health.state} ${part.health.reason} ${part.health.epoch}`);
}

test("failures of several workers are a row together; a success of any ends it", async () => {
  const { health, news, a, told, lines } = open(2);
  news(0, { failed: 3, inRow: 3, reason: "reset" });
  news(1, { taken: 1 });
  news(0, { failed: 3, inRow: 3, reason: "reset" });
  assert.deepEqual(told, [], "nothing has changed, and nobody acted by himself");
  news(1, { failed: 2, inRow: 2, reason: "connect" });
  assert.deepEqual(statesOf(a()), ["ejected connect 1", "ejected connect 1"]);
  assert.equal(lines.length, 1);
  await health[Symbol.asyncDispose]();
});

test("what one worker found out by itself holds for the node, and is told to all", async () => {
  const { health, news, a } = open(3);
  news(1, { taken: 4, failed: 5, inRow: 5, reason: "connect", ejected: true, urgent: true });
  assert.deepEqual(statesOf(a()), Array(3).fill("ejected connect 1"));
  const tries = a().map((part) => part?.health.state === "ejected" && part.health.panicFromMs);
  assert.deepEqual(tries, [0, 50, 100], "who has nothing better tries in turn");
  await health[Symbol.asyncDispose]();
});

test("the share of successes is that of all workers", async () => {
  const { health, news, a, told } = open(2);
  news(0, { refused: 10, failed: 0 });
  news(1, { taken: 90 });
  assert.deepEqual(told, [], "one worker's senders are a tenth of all");
  news(0, { refused: 20 });
  assert.deepEqual(statesOf(a()), ["ejected success_rate 1", "ejected success_rate 1"]);
  await health[Symbol.asyncDispose]();
});

test("one worker gets the probe, the next one when it has none, and its outcome is for all", async () => {
  const { health, news, a, clock } = open(2);
  news(1, { failed: 5, inRow: 5, reason: "connect", ejected: true, urgent: true });
  clock.advance(30_000);
  await new Promise(setImmediate);
  assert.deepEqual(statesOf(a()), ["probing rest_over 2", "probing rest_over 2"]);
  const permits = (): unknown[] => a().map((part) => part?.probeWithinMs);
  const outs = (): unknown[] => a().map((part) => part?.health.state === "probing" && part.health.probeOut);
  assert.deepEqual(
    [permits(), outs()],
    [
      [undefined, 100],
      [true, false],
    ],
    "who told something last",
  );
  news(1, { epoch: 2, probe: "returned", urgent: true });
  assert.deepEqual(
    [permits(), outs()],
    [
      [100, undefined],
      [false, true],
    ],
  );
  news(0, { epoch: 2, probe: "returned", urgent: true });
  assert.deepEqual(permits(), [undefined, 200], "less often when nobody has anything to send");
  news(1, { epoch: 2, probe: "sent", urgent: true });
  assert.deepEqual(outs(), [true, true]);
  news(1, { epoch: 2, taken: 1, ended: "heard", urgent: true });
  assert.deepEqual(statesOf(a()), ["ready recovered 3", "ready recovered 3"]);
  await health[Symbol.asyncDispose]();
});

test("workers are told of what time has changed, also when somebody asked just before they would have been", async () => {
  const { health, news, a, clock } = open(2);
  news(1, { failed: 5, inRow: 5, reason: "connect", ejected: true, urgent: true });
  clock.advance(a()[0]?.nextTryMs ?? 0); // timers fire a part of a millisecond later
  assert.equal(health.statuses[0]?.state, "probing");
  await new Promise(setImmediate);
  assert.deepEqual(statesOf(a()), ["probing rest_over 2", "probing rest_over 2"]);
  await health[Symbol.asyncDispose]();
});

test("a probe that dies with its worker is sent by another", async () => {
  const { health, news, a, clock, ready } = open(2);
  news(1, { failed: 5, inRow: 5, reason: "connect", ejected: true, urgent: true });
  clock.advance(30_000);
  await new Promise(setImmediate);
  news(1, { epoch: 2, probe: "sent", underWay: 1, urgent: true });
  ready.delete(1);
  health.died(1);
  assert.equal(a()[0]?.probeWithinMs, 200);
  await health[Symbol.asyncDispose]();
});

test("news of another state, or of another plan, changes nothing; who acted on it is told what is so", async () => {
  const { health, news, a } = open(2);
  const out = { failed: 5, inRow: 5, reason: "connect", ejected: true, urgent: true } as const;
  news(0, { ...out, epoch: 7 });
  news(0, out, VERSION - 1);
  assert.deepEqual(statesOf(a()), ["ready started 0", undefined]);
  await health[Symbol.asyncDispose]();
});

test("signals that it does not take, pauses and tenants' pauses are the node's", async () => {
  const { health, news, a, told } = open(2);
  const away = (times: number) => ({ signals: { away: [{ index: 2, times, said: "no logs" }] } });
  news(0, away(2));
  news(1, away(1));
  assert.deepEqual(
    a().map((part) => part?.refusals.map(({ signal, refusal }) => `${signal}: ${refusal.said}`)),
    [["logs: no logs"], ["logs: no logs"]],
  );
  news(0, { throttled: { delayMs: 700, said: "not now" }, urgent: true });
  const [, other] = a();
  assert.deepEqual([other?.said, other?.health.state === "ready" && other.health.pausedUntilMs], ["not now", 700]);
  told.length = 0;
  news(0, { tenants: [["team=x", 900, "later"]] });
  assert.deepEqual(told, [
    { worker: 1, message: { kind: "tenants", told: { id: "a", tenants: [["team=x", 900, "later"]] } } },
  ]);
  assert.deepEqual(health.toldAll(1)[0]?.parts[0]?.tenants, [["team=x", 900, "later"]]);
  await health[Symbol.asyncDispose]();
});

test("what operators want is told to all, and to who begins", async () => {
  const { health, a } = open(2);
  assert.equal(health.operate("nobody", { state: "drain", untilMs: undefined, note: "" }), false);
  assert.equal(health.operate("a", { state: "drain", untilMs: undefined, note: "n" }), true);
  assert.deepEqual(statesOf(a()), ["drain operator 1", "drain operator 1"]);
  assert.deepEqual(health.operatorStates, [{ id: "a", state: "drain", untilMs: undefined, note: "n" }]);
  assert.equal(health.toldAll(0)[0]?.parts[0]?.health.state, "drain");
  await health[Symbol.asyncDispose]();
});

test("what was told of a member where it was before says nothing of where it is now", async () => {
  const members = { region: "eu", tags: {}, listener: "otlp_grpc", isSelf: false, node: "n" } as const;
  const { health, news, a } = open(2, { url: "http://collectors.invalid", resolve: "all", members });
  const found = (address: string): void => {
    health.discovered([{ of: membersKey(members), members: [{ id: "g1", address, utilization: 0 }] }]);
  };
  const failed = { address: "g1", failed: 5, inRow: 5, reason: "connect", urgent: true } as const;
  found("g1:1");
  found("g1:2");
  news(0, { ...failed, place: "g1:1" });
  assert.deepEqual(
    a().map((part) => part && `${part.place} ${part.health.state}`),
    ["g1:2 ready", "g1:2 ready"],
  );
  news(0, { ...failed, place: "g1:2" });
  assert.deepEqual(statesOf(a()), ["ejected connect 1", "ejected connect 1"]);
  await health[Symbol.asyncDispose]();
});
