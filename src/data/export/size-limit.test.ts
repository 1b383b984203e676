import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  splitSize,
  learnedMaxBytes,
  NO_SIZE_LIMIT,
  pauseMs,
  readExhausted,
  type SizeEvent,
  type SizeLimit,
  stepSizeLimit,
} from "./size-limit.ts";

const KIB = 1_024;
const MIN_MS = 60_000;

function after(...events: readonly (SizeEvent & { readonly atMs: number })[]): SizeLimit {
  return events.reduce((limit, { atMs, ...event }) => stepSizeLimit(limit, event, atMs), NO_SIZE_LIMIT);
}

const taken = (bytes: number, atMs: number, of = ""): SizeEvent & { atMs: number } => {
  return { kind: "taken", bytes, sentMs: atMs, of, atMs };
};
const asked = (bytes: number, decisive = false, of = ""): Parameters<typeof readExhausted>[1] => {
  return { bytes, decisive, of };
};

test("size limit: what was learned doubles every 10 minutes, and nothing is known at first", () => {
  assert.equal(learnedMaxBytes(NO_SIZE_LIMIT, 0), Infinity);
  const limit = after({ kind: "learned", bytes: 100, refusedBytes: 200, atMs: 5 });
  const at = [5, 10 * MIN_MS + 4, 10 * MIN_MS + 5, 20 * MIN_MS + 5].map((ms) => learnedMaxBytes(limit, ms));
  assert.deepEqual(at, [100, 100, 200, 400]);
});

test("size limit: what is refused is split to what was taken lately if that is more than half, else to half", () => {
  const cases = [
    { of: NO_SIZE_LIMIT, want: { bytes: 500, proven: false } },
    { of: after(taken(400, 0)), want: { bytes: 500, proven: false } },
    { of: after(taken(600, 0), taken(700, 0), taken(10, 0)), want: { bytes: 700, proven: true } },
    { of: after(taken(1_000, 0)), want: { bytes: 500, proven: false } },
    { of: after(taken(700, -11 * MIN_MS)), want: { bytes: 500, proven: false } },
    { of: after(taken(700, 0), { kind: "refused", bytes: 650, atMs: 0 }), want: { bytes: 500, proven: false } },
  ];
  for (const { of, want } of cases) assert.deepEqual(splitSize(of, 1_000, 0), want);
});

test("size limit: the larger of what passed and what was taken lately is learned", () => {
  const limit = after(taken(700, 0), { kind: "refused", bytes: 1_000, atMs: 1 });
  const learned = { kind: "learned", bytes: 500, refusedBytes: 1_000 } as const;
  assert.equal(learnedMaxBytes(stepSizeLimit(limit, learned, 2), 2), 700);
});

test("RESOURCE_EXHAUSTED is a size where a smaller batch of the same sender was taken just now, after the last refusal", () => {
  const small = after(taken(100, 0));
  const cases = [
    { limit: small, call: asked(90 * KIB), atMs: 10_000, want: "recent" },
    { limit: small, call: asked(90 * KIB), atMs: 10_001, want: "half" },
    { limit: small, call: asked(100), atMs: 0, want: "throttled" },
    { limit: small, call: asked(90 * KIB, true, "tenant"), atMs: 0, want: "throttled" },
    { limit: NO_SIZE_LIMIT, call: asked(90 * KIB), atMs: 0, want: "half" },
    { limit: NO_SIZE_LIMIT, call: asked(90 * KIB, true), atMs: 0, want: "throttled" },
    { limit: NO_SIZE_LIMIT, call: asked(16 * KIB - 1), atMs: 0, want: "throttled" },
    {
      limit: after(taken(100, 0), { kind: "refused", bytes: 9, atMs: 1 }),
      call: asked(90 * KIB),
      atMs: 1,
      want: "half",
    },
    {
      limit: after({ kind: "throttled", sentMs: 0, atMs: 1 }, { ...taken(9, 0), atMs: 2 }),
      call: asked(99, true),
      atMs: 2,
      want: "throttled",
    },
    {
      limit: after({ kind: "throttled", sentMs: 0, atMs: 1 }, taken(9, 1)),
      call: asked(99, true),
      atMs: 2,
      want: "recent",
    },
  ] as const;
  for (const { limit, call, atMs, want } of cases) assert.equal(readExhausted(limit, call, atMs), want);
});

test("RESOURCE_EXHAUSTED to more than was learned is a size while smaller was taken just now, though before another such refusal", () => {
  const learned = { kind: "learned", bytes: 20 * KIB, refusedBytes: 40 * KIB, atMs: 0 } as const;
  const refused = (kib: number) => ({ kind: "refused", bytes: kib * KIB, atMs: 1 }) as const;
  const before = [learned, taken(9 * KIB, 1, "a"), refused(30)];
  const fat = asked(25 * KIB, true, "a");
  const cases = [
    { limit: after(...before), call: fat, atMs: 2, want: "above" },
    { limit: after(...before, refused(30)), call: fat, atMs: 10_001, want: "above" },
    { limit: after(...before), call: fat, atMs: 10_002, want: "throttled" },
    { limit: after(...before), call: asked(25 * KIB, true, "b"), atMs: 2, want: "throttled" },
    { limit: after(...before), call: asked(20 * KIB, true, "a"), atMs: 2, want: "throttled" },
    { limit: after(...before, refused(20)), call: fat, atMs: 2, want: "throttled" },
    { limit: after(...before, { kind: "throttled", sentMs: 1, atMs: 2 }), call: fat, atMs: 2, want: "throttled" },
    { limit: after(...before, { ...taken(10 * KIB, 0, "a"), atMs: 2 }), call: fat, atMs: 2, want: "above" },
    { limit: after(...before, taken(10 * KIB, 2, "a")), call: fat, atMs: 2, want: "recent" },
    { limit: after(...before.slice(1)), call: fat, atMs: 2, want: "throttled" },
  ] as const;
  for (const [i, { limit, call, atMs, want }] of cases.entries()) {
    assert.equal(readExhausted(limit, call, atMs), want, `case ${i}`);
  }
});

test("who throttles and names no time is left alone for longer each time in a row, 10 seconds at most", () => {
  let limit = NO_SIZE_LIMIT;
  const pauses: number[] = [];
  for (let i = 0; i < 9; i++) {
    limit = stepSizeLimit(limit, { kind: "throttled", sentMs: i }, i);
    pauses.push(pauseMs(limit));
  }
  assert.deepEqual(pauses, [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
  assert.equal(pauseMs(stepSizeLimit(limit, { kind: "throttled", sentMs: 7 }, 9)), 10_000);
  const calm = stepSizeLimit(limit, { kind: "taken", bytes: 1, sentMs: 9, of: "" }, 9);
  assert.equal(pauseMs(stepSizeLimit(calm, { kind: "throttled", sentMs: 9 }, 10)), 100);
});

test("calls that were under way together and are throttled pause a target once", () => {
  const limit = after({ kind: "throttled", sentMs: 0, atMs: 5 }, { kind: "throttled", sentMs: 4, atMs: 6 });
  assert.equal(pauseMs(limit), 100);
});

test("size limit: the same over and over makes nothing new", () => {
  const limit = after(taken(100, 0));
  assert.equal(stepSizeLimit(limit, { kind: "taken", bytes: 100, sentMs: 5, of: "" }, 900), limit);
});

test("size limit: cuts are smaller than what was refused, whatever went before", () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant("taken" as const), bytes: fc.nat(500), sentMs: fc.nat(50), of: fc.constant("") }),
    fc.record({ kind: fc.constant("refused" as const), bytes: fc.nat(500) }),
    fc.record({ kind: fc.constant("throttled" as const), sentMs: fc.nat(50) }),
    fc.record({
      kind: fc.constant("learned" as const),
      bytes: fc.nat(200),
      refusedBytes: fc.integer({ min: 201, max: 500 }),
    }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 20 }), fc.integer({ min: 1, max: 500 }), (events, bytes) => {
      const limit = events.reduce((before, one, i) => stepSizeLimit(before, one, i * 10), NO_SIZE_LIMIT);
      assert.ok(splitSize(limit, bytes, 200).bytes < bytes);
    }),
  );
});
