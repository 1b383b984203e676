import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import { ACCEPTED, type Carried, Rig } from "../scenario/ledger-rig.ts";
import { namesOf } from "../support/items.ts";
import { setTargets, spans } from "./channel-rig.ts";

const TARGETS = ["a", "b", "c", "d"] as const;
const MAX_BYTES = 4_000;

const STRATEGIES = [
  "round_robin",
  "consistent_hash",
  "{ type: consistent_hash, key: { attribute: user.tier } }",
  "{ type: geography, then: [eu] }",
  "{ type: content, cases: [{ conditions: [{ attribute: { key: user.tier, equals: t1 } }], targets: [FIRST] }] }",
  "broadcast",
] as const;

interface PoolChoice {
  readonly strategy: string;
  readonly targets: readonly string[];
  readonly ack: string;
  readonly whenDown: string;
  readonly fallback: boolean;
}

type Step =
  | { readonly kind: "carry"; readonly spans: readonly { readonly trace: number; readonly tier: number }[] }
  | { readonly kind: "answer"; readonly nth: number; readonly outcome: SendOutcome }
  | { readonly kind: "target"; readonly id: string; readonly state: "ready" | "maintenance" }
  | { readonly kind: "advance"; readonly ms: number }
  | { readonly kind: "swap"; readonly pools: readonly PoolChoice[] };

const aPool = fc.record({
  strategy: fc.constantFrom(...STRATEGIES),
  targets: fc.subarray([...TARGETS], { minLength: 1 }),
  ack: fc.constantFrom("delivered", "queued"),
  whenDown: fc.constantFrom("next_rule", "hold", "refuse"),
  fallback: fc.boolean(),
});
const pools = fc.tuple(aPool, aPool, aPool);
const outcome = fc.oneof(
  { weight: 3, arbitrary: fc.constant(ACCEPTED) },
  fc.constantFrom<SendOutcome>(
    { kind: "retry", reason: "connect", message: "no", unprocessed: true },
    { kind: "retry", reason: "unavailable", message: "no", unprocessed: false },
    { kind: "retry", reason: "throttled", message: "slow", unprocessed: false, afterMs: 50 },
    { kind: "too_large", message: "big" },
    { kind: "too_large", message: "exhausted", doubt: "quota" },
  ),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("carry" as const),
      spans: fc.array(fc.record({ trace: fc.nat(6), tier: fc.nat(2) }), { minLength: 1, maxLength: 8 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("answer" as const), nth: fc.nat(7), outcome }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("target" as const),
      id: fc.constantFrom(...TARGETS),
      state: fc.constantFrom("ready", "maintenance"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("advance" as const), ms: fc.constantFrom(1, 50, 2_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("swap" as const), pools }) },
);

function configOf(all: readonly PoolChoice[]): string {
  const targets = TARGETS.map((id, i) => {
    const region = i % 2 === 0 ? "eu" : "us";
    return `{ id: ${id}, endpoint: "http://${id}.test:1", region: ${region}, limits: { max_in_flight: 2 } }`;
  });
  const written = all.map(({ strategy, targets: its, ack, whenDown, fallback }, i) => {
    const after = fallback && i + 1 < all.length ? `, fallback: p${i + 1}` : "";
    const how = strategy.replace("FIRST", its[0]!);
    return `p${i}: { targets: [${its.join()}], strategy: ${how}, ack: ${ack}, when_down: ${whenDown}, queue: { max_bytes: ${MAX_BYTES} }${after} }`;
  });
  const rules = `[{ id: first, pool: p0 }, { id: tier, conditions: [{ attribute: { key: user.tier, equals: t0 } }], pool: p1 }]`;
  return `targets: [${targets.join()}]\npools: { ${written.join()} }\nrules: ${rules}\ndefault_pool: p2`;
}

/** One run: what was asked of the rig, what was accepted by targets, and what senders were told. */
class Run {
  readonly rig: Rig;
  readonly requests: { readonly names: readonly string[]; readonly carried: Carried }[] = [];
  readonly accepted = new Set<string>();
  readonly open: number[] = [];
  readonly #distrusted = new Set<string>();
  #seen = 0;
  #name = 0;

  constructor(all: readonly PoolChoice[]) {
    this.rig = new Rig(configOf(all));
  }

  take(one: Step): void {
    switch (one.kind) {
      case "carry": {
        const its = one.spans.map(({ trace, tier }) => ({ name: `n${this.#name++}`, trace, tier: `t${tier}` }));
        const carried = this.rig.handle("traces", spans(its), 300_000);
        this.requests.push({ names: its.map(({ name }) => name), carried });
        break;
      }
      case "answer":
        this.#refresh();
        if (this.open.length > 0) this.#answer(this.open.splice(one.nth % this.open.length, 1)[0]!, one.outcome);
        break;
      case "target":
        setTargets(this.rig, one.state, one.id);
        break;
      case "advance":
        this.rig.advance(one.ms);
        break;
      case "swap":
        this.rig.apply(configOf(one.pools));
        break;
    }
    for (const pool of this.rig.pools.live.values()) assert.ok(pool.heldBytes <= MAX_BYTES, `${pool.heldBytes} held`);
    assert.ok(this.rig.balanced);
  }

  /** All targets are well again: whatever is left is accepted. */
  finish(): void {
    setTargets(this.rig, "ready", ...TARGETS);
    for (let round = 0; round < 60; round++) {
      this.#refresh();
      for (const index of this.open.splice(0)) this.#answer(index, ACCEPTED);
      this.rig.advance(1_500);
    }
  }

  #answer(index: number, what: SendOutcome): void {
    const { batch } = this.rig.calls[index]!;
    // What is too large is refused for good, which a sender that was acknowledged before does not
    // hear of: RESOURCE_EXHAUSTED only when it comes again.
    const isLarge = what.kind === "too_large";
    for (const name of namesOf(batch.signal, Buffer.concat(batch.pieces))) {
      const distrusted = isLarge && what.doubt !== undefined && !this.#distrusted.has(name);
      if (distrusted) this.#distrusted.add(name);
      else if (isLarge || what.kind === "accepted") this.accepted.add(name);
    }
    this.rig.answer(index, what);
  }

  #refresh(): void {
    for (; this.#seen < this.rig.calls.length; this.#seen++) this.open.push(this.#seen);
  }
}

test("whatever strategies, fallbacks, targets and configs do: each request is answered once, the ledger balances, queues keep their bounds, and what was acknowledged arrived", async () => {
  await fc.assert(
    fc.asyncProperty(pools, fc.array(step, { maxLength: 60, size: "max" }), async (first, steps) => {
      const run = new Run(first);
      await using rig = run.rig;
      for (const one of steps) run.take(one);
      run.finish();
      const totals = rig.totals("traces");
      assert.deepEqual([totals.queued, rig.balanced], [0, true]);
      for (const { names, carried } of run.requests) {
        assert.equal(carried.replies.length, 1);
        const [reply] = carried.replies;
        if (reply?.ok !== true || reply.rejected > 0) continue;
        for (const name of names) assert.ok(run.accepted.has(name), `${name} was acknowledged and did not arrive`);
      }
    }),
    { numRuns: 100 },
  );
});
