import assert from "node:assert/strict";
import test from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import type { ReportReply } from "../../control/fleet/messages.ts";
import type { LimitsAsk, LimitsGrant } from "../../plan/limits/limit-ask.ts";
import type { LimitAsk, LimitGrant } from "../../plan/limits/limit-lease.ts";
import { NodeLimits } from "./node-limits.ts";

function askOf(wanted: number, leased?: number): LimitAsk {
  const lease = leased === undefined ? undefined : { epoch: "1.1", amount: leased, validForMs: 9_000, seq: 1 };
  return { to: "1.1", wanted, weight: 1, lease, safe: undefined };
}

function grantOf(amount: number): LimitGrant {
  return { epoch: "1.1", lease: { amount, validForMs: 15_000, seq: 2 }, safe: undefined };
}

class Rig {
  ask: LimitsAsk = { total: askOf(10, 10), keys: [] };
  granted: LimitsGrant | undefined;
  collectors = 1;
  readonly limits = new NodeLimits(
    { limitAsk: async () => this.ask, limitGranted: (grant) => void (this.granted = grant) },
    new ManualClock(),
    { next: () => 0.999 },
  );

  /** Whether it presses a second after its Report was answered so, and so much comes. */
  async report(ask: LimitsAsk, limits: LimitsGrant, perSecond = ask.total.wanted): Promise<boolean> {
    this.ask = ask;
    await this.limits.ask();
    this.limits.answered({ limits, collectors: this.collectors } as ReportReply);
    assert.equal(this.granted, limits);
    return this.limits.isPressing(perSecond, 1_000);
  }
}

test("limits of a node: it presses while it has less than comes, and when it gives back", async () => {
  const rig = new Rig();
  assert.equal(rig.limits.isPressing(0, 1_000), false);
  assert.equal(await rig.report({ total: askOf(100), keys: [] }, { total: grantOf(100), keys: [] }), true);
  assert.equal(await rig.report({ total: askOf(100, 90), keys: [] }, { total: grantOf(100), keys: [] }), true);
  assert.equal(rig.limits.isPressing(100, 999), false, "not more often than once a second");
  assert.equal(await rig.report({ total: askOf(100, 100), keys: [] }, { total: grantOf(100), keys: [] }), false);
  assert.equal(await rig.report({ total: askOf(20, 100), keys: [] }, { total: grantOf(60), keys: [] }), true);
  assert.equal(rig.limits.isPressing(20, 999), false, "neither for a little");
});

test("limits of a node: most of what it had it gives back at once; of a large region all do within a second", async () => {
  const [rig, less] = [new Rig(), { total: grantOf(10), keys: [] }];
  assert.equal(await rig.report({ total: askOf(0, 100), keys: [] }, less), true);
  assert.equal(rig.limits.isPressing(0, 2), true);
  rig.collectors = 200;
  assert.equal(await rig.report({ total: askOf(0, 100), keys: [] }, less), true);
  assert.deepEqual([rig.limits.isPressing(0, 399), rig.limits.isPressing(0, 400)], [false, true]);
  rig.collectors = 10_000;
  assert.equal(await rig.report({ total: askOf(0, 100), keys: [] }, less), true);
  assert.equal(rig.limits.isPressing(0, 998), false);
  assert.equal(await rig.report({ total: askOf(0, 10), keys: [] }, less), false, "it has no more than that");
});

test("limits of a node: it presses while it has more than comes, and has said that it wants it", async () => {
  const [rig, granted] = [new Rig(), { total: grantOf(100), keys: [] }];
  assert.equal(await rig.report({ total: askOf(100, 100), keys: [] }, granted, 49), true);
  assert.deepEqual([rig.limits.isPressing(49, 499), rig.limits.isPressing(49, 500)], [false, true]);
  assert.equal(await rig.report({ total: askOf(100, 100), keys: [] }, granted, 51), false);
  assert.equal(await rig.report({ total: askOf(0, 100), keys: [] }, granted, 0), false, "it has been told");
});

test("limits of a node: it does not press for keys that are not shared out", async () => {
  const rig = new Rig();
  const ask = { total: askOf(10, 10), keys: [{ key: "a", ...askOf(50) }] };
  const [nothing, some] = [[], [{ key: "a", ...grantOf(20) }]].map((keys) => ({ total: grantOf(10), keys }));
  assert.equal(await rig.report(ask, nothing!), true, "it may be hot soon");
  assert.equal(await rig.report(ask, nothing!), false);
  assert.equal(await rig.report(ask, some!), true);
});
