import assert from "node:assert/strict";
import { test } from "node:test";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import type { PoolPlan } from "../../src/plan/plan.ts";
import { ACCEPTED, type Call, ends, EXHAUSTED, type Offered, PoolRig, targetPlan, TOO_LARGE } from "./pool-rig.ts";

const KIB = 1_024;
const MIB = 1_048_576;
/** 1,000 spans of 373 bytes. */
const SPANS = { items: 1_000, bytes: 373_000 };
const AWAITED = { deadlineMs: 600_000 };
const HTTP_400: SendOutcome = { kind: "rejected", code: "HTTP 400", message: "HTTP 400: too large", badData: true };

/**
 * A pool that takes and sends as much as there is, to one target whose answer depends on the call.
 */
class Sizes {
  readonly rig: PoolRig;
  /** Bytes of every call, in order. */
  readonly calls: number[] = [];
  answer: (call: Call) => SendOutcome;

  constructor(answer: (call: Call) => SendOutcome, plan: Partial<PoolPlan> = {}) {
    this.answer = answer;
    const batch = { maxItems: 1_000_000, maxBytes: 64 * MIB, maxWaitMs: 0 };
    const queue = { maxBytes: 256 * MIB, maxAgeMs: 3_600_000 };
    this.rig = new PoolRig([targetPlan("a", { maxRequestBytes: 64 * MIB })], { batch, queue, ...plan });
  }

  get target(): NonNullable<ReturnType<PoolRig["targets"]["get"]>> {
    return this.rig.targets.get("a")!;
  }

  offer(more: Parameters<PoolRig["give"]>[0], count = 1): Offered[] {
    const offered = this.rig.offer(count, more);
    this.answerAll();
    return offered;
  }

  answerAll(): void {
    for (let call = this.rig.calls[0]; call !== undefined; call = this.rig.calls[0]) {
      this.calls.push(call.batch.bytes);
      this.rig.answer(this.answer(call));
      assert.ok(this.calls.length < 5_000, "a storm");
    }
  }

  /** Lets time pass, a tenth of a second at once. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left -= 100) {
      this.rig.clock.advance(100);
      this.rig.turn();
      this.answerAll();
    }
  }

  /** Bytes that were accepted. */
  get taken(): number {
    return [...this.rig.takenBytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  splits(reason: string): number {
    return this.rig.metrics.exportSplits.with("a", reason).value;
  }
}

const above =
  (bytes: number, refusal: SendOutcome) =>
  (call: Call): SendOutcome =>
    call.batch.bytes > bytes ? refusal : ACCEPTED;

test("413 to everything: a request of 1,000 spans costs 6 calls, not 1,999, and is refused for good", () => {
  const sizes = new Sizes(() => TOO_LARGE);
  const windowSize = sizes.target.windowSize();
  const offered = sizes.offer({ ...SPANS, ...AWAITED });
  assert.deepEqual(sizes.calls, [373_000, 186_500, 93_250, 46_625, 23_126, 11_563]);
  assert.equal(ends(offered), "rejected");
  assert.deepEqual([sizes.rig.pool.heldBytes, sizes.rig.pool.heldItems], [0, 0]);
  assert.equal(sizes.target.windowSize(), windowSize, "no window grows from refusals");
  assert.equal(sizes.splits("too_large"), 5);
  assert.ok(sizes.target.errorRate > 0, "a target that refuses 11 KiB for their size is at fault");
});

test("413 to everything: the calls grow with the depth, not with the items", () => {
  for (const items of [1_000, 8_000, 100_000]) {
    const sizes = new Sizes(() => TOO_LARGE);
    sizes.offer({ items, bytes: 373 * items, ...AWAITED });
    assert.ok(sizes.calls.length <= 2 + Math.log2((373 * items) / (16 * KIB)) + 1, `${sizes.calls.length} calls`);
  }
});

test("413 to everything: what was acknowledged waits, with few calls, but for what is below 16 KiB; and arrives later", () => {
  const sizes = new Sizes(() => TOO_LARGE);
  const offered = sizes.offer(SPANS);
  sizes.pass(4_000);
  assert.equal(ends(offered), "-");
  const refused = sizes.calls.filter((bytes) => bytes < 16 * KIB).reduce((sum, bytes) => sum + bytes, 0);
  assert.equal(refused, 11_563);
  sizes.answer = () => ACCEPTED;
  sizes.pass(60_000);
  assert.equal(sizes.taken + refused, SPANS.bytes);
  assert.equal(sizes.rig.pool.heldBytes, 0);
  const never = new Sizes(() => TOO_LARGE);
  never.offer(SPANS);
  never.pass(60_000);
  assert.ok(never.calls.length <= 80, `${never.calls.length} calls in a minute`);
});

test("413 to everything: parts of one request that share a batch use up no steps of each other", () => {
  const sizes = new Sizes(() => TOO_LARGE);
  sizes.offer(SPANS);
  sizes.pass(60_000);
  const refused = sizes.calls.filter((bytes) => bytes >= 16 * KIB).length;
  assert.ok(refused > 16, "parts of it came back together, and were cut again");
  assert.equal(sizes.splits("too_large"), refused, "none waited for a bound that others had reached");
});

test("RESOURCE_EXHAUSTED to everything: two calls, then the target is paused, longer each time, and nothing is refused", () => {
  const sizes = new Sizes(() => EXHAUSTED);
  const offered = sizes.offer(SPANS);
  assert.deepEqual(sizes.calls, [373_000, 186_500], "one half is tried once");
  assert.equal(sizes.target.usable(sizes.rig.clock.nowMs()), false);
  assert.equal(sizes.target.windowSize() < 4, true, "throttling shrinks the window");
  sizes.pass(60_000);
  assert.ok(sizes.calls.length <= 30, `${sizes.calls.length} calls in a minute`);
  assert.equal(ends(offered), "-");
  assert.equal(sizes.rig.metrics.poolRetries.with("p", "throttled").value > 0, true);
  sizes.answer = () => ACCEPTED;
  sizes.pass(60_000);
  assert.deepEqual([ends(offered), sizes.taken], ["delivered", SPANS.bytes]);
});

test("RESOURCE_EXHAUSTED to everything: single items that were acknowledged are not lost either", () => {
  const sizes = new Sizes(() => EXHAUSTED);
  const offered = Array.from({ length: 400 }, () => sizes.offer({ bytes: 400 })[0]!);
  sizes.pass(30_000);
  assert.ok(sizes.calls.length <= 60, `${sizes.calls.length} calls`);
  assert.match(ends(offered), /^(- ?)+$/u);
  sizes.answer = () => ACCEPTED;
  sizes.pass(60_000);
  assert.match(ends(offered), /^(delivered ?)+$/u);
});

for (const { name, refusal, reason } of [
  { name: "413", refusal: TOO_LARGE, reason: "too_large" },
  { name: "RESOURCE_EXHAUSTED", refusal: EXHAUSTED, reason: "exhausted" },
]) {
  test(`a limit of 100 KiB, said with ${name}, is learned from a half that passes, kept, and tried again after 10 minutes`, () => {
    const sizes = new Sizes(above(100 * KIB, refusal));
    const size = { items: 150, bytes: 150 * KIB };
    const [first] = sizes.offer(size);
    assert.deepEqual(sizes.calls, [150 * KIB, 75 * KIB, 75 * KIB]);
    assert.equal(sizes.target.learnedMaxBytes, 75 * KIB);
    const again = sizes.offer(size, 3);
    assert.ok(
      sizes.calls.slice(3).every((bytes) => bytes <= 75 * KIB),
      "cut beforehand",
    );
    assert.equal(sizes.splits(reason), 1);
    sizes.pass(599_900);
    sizes.offer(size);
    assert.equal(sizes.splits(reason), 1);
    sizes.pass(100);
    assert.equal(sizes.target.learnedMaxBytes, 150 * KIB);
    const before = sizes.calls.length;
    const [last] = sizes.offer(size);
    assert.deepEqual(sizes.calls.slice(before), [150 * KIB, 75 * KIB, 75 * KIB]);
    assert.deepEqual([sizes.splits(reason), sizes.target.learnedMaxBytes], [2, 75 * KIB]);
    assert.match(ends([first!, ...again, last!]), /^(delivered ?)+$/u);
    assert.equal(sizes.rig.pool.heldItems, 0);
  });
}

test("RESOURCE_EXHAUSTED far above a limit: halves and pauses in turn, until it fits", () => {
  const sizes = new Sizes(above(20 * KIB, EXHAUSTED));
  sizes.offer({ bytes: 1_000 });
  const offered = sizes.offer({ items: 400, bytes: 400 * KIB }, 1);
  assert.equal(ends(offered), "-", "the half fails, and nothing was taken since");
  sizes.pass(20_000);
  assert.equal(ends(offered), "delivered");
  assert.ok(sizes.calls.length < 60, `${sizes.calls.length} calls`);
});

test("a single item above the limit is refused for good, its neighbours arrive; after RESOURCE_EXHAUSTED at once only if awaited", () => {
  for (const refusal of [TOO_LARGE, EXHAUSTED]) {
    const sizes = new Sizes(above(20 * KIB, refusal));
    sizes.offer({ bytes: 1_000 });
    const [fat] = sizes.offer({ bytes: 30 * KIB, ...AWAITED });
    assert.equal(ends([fat!]), "rejected");
  }
  const sizes = new Sizes(above(20 * KIB, EXHAUSTED));
  sizes.offer({ bytes: 1_000 });
  const [acknowledged] = sizes.offer({ bytes: 30 * KIB });
  assert.equal(ends([acknowledged!]), "-");
  sizes.pass(3_000);
  sizes.offer({ bytes: 1_000 });
  sizes.pass(5_000);
  assert.equal(ends([acknowledged!]), "rejected", "refused again, while smaller ones were taken since");
});

test("RESOURCE_EXHAUSTED to one item after the other above a learned limit: each is told at once, and nothing is paused", () => {
  const sizes = new Sizes(above(100 * KIB, EXHAUSTED));
  sizes.offer({ items: 150, bytes: 150 * KIB });
  const fat = { bytes: 110 * KIB, ...AWAITED };
  assert.equal(ends([...sizes.offer(fat), ...sizes.offer(fat), ...sizes.offer(fat)]), "rejected rejected rejected");
  const acknowledged = [...sizes.offer({ bytes: 110 * KIB }), ...sizes.offer({ bytes: 110 * KIB })];
  sizes.pass(9_900);
  assert.equal(ends(acknowledged), "- -", "refused more than once, and nothing smaller was taken since");
  assert.equal(sizes.rig.metrics.poolRetries.with("p", "throttled").value, 0);
  sizes.answer = () => EXHAUSTED;
  const [small] = sizes.offer({ bytes: KIB, ...AWAITED });
  const [last] = sizes.offer(fat);
  assert.equal(ends([small!, last!]), "- -", "now it throttles");
});

test("one item that is throttled or too large holds up nothing: after the pause it comes last, and is told", () => {
  const sizes = new Sizes(above(20 * KIB, EXHAUSTED), {
    retry: { initialMs: 1, maxMs: 5_000, maxRetries: undefined, budget: 0.2 },
  });
  const fat = sizes.offer({ bytes: 30 * KIB, ...AWAITED });
  const thin = sizes.offer({ bytes: KIB, ...AWAITED }, 5);
  sizes.pass(100);
  assert.deepEqual([sizes.calls[0], sizes.calls[1], ends(fat)], [30 * KIB, 5 * KIB, "-"]);
  assert.match(ends(thin), /^(delivered ?)+$/u);
  sizes.pass(100);
  assert.deepEqual([ends(fat), sizes.calls.filter((bytes) => bytes > 20 * KIB).length], ["rejected", 2]);
});

test("one item that is throttled or too large comes last only as long as that is before the end of its time", () => {
  const sizes = new Sizes(() => EXHAUSTED, { queue: { maxBytes: 256 * MIB, maxAgeMs: 1_200 } });
  const acknowledged = sizes.offer({ bytes: 30 * KIB });
  sizes.pass(900);
  assert.equal(ends(acknowledged), "-");
  sizes.answer = () => ACCEPTED;
  sizes.pass(200);
  assert.equal(ends(acknowledged), "delivered");
});

test("several requests in a batch that is too large: halves of them, down to each alone, and each fate is its own", () => {
  const sizes = new Sizes(({ batch }) =>
    batch.pieces.some((piece) => piece.length > 20 * KIB) ? TOO_LARGE : ACCEPTED,
  );
  const offered = [10, 10, 30, 10, 10, 10].map((kib) => sizes.rig.give({ bytes: kib * KIB, ...AWAITED }));
  sizes.rig.turn();
  sizes.answerAll();
  assert.equal(ends(offered), "delivered delivered rejected delivered delivered delivered");
  const small = new Sizes(() => TOO_LARGE);
  const many = small.offer({ bytes: 100, ...AWAITED }, 100);
  assert.equal(small.calls.length, 101, "one call each, and the first");
  assert.match(ends(many), /^(rejected ?)+$/u);
});

test("splits are charged to the retry budget: beyond it senders are told to come again, and what was acknowledged waits", () => {
  const sizes = new Sizes(() => TOO_LARGE, {
    retry: { initialMs: 100, maxMs: 5_000, maxRetries: undefined, budget: 0 },
  });
  const requests = Array.from({ length: 40 }, () => sizes.offer({ ...SPANS, ...AWAITED })[0]!);
  const told = ends(requests).split(" ");
  assert.deepEqual([told.indexOf("target_failed"), told.includes("rejected")], [20, true]);
  assert.equal(sizes.splits("too_large"), 100);
  const [acknowledged] = sizes.offer(SPANS);
  assert.equal(ends([acknowledged!]), "-");
  sizes.answer = () => ACCEPTED;
  sizes.pass(10_000);
  assert.equal(ends([acknowledged!]), "delivered");
});

test("400 to at least 1 MiB whose half passes is a size, and learned; what is truly refused is refused alone", () => {
  const sizes = new Sizes(above(1.5 * MIB, HTTP_400));
  const offered = sizes.offer({ items: 2_000, bytes: 2 * MIB });
  assert.deepEqual(
    sizes.calls.map((bytes) => bytes / MIB),
    [2, 1, 1],
  );
  assert.equal(ends(offered), "delivered");
  assert.deepEqual([sizes.splits("bad_data"), sizes.target.learnedMaxBytes], [1, MIB]);
  const poisoned = new Sizes(({ batch }) => {
    const last = batch.pieces.at(-1)!;
    return last.byteOffset + last.length === last.buffer.byteLength ? HTTP_400 : ACCEPTED;
  });
  poisoned.offer({ items: 4_000, bytes: 4 * MIB });
  assert.equal(poisoned.taken > 2 * MIB, true);
});

test("400 to at least 1 MiB that is about the data: at most three levels, then all of it is refused", () => {
  const sizes = new Sizes(() => HTTP_400);
  const offered = sizes.offer({ items: 64_000, bytes: 64 * MIB });
  assert.deepEqual(
    sizes.calls.map((bytes) => bytes / MIB),
    [64, 32, 16, 8],
  );
  assert.deepEqual([ends(offered), sizes.rig.pool.heldBytes], ["rejected", 0]);
  const small = new Sizes(() => HTTP_400);
  small.offer({ items: 1_000, bytes: MIB - 1 });
  assert.equal(small.calls.length, 1);
});

test("400 to a batch of at least 1 MiB of several requests: a bad one takes no other along", () => {
  const sizes = new Sizes(({ ids }) => (ids.includes("A") ? HTTP_400 : ACCEPTED));
  const offered = sizes.offer({ bytes: 300 * KIB }, 8);
  assert.equal(ends(offered), `rejected${" delivered".repeat(7)}`);
});

test("a request above batch.max_items or max_bytes leaves in several calls that keep both, and costs no budget", () => {
  const batch = { maxItems: 300, maxBytes: 100 * KIB, maxWaitMs: 0 };
  const sizes = new Sizes(() => ACCEPTED, { batch });
  let most = 0;
  sizes.answer = (call) => {
    most = Math.max(most, call.batch.items);
    return ACCEPTED;
  };
  const offered = sizes.offer({ items: 1_000, bytes: 1_000 * 400 });
  assert.deepEqual([ends(offered), sizes.taken, sizes.calls.length, most], ["delivered", 400_000, 4, 256]);
  assert.ok(sizes.calls.every((bytes) => bytes <= 100 * KIB));
  sizes.offer({ items: 1_000, bytes: 10_000 });
  assert.equal(most, 300);
  assert.equal(sizes.rig.pool.heldItems, 0);
});

test("parts of what was refused make no window grow, parts that were cut beforehand do", () => {
  const sizes = new Sizes(above(200 * KIB, TOO_LARGE));
  const before = sizes.target.windowSize();
  for (let i = 0; i < 20; i++) sizes.offer({ items: 300, bytes: 300 * KIB });
  assert.equal(sizes.splits("too_large"), 1);
  assert.ok(sizes.target.windowSize() > before);
  const refused = new Sizes(({ batch }) => (batch.bytes > 100 * KIB ? TOO_LARGE : ACCEPTED));
  refused.offer({ items: 1_600, bytes: 1_600 * KIB });
  assert.equal(refused.target.windowSize(), before);
});
