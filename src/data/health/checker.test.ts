import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { seededRandom } from "../../core/random.ts";
import { type Checked, Checker } from "./checker.ts";

function open({ tookMs, wanted = () => true, seed = 1 }: { tookMs: number; wanted?: () => boolean; seed?: number }) {
  const clock = new ManualClock();
  const starts: number[] = [];
  let running = 0;
  let told = 0;
  const target: Checked = {
    timeoutMs: 5_000,
    intervalMs: () => 10_000,
    wanted,
    checked: () => void told++,
  };
  const check = {
    run: (_timeoutMs: number, done: (outcome: { result: "passed"; said: string }) => void) => {
      assert.equal(++running, 1, "two checks at the same time");
      starts.push(clock.nowMs());
      return clock.after(tookMs, () => {
        running--;
        done({ result: "passed", said: "" });
      });
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  const checker = new Checker(target, check, { clock, random: seededRandom(seed) });
  return { checker, clock, starts, told: () => told };
}

test("checks come by the interval +-20 %, from start to start, one at a time", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5_000 }), fc.nat(), (tookMs, seed) => {
      const { checker, clock, starts } = open({ tookMs, seed });
      checker.within(0);
      clock.advance(300_000);
      assert.ok(starts.length >= 25 && starts.length <= 38);
      for (let i = 1; i < starts.length; i++) {
        const gapMs = starts[i]! - starts[i - 1]!;
        assert.ok(gapMs >= 8_000 && gapMs < 12_000, `${gapMs} ms`);
      }
      assert.ok(new Set(starts.map((ms, i) => ms - (starts[i - 1] ?? 0))).size > 10, "no chance in it");
    }),
  );
});

test("checks that take longer than the interval follow each other at once", () => {
  const { checker, clock, starts } = open({ tookMs: 20_000 });
  checker.within(0);
  clock.advance(100_000);
  assert.deepEqual(starts, [0, 20_000, 40_000, 60_000, 80_000, 100_000]);
});

test("the next check can be brought forward, not put off; one that runs is enough", () => {
  const { checker, clock, starts } = open({ tookMs: 100 });
  checker.within(5_000);
  checker.within(7_000);
  checker.within(1_000);
  assert.equal(checker.nextMs, 1_000);
  clock.advance(1_050);
  checker.within(0);
  assert.equal(checker.nextMs, 1_050);
  clock.advance(5_000);
  assert.deepEqual(starts, [1_000]);
});

test("what is not wanted is left out, and asked for again later", () => {
  let wanted = false;
  const { checker, clock, starts } = open({ tookMs: 1, wanted: () => wanted });
  checker.within(0);
  clock.advance(60_000);
  assert.deepEqual(starts, []);
  wanted = true;
  clock.advance(12_000);
  assert.equal(starts.length, 1);
});

test("a closed checker asks and tells nothing more", async () => {
  const { checker, clock, told } = open({ tookMs: 100 });
  checker.within(0);
  clock.advance(50);
  await checker[Symbol.asyncDispose]();
  checker.within(0);
  clock.advance(60_000);
  assert.deepEqual([told(), clock.pending], [0, 0]);
});
