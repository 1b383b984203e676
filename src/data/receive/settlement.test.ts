import assert from "node:assert/strict";
import { test } from "node:test";
import type { ParcelOutcome } from "../queue/parcel.ts";
import type { Reply } from "./request.ts";
import { Settlement } from "./settlement.ts";

const DELIVERED: ParcelOutcome = { kind: "delivered", rejected: 0, message: "" };
const PARTIAL: ParcelOutcome = { kind: "delivered", rejected: 2, message: "two" };
const WARNED: ParcelOutcome = { kind: "delivered", rejected: 0, message: "careful" };
const BAD: ParcelOutcome = { kind: "rejected", message: "bad", badData: true };
const REJECTED: ParcelOutcome = { kind: "rejected", message: "no", badData: false };
const FAILED: ParcelOutcome = { kind: "failed", reason: "target_failed", message: "down", retryAfterMs: 10 };
const THROTTLED: ParcelOutcome = { kind: "failed", reason: "queue_full", message: "later", retryAfterMs: 500 };
const LATE: ParcelOutcome = { kind: "failed", reason: "deadline", message: "late" };

const NOTHING = { rejected: 0, message: "" };
const POINTS = 5;

/** What the sender is told, as a text; `(none)` while it waits. */
function told(reply: Reply | undefined): string {
  if (reply === undefined) return "(none)";
  if (!reply.ok) return `${reply.refusal.reason} ${reply.refusal.message} ${reply.refusal.retryAfterMs ?? "-"}`;
  return `ok ${reply.rejected} ${reply.message}`.trimEnd();
}

const replies: { name: string; outcomes: ParcelOutcome[]; want: string; early?: number; unmatched?: number }[] = [
  { name: "all delivered", outcomes: [DELIVERED, DELIVERED], want: "ok 0" },
  { name: "nothing to wait for", outcomes: [], early: 2, want: "ok 0" },
  { name: "a partial success", outcomes: [DELIVERED, PARTIAL], want: "ok 2 two" },
  { name: "two partial successes add up", outcomes: [PARTIAL, PARTIAL], want: "ok 4 two" },
  { name: "a warning without rejections is passed on", outcomes: [DELIVERED, WARNED], want: "ok 0 careful" },
  { name: "bad data and nothing else", outcomes: [BAD], want: "bad_data bad -" },
  { name: "refused for another reason", outcomes: [REJECTED], want: "target_rejected no -" },
  { name: "all refused: the first reason", outcomes: [REJECTED, BAD], want: "target_rejected no -" },
  { name: "a part refused for good", outcomes: [DELIVERED, BAD], want: "ok 5 bad" },
  { name: "refused beside what was acknowledged on entering", outcomes: [BAD], early: 1, want: "ok 5 bad" },
  { name: "a part failed: all again", outcomes: [DELIVERED, FAILED], want: "target_failed down 10" },
  { name: "failed beats refused", outcomes: [BAD, FAILED, DELIVERED], want: "target_failed down 10" },
  { name: "of two failures the longer wait", outcomes: [FAILED, THROTTLED, FAILED], want: "queue_full later 500" },
  { name: "of two failures without a wait the first", outcomes: [LATE, LATE], want: "deadline late -" },
  { name: "a part that no rule took", outcomes: [DELIVERED], unmatched: 3, want: "ok 3 no rule" },
];
for (const { name, outcomes, want, early = 0, unmatched = 0 } of replies) {
  test(`reply: ${name}`, () => {
    const given: Reply[] = [];
    const settlement = new Settlement(NOTHING, 99, { replied: (reply) => void given.push(reply) });
    for (let i = 0; i < early; i++) settlement.accept();
    for (const _ of outcomes) settlement.expect();
    if (unmatched > 0) settlement.refusePart(unmatched, "no rule");
    settlement.seal();
    for (const [i, outcome] of outcomes.entries()) {
      assert.equal(given.length, 0, `answered after ${i} of ${outcomes.length} parcels`);
      settlement.settled(outcome, POINTS);
    }
    assert.deepEqual(given.map(told), [want]);
  });
}

test("reply: what was rejected before anything was routed is added, and its message comes first", () => {
  const given: Reply[] = [];
  const settlement = new Settlement({ rejected: 1, message: "a bad id" }, 99, {
    replied: (reply) => void given.push(reply),
  });
  settlement.expect();
  settlement.seal();
  settlement.settled(PARTIAL, POINTS);
  assert.deepEqual(given.map(told), ["ok 3 a bad id"]);
});

test("reply: parcels that end before all are known do not answer the request", () => {
  const given: Reply[] = [];
  const settlement = new Settlement(NOTHING, 99, { replied: (reply) => void given.push(reply) });
  settlement.expect();
  settlement.settled(DELIVERED, POINTS);
  assert.equal(given.length, 0);
  settlement.expect();
  settlement.seal();
  assert.equal(given.length, 0);
  settlement.settled(FAILED, POINTS);
  assert.deepEqual(given.map(told), ["target_failed down 10"]);
});
