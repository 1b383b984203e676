import assert from "node:assert/strict";
import { test } from "node:test";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import { ACCEPTED, type Carried, Rig } from "../scenario/ledger-rig.ts";
import { sent, setTargets, spans, failovers } from "./channel-rig.ts";
import { encodeRequest } from "../support/oracle/oracle.ts";

const AWAY: SendOutcome = { kind: "elsewhere", code: "HTTP 404", message: "HTTP 404: page not found" };
const GONE: SendOutcome = { kind: "retry", reason: "connect", message: "nobody", unprocessed: true };
const IDS = ["a", "b", "c", "d"];
const TARGETS = IDS.map((id, i) => `  - { id: ${id}, endpoint: "http://127.0.0.1:${i + 1}" }`).join("\n");
const MINUTES_MS = 60_000;

function config(pools: string, more = "default_pool: main"): string {
  return `targets:\n${TARGETS}\npools:\n${pools}\n${more}\n`;
}

const span = (name: string): Buffer => spans([{ name }]);
const log = (): Buffer =>
  Buffer.from(
    encodeRequest("logs", { resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: "x" } }] }] }] }),
  );

/**
 * Answers each call as it comes, as `answers` says for its target and signal; gives how many calls
 * each target got.
 */
function answerAll(
  rig: Rig,
  answers: (target: string, signal: string) => SendOutcome,
  from = 0,
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let i = from; i < rig.calls.length; i++) {
    const { target, batch } = rig.calls[i]!;
    counts[target] = (counts[target] ?? 0) + 1;
    rig.answer(i, answers(target, batch.signal));
  }
  return counts;
}

const aRefuses = (target: string): SendOutcome => (target === "a" ? AWAY : ACCEPTED);
const aRefusesTraces = (target: string, signal: string): SendOutcome =>
  target === "a" && signal === "traces" ? AWAY : ACCEPTED;

function refused(rig: Rig, id: string): string {
  return rig.pools.targets
    .get(id)!
    .refusals()
    .map(({ signal }) => signal)
    .join(" ");
}

/**
 * `yes` where the sender was told of success, `no` where of a refusal for good, the reason where it
 * may come again, `-` while it waits.
 */
function told(all: readonly Carried[]): string[] {
  return all.map(({ replies: [reply] }) => {
    if (reply === undefined) return "-";
    if (reply.ok) return "yes";
    return reply.refusal.reason === "target_rejected" ? "no" : reply.refusal.reason;
  });
}

const STRATEGIES = [
  "round_robin",
  "weighted_round_robin",
  "weighted_random",
  "least_connections",
  "latency",
  "load_latency",
  "failover",
  "{ type: consistent_hash, key: trace_id }",
  "{ type: geography }",
];
for (const strategy of STRATEGIES) {
  test(`signals: of three targets with ${strategy}, one that takes no traces gets three, then none but probes, and nobody notices`, async () => {
    await using rig = new Rig(config(`  main: { targets: [a, b, c], strategy: ${strategy} }`));
    const all: Carried[] = [];
    let calls = 0;
    const send = (count: number): Record<string, number> => {
      const from = rig.calls.length;
      for (let i = 0; i < count; i++) {
        all.push(rig.handle("traces", spans([{ name: "x", trace: ++calls }])));
        answerAll(rig, aRefuses, rig.calls.length - 1);
        rig.advance(1);
      }
      return rig.calls.slice(from).reduce<Record<string, number>>((counts, { target }) => {
        return { ...counts, [target]: (counts[target] ?? 0) + 1 };
      }, {});
    };
    // Where latency counts, one such answer makes it the last choice.
    const avoids = strategy === "latency";
    assert.equal(send(100)["a"], avoids ? 1 : 3);
    assert.equal(refused(rig, "a"), avoids ? "" : "traces");
    rig.advance(MINUTES_MS);
    assert.ok((send(100)["a"] ?? 0) <= (avoids ? 2 : 1), "one probe after the rest");
    assert.deepEqual(new Set(told(all)), new Set(["yes"]));
    assert.equal(rig.balanced, true);
  });
}

test("signals: the target goes on with the signals that it takes", async () => {
  await using rig = new Rig(config("  main: { targets: [a, b] }"));
  for (let i = 0; i < 20; i++) {
    rig.handle("traces", span("x"));
    rig.handle("logs", log());
    answerAll(rig, aRefusesTraces, Math.max(0, rig.calls.length - 2));
  }
  assert.equal(refused(rig, "a"), "traces");
  assert.equal(rig.pools.targets.get("a")!.health().state, "ready");
  const logs = rig.calls.filter(({ batch }) => batch.signal === "logs");
  assert.equal(logs.filter(({ target }) => target === "a").length, 10, "half of the logs");
});

test("signals: one success brings the signal back", async () => {
  await using rig = new Rig(config("  main: { targets: [a, b], strategy: failover }"));
  for (let i = 0; i < 5; i++) {
    rig.handle("traces", span("x"));
    answerAll(rig, aRefuses, rig.calls.length - 1);
  }
  rig.advance(MINUTES_MS);
  const from = rig.calls.length;
  for (let i = 0; i < 3; i++) {
    rig.handle("traces", span("xyz"[i]!));
    answerAll(rig, () => ACCEPTED, rig.calls.length - 1);
  }
  assert.equal(sent(rig, from), "a:x a:y a:z");
  assert.equal(refused(rig, "a"), "");
});

test("signals: it moves to the fallback at the first such answer, and counts no retry against the budget", async () => {
  const pools =
    "  main: { targets: [a], fallback: spare, retry: { max_retries: 0, budget: 0 } }\n  spare: { targets: [b] }";
  await using rig = new Rig(config(pools));
  const all = Array.from({ length: 200 }, () => {
    const carried = rig.handle("traces", span("x"));
    answerAll(rig, aRefuses, rig.calls.length - 1);
    return carried;
  });
  assert.deepEqual(new Set(told(all)), new Set(["yes"]));
  assert.equal(rig.calls.filter(({ target }) => target === "a").length, 3);
  assert.equal(failovers(rig), "main>spare arrival:197 main>spare backlog:3");
});

test("signals: a pool whose targets take no traces is passed over for traces, and only for them", async () => {
  const rules = "rules:\n  - { id: first, pool: main }\n  - { id: next, pool: other }";
  await using rig = new Rig(config("  main: { targets: [a] }\n  other: { targets: [b] }", rules));
  const first = Array.from({ length: 3 }, () => {
    const carried = rig.handle("traces", span("x"));
    answerAll(rig, aRefusesTraces, rig.calls.length - 1);
    return carried;
  });
  assert.deepEqual(told(first), ["no", "no", "no"], "of its own pool nobody else could take it");
  const from = rig.calls.length;
  rig.handle("traces", span("y"));
  rig.handle("logs", log());
  assert.deepEqual(
    rig.calls.slice(from).map(({ target, batch }) => `${target} ${batch.signal}`),
    ["b traces", "a logs"],
  );
});

test("signals: when nobody takes it who waits is told at once, for good, in the target's words", async () => {
  await using rig = new Rig(config("  main: { targets: [a, b] }"));
  const all = Array.from({ length: 5 }, () => {
    const carried = rig.handle("traces", span("x"));
    answerAll(rig, () => AWAY, rig.calls.length - 1);
    return carried;
  });
  assert.deepEqual(told(all), ["no", "no", "no", "no", "no"]);
  const [reply] = all[4]!.replies;
  assert.ok(reply !== undefined && !reply.ok);
  assert.match(reply.refusal.message, /HTTP 404: page not found/u);
  assert.equal(rig.calls.length, 6, "three for each target, and none after that");
});

test("signals: while another target may take it, though it is out now, nobody is told that it is for good", async () => {
  await using rig = new Rig(config("  main: { targets: [a, b], strategy: failover }"));
  setTargets(rig, "maintenance", "b");
  let answered = 0;
  const answerNew = (): void => {
    answerAll(rig, aRefuses, answered);
    answered = rig.calls.length;
  };
  const all = Array.from({ length: 5 }, () => {
    const carried = rig.handle("traces", span("x"));
    for (let i = 0; i < 20; i++) {
      answerNew();
      rig.advance(1);
    }
    return carried;
  });
  assert.deepEqual(told(all), ["-", "-", "-", "-", "-"]);
  setTargets(rig, "ready", "b");
  for (let i = 0; i < 20; i++) {
    answerNew();
    rig.advance(250);
  }
  assert.deepEqual(new Set(told(all)), new Set(["yes"]));
});

test("signals: what was acknowledged waits until somebody takes it, or until it is too old, whatever retry says", async () => {
  const pool = "{ targets: [a], ack: queued, queue: { max_bytes: 128MiB, max_age: 10m }, retry: { max_retries: 0 } }";
  await using rig = new Rig(config(`  main: ${pool}`));
  const all = Array.from({ length: 50 }, () => rig.handle("traces", span("x")));
  const run = (ms: number, answer: SendOutcome): void => {
    for (let i = 0; i < ms; i += 500) {
      const from = rig.calls.length;
      rig.advance(500);
      answerAll(rig, () => answer, from);
    }
  };
  answerAll(rig, () => AWAY);
  run(5 * MINUTES_MS, AWAY);
  assert.deepEqual(new Set(told(all)), new Set(["yes"]));
  assert.deepEqual([rig.totals("traces").queued, rig.totals("traces").lost], [50, 0]);
  assert.ok(rig.calls.length < 20, `${rig.calls.length} calls: it is tried now and then, not all the time`);
  run(3 * MINUTES_MS, ACCEPTED);
  assert.deepEqual([rig.totals("traces").queued, rig.totals("traces").delivered], [0, 50]);

  rig.handle("traces", span("late"));
  answerAll(rig, () => AWAY, rig.calls.length - 1);
  run(11 * MINUTES_MS, AWAY);
  assert.deepEqual([rig.totals("traces").queued, rig.totals("traces").lost], [0, 1]);
});

test("signals: what was acknowledged goes to the standby, all of it", async () => {
  await using rig = new Rig(config("  main: { targets: [a, b], strategy: failover, ack: queued }"));
  for (let i = 0; i < 220; i++) rig.handle("traces", span("x"));
  answerAll(rig, aRefuses);
  const { delivered, rejected, lost, queued } = rig.totals("traces");
  assert.deepEqual([delivered, rejected, lost, queued], [220, 0, 0, 0]);
});

test("signals: broadcast leaves the copy out, at the first answer as later", async () => {
  await using rig = new Rig(config("  main: { targets: [a, b, c], strategy: broadcast }"));
  const all = Array.from({ length: 10 }, () => {
    const from = rig.calls.length;
    const carried = rig.handle("traces", span("x"));
    answerAll(rig, aRefuses, from);
    return carried;
  });
  assert.deepEqual(new Set(told(all)), new Set(["yes"]));
  const counts = IDS.map((id) => rig.calls.filter(({ target }) => target === id).length);
  assert.deepEqual(counts, [3, 10, 10, 0]);
});

test("signals: a copy that nobody takes is refused for good, and not left waiting", async () => {
  await using rig = new Rig(config("  main: { targets: [a, b], strategy: broadcast }"));
  const all = Array.from({ length: 5 }, () => {
    const from = rig.calls.length;
    const carried = rig.handle("traces", span("x"));
    answerAll(rig, () => AWAY, from);
    return carried;
  });
  assert.deepEqual(new Set(told(all)), new Set(["no"]));
  assert.equal(rig.balanced, true);
});

test("signals: who takes nothing at all is out, is asked again, and comes back", async () => {
  await using rig = new Rig(config("  main: { targets: [a, b] }"));
  const target = rig.pools.targets.get("a")!;
  const metrics = Buffer.from(
    encodeRequest("metrics", {
      resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: "m", gauge: { dataPoints: [{}] } }] }] }],
    }),
  );
  const round = (answers: (id: string) => SendOutcome): void => {
    const from = rig.calls.length;
    rig.handle("traces", span("x"));
    rig.handle("logs", log());
    rig.handle("metrics", metrics);
    answerAll(rig, answers, from);
    rig.advance(500);
  };
  for (let i = 0; i < 8; i++) round(aRefuses);
  assert.deepEqual([target.health().state, target.health().reason], ["ejected", "no_signal"]);
  for (let i = 0; i < 60; i++) round(aRefuses);
  assert.equal(target.health().reason, "no_signal");
  for (let i = 0; i < 200; i++) round(() => ACCEPTED);
  assert.deepEqual([target.health().state, target.refused()], ["ready", 0]);
});

test("signals: panic leaves out who does not take the signal", async () => {
  await using rig = new Rig(config("  main: { targets: [a, b, c, d] }"));
  for (let i = 0; i < 12; i++) {
    const from = rig.calls.length;
    rig.handle("traces", span("x"));
    answerAll(rig, aRefuses, from);
  }
  assert.equal(refused(rig, "a"), "traces");
  // b and c fail until they are out: less than half are left.
  for (let i = 0; i < 40; i++) {
    const from = rig.calls.length;
    rig.handle("traces", span("x"));
    answerAll(rig, (id) => (id === "d" ? ACCEPTED : GONE), from);
  }
  assert.deepEqual(
    ["b", "c"].map((id) => rig.pools.targets.get(id)!.health().state),
    ["ejected", "ejected"],
  );
  const from = rig.calls.length;
  for (let i = 0; i < 40; i++) rig.handle("traces", span("x"));
  assert.equal(rig.calls.slice(from).filter(({ target }) => target === "a").length, 0);
});
