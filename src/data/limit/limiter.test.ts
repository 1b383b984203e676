import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { requestOf, namesOf } from "../../../test/support/items.ts";
import { OWN_BODIES } from "../../core/arena/extent.ts";
import { seededRandom } from "../../core/random.ts";
import { Envelope, scanEnvelope } from "../../otlp/scan.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { LimitsExplanation } from "../../plan/explanation.ts";
import type { LimitsData } from "../../plan/limits/limits-plan.ts";
import { NO_HEADERS, type SenderHeaders, senderHeaders } from "../../plan/sender-headers.ts";
import { createLedger } from "../../telemetry/ledger.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { Limiter, type Limited, LIMITED } from "./limiter.ts";

const LIMITS: LimitsData = {
  total: { perSecond: 100, burst: 100 },
  key: { from: "service" },
  perKey: 10,
  keys: [
    { pattern: "pay*", perSecond: 50 },
    { pattern: "payroll", perSecond: 5 },
  ],
  mixed: "refuse",
};

class Rig {
  readonly clock = new ManualClock();
  readonly ledger = createLedger();
  readonly metrics = createMetrics();
  readonly envelope = new Envelope();
  readonly limiter: Limiter;

  constructor(limits: Partial<LimitsData> = {}, isShared = false) {
    const env = { clock: this.clock, random: seededRandom(1), metrics: this.metrics, ledger: this.ledger };
    this.limiter = new Limiter({ ...LIMITS, ...limits }, env, isShared);
  }

  send(services: readonly string[], signal: Signal = "traces", headers: SenderHeaders = NO_HEADERS): Limited {
    const items = services.map((service, i) => ({ name: `${service}-${i}`, service }));
    assert.ok(scanEnvelope(signal, requestOf(signal, items), this.envelope));
    return this.limiter.limit(this.envelope, signal, headers, OWN_BODIES);
  }

  preview(services: readonly string[]): LimitsExplanation {
    const items = services.map((service, i) => ({ name: `${service}-${i}`, service }));
    assert.ok(scanEnvelope("traces", requestOf("traces", items), this.envelope));
    return this.limiter.preview(this.envelope, NO_HEADERS);
  }

  /** Names of what was left. */
  left(): string[] {
    return namesOf("traces", this.limiter.take().bytes);
  }

  get shed(): number {
    return this.ledger.snapshot().reduce((sum, { shed }) => sum + (shed["over_limit"] ?? 0), 0);
  }
}

function many(service: string, count: number): string[] {
  return Array.from({ length: count }, () => service);
}

test("limit: everything together; a request is taken whole while there is a token, and its debt is paid first", () => {
  const rig = new Rig({ perKey: undefined, keys: [] });
  assert.equal(rig.send(many("a", 250)), LIMITED.IN);
  assert.equal(rig.send(["a"]), LIMITED.REFUSED);
  const { reason, retryAfterMs = 0 } = rig.limiter.refusal ?? {};
  assert.equal(reason, "over_limit");
  assert.ok(retryAfterMs >= 1_510 && retryAfterMs <= 3_020, String(retryAfterMs));
  rig.clock.advance(1_499);
  assert.equal(rig.send(["a"]), LIMITED.REFUSED);
  rig.clock.advance(11);
  assert.equal(rig.send(["a"]), LIMITED.IN);
  assert.equal(rig.shed, 2);
  assert.ok(rig.ledger.balance().every(({ signal, taken, accounted }) => signal !== "traces" || taken === accounted));
});

test("limit: senders that are refused together are told different times", () => {
  const rig = new Rig({ perKey: undefined, keys: [] });
  rig.send(many("a", 300));
  const told = Array.from({ length: 50 }, () => {
    rig.send(["a"]);
    return rig.limiter.refusal?.retryAfterMs;
  });
  assert.ok(new Set(told).size > 40);
});

test("limit: each service has its own, by name, then by the first glob, then by per_service_limit; and all share the whole", () => {
  const rig = new Rig();
  assert.equal(rig.send(many("cart", 11)), LIMITED.IN);
  assert.equal(rig.send(["cart"]), LIMITED.REFUSED);
  assert.match(rig.limiter.refusal?.message ?? "", /10 items a second of service "cart"/u);
  assert.equal(rig.send(many("payment", 30)), LIMITED.IN);
  assert.equal(rig.send(many("payment", 30)), LIMITED.IN);
  assert.equal(rig.send(["payment"]), LIMITED.REFUSED);
  assert.equal(rig.send(many("payroll", 6)), LIMITED.IN);
  assert.equal(rig.send(["payroll"]), LIMITED.REFUSED);
  assert.equal(rig.send(many("ship", 10)), LIMITED.IN);
  for (const service of ["b", "c"]) assert.equal(rig.send(many(service, 10)), LIMITED.IN);
  assert.equal(rig.send(["d"]), LIMITED.REFUSED); // the whole is used up
  assert.match(rig.limiter.refusal?.message ?? "", /max_qps/u);
  rig.clock.advance(1_100);
  assert.equal(rig.send(["cart", "payroll", "payment"]), LIMITED.IN);
});

test("limit: what the whole refuses takes nothing of a key, and what a key refuses nothing of the whole", () => {
  const rig = new Rig({ total: { perSecond: 20, burst: 20 }, perKey: 15, keys: [] });
  assert.equal(rig.send(many("a", 15)), LIMITED.IN);
  for (let i = 0; i < 5; i++) assert.equal(rig.send(many("a", 15)), LIMITED.REFUSED);
  assert.equal(rig.send(many("b", 5)), LIMITED.IN);
  for (let i = 0; i < 5; i++) assert.equal(rig.send(["b"]), LIMITED.REFUSED);
  const { total, keys } = rig.limiter.usage(10);
  assert.equal(total.shed, 80);
  assert.equal(keys.length, 2);
  rig.clock.advance(400); // 8 of the whole, 6 of each key: b has 16
  assert.equal(rig.send(many("b", 8)), LIMITED.IN);
});

test("limit: metrics count by their data points, logs by their records", () => {
  const rig = new Rig({ perKey: undefined, keys: [], total: { perSecond: 10, burst: 10 } });
  assert.equal(rig.send(many("a", 5), "metrics"), LIMITED.IN);
  assert.equal(rig.send(many("a", 5), "logs"), LIMITED.IN);
  assert.equal(rig.send(["a"], "metrics"), LIMITED.REFUSED);
  assert.equal(rig.send(["a"], "logs"), LIMITED.REFUSED);
});

test("limit: a request of several keys is refused whole, to be sent again, when one of them is over", () => {
  const rig = new Rig();
  rig.send(many("cart", 20));
  assert.equal(rig.send(["cart", "other"]), LIMITED.REFUSED);
  assert.equal(rig.shed, 2);
  assert.equal(rig.limiter.usage(10).keys.find(({ key }) => key === "other")?.granted, 10);
});

test("limit: mixed: shed leaves what is not over, and only where something is left", () => {
  const rig = new Rig({ mixed: "shed" });
  rig.send(many("cart", 20));
  assert.equal(rig.send(["cart", "other", "cart", "ship"]), LIMITED.LESS);
  assert.deepEqual(rig.left(), ["other-1", "ship-3"]);
  assert.deepEqual([rig.limiter.shedPoints, rig.shed], [2, 2]);
  assert.match(rig.limiter.shedMessage, /service "cart"/u);
  assert.equal(rig.send(["cart", "cart"]), LIMITED.REFUSED);
  // 100 - 20 - 2
  assert.equal(rig.send(many("payment", 78)), LIMITED.IN);
  assert.equal(rig.send(["ship"]), LIMITED.REFUSED);
});

test("limit: what was let in and refused afterwards comes back, of the whole and of its keys", () => {
  const rig = new Rig();
  for (let i = 0; i < 20; i++) {
    assert.equal(rig.send([...many("cart", 9), ...many("payment", 40)]), LIMITED.IN, String(i));
    rig.limiter.giveBack("traces");
    rig.limiter.giveBack("traces"); // of nothing
  }
  assert.equal(rig.send(many("cart", 10)), LIMITED.IN);
  assert.equal(rig.send(["cart"]), LIMITED.REFUSED);
});

test("limit: what was shed of a request that is refused afterwards had taken nothing, and brings nothing back", () => {
  const rig = new Rig({ mixed: "shed" });
  rig.send(many("cart", 20)); // 10 more than there were
  assert.equal(rig.send([...many("cart", 5), "other"]), LIMITED.LESS);
  rig.left();
  rig.limiter.giveBack("traces");
  rig.clock.advance(900);
  assert.equal(rig.send(["cart"]), LIMITED.REFUSED);
  rig.clock.advance(200);
  assert.equal(rig.send(["cart"]), LIMITED.IN);
});

test("limit: who is over the limit of a key waits until its debt is paid", () => {
  const rig = new Rig();
  rig.send(many("cart", 30));
  assert.equal(rig.send(["cart"]), LIMITED.REFUSED);
  const { retryAfterMs = 0 } = rig.limiter.refusal ?? {};
  assert.ok(retryAfterMs >= 2_100 && retryAfterMs <= 4_200, String(retryAfterMs));
});

test("limit: by a header of the sender, or by an attribute of the resource", () => {
  const rig = new Rig({ key: { from: "header", name: "x-scope-orgid" }, keys: [] });
  const of = (tenant: string): SenderHeaders => senderHeaders([["x-scope-orgid", tenant]]);
  assert.equal(rig.send(many("a", 11), "traces", of("one")), LIMITED.IN);
  assert.equal(rig.send(["b"], "traces", of("one")), LIMITED.REFUSED);
  assert.match(rig.limiter.refusal?.message ?? "", /of x-scope-orgid "one"/u);
  assert.equal(rig.send(["a"], "traces", of("two")), LIMITED.IN);
  assert.equal(rig.send(["a"]), LIMITED.IN); // without it: a key like others
  const byRegion = new Rig({ key: { from: "resource", attribute: "region" }, keys: [] });
  assert.equal(byRegion.send(many("a", 11)), LIMITED.IN);
  assert.equal(byRegion.send(["b"]), LIMITED.REFUSED);
  assert.match(byRegion.limiter.refusal?.message ?? "", /of region "unknown"/u);
});

test("limit: another plan changes the limits, and what was used is used", () => {
  const rig = new Rig();
  rig.send(many("cart", 20));
  rig.limiter.adopt({ ...LIMITS, perKey: 90 });
  assert.equal(rig.send(["cart"]), LIMITED.REFUSED);
  rig.clock.advance(120);
  assert.equal(rig.send(["cart"]), LIMITED.IN);
  rig.limiter.adopt({ ...LIMITS, perKey: undefined, keys: [] });
  for (let i = 0; i < 3; i++) assert.equal(rig.send(many("cart", 20)), LIMITED.IN);
});

test("limit: without a share nothing is let in, and senders come again soon; with one no more than that", () => {
  const rig = new Rig({}, true);
  assert.equal(rig.send(["cart"]), LIMITED.REFUSED);
  assert.ok((rig.limiter.refusal?.retryAfterMs ?? 0) <= 2_000);
  const untilMs = 10_000;
  rig.limiter.setShares({
    total: [{ perSecond: 20, burst: 20, untilMs }],
    safe: { part: 0.1, untilMs },
    keys: new Map([["cart", { amount: 9, untilMs }]]),
  });
  assert.equal(rig.send(["cart"]), LIMITED.REFUSED); // others had the tokens
  rig.clock.advance(1_000);
  assert.equal(rig.send(many("cart", 10)), LIMITED.IN);
  assert.equal(rig.send(["cart"]), LIMITED.REFUSED);
  assert.equal(rig.send(many("new", 1)), LIMITED.IN); // a tenth of its 10 a second
  assert.equal(rig.send(many("new", 1)), LIMITED.REFUSED);
  assert.deepEqual(
    rig.limiter.usage(10).keys.map(({ key, granted }) => `${key} ${granted}`),
    ["cart 10", "new 1"],
  );
});

test("limit: of a part of a limit senders come again soon, since it may be more by then, or when all of it would have paid what is owed", () => {
  const all = { perSecond: 1_000, burst: 1_000 };
  const rig = new Rig({ total: all, keys: [], perKey: 10 }, true);
  const untilMs = rig.clock.nowMs() + 60_000;
  rig.limiter.setShares({ total: [{ ...all, untilMs }], safe: { part: 0.01, untilMs }, keys: new Map() });
  rig.clock.advance(10_000);
  for (const [key, items, leastMs] of [
    ["cart", 5, 1_000],
    ["pay", 200, 20_000],
  ] as const) {
    assert.equal(rig.send(many(key, items)), LIMITED.IN);
    assert.equal(rig.send([key]), LIMITED.REFUSED);
    const told = rig.limiter.refusal?.retryAfterMs ?? 0;
    const { least = 0, most = 0 } = rig.preview([key]).retry_after_ms ?? {};
    assert.ok(told >= least && told <= most && most < 2.02 * leastMs, `${key} ${least} ${told} ${most}`);
  }
});

test("limit: who is short of a part of a limit wants more of it, and what is owed, while senders wait", () => {
  const rig = new Rig({ total: { perSecond: 100, burst: 100 }, keys: [], perKey: 50 }, true);
  const untilMs = rig.clock.nowMs() + 60_000;
  const total = [{ perSecond: 20, burst: 20, untilMs }];
  rig.limiter.setShares({ total, safe: { part: 0.1, untilMs }, keys: new Map([["cart", { amount: 15, untilMs }]]) });
  const wanted = (): number[] => {
    const usage = rig.limiter.usage(10);
    return [usage.total, ...usage.keys].map((one) => one.wanted);
  };
  assert.equal(rig.send(["cart"]), LIMITED.REFUSED);
  assert.deepEqual(wanted(), [1, 40], "twice the 20 of the key that was short");
  rig.clock.advance(1_000);
  assert.equal(rig.send(many("cart", 200)), LIMITED.IN);
  rig.clock.advance(4_000);
  assert.deepEqual(wanted(), [100, 100], "nothing comes; of 180 that are owed 80 have been paid back");
  rig.clock.advance(6_000);
  assert.deepEqual(wanted(), [0, 0]);
  assert.equal(rig.send(many("pay", 30)), LIMITED.IN);
  assert.equal(rig.send(["cart"]), LIMITED.REFUSED);
  rig.clock.advance(2_249);
  assert.equal(wanted()[0], 40, "who was told to wait may come again");
  rig.clock.advance(2);
  assert.equal(wanted()[0], 0);
});

test("limit: who refuses a part of a limit says both: the limit, and what is granted of it", () => {
  const rig = new Rig({ total: { perSecond: 100, burst: 100 }, keys: [], perKey: 50 }, true);
  const untilMs = rig.clock.nowMs() + 60_000;
  rig.send(["cart"]);
  assert.match(rig.limiter.refusal?.message ?? "", /of 50 .* of service "cart" .*; granted here now: nothing$/u);
  const total = [{ perSecond: 12.34, burst: 12, untilMs }];
  const shares = { total, safe: { part: 0.001, untilMs }, keys: new Map([["cart", { amount: 1.86, untilMs }]]) };
  rig.limiter.setShares(shares);
  rig.clock.advance(1_000);
  assert.equal(rig.send(many("cart", 40)), LIMITED.IN);
  rig.send(["cart"]);
  const ofKey = /^over the limit of 50 items a second of service "cart" .*; granted here now: 1\.9$/u;
  assert.match(rig.limiter.refusal?.message ?? "", ofKey);
  assert.match(rig.preview(["cart"]).why, ofKey);
  rig.clock.advance(1_000);
  rig.limiter.setShares({ ...shares, keys: new Map([["cart", { amount: 49.95, untilMs }]]) });
  rig.send(["cart"]);
  assert.match(rig.limiter.refusal?.message ?? "", /of 50 .* \(global\.rate_limiting\)$/u, "all of it");
  rig.clock.advance(2_000);
  assert.equal(rig.send(many("cart", 20)), LIMITED.IN);
  assert.equal(rig.send(["cart"]), LIMITED.REFUSED);
  assert.match(rig.limiter.refusal?.message ?? "", /of 100 .*max_qps\); granted here now: 12$/u);
});

test("limit: over any window no more than the limit, what may come at once, and one request", () => {
  const random = seededRandom(7);
  const rig = new Rig({ total: { perSecond: 1_000, burst: 200 }, perKey: 300, keys: [] });
  const admitted: { readonly atMs: number; readonly key: string; readonly items: number }[] = [];
  for (let i = 0; i < 800; i++) {
    rig.clock.advance(Math.floor(random.next() * 20));
    const key = `s${Math.floor(random.next() * 4)}`;
    const items = 1 + Math.floor(random.next() * 40);
    if (rig.send(many(key, items)) === LIMITED.IN) admitted.push({ atMs: rig.clock.nowMs(), key, items });
  }
  const check = (
    of: readonly { readonly atMs: number; readonly items: number }[],
    limit: number,
    burst: number,
  ): void => {
    for (let from = 0; from < of.length; from += 5) {
      let sum = 0;
      for (let to = from; to < of.length; to++) {
        sum += of[to]!.items;
        const windowMs = of[to]!.atMs - of[from]!.atMs;
        assert.ok(sum <= (limit * windowMs) / 1_000 + burst + 40, `${sum} in ${windowMs} ms`);
      }
    }
  };
  check(admitted, 1_000, 200);
  for (let s = 0; s < 4; s++)
    check(
      admitted.filter(({ key }) => key === `s${s}`),
      300,
      60,
    );
  const total = admitted.reduce((sum, { items }) => sum + items, 0);
  assert.ok(total > 0.9 * rig.clock.nowMs(), "it is used, too");
});

test("preview: it says of any request what limits then do with it, and takes nothing", () => {
  const random = seededRandom(11);
  const outcomes = { [LIMITED.IN]: "let_in", [LIMITED.LESS]: "shed", [LIMITED.REFUSED]: "refused" } as const;
  const seen = new Set<string>();
  for (const mixed of ["refuse", "shed"] as const) {
    const rig = new Rig({ mixed });
    for (let i = 0; i < 400; i++) {
      rig.clock.advance(Math.floor(random.next() * 200));
      const services = ["cart", "payment", "payroll", "ship"].filter(() => random.next() < 0.5);
      if (services.length === 0) continue;
      const all = services.flatMap((service) => many(service, 1 + Math.floor(random.next() * 12)));
      const before = rig.limiter.keyCount;
      const told = rig.preview(all);
      assert.deepEqual(rig.preview(all), told);
      assert.equal(rig.limiter.keyCount, before, "no key is remembered");
      const limited = rig.send(all);
      seen.add(`${mixed} ${told.outcome}`);
      assert.equal(told.outcome, outcomes[limited]);
      assert.equal(told.shed_items, limited === LIMITED.LESS ? rig.limiter.shedPoints : 0);
      if (limited === LIMITED.REFUSED) assert.equal(told.why, rig.limiter.refusal?.message);
      if (limited === LIMITED.LESS) assert.equal(told.why, rig.limiter.shedMessage);
    }
  }
  assert.deepEqual([...seen].toSorted(), [
    "refuse let_in",
    "refuse refused",
    "shed let_in",
    "shed refused",
    "shed shed",
  ]);
});

test("preview: each limit with what in the config makes it, what is left, and when it would be let in", () => {
  const rig = new Rig();
  rig.send(many("cart", 60));
  const told = rig.preview(["payroll", "payment", "cart", "payment"]);
  assert.deepEqual(
    told.keys.map(({ key, setting, items, left, over }) => [key, setting, items, left, over]),
    [
      ["cart", "per_service_limit", 1, -50, true],
      ["payroll", 'keys["payroll"]', 1, 5, false],
      ["payment", 'keys["pay*"]', 2, 50, false],
    ],
  );
  assert.deepEqual(told.total, {
    setting: "max_qps",
    items: 4,
    limit: 100,
    burst: 100,
    granted: 100,
    left: 40,
    over: false,
  });
  assert.deepEqual([told.outcome, told.wait_ms, told.retry_after_ms?.most], ["refused", 5_100, 10_200]);
  rig.clock.advance(5_100);
  assert.equal(rig.preview(["cart"]).outcome, "let_in");
  const cut = new Rig({ perKey: 10, keys: [] }).preview(Array.from({ length: 150 }, (_, i) => `s${i}`));
  assert.deepEqual([cut.keys.length, cut.keys_left_out], [100, 50]);
});

test("limit: one request of 45,000 items closes a key of 500 a second for 90 s, and everything of 50,000 for 0.7 s", () => {
  const debug = { pattern: "debug", perSecond: 500 };
  const rig = new Rig({ total: { perSecond: 50_000, burst: 10_000 }, perKey: 20_000, keys: [debug] });
  assert.equal(rig.send(many("debug", 45_000)), LIMITED.IN);
  assert.equal(rig.preview(["debug"]).wait_ms, 89_802);
  assert.equal(rig.preview(["cart"]).wait_ms, 701);
  rig.clock.advance(89_800);
  assert.equal(rig.send(["debug"]), LIMITED.REFUSED);
  rig.clock.advance(2);
  assert.equal(rig.send(["debug"]), LIMITED.IN);
});
