import assert from "node:assert/strict";
import { test } from "node:test";
import type { SendOutcome } from "../../src/data/export/target-client.ts";
import type { Check } from "../../src/data/health/check.ts";
import { requestOf } from "../support/items.ts";
import { ACCEPTED, Rig } from "./ledger-rig.ts";

const GONE: SendOutcome = { kind: "retry", reason: "connect", message: "gone", unprocessed: true };
const TARGETS = ["bad", "b", "c", "d"];
const STEP_MS = 10;
const ANSWER_MS = 4;
const FLAP_MS = 2_000;

const STRATEGIES = [
  "round_robin",
  "weighted_round_robin",
  "least_connections",
  "latency",
  "load_latency",
  "{ type: consistent_hash, key: service_name }",
  "failover",
];

/** Four targets of one pool on a moved clock, a request of one span each 10 ms, and one target that may be gone. */
class World implements AsyncDisposable {
  readonly rig: Rig;
  isGone = false;
  /** Calls by target since `take`. */
  readonly #calls = new Map<string, number>();
  readonly #replies: { readonly ok: boolean }[][] = [];
  #answered = 0;
  #sent = 0;

  constructor(strategy: string, checks: string) {
    const targets = TARGETS.map((id, i) => `{ id: ${id}, endpoint: "http://127.0.0.1:${i + 1}"${checks} }`);
    const pool = `{ targets: [${TARGETS.join(", ")}], strategy: ${strategy} }`;
    const text = `targets: [${targets.join(", ")}]\npools: { p: ${pool} }\ndefault_pool: p\n`;
    this.rig = new Rig(text, { openCheck: (_check, current) => this.#check(() => current().id) });
  }

  run(ms: number, stepMs = STEP_MS): void {
    for (let spent = 0; spent < ms; spent += stepMs) {
      const span = { name: "span", service: `service ${this.#sent++}` };
      this.#replies.push(this.rig.carry("traces", requestOf("traces", [span])).replies);
      this.#takeCalls();
      this.rig.advance(stepMs);
      this.#takeCalls();
    }
  }

  /** Up for 2 s and gone for 2 s, and so on; ends gone. */
  flap(ms: number): void {
    for (let spent = 0; spent < ms; spent += FLAP_MS) {
      this.run(FLAP_MS);
      this.isGone = !this.isGone;
    }
  }

  /** Share of the calls since the last time that went to each target, in the order of TARGETS. */
  shares(): number[] {
    const counts = TARGETS.map((id) => this.#calls.get(id) ?? 0);
    const all = counts.reduce((a, b) => a + b, 0);
    this.#calls.clear();
    return counts.map((count) => count / all);
  }

  states(): string[] {
    return TARGETS.map((id) => this.rig.pools.targets.get(id)!.health.state);
  }

  /** Times that each target went out. */
  outs(): number[] {
    return TARGETS.map((id) => {
      const series = [...this.rig.env.metrics.targetTransitions.series.values()];
      const out = series.filter(({ labels: [target, , to] }) => target === id && (to === "ejected" || to === "down"));
      return out.reduce((sum, { series: { value } }) => sum + value, 0);
    });
  }

  get failed(): number {
    return this.#replies.filter((replies) => replies[0]?.ok === false).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rig[Symbol.asyncDispose]();
  }

  #takeCalls(): void {
    const { calls, clock } = this.rig;
    for (; this.#answered < calls.length; this.#answered++) {
      const call = calls[this.#answered]!;
      this.#calls.set(call.target, (this.#calls.get(call.target) ?? 0) + 1);
      const outcome = call.target === "bad" && this.isGone ? GONE : ACCEPTED;
      clock.after(outcome === GONE ? 1 : ANSWER_MS, () => call.answer(outcome));
    }
  }

  #check(id: () => string): Check {
    return {
      run: (_timeoutMs, done) =>
        this.rig.clock.after(1, () => {
          const failed = id() === "bad" && this.isGone;
          done({ result: failed ? "failed" : "passed", said: "" });
        }),
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
}

const cases = [
  ...STRATEGIES.map((strategy) => ({ strategy, checks: "the default check", written: "" })),
  { strategy: "round_robin", checks: "no checks", written: ", health_check: false" },
  { strategy: "round_robin", checks: "a written check", written: ", health_check: { interval: 1s }" },
];
for (const { strategy, checks, written } of cases) {
  test(`${strategy}, ${checks}: a target that flaps each 2 s for a minute gets less and less, and its neighbours notice nothing`, async () => {
    await using world = new World(strategy, written);
    world.run(2_000);
    world.shares();
    world.flap(20_000);
    const [early] = world.shares();
    world.flap(20_000);
    world.shares();
    world.flap(20_000);
    const [late] = world.shares();
    assert.ok(late! <= early! && late! < 0.03, `${early} of the calls in the first 20 s, ${late} in the last`);
    assert.deepEqual(world.states().slice(1), ["ready", "ready", "ready"]);
    assert.deepEqual(world.outs().slice(1), [0, 0, 0]);
    assert.ok(world.outs()[0]! <= 5, `out ${world.outs()[0]} times in 15 outages`);
    world.isGone = false;
    world.run(400_000, 200);
    assert.deepEqual(world.states(), ["ready", "ready", "ready", "ready"]);
    assert.deepEqual([world.failed, world.rig.balanced, world.rig.totals("traces").lost], [0, true, 0]);
  });
}
