import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import { ACCEPTED, type Call, EXHAUSTED, failing, PoolRig, targetPlan, TOO_LARGE } from "./pool-rig.ts";

const KIB = 1_024;
const ADDRESSES = ["10.0.0.1", "10.0.0.2"];
const HTTP_400: SendOutcome = { kind: "rejected", code: "HTTP 400", message: "HTTP 400: too large", badData: true };
const AWAY: SendOutcome = { kind: "elsewhere", code: "HTTP 404", message: "HTTP 404: not here" };

/** How a target says that something is too large, and from where on. */
interface Limit {
  readonly bytes: number;
  readonly says: "413" | "exhausted" | "400";
}

type Step =
  | { readonly kind: "offer"; readonly kib: number; readonly withinMs: number }
  | { readonly kind: "answer"; readonly nth: number; readonly trouble: SendOutcome | undefined }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "cancel"; readonly nth: number }
  | { readonly kind: "resolve"; readonly addresses: readonly string[] }
  | { readonly kind: "swap"; readonly ids: readonly string[] };

const limit = fc.oneof(
  fc.record({ bytes: fc.integer({ min: 20 * KIB, max: 3_000 * KIB }), says: fc.constantFrom("413", "exhausted") }),
  fc.record({ bytes: fc.integer({ min: KIB * KIB, max: 3 * KIB * KIB }), says: fc.constant("400" as const) }),
) as fc.Arbitrary<Limit>;
const trouble = fc.constantFrom<SendOutcome>(
  failing("connect"),
  failing("timeout"),
  failing("cut_short"),
  failing("throttled", 3_000),
  AWAY,
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("offer" as const),
      kib: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 200, max: 4_000 })),
      withinMs: fc.constantFrom(0, 1, 500, 60_000, Infinity, Infinity),
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constant("answer" as const),
      nth: fc.nat(7),
      trouble: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, trouble),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(1, 300, 6_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("cancel" as const), nth: fc.nat(20) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("resolve" as const),
      addresses: fc.subarray(ADDRESSES, { minLength: 1 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("swap" as const), ids: fc.subarray(["a", "b", "t"]) }) },
);

class Run {
  readonly rig: PoolRig;
  readonly limits: readonly Limit[];
  calls = 0;

  constructor(limits: readonly Limit[], strategy: "round_robin" | "failover") {
    this.limits = limits;
    const more = { maxRequestBytes: 8 * KIB * KIB, maxInFlight: 3 };
    const targets = [targetPlan("a", more), targetPlan("b", more), targetPlan("t", { ...more, resolve: "auto" })];
    this.rig = new PoolRig(targets, {
      strategy: strategy === "failover" ? { type: strategy, returnAfterMs: 50 } : { type: strategy },
      batch: { maxItems: 1_000_000, maxBytes: 6 * KIB * KIB, maxWaitMs: 0 },
      queue: { maxBytes: 40 * KIB * KIB, maxAgeMs: 36_000_000 },
    });
  }

  take(one: Step): void {
    const { rig } = this;
    switch (one.kind) {
      case "offer":
        rig.offer(1, { bytes: one.kib * KIB, items: one.kib, deadlineMs: rig.clock.nowMs() + one.withinMs });
        break;
      case "answer": {
        const call = rig.calls[one.nth % Math.max(1, rig.calls.length)];
        if (call !== undefined) this.#answer(call, one.trouble ?? this.#honest(call));
        break;
      }
      case "pass":
        this.#pass(one.ms);
        break;
      case "cancel": {
        const offered = rig.offered[one.nth % Math.max(1, rig.offered.length)];
        if (offered !== undefined) offered.receipt.cancelled = true;
        break;
      }
      case "resolve":
        rig.resolver.find(one.addresses, 1_000);
        rig.turn();
        break;
      case "swap":
        rig.update({}, one.ids);
        break;
    }
  }

  finish(): void {
    this.rig.update({}, ["a", "b", "t"]);
    for (let i = 0; i < 400 && this.rig.pool.heldBytes > 0; i++) {
      let call = this.rig.calls[0];
      for (; call !== undefined; call = this.rig.calls[0]) this.#answer(call, this.#honest(call));
      this.#pass(2_500);
    }
  }

  #pass(ms: number): void {
    for (let left = ms; left > 0; left -= 100) {
      this.rig.clock.advance(Math.min(100, left));
      this.rig.turn();
    }
  }

  #answer(call: Call, outcome: SendOutcome): void {
    this.calls++;
    call.answer(outcome);
    this.rig.turn();
  }

  #honest({ target, batch }: Call): SendOutcome {
    const { bytes, says } = this.limits["ab".indexOf(target) < 0 ? 2 : "ab".indexOf(target)]!;
    if (batch.bytes <= bytes) return ACCEPTED;
    return says === "413" ? TOO_LARGE : says === "exhausted" ? EXHAUSTED : HTTP_400;
  }
}

for (const strategy of ["round_robin", "failover"] as const) {
  test(`${strategy}: whatever limits targets have, and what else happens meanwhile: nothing that fits somewhere is refused, lost or taken twice`, () => {
    fc.assert(
      fc.property(fc.tuple(limit, limit, limit), fc.array(step, { maxLength: 60, size: "max" }), (limits, steps) => {
        const run = new Run(limits, strategy);
        for (const one of steps) run.take(one);
        run.finish();
        const { pool, offered, takenBytes } = run.rig;
        assert.deepEqual([pool.heldBytes, pool.queuedItems, pool.inFlight], [0, 0, 0]);
        const kib = offered.reduce((sum, { record }) => sum + record.bytes, 0) / KIB;
        assert.ok(run.calls < 100 + 60 * offered.length + kib, `${run.calls} calls`);
        for (const { record, pieces, receipt, outcomes } of offered) {
          assert.equal(outcomes.length, 1);
          const [end] = outcomes;
          if (end?.kind === "rejected") assert.match(end.message, /404|takes traces/u);
          const taken = takenBytes.get(pieces[0]!.buffer) ?? 0;
          assert.ok(taken <= record.bytes, `${taken} of ${record.bytes}`);
          if (end!.kind === "delivered") assert.ok(taken >= record.bytes);
          if (record.ack === "queued" && !receipt.cancelled) assert.equal(end!.kind, "delivered", JSON.stringify(end));
        }
      }),
      { numRuns: 100 },
    );
  });
}
