import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { NOTHING_GIVEN_UP } from "../../plan/degradation-plan.ts";
import type { LimitUse, NodeLimit } from "../node-limits/node-limit.ts";
import { seededRandom } from "../../core/random.ts";
import { createMetrics, type Metrics } from "../../telemetry/metrics.ts";
import { type Admission, createAdmission, type Permit } from "./admission.ts";
import { gate, head, LIMITS, opened, refused } from "../../../test/support/admission-rig.ts";

function refusals(metrics: Metrics): Record<string, number> {
  return Object.fromEntries(
    [...metrics.admitRefusals.series.values()].map(({ labels, series }) => [labels[0], series.value]),
  );
}

test("bytes in flight are counted while permits are open, and not after", () => {
  const { admission, metrics, clock } = gate();
  const permit = opened(admission.open(head(clock)));
  assert.equal(permit.grow(700), true);
  permit.shrink(200);
  assert.equal(permit.bytes, 500);
  assert.equal(metrics.admitInFlightBytes.with().value, 500);
  assert.equal(metrics.admitInFlightRequests.with().value, 1);
  permit.close();
  assert.equal(metrics.admitInFlightBytes.with().value, 0);
  assert.equal(metrics.admitInFlightRequests.with().value, 0);
});

test("closing twice gives back once, and a closed permit takes nothing more", () => {
  const { admission, clock } = gate();
  const [first, second] = [opened(admission.open(head(clock))), opened(admission.open(head(clock)))];
  first.grow(100);
  second.grow(50);
  first.close();
  first.close();
  assert.equal(first.grow(10), false);
  first.shrink(10);
  assert.deepEqual([admission.inFlightBytes, admission.inFlightRequests], [50, 1]);
});

test("what would pass the budget is refused for memory, takes nothing, and may be tried again", () => {
  const { admission, metrics, clock } = gate({ maxInFlightBytes: 1_500 });
  const [first, second] = [opened(admission.open(head(clock))), opened(admission.open(head(clock)))];
  assert.equal(first.grow(1_000), true);
  assert.equal(second.grow(501), false);
  const { reason, retryAfterMs = 0 } = second.refusal ?? assert.fail();
  assert.equal(reason, "memory");
  assert.ok(retryAfterMs > 0);
  assert.equal(second.bytes, 0);
  assert.equal(second.grow(500), true);
  assert.deepEqual(refusals(metrics), { memory: 1, too_many_requests: 0, shutting_down: 0, degraded: 0 });
});

test("a node that takes nothing, being degraded, has room all the same: nobody is late for want of it", () => {
  const { admission, metrics, clock } = gate();
  admission.guard.degradation.obey({ ...NOTHING_GIVEN_UP, level: 5, why: "ordered" });
  const { reason, message } = refused(admission.open(head(clock)));
  assert.deepEqual([reason, message], ["degraded", "this node is degraded to level 5 (ordered): it takes nothing"]);
  assert.equal(admission.refusedMs, Number.NEGATIVE_INFINITY);
  assert.equal(metrics.admitRefusals.with("degraded").value, 1);
  admission.guard.degradation.obey(NOTHING_GIVEN_UP);
  assert.equal(admission.open(head(clock)).kind, "permit");
});

test("a request that is alone may be as long as any, even above the budget; a second one waits for it", () => {
  const { admission, clock } = gate({ maxInFlightBytes: 100 });
  const alone = opened(admission.open(head(clock)));
  assert.equal(alone.grow(1_000), true, "as it was sent");
  assert.equal(alone.grow(1_000), true, "and inflated");
  assert.equal(alone.grow(1), false);
  assert.equal(alone.refusal?.reason, "too_large");
  const second = opened(admission.open(head(clock)));
  assert.equal(second.grow(1), false);
  alone.close();
  assert.equal(second.grow(1_000), true);
});

test("where nodes send on to nodes, senders leave some requests to what comes over links, and that some to more links", () => {
  const { admission, metrics, clock } = gate({ maxConcurrentRequests: 16 });
  let hasLinks = true;
  admission.heedLinks(() => ({ hasLinks, linksOf: (headers) => Number(headers.header("links") ?? 0) }));
  const over = (links: number) => admission.open(head(clock), { header: () => String(links) });
  const permits = Array.from({ length: 12 }, () => opened(over(0)));
  const { reason, message } = refused(admission.open(head(clock)));
  assert.deepEqual(
    [reason, message],
    ["too_many_requests", "12 requests are under way; the limit of 16 has 4 for what other nodes send on"],
  );
  assert.equal(refused(over(0)).reason, "too_many_requests");
  for (const links of [1, 2, 3]) {
    permits.push(opened(over(links)));
    assert.equal(refused(over(links)).reason, "too_many_requests", "what is left is for more links");
  }
  permits.push(opened(over(4)));
  assert.match(refused(over(9)).message, /^16 requests are under way, which is the limit of 16$/u);
  for (const permit of permits.splice(12)) permit.close();
  hasLinks = false;
  opened(over(0));
  assert.equal(metrics.admitRefusals.with("too_many_requests").value, 6);
});

test("more requests than allowed are refused before they hold anything", () => {
  const { admission, metrics, clock } = gate();
  const permits = Array.from({ length: 4 }, () => opened(admission.open(head(clock))));
  assert.equal(refused(admission.open(head(clock))).reason, "too_many_requests");
  permits[0]?.close();
  assert.equal(admission.open(head(clock)).kind, "permit");
  assert.equal(metrics.admitRefusals.with("too_many_requests").value, 1);
});

test("after stop new requests are told that the node shuts down, and those under way go on", () => {
  const { admission, clock } = gate();
  const permit = opened(admission.open(head(clock)));
  admission.stop("the node is shutting down");
  const refusal = refused(admission.open(head(clock)));
  assert.deepEqual([refusal.reason, refusal.message], ["shutting_down", "the node is shutting down"]);
  assert.equal(permit.grow(1_000), true);
});

test("requests are refused while RSS is above its limit, which is looked at four times a second at most", () => {
  const it = gate({ maxRssBytes: 1_000 });
  it.rss = 1_001;
  for (let i = 0; i < 100; i++) assert.equal(refused(it.admission.open(head(it.clock))).reason, "memory");
  assert.equal(it.asked, 1);
  it.rss = 1_000;
  it.clock.advance(249);
  assert.equal(it.admission.open(head(it.clock)).kind, "refused");
  it.clock.advance(1);
  assert.equal(it.admission.open(head(it.clock)).kind, "permit");
  assert.equal(it.asked, 2);
});

test("without a limit RSS is not looked at", () => {
  const it = gate();
  it.admission.open(head(it.clock));
  assert.equal(it.asked, 0);
});

test("the more is refused the longer senders are told to stay away, and never two alike", () => {
  const { admission, clock } = gate({ maxConcurrentRequests: 1 });
  opened(admission.open(head(clock)));
  const delays = Array.from({ length: 60 }, () => refused(admission.open(head(clock))).retryAfterMs ?? 0);
  assert.ok(mean(delays.slice(0, 10)) < mean(delays.slice(20, 30)), "pressure grows");
  assert.ok(mean(delays.slice(20, 30)) < 45_000 && Math.max(...delays) <= 45_000, "bounded");
  assert.ok(Math.min(...delays) >= 500);
  assert.ok(new Set(delays).size > 50, "spread");
  clock.advance(10_000);
  assert.ok((refused(admission.open(head(clock))).retryAfterMs ?? 0) <= 3_000, "forgotten after a while");
});

function mean(some: readonly number[]): number {
  return some.reduce((sum, delay) => sum + delay, 0) / some.length;
}

interface Step {
  readonly kind: "open" | "close" | "grow" | "shrink";
  readonly bytes: number;
}

const anyStep = fc.record({
  who: fc.nat(9),
  what: fc.record<Step>({ kind: fc.constantFrom("open", "close", "grow", "grow", "shrink"), bytes: fc.nat(1_200) }),
});

test("whatever requests do, the sum never passes the budget, and when all are closed nothing is left", () => {
  fc.assert(
    fc.property(
      fc.array(anyStep, { maxLength: 200 }),
      fc.integer({ min: 0, max: 4_000 }),
      (steps, maxInFlightBytes) => {
        const { admission, clock } = gate({ maxInFlightBytes });
        const permits = new Map<number, Permit>();
        for (const { who, what } of steps) {
          apply(admission, clock, permits, who, what);
          const held = [...permits.values()].reduce((sum, permit) => sum + permit.bytes, 0);
          assert.equal(admission.inFlightBytes, held);
          const { maxRequestBytes } = LIMITS;
          assert.ok(held <= Math.max(maxInFlightBytes, maxRequestBytes) + maxRequestBytes);
          assert.ok(admission.inFlightRequests <= LIMITS.maxConcurrentRequests);
        }
        for (const permit of permits.values()) permit.close();
        assert.deepEqual([admission.inFlightBytes, admission.inFlightRequests], [0, 0]);
      },
    ),
  );
});

function apply(admission: Admission, clock: ManualClock, permits: Map<number, Permit>, who: number, step: Step): void {
  const permit = permits.get(who);
  if (step.kind === "open") {
    const admitted = permit === undefined ? admission.open(head(clock)) : undefined;
    if (admitted?.kind === "permit") permits.set(who, admitted);
  } else if (step.kind === "close") {
    permit?.close();
    permits.delete(who);
  } else if (step.kind === "grow") {
    permit?.grow(step.bytes);
  } else {
    permit?.shrink(step.bytes);
  }
}

test("it is full while whole requests hold three quarters of the budget, and tells once when it is no more", () => {
  const { admission, clock } = gate();
  const [first, second] = [opened(admission.open(head(clock))), opened(admission.open(head(clock)))];
  assert.ok(first.grow(1_500) && second.grow(750));
  assert.equal(admission.full, false, "what is still coming does not count");
  first.whole();
  first.whole();
  assert.equal(admission.full, false);
  second.whole();
  assert.equal(admission.full, true);
  const told: string[] = [];
  admission.onceRoom(() => told.push("kept"));
  admission.onceRoom(() => told.push("cancelled"))();
  assert.ok(second.grow(100));
  second.shrink(100);
  assert.deepEqual(told, []);
  first.shrink(1);
  assert.deepEqual([told, admission.full], [["kept"], false]);
  first.close();
  second.close();
  assert.deepEqual(told, ["kept"]);
});

test("of several processes one takes its part of the limits, another one from when it is changed, and tells what it missed", () => {
  const parts = new Map<NodeLimit, number>([
    ["bytes", 1_000],
    ["requests", 1],
  ]);
  const partOf = (limit: NodeLimit, whole: number): number => parts.get(limit) ?? whole;
  const clock = new ManualClock();
  const env = { clock, metrics: createMetrics(), random: seededRandom(1), rssBytes: () => 0 };
  const admission = createAdmission(LIMITS, { ...env, partOf, processes: 2 });
  const uses = (): string[] => {
    const told: LimitUse[] = [];
    admission.tellUses(told);
    return told.map(({ limit, used, wanted }) => `${limit} ${used} ${wanted}`);
  };
  const first = opened(admission.open(head(clock)));
  assert.equal(first.grow(800), true);
  first.whole();
  assert.equal(refused(admission.open(head(clock))).reason, "too_many_requests");
  assert.deepEqual(uses(), ["bytes 800 0", "requests 1 1"]);
  parts.set("requests", 2);
  admission.limitChanged();
  const second = opened(admission.open(head(clock)));
  assert.deepEqual([second.grow(300), second.refusal?.reason], [false, "memory"]);
  assert.deepEqual(uses(), ["bytes 800 300", "requests 2 0"]);
  assert.deepEqual(uses(), ["bytes 800 0", "requests 2 0"], "once");
  parts.set("bytes", 3_000);
  admission.limitChanged();
  assert.equal(second.grow(300), true);
  parts.set("bytes", 0);
  admission.limitChanged();
  assert.equal(second.grow(1), false, "what it has it keeps");
  first.close();
  assert.equal(second.grow(1), true, "one alone is always taken");
});
