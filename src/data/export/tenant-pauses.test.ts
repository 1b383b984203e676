import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { type SenderHeaders, senderHeaders } from "../../plan/sender-headers.ts";
import { TenantPauses } from "./tenant-pauses.ts";

function tenant(name: string): SenderHeaders {
  return senderHeaders([["x-scope-orgid", name]]);
}

function open(): { clock: ManualClock; pauses: TenantPauses; over: () => number } {
  const clock = new ManualClock();
  let over = 0;
  return { clock, pauses: new TenantPauses(clock, () => over++), over: () => over };
}

function untilMs(pauses: TenantPauses, name: string): number {
  return pauses.of(tenant(name))?.untilMs ?? -Infinity;
}

test("tenant pauses: each has its own end, is told of, and then forgotten", () => {
  const { clock, pauses, over } = open();
  const startMs = clock.nowMs();
  pauses.pause(tenant("a"), 2_000, "HTTP 429");
  pauses.pause(tenant("b"), 1_000, "HTTP 429");
  pauses.pause(tenant("c"), undefined, "HTTP 429");
  assert.deepEqual(
    ["a", "b", "c", "d"].map((name) => untilMs(pauses, name) - startMs),
    [2_000, 1_000, 100, -Infinity],
  );
  clock.advance(101);
  assert.deepEqual([over(), pauses.size], [1, 2]);
  clock.advance(900);
  assert.deepEqual([over(), pauses.size, untilMs(pauses, "b")], [2, 1, -Infinity]);
  clock.advance(1_000);
  assert.deepEqual([over(), pauses.size, pauses.any], [3, 0, false]);
});

test("tenant pauses: a later answer does not shorten one, and none is longer than five minutes", () => {
  const { clock, pauses } = open();
  const startMs = clock.nowMs();
  pauses.pause(tenant("a"), 3_600_000, "quota of the hour");
  pauses.pause(tenant("a"), 10, "HTTP 429");
  assert.equal(pauses.of(tenant("a"))?.said, "quota of the hour");
  assert.equal(untilMs(pauses, "a") - startMs, 300_000);
});

test("tenant pauses: at most 1,000 are known, those that were told first are forgotten first", () => {
  const { clock, pauses } = open();
  for (let i = 0; i < 1_500; i++) pauses.pause(tenant(`t${i}`), 60_000, "HTTP 429");
  assert.equal(pauses.size, 1_000);
  assert.equal(untilMs(pauses, "t499"), -Infinity);
  assert.ok(untilMs(pauses, "t500") > clock.nowMs());
});
